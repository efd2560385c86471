// mixup (Zhang et al., ICLR 2018) and cutmix (Yun et al., ICCV 2019) with a partner, a share and a place for each sample
// of its own, keyed by (seed, sample id, epoch): nothing depends on the batch or on who makes it. The partner is any
// row of the training set, as augmented in this epoch. Pure. Private to this folder.
#pragma once

#include "harness/base/rng.hpp"
#include "harness/graph/batches.hpp"

namespace assay::graph {

enum class MixKind { none, mixup, cutmix };

struct Mix {
  MixKind kind = MixKind::none;
  std::int64_t partner = 0;                          // row of the training set
  double share = 1;                                  // of the sample's own target
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;  // cutmix: what the partner covers, half open
};

// Beta(alpha, alpha) as a quotient of gamma variables (Marsaglia & Tsang, ACM TOMS 2000). alpha > 0. Uses indices of
// `rng` from 16 on.
double beta_variate(const Rng& rng, double alpha);

Mix mix_of(const Recipe& recipe, const TrainData& data, const BatchRequest& request, std::int64_t row);

// As fill_batch, and the targets [rows, classes]: shares of the two labels, then label smoothing.
void fill_mixed_batch(const TrainData& data, const BatchRequest& request, const Recipe& recipe, std::span<float> out,
                      std::span<float> targets);

// One-hot targets with label smoothing.
void fill_targets(std::span<const std::int64_t> labels, double smoothing, std::span<float> targets);

}  // namespace assay::graph
