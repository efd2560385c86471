// Digests of files that many read and hardly any change.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>

namespace assay {

// Computed once per state of a file, told by where it is on the disk, its length and its times. A file that changed within
// the last second is read again each time, since a second change could leave the same times. One thread.
class FileDigests {
 public:
  std::string of(const std::filesystem::path& file);  // as sha256_file, and throws as it does

 private:
  std::map<std::string, std::pair<std::string, std::string>> known_;  // path -> state, digest
};

}  // namespace assay
