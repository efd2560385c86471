// grid_sample as a convolution with a kernel of distances; derivatives by its grid from the kernel's own.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// d^order/dx^order of the interpolation kernel at distance x = point - element.
double kernel(const std::string& mode, double x, std::int64_t order) {
  const double u = std::fabs(x), sign = x < 0 ? -1 : 1, a = -0.75;
  if (mode == "nearest") return order == 0 ? 1 : 0;
  if (mode == "bilinear") {
    if (u > 1 || order > 1) return 0;
    return order == 0 ? 1 - u : -sign;
  }
  if (u > 2) return 0;
  const bool near = u <= 1;
  switch (order) {
    case 0:
      return near ? ((a + 2) * u - (a + 3)) * u * u + 1 : ((a * u - 5 * a) * u + 8 * a) * u - 4 * a;
    case 1:
      return sign * (near ? 3 * (a + 2) * u * u - 2 * (a + 3) * u : 3 * a * u * u - 10 * a * u + 8 * a);
    case 2:
      return near ? 6 * (a + 2) * u - 2 * (a + 3) : 6 * a * u - 10 * a;
    case 3:
      return sign * (near ? 6 * (a + 2) : 6 * a);
    default:
      return 0;
  }
}

struct Axis {
  std::string mode, padding;
  bool corners;
  std::int64_t n, order;

  double low() const { return corners ? 0 : -0.5; }
  double high() const { return static_cast<double>(n) - (corners ? 1 : 0.5); }

  // Folds a coordinate into the image; `slope` follows.
  double padded(double at, double& slope) const {
    if (padding == "zeros") return at;
    if (padding == "reflection" && high() == low()) at = 0, slope = 0;
    while (padding == "reflection" && (at < low() || at > high())) {
      at = at < low() ? 2 * low() - at : 2 * high() - at;
      slope = -slope;
    }
    if (at <= 0 || at >= static_cast<double>(n - 1)) slope = 0;
    return std::clamp(at, 0.0, static_cast<double>(n - 1));
  }

  // body(element, weight) for every element that matters; weights differentiated by the grid coordinate.
  void taps(double grid, const std::function<void(std::int64_t, double)>& body) const {
    const auto extent = static_cast<double>(n);
    double slope = (corners ? extent - 1 : extent) / 2;
    double at = corners ? (grid + 1) / 2 * (extent - 1) : (grid + 1) / 2 * extent - 0.5;
    if (mode != "bicubic") at = padded(at, slope);
    const double factor = std::pow(slope, static_cast<double>(order));
    if (mode == "nearest") {
      const auto element = static_cast<std::int64_t>(std::nearbyint(at));
      if (element >= 0 && element < n) body(element, order == 0 ? 1 : 0);
      return;
    }
    const auto low_tap = static_cast<std::int64_t>(std::floor(at));
    const std::int64_t reach = mode == "bicubic" ? 1 : 0;
    for (std::int64_t k = low_tap - reach; k <= low_tap + 1 + reach; ++k) {
      double ignored = 1;
      const double place = mode == "bicubic" ? padded(static_cast<double>(k), ignored) : static_cast<double>(k);
      if (place < 0 || place > extent - 1) continue;
      body(static_cast<std::int64_t>(place), factor * kernel(mode, at - static_cast<double>(k), order));
    }
  }
};

Axis axis_of(const Attrs& attrs, std::int64_t extent, std::int64_t order) {
  return {attrs.text("mode", "bilinear"), attrs.text("padding_mode", "zeros"), attrs.integer("align_corners", 0) != 0,
          extent, order};
}

// body(index in x without batch and channel, weight) for a point, axis after axis.
void for_taps(const Attrs& attrs, const Shape& spatial, const Array& grid, Shape point, Shape chosen, double weight,
              const std::function<void(const Shape&, double)>& body) {
  const std::size_t a = chosen.size();
  if (a == spatial.size()) {
    body(chosen, weight);
    return;
  }
  Shape coordinate = point;
  coordinate.push_back(static_cast<std::int64_t>(spatial.size() - 1 - a));
  const Shape orders = attrs.ints("order", Shape(spatial.size(), 0));
  axis_of(attrs, spatial[a], orders[a]).taps(grid.at(coordinate), [&](std::int64_t element, double w) {
    Shape next = chosen;
    next.push_back(element);
    for_taps(attrs, spatial, grid, point, next, weight * w, body);
  });
}

// body(index of x, index of the result, weight).
void for_samples(const Attrs& attrs, const Shape& x, const Array& grid,
                 const std::function<void(const Shape&, const Shape&, double)>& body) {
  const Shape points(grid.shape.begin(), grid.shape.end() - 1), spatial(x.begin() + 2, x.end());
  for_each_index(points, [&](const Shape& point) {
    for_taps(attrs, spatial, grid, point, {}, 1.0, [&](const Shape& element, double weight) {
      for (std::int64_t c = 0; c < x[1]; ++c) {
        Shape from{point[0], c}, to{point[0], c};
        from.insert(from.end(), element.begin(), element.end());
        to.insert(to.end(), point.begin() + 1, point.end());
        body(from, to, weight);
      }
    });
  });
}

Arrays grid_sample(const Arrays& in, const Attrs& attrs) {
  Shape shape{in[0].shape[0], in[0].shape[1]};
  shape.insert(shape.end(), in[1].shape.begin() + 1, in[1].shape.end() - 1);
  Array out(shape);
  for_samples(attrs, in[0].shape, in[1],
              [&](const Shape& from, const Shape& to, double weight) { out.ref(to) += weight * in[0].at(from); });
  return {out};
}

Arrays grid_sample_adjoint(const Arrays& in, const Attrs& attrs) {
  Shape shape{in[0].shape[0], in[0].shape[1]};
  const Shape spatial = attrs.ints("shape", {});
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  Array out(shape);
  for_samples(attrs, shape, in[1],
              [&](const Shape& from, const Shape& to, double weight) { out.ref(from) += weight * in[0].at(to); });
  return {out};
}

}  // namespace

void add_sampling(Table& t) {
  t["grid_sample"] = grid_sample;
  t["grid_sample_adjoint"] = grid_sample_adjoint;
}

}  // namespace assay::engine::reference
