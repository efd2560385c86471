// Padding, rolling, resizing: from their definitions, one element at a time.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Walks from outside to the inside one step at a time. False: a constant stands at `i`.
bool inside(const std::string& mode, std::int64_t& i, std::int64_t n) {
  if (mode == "constant") return i >= 0 && i < n;
  while (i < 0 || i >= n) {
    if (mode == "edge") i += i < 0 ? 1 : -1;
    if (mode == "circular") i += i < 0 ? n : -n;
    if (mode == "reflect") i = n == 1 ? 0 : (i < 0 ? -i : 2 * (n - 1) - i);
  }
  return true;
}

// body(index in the padded tensor, index in x, whether x has it).
template <class Body>
void for_padded(const Shape& x, const Attrs& attrs, const Body& body) {
  const Shape before = attrs.ints("before", Shape(x.size(), 0)), after = attrs.ints("after", Shape(x.size(), 0));
  Shape whole = x;
  for (std::size_t k = 0; k < x.size(); ++k) whole[k] += before[k] + after[k];
  for_each_index(whole, [&](const Shape& at) {
    Shape from = at;
    bool found = true;
    for (std::size_t k = 0; k < x.size(); ++k) {
      from[k] -= before[k];
      found = inside(attrs.text("mode", "constant"), from[k], x[k]) && found;
    }
    body(at, from, found);
  });
}

Shape grown(const Shape& x, const Attrs& attrs, std::int64_t sign) {
  const Shape before = attrs.ints("before", Shape(x.size(), 0)), after = attrs.ints("after", Shape(x.size(), 0));
  Shape shape = x;
  for (std::size_t k = 0; k < x.size(); ++k) shape[k] += sign * (before[k] + after[k]);
  return shape;
}

Arrays pad(const Arrays& in, const Attrs& attrs) {
  Array out(grown(in[0].shape, attrs, 1));
  for_padded(in[0].shape, attrs, [&](const Shape& at, const Shape& from, bool found) {
    out.ref(at) = found ? in[0].at(from) : attrs.real("value", 0);
  });
  return {out};
}

Arrays pad_adjoint(const Arrays& in, const Attrs& attrs) {
  Array out(grown(in[0].shape, attrs, -1));
  for_padded(out.shape, attrs, [&](const Shape& at, const Shape& from, bool found) {
    if (found) out.ref(from) += in[0].at(at);
  });
  return {out};
}

Arrays roll(const Arrays& in, const Attrs& attrs) {
  const Shape shifts = attrs.ints("shifts", {});
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& from) {
    Shape to = from;
    for (std::size_t k = 0; k < shifts.size(); ++k) {
      const std::size_t a = attrs.has("axes") ? axis(attrs.ints("axes", {})[k], to.size()) : k;
      to[a] += shifts[k];
      while (to[a] < 0) to[a] += out.shape[a];
      while (to[a] >= out.shape[a]) to[a] -= out.shape[a];
    }
    out.ref(to) = in[0].at(from);
  });
  return {out};
}

Arrays flip(const Arrays& in, const Attrs& attrs) {
  Array out(in[0].shape);
  for_each_index(out.shape, [&](const Shape& from) {
    Shape to = from;
    for (std::size_t a = 0; a < to.size(); ++a) {
      bool named = !attrs.has("axes");
      for (const std::int64_t n : attrs.ints("axes", {})) named = named || axis(n, to.size()) == a;
      if (named) to[a] = out.shape[a] - 1 - from[a];
    }
    out.ref(to) = in[0].at(from);
  });
  return {out};
}

struct Tap {
  std::int64_t index;
  double weight;
};

