#include "harness/cli/space.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/output.hpp"

namespace assay::cli {
namespace {

std::optional<std::uint64_t> free_bytes(std::filesystem::path folder) {
  std::error_code code;
  while (!std::filesystem::exists(folder, code) && folder.has_relative_path()) folder = folder.parent_path();
  const std::filesystem::space_info space = std::filesystem::space(folder, code);
  if (code) return std::nullopt;  // unknown is not low
  return space.available;
}

bool speaks_of_space(const std::string& text) {
  return text.find(std::strerror(ENOSPC)) != std::string::npos || text.find(std::strerror(EDQUOT)) != std::string::npos;
}

}  // namespace

SpaceWatch::SpaceWatch(std::vector<std::filesystem::path> folders) : folders_(std::move(folders)) {
  for (std::filesystem::path& folder : folders_) folder = std::filesystem::absolute(folder);
}

bool SpaceWatch::low() {
  for (const std::filesystem::path& folder : folders_) {
    const auto free = free_bytes(folder);
    if (!free || *free >= needed_bytes) continue;
    if (message_.empty())
      message_ = fmt::format("{} has {} free, {} are needed; everything that ended is recorded: free some space and run the same "
                             "command to go on",
                             folder.string(), bytes_text(static_cast<double>(*free)), bytes_text(static_cast<double>(needed_bytes)));
    return true;
  }
  return false;
}

bool SpaceWatch::full() const {
  return std::any_of(folders_.begin(), folders_.end(), [](const auto& folder) { return free_bytes(folder).value_or(needed_bytes) < full_bytes; });
}

// A plugin may say what it likes; it is believed only together with a disk that is full.
bool SpaceWatch::starved(const Finished& finished) {
  if (finished.status != "failed" && finished.status != "crashed") return false;
  bool said = speaks_of_space(finished.reason) || full();
  for (const StageResult& stage : finished.stages) said = said || (stage.status != "ok" && speaks_of_space(stage.log_tail));
  // What needs a node that starved says the same, perhaps after somebody freed space.
  const bool starved = said && (starved_ || low());
  starved_ = starved_ || starved;
  return starved;
}

}  // namespace assay::cli
