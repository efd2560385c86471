#include "harness/engine/ops/resize_geometry.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"

namespace assay::engine {
namespace {

enum class Interpolation { nearest, linear, cubic };
enum class Coordinates {
  half_pixel,
  pytorch_half_pixel,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize
};
enum class Rounding { prefer_floor, prefer_ceil, floor, ceil };

struct Rule {
  Interpolation interpolation;
  Coordinates coordinates;
  Rounding rounding;
  double cubic_a;
  bool exclude_outside;
};

// One axis: extents, the scale that maps coordinates, the region of interest in units of the axis.
struct AxisSize {
  std::int64_t in, out;
  double scale, begin, end;
};

std::size_t choice(const char* op, Specs in, const Attrs& attrs, const char* key,
                   const std::vector<std::string>& names) {
  const std::string value = attrs.text(key, names[0]);
  const auto it = std::find(names.begin(), names.end(), value);
  if (it == names.end()) {
    op_error(op, in, std::string("attribute ") + key + " cannot be '" + value + "'" + suggestion(value, names));
  }
  return static_cast<std::size_t>(it - names.begin());
}

Rule rule_of(const char* op, Specs in, const Attrs& attrs) {
  const auto pick = [&](const char* key, const std::vector<std::string>& names) {
    return choice(op, in, attrs, key, names);
  };
  return {static_cast<Interpolation>(pick("mode", {"nearest", "linear", "cubic"})),
          static_cast<Coordinates>(
              pick("coordinate_transformation_mode", {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                                                      "tf_half_pixel_for_nn", "tf_crop_and_resize"})),
          static_cast<Rounding>(pick("nearest_mode", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})),
          attrs.real("cubic_coeff_a", -0.75), attrs.integer("exclude_outside", 0) != 0};
}

std::vector<AxisSize> sizes_of(const char* op, Specs in, const Attrs& attrs, const Shape& x) {
  if (attrs.has("scales") == attrs.has("sizes")) op_error(op, in, "takes one of the attributes scales and sizes");
  const std::size_t rank = x.size();
  const Shape sizes = attrs.ints("sizes", Shape(rank, 0));
  const std::vector<double> scales = attrs.reals("scales", std::vector<double>(rank, 1));
  std::vector<double> roi(2 * rank, 0);
  std::fill(roi.begin() + static_cast<std::ptrdiff_t>(rank), roi.end(), 1.0);
  roi = attrs.reals("roi", roi);
  if (sizes.size() != rank || scales.size() != rank || roi.size() != 2 * rank) {
    op_error(op, in, "scales and sizes have one number an axis of x, roi two: all starts, then all ends");
  }
  std::vector<AxisSize> axes;
  for (std::size_t a = 0; a < rank; ++a) {
    AxisSize s{x[a], sizes[a], scales[a], roi[a], roi[rank + a]};
    if (attrs.has("sizes")) {
      if (s.out == -1) s.out = s.in;  // an axis that is kept need not be named: the batch
      s.scale = s.in == 0 ? 1 : static_cast<double>(s.out) / static_cast<double>(s.in);
    } else {
      // In f32, as the shape inference of ONNX: 10 * 0.7 is 7.
      s.out = static_cast<std::int64_t>(std::floor(static_cast<float>(s.in) * static_cast<float>(s.scale)));
    }
    if (s.scale <= 0 || s.out < 0) op_error(op, in, "axis " + std::to_string(a) + " has no positive scale");
    if (s.in == 0 && s.out > 0) op_error(op, in, "axis " + std::to_string(a) + " of x has no elements");
    axes.push_back(s);
  }
  return axes;
}

// Position in x, in elements, of element i of the result.
double source(const Rule& rule, const AxisSize& s, std::int64_t i) {
  const double x = static_cast<double>(i), last = static_cast<double>(s.in - 1);
  // ONNX's reference takes the extent before it is rounded down.
  const double extent = s.scale * static_cast<double>(s.in);
  switch (rule.coordinates) {
    case Coordinates::half_pixel:
      return (x + 0.5) / s.scale - 0.5;
    case Coordinates::pytorch_half_pixel:
      return s.out == 1 ? -0.5 : (x + 0.5) / s.scale - 0.5;
    case Coordinates::align_corners:
      return s.out == 1 ? 0.0 : x * last / (extent - 1);
    case Coordinates::asymmetric:
      return x / s.scale;
    case Coordinates::tf_half_pixel_for_nn:
      return (x + 0.5) / s.scale;
    default:
      return s.out == 1 ? (s.begin + s.end) * last / 2 : s.begin * last + x * (s.end - s.begin) * last / (extent - 1);
  }
}

double rounded(Rounding rounding, double x) {
  switch (rounding) {
    case Rounding::prefer_floor:
      return std::ceil(x - 0.5);
    case Rounding::prefer_ceil:
      return std::floor(x + 0.5);
    case Rounding::floor:
      return std::floor(x);
    default:
      return std::ceil(x);
  }
}

// Weights of the elements around a position whose fraction is f, from the lowest. Cubic: Keys, "Cubic convolution
// interpolation for digital image processing", 1981, equation (4).
std::vector<double> weights(const Rule& rule, double f) {
  if (rule.interpolation == Interpolation::linear) return {1 - f, f};
  const double a = rule.cubic_a;
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(1 + f), near(f), near(1 - f), far(2 - f)};
}

