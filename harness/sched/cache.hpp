// The artifact cache: published folders found by the key of the node that made them. Private to harness/sched.
//   <root>/<kind>/<key>/manifest.json, files..., journal/finished.json, journal/<stage>.shard
// The journal is what the store needs to record an artifact that another database saw being made; it is no part of
// the manifest, since it holds times. A folder appears by rename, so it is whole or absent.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "harness/base/file_digests.hpp"
#include "harness/base/files.hpp"
#include "harness/record/plan.hpp"

namespace assay::sched {

class Cache {
 public:
  explicit Cache(fs::path root) : root_(std::move(root)) {}

  fs::path folder(const Node& node) const;
  // The manifest when the folder is there with every file at its length; no digest is computed.
  std::optional<Manifest> lookup(const Node& node) const;
  // Held while an artifact is made or thrown out. Not held() when another process has it.
  FileLock try_lock(const Node& node) const;
  // "" when `file` has the digest of the manifest, else what is wrong. Computed once per state of the file.
  std::string damage(const Node& node, const Manifest& manifest, const std::string& file);
  // Renames what is there to <key>.corrupt-N. Under the lock.
  void quarantine(const Node& node);

  // Links the announced files of `out` (which stays as it is) and, with `journal`, the stages' shards into the cache. An
  // artifact with other content that is there already is replaced. Throws Error(constraint) when an announced file is
  // missing or has another digest. Under the lock.
  Manifest publish(const Finished& finished, const fs::path& out, const std::map<std::string, std::string>& announced,
                   bool journal);
  // The record of the making of a published artifact; `node` and `artifact` are set in any case.
  Finished recall(const Node& node, const Manifest& manifest) const;

 private:
  fs::path root_;
  FileDigests digests_;
};

// The lock of an artifact, whatever state its folder is in; all of a cache's are in one file, <root>/locks.
FileLock lock_artifact(const fs::path& cache, const std::string& kind, const std::string& key);

// The file `relative` of a folder in which a worker wrote and writes no more. Throws Error(constraint) when it is no plain
// file there: a link would be followed by those who may read more than the worker, the judge and the cache.
fs::path left_file(const fs::path& folder, const fs::path& relative);

// A hard link, or a copy where links do not reach. Creates the parent folder.
void link_or_copy(const fs::path& from, const fs::path& to);

}  // namespace assay::sched
