// grid_sample: an image read at points of a grid, and its adjoint. Both take derivatives by the grid as an attribute,
// so that each is the other's product at every order.
#include <cmath>
#include <cstring>

#include "harness/engine/ops/grid_points.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

constexpr std::size_t kMaxAxes = 3;

// x [N, C, spatial..], grid [N, points.., D]: the last coordinate is that of x's first spatial axis.
struct Sampler {
  GridRule rule;
  Shape spatial, steps, order;  // one an axis of x; order: derivatives by its grid coordinate
  std::int64_t n, channels, points, plane;

  // Calls body(element of a plane of x, weight) for each tap of the product.
  template <class Body>
  void for_taps(const float* point, const Body& body) const {
    const std::size_t axes = spatial.size();
    std::array<PointTaps, kMaxAxes> taps;
    for (std::size_t a = 0; a < axes; ++a) {
      taps[a] = point_taps(rule, static_cast<double>(point[axes - 1 - a]), spatial[a], order[a]);
    }
    std::array<std::size_t, kMaxAxes> at{};
    for (;;) {
      double weight = 1;
      std::int64_t element = 0;
      for (std::size_t a = 0; a < axes; ++a) {
        const std::int64_t i = taps[a].index[at[a]];
        element = i < 0 || element < 0 ? -1 : element + i * steps[a];
        weight *= taps[a].weight[at[a]];
      }
      if (element >= 0) body(element, static_cast<float>(weight));
      std::size_t a = axes;
      while (a > 0 && ++at[a - 1] == static_cast<std::size_t>(taps[a - 1].count)) at[--a] = 0;
      if (a == 0) return;
    }
  }
};

Shape middle(const Shape& s, std::size_t from, std::size_t drop) {
  return {s.begin() + static_cast<std::ptrdiff_t>(from), s.end() - static_cast<std::ptrdiff_t>(drop)};
}

void expect_grid(const char* op, Specs in) {
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  const Shape &x = in[0].shape, &grid = in[1].shape;
  if (x.size() < 3 || x.size() > 2 + kMaxAxes || grid.size() != x.size() || x[0] != grid[0] ||
      grid.back() != static_cast<std::int64_t>(x.size()) - 2) {
    op_error(op, in, "takes [N, C, spatial..] and a grid [N, points.., axes], 1 to 3 axes");
  }
}

Sampler sampler_of(const char* op, Specs in, const Attrs& attrs, const Shape& x) {
  Sampler s{grid_rule(op, in, attrs), middle(x, 2, 0), {}, {}, x[0], x[1], 0, 0};
  s.steps = row_major(s.spatial);
  s.order = attrs.ints("order", Shape(s.spatial.size(), 0));
  s.points = element_count(middle(in[1].shape, 1, 1));
  s.plane = element_count(s.spatial);
  if (s.order.size() != s.spatial.size()) op_error(op, in, "attribute order must have one number a spatial axis");
  for (const std::int64_t o : s.order) {
    if (o < 0) op_error(op, in, "attribute order must not be negative");
  }
  if (s.plane == 0 && s.points > 0) op_error(op, in, "there is nothing to sample");
  return s;
}

std::vector<Spec> infer_grid_sample(Specs in, const Attrs& attrs) {
  expect_grid("grid_sample", in);
  sampler_of("grid_sample", in, attrs, in[0].shape);
  Shape out{in[0].shape[0], in[0].shape[1]};
  const Shape points = middle(in[1].shape, 1, 1);
  out.insert(out.end(), points.begin(), points.end());
  return one(f32_spec(out));
}

void sample(const Sampler& s, const float* x, const float* grid, float* y) {
  const auto axes = static_cast<std::int64_t>(s.spatial.size());
  for (std::int64_t n = 0; n < s.n; ++n, x += s.channels * s.plane, y += s.channels * s.points) {
    for (std::int64_t p = 0; p < s.points; ++p, grid += axes) {
      for (std::int64_t c = 0; c < s.channels; ++c) y[c * s.points + p] = 0.0f;
      s.for_taps(grid, [&](std::int64_t element, float weight) {
        for (std::int64_t c = 0; c < s.channels; ++c) y[c * s.points + p] += weight * x[c * s.plane + element];
      });
    }
  }
}

