// Multinomial logistic regression on features: the head that probes and linear evaluations fit. Pure; any thread.
#pragma once

#include "harness/graph/lbfgs.hpp"

namespace assay::graph {

struct LogisticHead {
  std::int64_t classes = 0, features = 0;
  std::vector<double> weights;  // [classes, features]
  std::vector<double> bias;     // [classes], of mean 0: softmax cannot tell a common shift
  LbfgsResult fit;
  // Row-major [rows, classes].
  std::vector<double> logits(std::span<const float> x) const;
};

// Minimises mean_i -log softmax(W x_i + b)_{y_i} + l2 / 2 |W|^2 by L-BFGS from zero; the bias is not penalised.
// x: row-major [n, features], y: [n] in [0, classes). l2 > 0 makes the optimum unique; 0 is allowed. scikit-learn's
// C is 1 / (l2 n). Throws Error(bad_input) on sizes, labels, or values that are not finite.
LogisticHead fit_logistic(std::span<const float> x, std::span<const std::int64_t> y, std::int64_t classes, double l2,
                          const LbfgsOptions& options = {});

}  // namespace assay::graph
