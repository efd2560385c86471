// One data set of the catalogue, as plain data. Parsed from catalog.toml by harness/data, carried to the planner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/json.hpp"

namespace assay {

struct CatalogFile {
  std::string name;     // what the loader asks for: "train-images", "train-labels", ...
  std::string file;     // file name under the data folder, decompressed
  std::string sha256;   // of the decompressed content
  std::uint64_t bytes = 0;
};

struct CatalogSource {
  std::string kind;     // generator | path | deb | npm | url
  std::string locator;  // folder, package name, package@version, or base address
  std::vector<std::pair<std::string, std::string>> members;  // CatalogFile::name -> path inside the source (".gz" is unpacked)
};

struct CatalogSplit {
  std::string name;                // train, test
  std::int64_t count = 0;
  std::vector<std::string> files;  // CatalogFile names the loader needs, in its order
};

struct CatalogEntry {
  std::string name, title, task, format, licence, citation;  // format: idx cifar-binary png-sheet csv
  std::vector<std::int64_t> shape;     // of one input, e.g. [1, 28, 28]
  std::vector<std::string> classes;
  std::vector<CatalogFile> files;
  std::vector<CatalogSplit> splits;
  std::vector<CatalogSource> sources;
  Json options;                        // loader options (delimiter, target column, ...)

  const CatalogSplit* split(const std::string& name) const;
  const CatalogFile* find_file(const std::string& name) const;
  Json to_json() const;
  static CatalogEntry from_json(const Json& json);
};

}  // namespace assay
