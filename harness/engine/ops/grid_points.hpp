// Where a sampling point falls in an image: the taps of one axis, their weights, and any derivative of the weights with
// respect to the grid coordinate. A sample is the sum over the product of its axes' taps.
#pragma once

#include <array>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

enum class Sampling { nearest, linear, cubic };
enum class Border { zeros, border, reflection };

struct GridRule {
  Sampling sampling;
  Border border;
  bool align_corners;
};

struct PointTaps {
  int count = 0;
  std::array<std::int64_t, 4> index{};  // -1: outside, reads 0
  std::array<double, 4> weight{};
};

GridRule grid_rule(const char* op, Specs in, const Attrs& attrs);
// The taps along an axis of `extent` elements for grid coordinate x, where -1 and 1 are the ends of the axis; the
// weights differentiated `order` times by x. At kinks the derivative is that of the side PyTorch takes.
PointTaps point_taps(const GridRule& rule, double x, std::int64_t extent, std::int64_t order);

}  // namespace assay::engine
