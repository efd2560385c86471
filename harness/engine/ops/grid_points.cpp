#include "harness/engine/ops/grid_points.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"

namespace assay::engine {
namespace {

constexpr double kCubicA = -0.75;  // PyTorch's and ONNX's

// A coordinate and its derivative by the one it was made of.
struct Place {
  double at, slope;
};

Place clipped(Place p, std::int64_t extent) {
  const double last = static_cast<double>(extent - 1);
  if (p.at <= 0) return {0, 0};
  if (p.at >= last) return {last, 0};
  return p;
}

// Mirrored at the ends of the axis: at the outer elements' middles, or at their outer edges.
Place reflected(Place p, std::int64_t extent, bool align_corners) {
  const double low = align_corners ? 0 : -0.5, span = static_cast<double>(align_corners ? extent - 1 : extent);
  if (span == 0) return {0, 0};
  const double from = p.at - low, distance = std::fabs(from);
  const double turns = std::floor(distance / span), rest = distance - turns * span;
  const double slope = from < 0 ? -p.slope : p.slope;
  if (std::fmod(turns, 2) == 0) return {low + rest, slope};
  return {low + span - rest, -slope};
}

Place bordered(const GridRule& rule, Place p, std::int64_t extent) {
  if (rule.border == Border::zeros) return p;
  if (rule.border == Border::reflection) p = reflected(p, extent, rule.align_corners);
  return clipped(p, extent);
}

std::int64_t in_range(double i, std::int64_t extent) {
  return i >= 0 && i < static_cast<double>(extent) ? static_cast<std::int64_t>(i) : -1;
}

// The polynomial c0 + c1 f + c2 f^2 + c3 f^3 differentiated `order` times.
double polynomial(std::array<double, 4> c, double f, std::int64_t order) {
  for (std::int64_t n = 0; n < order; ++n) c = {c[1], 2 * c[2], 3 * c[3], 0};
  return c[0] + f * (c[1] + f * (c[2] + f * c[3]));
}

// Keys' cubic convolution (1981, equation 4) as polynomials of the fraction f, from the lowest tap.
std::array<double, 4> cubic_weights(double f, std::int64_t order) {
  constexpr double a = kCubicA;
  return {polynomial({0, a, -2 * a, a}, f, order), polynomial({1, 0, -(a + 3), a + 2}, f, order),
          polynomial({0, -a, 2 * a + 3, -(a + 2)}, f, order), polynomial({0, 0, a, -a}, f, order)};
}

PointTaps nearest_tap(const GridRule& rule, Place p, std::int64_t extent, std::int64_t order) {
  PointTaps taps;
  taps.count = 1;
  taps.index[0] = in_range(std::nearbyint(bordered(rule, p, extent).at), extent);
  taps.weight[0] = order == 0 ? 1 : 0;
  return taps;
}

PointTaps linear_taps(const GridRule& rule, Place p, std::int64_t extent, std::int64_t order) {
  const Place q = bordered(rule, p, extent);
  const double low = std::floor(q.at), f = q.at - low, factor = std::pow(q.slope, static_cast<double>(order));
  PointTaps taps;
  taps.count = 2;
  for (int t = 0; t < 2; ++t) {
    taps.index[static_cast<std::size_t>(t)] = in_range(low + t, extent);
  }
  taps.weight = {polynomial({1, -1, 0, 0}, f, order) * factor, polynomial({0, 1, 0, 0}, f, order) * factor, 0, 0};
  return taps;
}

// The border applies to each tap, not to the point.
PointTaps cubic_taps(const GridRule& rule, Place p, std::int64_t extent, std::int64_t order) {
  const double low = std::floor(p.at), factor = std::pow(p.slope, static_cast<double>(order));
  PointTaps taps;
  taps.count = 4;
  taps.weight = cubic_weights(p.at - low, order);
  for (std::size_t t = 0; t < 4; ++t) {
    taps.weight[t] *= factor;
    taps.index[t] = in_range(bordered(rule, {low - 1 + static_cast<double>(t), 1}, extent).at, extent);
  }
  return taps;
}

}  // namespace

GridRule grid_rule(const char* op, Specs in, const Attrs& attrs) {
  const std::string mode = attrs.text("mode", "bilinear"), padding = attrs.text("padding_mode", "zeros");
  GridRule rule{Sampling::linear, Border::zeros, attrs.integer("align_corners", 0) != 0};
  if (mode == "nearest") {
    rule.sampling = Sampling::nearest;
  } else if (mode == "bicubic") {
    rule.sampling = Sampling::cubic;
  } else if (mode != "bilinear") {
    op_error(op, in, "unknown mode '" + mode + "'" + suggestion(mode, {"bilinear", "nearest", "bicubic"}));
  }
  if (padding == "border") {
    rule.border = Border::border;
  } else if (padding == "reflection") {
    rule.border = Border::reflection;
  } else if (padding != "zeros") {
    op_error(op, in, "unknown padding_mode '" + padding + "'" + suggestion(padding, {"zeros", "border", "reflection"}));
  }
  return rule;
}

PointTaps point_taps(const GridRule& rule, double x, std::int64_t extent, std::int64_t order) {
  const auto n = static_cast<double>(extent);
  const Place p = rule.align_corners ? Place{(x + 1) / 2 * (n - 1), (n - 1) / 2} : Place{((x + 1) * n - 1) / 2, n / 2};
  if (rule.sampling == Sampling::nearest) return nearest_tap(rule, p, extent, order);
  if (rule.sampling == Sampling::linear) return linear_taps(rule, p, extent, order);
  return cubic_taps(rule, p, extent, order);
}

}  // namespace assay::engine
