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

}  // namespace assay::store