void grid_sample_spread(const Sampler& s, const float* g, const float* grid, float* x) {
  const auto axes = static_cast<std::int64_t>(s.spatial.size());
  for (std::int64_t n = 0; n < s.n; ++n, x += s.channels * s.plane, g += s.channels * s.points) {
    for (std::int64_t p = 0; p < s.points; ++p, grid += axes) {
      s.for_taps(grid, [&](std::int64_t element, float weight) {
        for (std::int64_t c = 0; c < s.channels; ++c) x[c * s.plane + element] += weight * g[c * s.points + p];
      });
    }
  }
}

Kernel prepare_grid_sample(const PrepareRequest& request, bool adjoint) {
  Kernel kernel = dense_kernel(request);
  const Spec in[2] = {request.in[0].spec, request.in[1].spec};
  const Shape& x = adjoint ? request.out[0].shape : in[0].shape;
  const Sampler s = sampler_of(adjoint ? "grid_sample_adjoint" : "grid_sample", in, request.attrs, x);
  kernel.run = [s, adjoint, bytes = request.out[0].bytes()](const KernelArgs& args) {
    if (!adjoint) {
      sample(s, floats(args, 0), floats(args, 1), floats_out(args, 0));
      return;
    }
    if (bytes > 0) std::memset(args.out[0], 0, bytes);
    grid_sample_spread(s, floats(args, 0), floats(args, 1), floats_out(args, 0));
  };
  return kernel;
}

// The gradient for the grid of <along, sample of image>: one more derivative by each coordinate, summed over channels.
Value grid_gradient(Value image, Value grid, Value along, const Attrs& attrs) {
  const std::size_t axes = shape_of(image).size() - 2;
  const Shape order = attrs.ints("order", Shape(axes, 0));
  const OpId concat = Registry::get().id("concat");
  std::vector<Value> parts;
  for (std::size_t k = 0; k < axes; ++k) {
    Attrs raised = attrs;
    Shape higher = order;
    ++higher[axes - 1 - k];
    raised.set("order", higher);
    const Value product = along * call("grid_sample", {image, grid}, raised);
    Shape shape = shape_of(along);
    shape.erase(shape.begin() + 1);
    shape.push_back(1);
    parts.push_back(reshape(call("reduce_sum", {product}, {{"axes", std::int64_t{1}}}), shape));
  }
  return image.emitter->emit(concat, parts, {{"axis", std::int64_t{-1}}})[0];
}

std::vector<Value> grid_sample_vjp(const VjpArgs& v) {
  std::vector<Value> grads(2);
  const Value x = v.in[0], grid = v.in[1], g = v.cotangents[0];
  if (v.wanted[0]) {
    const Shape shape = shape_of(x);
    Attrs attrs = v.attrs;
    attrs.set("shape", middle(shape, 2, 0));
    grads[0] = call("grid_sample_adjoint", {g, grid}, attrs);
  }
  if (v.wanted[1]) grads[1] = grid_gradient(x, grid, g, v.attrs);
  return grads;
}

std::vector<Value> adjoint_vjp(const VjpArgs& v) {
  std::vector<Value> grads(2);
  Attrs attrs;
  for (const auto& [key, item] : v.attrs.items()) {
    if (key != "shape") attrs.set(key, item);
  }
  const Value g = v.in[0], grid = v.in[1], u = v.cotangents[0];
  if (v.wanted[0]) grads[0] = call("grid_sample", {u, grid}, attrs);
  if (v.wanted[1]) grads[1] = grid_gradient(u, grid, g, attrs);
  return grads;
}

Attrs how(const char* mode, const char* padding, std::int64_t align_corners) {
  return {{"mode", std::string(mode)}, {"padding_mode", std::string(padding)}, {"align_corners", align_corners}};
}