void add_taps(const Rule& rule, double at, AxisTaps& axis) {
  const auto clamped = [&](double i) {
    return static_cast<std::int64_t>(std::clamp(i, 0.0, static_cast<double>(axis.in - 1)));
  };
  if (rule.interpolation == Interpolation::nearest) {
    axis.index.push_back(clamped(rounded(rule.rounding, at)));
    axis.weight.push_back(1.0f);
    return;
  }
  const double floor = std::floor(at), first = rule.interpolation == Interpolation::cubic ? floor - 1 : floor;
  std::vector<double> w = weights(rule, at - floor);
  double total = 0;
  for (std::size_t t = 0; t < w.size(); ++t) {
    const double i = first + static_cast<double>(t);
    if (rule.exclude_outside && (i < 0 || i >= static_cast<double>(axis.in))) w[t] = 0;
    total += w[t];
    axis.index.push_back(clamped(i));
  }
  for (const double v : w) axis.weight.push_back(static_cast<float>(rule.exclude_outside ? v / total : v));
}

ResizedAxis resized_axis(const Rule& rule, const AxisSize& s) {
  ResizedAxis r;
  r.taps.in = s.in, r.taps.out = s.out;
  r.taps.taps =
      rule.interpolation == Interpolation::nearest ? 1 : (rule.interpolation == Interpolation::linear ? 2 : 4);
  const bool crop = rule.coordinates == Coordinates::tf_crop_and_resize;
  r.taps.identity = s.in == s.out && s.scale == 1 && !(crop && (s.begin != 0 || s.end != 1));
  for (std::int64_t i = 0; i < s.out; ++i) {
    const double at = source(rule, s, i);
    add_taps(rule, r.taps.identity ? static_cast<double>(i) : at, r.taps);
    const bool outside = crop && !r.taps.identity && (at < 0 || at > static_cast<double>(s.in - 1));
    if (crop) r.outside.push_back(outside);
    if (outside) std::fill_n(r.taps.weight.rbegin(), r.taps.taps, 0.0f);
  }
  return r;
}

}  // namespace

std::vector<ResizedAxis> resized_axes(const char* op, Specs in, const Attrs& attrs, const Shape& x) {
  const Rule rule = rule_of(op, in, attrs);
  std::vector<ResizedAxis> axes;
  for (const AxisSize& s : sizes_of(op, in, attrs, x)) axes.push_back(resized_axis(rule, s));
  return axes;
}

Shape resized_shape(const char* op, Specs in, const Attrs& attrs, const Shape& x) {
  rule_of(op, in, attrs);
  Shape shape;
  for (const AxisSize& s : sizes_of(op, in, attrs, x)) shape.push_back(s.out);
  return shape;
}

}  // namespace assay::engine
