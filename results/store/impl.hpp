// Inside of the store: shared by the files of this folder only.
#pragma once

#include <optional>

#include "harness/base/files.hpp"
#include "results/store/sqlite.hpp"
#include "results/store/store.hpp"

namespace assay::store {

struct Store::Impl {
  std::filesystem::path file;
  std::optional<FileLock> lock;  // writers only; released after the connection is closed
  Connection db;
  bool write = false;

  void need_write(const char* doing) const;
};

// Row id of a plan's record, inserting suite, protocol, plugins, cells and claims as needed. Inside a transaction.
std::int64_t put_plan(const Connection& db, const Plan& plan, bool make_latest);

// Row id of a sample list, by its ids as encode_ids() leaves them. Inside a transaction.
std::int64_t put_list(const Connection& db, const std::vector<std::byte>& ids);

// Sets what the links before a chain's last one cost; nothing of an attempt that is of no chain.
void add_links(const Connection& db, AttemptRecord& attempt);

// One database taken into another. Inside of a transaction on `into`, with a read transaction on `from`. What disagrees is
// appended to `conflicts`, in words.
struct Source {
  const Connection& db;
  std::string name;  // as people know it: the file
};
Merged merge_rows(const Source& into, const Source& from, std::vector<std::string>& conflicts);

}  // namespace assay::store