std::vector<OpCase> grid_sample_cases() {
  std::vector<OpCase> all;
  for (const char* mode : {"bilinear", "nearest", "bicubic"}) {
    for (const char* padding : {"zeros", "border", "reflection"}) {
      for (const std::int64_t align : {0, 1}) {
        OpCase c{.name = std::string(mode) + " " + padding + (align != 0 ? " corners" : ""),
                 .in = {make_spec({2, 3, 4, 5}), make_spec({2, 3, 2, 2})},
                 .attrs = how(mode, padding, align)};
        c.lo = -1.6, c.hi = 1.6;
        all.push_back(c);
      }
    }
  }
  all.push_back({.name = "line", .in = {make_spec({1, 2, 6}), make_spec({1, 5, 1})}, .attrs = {}});
  all.push_back({.name = "volume", .in = {make_spec({1, 2, 2, 3, 4}), make_spec({1, 2, 1, 2, 3})}, .attrs = {}});
  all.push_back({.name = "derivative",
                 .in = {make_spec({1, 2, 4, 4}), make_spec({1, 3, 1, 2})},
                 .attrs = {{"mode", std::string("bicubic")}, {"order", Shape{1, 0}}}});
  all.push_back({.name = "one pixel",
                 .in = {make_spec({1, 1, 1, 1}), make_spec({1, 2, 2, 2})},
                 .attrs = how("bilinear", "reflection", 1)});
  all.push_back({.name = "no points", .in = {make_spec({1, 2, 3, 3}), make_spec({1, 0, 2, 2})}, .attrs = {}});
  return all;
}

void add_adjoint(Registry& registry) {
  Op op;
  op.name = "grid_sample_adjoint";
  op.doc =
      "g [N, C, points..], grid [N, points.., axes] -> g of x [N, C, spatial..], its extents in attribute shape; other "
      "attributes as grid_sample's";
  op.infer = [](Specs in, const Attrs& attrs) {
    const char* name = "grid_sample_adjoint";
    expect_grid(name, in);
    const Shape spatial = attrs.ints("shape", {});
    if (spatial.size() + 2 != in[0].shape.size() || middle(in[0].shape, 2, 0) != middle(in[1].shape, 1, 1)) {
      op_error(name, in, "g must have the points of the grid, attribute shape one extent an axis");
    }
    Shape x{in[0].shape[0], in[0].shape[1]};
    x.insert(x.end(), spatial.begin(), spatial.end());
    sampler_of(name, in, attrs, x);
    return one(f32_spec(x));
  };
  op.prepare = [](const PrepareRequest& r) { return prepare_grid_sample(r, true); };
  op.vjp = adjoint_vjp;
  Attrs image = how("bicubic", "border", 0), zeros = how("bilinear", "zeros", 1);
  image.set("shape", Shape{3, 4});
  zeros.set("shape", Shape{4, 3});
  op.cases = {{.name = "bicubic", .in = {make_spec({2, 2, 3, 2}), make_spec({2, 3, 2, 2})}, .attrs = image},
              {.name = "bilinear", .in = {make_spec({1, 3, 2, 3}), make_spec({1, 2, 3, 2})}, .attrs = zeros}};
  registry.add(std::move(op));
}

}  // namespace

void register_grid_sample(Registry& registry) {
  Op op;
  op.name = "grid_sample";
  op.onnx = "GridSample";
  op.doc =
      "x [N, C, spatial..], grid [N, points.., axes] of coordinates in [-1, 1], the last axis of x first -> [N, C, "
      "points..]; attributes mode (bilinear, nearest, bicubic), padding_mode (zeros, border, reflection), "
      "align_corners "
      "(0), order (0s): derivatives by the coordinate of each axis of x";
  op.infer = infer_grid_sample;
  op.prepare = [](const PrepareRequest& r) { return prepare_grid_sample(r, false); };
  op.vjp = grid_sample_vjp;
  op.cases = grid_sample_cases();
  registry.add(std::move(op));
  add_adjoint(registry);
}

}  // namespace assay::engine
