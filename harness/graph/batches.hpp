// Training batches: which rows, in which order, how augmented. Pure functions of (seed, epoch, sample id). Private to
// this folder.
#pragma once

#include "harness/graph/train.hpp"

namespace assay::graph {

std::vector<std::int64_t> epoch_order(std::int64_t rows, std::uint64_t seed, std::int64_t epoch);

struct BatchRequest {
  std::span<const std::int64_t> rows;
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;
  bool flip = false;
  std::int64_t crop = 0;
};
// Writes rows.size() samples, u8 as value / 255. Flips and crops need [C, H, W] samples.
void fill_batch(const TrainData& data, const BatchRequest& request, std::span<float> out);

std::string data_digest(const TrainData& data);

}  // namespace assay::graph
