// Free disk space while a run goes on. A run stops in order while there is still room to record what is in flight, and what
// failed for want of space is no result. Threading: main thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/record/plan.hpp"

namespace assay::cli {

// Below this a run starts nothing new: shards, transactions and small artifacts of cells in flight fit into it.
inline constexpr std::uint64_t needed_bytes = std::uint64_t{128} << 20;

// Below this no write can be counted on, whatever a failure says of itself.
inline constexpr std::uint64_t full_bytes = std::uint64_t{1} << 20;

class SpaceWatch {
 public:
  explicit SpaceWatch(std::vector<std::filesystem::path> folders);  // those that do not exist yet count by their parents

  // Whether one of the folders has less than needed_bytes now. Once true, message() keeps the first one's name.
  bool low();
  // "/data/work has 12.3 MB free, 134.2 MB are needed; ..."; "" while nothing was low.
  const std::string& message() const { return message_; }
  // Whether the node did not end well, says that the disk was full, and it is; or did not end well on a disk without a
  // MiB left.
  bool starved(const Finished& finished);

 private:
  bool full() const;
  std::vector<std::filesystem::path> folders_;
  std::string message_;
  bool starved_ = false;
};

}  // namespace assay::cli
