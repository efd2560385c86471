// What is so of every region, found by looking at all of its points: a measure of the host's own, without the method.
// One thread.
#pragma once

#include <filesystem>
#include <vector>

#include "harness/tasks/region.hpp"
#include "harness/tasks/samples.hpp"

namespace assay::tasks {

inline constexpr const char* truth_file = "truth.safetensors";
inline constexpr const char* truth_input = "truth";
inline constexpr double kNotLooked = -1;  // the grid has more points than the suite lets the host look at

struct Truth {
  std::vector<std::int64_t> ids;   // in the data's order
  std::vector<double> points;      // of the grid
  std::vector<double> violations;  // points that the float net gives another class than the input; kNotLooked
  std::vector<double> fine;        // 1: the finer grid has one; looked at only where the grid has none; kNotLooked
  void save(const std::filesystem::path& file) const;
  static Truth load(const std::filesystem::path& file);  // throws Error(bad_input)
};

struct TruthOptions {
  std::int64_t most = 0;   // points of a grid, at most
  std::int64_t finer = 0;  // 0: no finer grid
};
Truth enumerate_regions(Subject& net, const Samples& samples, const Region& region, const TruthOptions& options);

}  // namespace assay::tasks
