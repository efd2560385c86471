// L-BFGS: minimisation of a smooth function of few thousand variables in double, such as a linear head on features.
// Two-loop recursion over the last `memory` steps (Nocedal & Wright, Numerical Optimization, 2nd ed., algorithm 7.4) and a
// line search for the strong Wolfe conditions (algorithms 3.5 and 3.6, cubic interpolation). Deterministic; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace assay::graph {

// Gives f(x) and writes its gradient.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

struct LbfgsOptions {
  std::int64_t max_iterations = 1000;
  std::size_t memory = 10;
  double gradient_tolerance = 1e-8;  // on the largest magnitude of a gradient's element
  double value_tolerance = 0;        // stop when a step lowers f by less than this times max(1, |f|); 0: off
  double armijo = 1e-4, curvature = 0.9;  // c1, c2 of the strong Wolfe conditions
};

enum class LbfgsEnd { converged, small_change, no_progress, iterations };

struct LbfgsResult {
  double value = 0;
  double gradient_norm = 0;          // largest magnitude
  std::int64_t iterations = 0, evaluations = 0;
  LbfgsEnd end = LbfgsEnd::iterations;
};

// Moves x to a minimum. Throws Error(bad_input) when f or its gradient is not finite at the start.
LbfgsResult minimize_lbfgs(const Objective& f, std::vector<double>& x, const LbfgsOptions& options = {});

}  // namespace assay::graph