// Interpolation as a convolution: the weight of element i is a kernel of its distance.
double kernel(const Attrs& attrs, double distance) {
  const double d = std::fabs(distance), a = attrs.real("cubic_coeff_a", -0.75);
  if (attrs.text("mode", "nearest") == "linear") return std::max(0.0, 1 - d);
  if (d <= 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  if (d < 2) return a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
  return 0;
}

double position(const Attrs& attrs, const Shape& x, std::size_t a, std::int64_t i, std::int64_t out) {
  const std::string how = attrs.text("coordinate_transformation_mode", "half_pixel");
  const auto n = static_cast<double>(x[a]), at = static_cast<double>(i);
  const double scale = attrs.has("sizes") ? static_cast<double>(out) / n : attrs.reals("scales", {})[a];
  if (how == "asymmetric") return at / scale;
  if (how == "tf_half_pixel_for_nn") return (at + 0.5) / scale;
  if (how == "align_corners") return out == 1 ? 0 : at * (n - 1) / (n * scale - 1);
  if (how == "pytorch_half_pixel" && out == 1) return -0.5;
  if (how != "tf_crop_and_resize") return (at + 0.5) / scale - 0.5;
  std::vector<double> roi = attrs.reals("roi", {});
  const double begin = roi[a] * (n - 1), end = roi[x.size() + a] * (n - 1);
  return out == 1 ? (begin + end) / 2 : begin + at * (end - begin) / (n * scale - 1);
}

std::int64_t nearest(const Attrs& attrs, double at) {
  const std::string how = attrs.text("nearest_mode", "round_prefer_floor");
  const double low = std::floor(at), part = at - low;
  const bool up =
      how == "ceil" ? part > 0 : (how == "floor" ? false : (how == "round_prefer_ceil" ? part >= 0.5 : part > 0.5));
  return static_cast<std::int64_t>(low) + (up ? 1 : 0);
}

// Elements of one axis of x behind element i of the result; none: outside.
std::vector<Tap> taps(const Attrs& attrs, const Shape& x, std::size_t a, std::int64_t i, std::int64_t out) {
  if (x[a] == out && attrs.reals("scales", std::vector<double>(x.size(), 1))[a] == 1 &&
      attrs.text("coordinate_transformation_mode", "") != "tf_crop_and_resize") {
    return {{i, 1}};
  }
  const double at = position(attrs, x, a, i, out);
  const std::int64_t n = x[a];
  if (attrs.text("coordinate_transformation_mode", "") == "tf_crop_and_resize" &&
      (at < 0 || at > static_cast<double>(n - 1))) {
    return {};
  }
  if (attrs.text("mode", "nearest") == "nearest") {
    return {{std::clamp<std::int64_t>(nearest(attrs, at), 0, n - 1), 1}};
  }
  std::vector<Tap> found;
  double total = 0;
  for (std::int64_t k = -4; k <= n + 4; ++k) {
    double w = kernel(attrs, at - static_cast<double>(k));
    if ((k < 0 || k >= n) && attrs.integer("exclude_outside", 0) != 0) w = 0;
    if (w != 0) found.push_back({std::clamp<std::int64_t>(k, 0, n - 1), w});
    total += w;
  }
  for (Tap& t : found) t.weight /= total;
  return found;
}

Shape resized(const Attrs& attrs, const Shape& x) {
  Shape out = attrs.ints("sizes", {});
  if (!out.empty()) return out;
  const std::vector<double> scales = attrs.reals("scales", {});
  for (std::size_t a = 0; a < x.size(); ++a) {
    out.push_back(static_cast<std::int64_t>(std::floor(static_cast<double>(x[a]) * scales[a] + 1e-9)));
  }
  return out;
}

// body(index in x, weight) for the product of the axes' taps, from axis a on; false: outside.
bool for_taps(const Attrs& attrs, const Shape& x, const Shape& out, const Shape& at,
              const std::function<void(const Shape&, double)>& body) {
  std::vector<std::vector<Tap>> axes;
  Shape counts;
  for (std::size_t a = 0; a < x.size(); ++a) {
    axes.push_back(taps(attrs, x, a, at[a], out[a]));
    counts.push_back(static_cast<std::int64_t>(axes.back().size()));
    if (axes.back().empty()) return false;
  }
  for_each_index(counts, [&](const Shape& choice) {
    Shape from(x.size());
    double weight = 1;
    for (std::size_t a = 0; a < x.size(); ++a) {
      const Tap& t = axes[a][static_cast<std::size_t>(choice[a])];
      from[a] = t.index;
      weight *= t.weight;
    }
    body(from, weight);
  });
  return true;
}

Arrays resize(const Arrays& in, const Attrs& attrs) {
  Array out(resized(attrs, in[0].shape));
  for_each_index(out.shape, [&](const Shape& at) {
    double sum = 0;
    const bool found = for_taps(attrs, in[0].shape, out.shape, at,
                                [&](const Shape& from, double weight) { sum += weight * in[0].at(from); });
    out.ref(at) = found ? sum : attrs.real("extrapolation_value", 0);
  });
  return {out};
}

Arrays resize_adjoint(const Arrays& in, const Attrs& attrs) {
  Array out(attrs.ints("shape", {}));
  for_each_index(in[0].shape, [&](const Shape& at) {
    for_taps(attrs, out.shape, in[0].shape, at,
             [&](const Shape& from, double weight) { out.ref(from) += weight * in[0].at(at); });
  });
  return {out};
}

// Channel of x for a channel c and place (i, j) within a block of the larger image.
Arrays depth_to_space(const Arrays& in, const Attrs& attrs) {
  const Shape& x = in[0].shape;
  const std::int64_t b = attrs.integer("blocksize", 1), channels = x[1] / (b * b);
  const bool dcr = attrs.text("mode", "DCR") == "DCR";
  Array out(Shape{x[0], channels, x[2] * b, x[3] * b});
  for_each_index(out.shape, [&](const Shape& at) {
    const std::int64_t place = at[2] % b * b + at[3] % b;
    const std::int64_t c = dcr ? place * channels + at[1] : at[1] * b * b + place;
    out.ref(at) = in[0].at({at[0], c, at[2] / b, at[3] / b});
  });
  return {out};
}

Arrays space_to_depth(const Arrays& in, const Attrs& attrs) {
  const Shape& x = in[0].shape;
  const std::int64_t b = attrs.integer("blocksize", 1);
  Array out(Shape{x[0], x[1] * b * b, x[2] / b, x[3] / b});
  for_each_index(out.shape, [&](const Shape& at) {
    const std::int64_t place = at[1] / x[1];
    out.ref(at) = in[0].at({at[0], at[1] % x[1], at[2] * b + place / b, at[3] * b + place % b});
  });
  return {out};
}

}  // namespace

void add_geometry(Table& t) {
  t["pad"] = pad;
  t["pad_adjoint"] = pad_adjoint;
  t["roll"] = roll;
  t["flip"] = flip;
  t["resize"] = resize;
  t["resize_adjoint"] = resize_adjoint;
  t["depth_to_space"] = depth_to_space;
  t["space_to_depth"] = space_to_depth;
}

}  // namespace assay::engine::reference
