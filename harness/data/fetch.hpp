// Getting a set's files and proving that they are the right ones; a download fails loudly or is whole.
// A file stands under its name only after its SHA-256 was right: it is written to a staging folder beside it, synced,
// checked, renamed. A lock file in the set's folder keeps two fetches apart. [main-thread] (starts child processes).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "harness/record/catalog.hpp"

namespace assay::data {

struct FetchProgress {
  std::string set, source, what;      // "fashion-mnist", "deb dataset-fashion-mnist", "downloading"
  std::uint64_t done = 0, total = 0;  // bytes; total 0: unknown
};

struct FetchOptions {
  bool offline = false;                                // only sources of kind "path"
  std::function<void(const FetchProgress&)> progress;  // called a few times a second while something moves
  std::string npm_registry;       // {}: what `npm config get registry` says, else the public registry
  double timeout_seconds = 3600;  // for one source
};

enum class FileState { absent, wrong_size, wrong_digest, present, verified };  // present: right size, not hashed
const char* file_state_name(FileState state);

struct FileStatus {
  std::string name;
  std::filesystem::path path;
  FileState state = FileState::absent;
};
struct SetStatus {
  std::string set;
  std::filesystem::path folder;
  std::vector<FileStatus> files;
  bool complete() const;        // every file is present or verified
  std::string summary() const;  // "present", "verified", "absent", "incomplete: train-images absent, ..."
};

SetStatus status(const CatalogEntry& entry, const std::filesystem::path& root);  // looks at sizes only
SetStatus verify(const CatalogEntry& entry, const std::filesystem::path& root);  // reads and hashes everything

struct FetchReport {
  std::string set, source;  // source that served, "" when nothing was missing
  bool already = false;     // every file was there and verified: nothing was done
  SetStatus status;
  std::vector<std::string> failures;  // sources that were tried before and why they did not serve
};

// Tries the sources in order until every file is there and right. Throws Error(io) naming the set, each source with
// its reason, and what to do.
FetchReport fetch(const CatalogEntry& entry, const std::filesystem::path& root, const FetchOptions& options = {});

}  // namespace assay::data
