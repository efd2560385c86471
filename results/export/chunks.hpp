// Writes chunks of data and counts them. Inside of the export.
#pragma once

#include <filesystem>
#include <string>

#include "results/export/site.hpp"

namespace assay::site {

class ChunkWriter {
 public:
  explicit ChunkWriter(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // data/<name>.js, whole or absent; `name` may hold a folder: "board/7da787da3fb1".
  // Bytes written. Nothing is synced: thousands of chunks would take minutes, and a site is made again from its database.
  std::uint64_t write(const std::string& name, const Json& value);
  // The one that makes the others count, synced.
  void write_last(const std::string& name, const Json& value);
  std::size_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::string counted(const std::string& name, const Json& value);  // the chunk's text

  std::filesystem::path folder_;
  std::size_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

// A name as part of a file's name and of an address: letters, digits, ".", "-", "_"; others become "_".
std::string safe_name(const std::string& name);
inline std::string short_protocol(const std::string& hash) { return hash.substr(0, 12); }
inline std::string short_cell(const std::string& key) { return key.substr(0, 16); }

// null for what is not finite.
Json number(double value);
int level_index(store::Level level);  // 0 VALID, 1 SUSPECT, 2 INVALID

}  // namespace assay::site
