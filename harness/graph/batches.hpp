// Training batches: which rows, in which order, how augmented and mixed. Pure functions of (seed, epoch, sample id), and
// of the set's size where a sample is mixed with another. Private to this folder.
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
  double erasing = 0, jitter = 0;
  float lo = 0, hi = 1;  // range of inputs, for jitter and erasing
};
// Writes rows.size() samples, u8 as value / 255. Everything but plain copies needs [C, H, W] samples.
void fill_batch(const TrainData& data, const BatchRequest& request, std::span<float> out);
// One sample, whatever the request's rows.
void fill_sample(const TrainData& data, const BatchRequest& request, std::int64_t row, float* out);

std::string data_digest(const TrainData& data);

}  // namespace assay::graph
