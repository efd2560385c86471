// conv1d and conv3d with their two adjoints each; the three are each other's vector-Jacobian products, as those of
// conv2d are (conv2d.cpp, which has kernels of its own for the first layer).
#include "harness/engine/ops/fusion.hpp"
#include "harness/engine/ops/window.hpp"

namespace assay::engine {
namespace {

using native::ConvProblem;

struct Family {
  const char *name, *data, *weights;
  std::size_t axes;  // spatial ones
};

constexpr Family kConv1d = {"conv1d", "conv1d_bwd_data", "conv1d_bwd_weights", 1};
constexpr Family kConv3d = {"conv3d", "conv3d_bwd_data", "conv3d_bwd_weights", 3};

Shape spatial(const Shape& s) { return Shape(s.begin() + 2, s.end()); }

Shape with_spatial(std::int64_t first, std::int64_t second, const Shape& rest) {
  Shape s = {first, second};
  s.insert(s.end(), rest.begin(), rest.end());
  return s;
}

void expect_ranks(const Family& f, std::string_view op, Specs in) {
  expect_f32(op, in);
  for (std::size_t i = 0; i < 2; ++i) expect_rank(op, in, i, f.axes + 2);
}

// A consistent (x, w) pair -> the problem; throws when channels and groups disagree.
ConvProblem problem_for(std::string_view op, Specs in, const Attrs& attrs, const Shape& x, const Shape& w) {
  ConvProblem p;
  p.groups = attrs.integer("groups", 1);
  if (p.groups < 1 || w[0] % p.groups != 0 || w[1] * p.groups != x[1]) {
    op_error(op, in,
             "channels do not fit: x " + shape_str(x) + ", w " + shape_str(w) + ", groups " + std::to_string(p.groups));
  }
  const Window window = window_of(op, in, attrs, spatial(w));
  p.src = x, p.weights = w, p.dst = {x[0], w[0]};
  for (std::size_t a = 0; a < window.kernel.size(); ++a) {
    p.dst.push_back(window.output(a, x[a + 2]));
    if (p.dst.back() < 1) op_error(op, in, "the kernel is larger than the padded input");
  }
  p.stride = window.stride, p.dilation = window.dilation;
  p.pad_before = window.pad_before, p.pad_after = window.pad_after;
  return p;
}

ConvProblem forward_problem(const Family& f, Specs in, const Attrs& attrs) {
  expect_ranks(f, f.name, in);
  return problem_for(f.name, in, attrs, in[0].shape, in[1].shape);
}

// The spatial extents that an attribute gives.
Shape extents(const Family& f, std::string_view op, Specs in, const Attrs& attrs, const char* key) {
  Shape given = attrs.ints(key, {});
  if (given.size() != f.axes) {
    op_error(op, in, std::string("attribute ") + key + " must have " + std::to_string(f.axes) + " extents");
  }
  return given;
}

// in: g, w; attribute size: the spatial extents of the result.
ConvProblem data_problem(const Family& f, Specs in, const Attrs& attrs) {
  expect_count(f.data, in, 2, 2);
  expect_ranks(f, f.data, in);
  const Shape& w = in[1].shape;
  const Shape x =
      with_spatial(in[0].shape[0], w[1] * attrs.integer("groups", 1), extents(f, f.data, in, attrs, "size"));
  ConvProblem p = problem_for(f.data, in, attrs, x, w);
  if (p.dst != in[0].shape) op_error(f.data, in, "g must have shape " + shape_str(p.dst));
  return p;
}

// in: x, g; attribute kernel: the spatial extents of the weights.
ConvProblem weights_problem(const Family& f, Specs in, const Attrs& attrs) {
  expect_count(f.weights, in, 2, 2);
  expect_ranks(f, f.weights, in);
  const std::int64_t groups = std::max<std::int64_t>(1, attrs.integer("groups", 1));
  const Shape w = with_spatial(in[1].shape[1], in[0].shape[1] / groups, extents(f, f.weights, in, attrs, "kernel"));
  ConvProblem p = problem_for(f.weights, in, attrs, in[0].shape, w);
  if (p.dst != in[1].shape) op_error(f.weights, in, "g must have shape " + shape_str(p.dst));
  return p;
}

std::vector<Spec> operand_specs(const PrepareRequest& request) {
  std::vector<Spec> specs;
  for (const MemDesc& m : request.in) specs.push_back(m.spec);
  return specs;
}

Kernel prepare_forward(const Family& f, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const std::vector<Spec> in = operand_specs(request);
  const Fusion fusion = fusion_of(f.name, in, request.attrs);
  return native::make_conv_forward(forward_problem(f, in, request.attrs), {fusion.bias, fusion.residual, fusion.act},
                                   request.in[0].layout);
}

Kernel prepare_data(const Family& f, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  return native::make_conv_backward_data(data_problem(f, operand_specs(request), request.attrs), request.in[0].layout);
}

Kernel prepare_weights(const Family& f, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const ConvProblem problem = weights_problem(f, operand_specs(request), request.attrs);
  return native::make_conv_backward_weights(problem, request.in[0].layout, request.in[1].layout);
}

Attrs geometry(const Attrs& attrs) {
  Attrs out;
  for (const char* key : {"stride", "pad", "dilation", "groups"}) {
    const auto it = attrs.items().find(key);
    if (it != attrs.items().end()) out.set(key, it->second);
  }
  return out;
}

Value forward(const Family& f, const Attrs& attrs, Value x, Value w) { return call(f.name, {x, w}, geometry(attrs)); }

Value backward_data(const Family& f, const Attrs& attrs, Value g, Value w, const Shape& x) {
  Attrs a = geometry(attrs);
  a.set("size", spatial(x));
  return call(f.data, {g, w}, a);
}

Value backward_weights(const Family& f, const Attrs& attrs, Value x, Value g, const Shape& w) {
  Attrs a = geometry(attrs);
  a.set("kernel", spatial(w));
  return call(f.weights, {x, g}, a);
}

Shape all_but_channels(std::size_t axes) {
  Shape out = {0};
  for (std::size_t a = 0; a < axes; ++a) out.push_back(static_cast<std::int64_t>(a) + 2);
  return out;
}

std::vector<Value> vjp_forward(const Family& f, const VjpArgs& v) {
  const Value x = v.in[0], w = v.in[1], g = before_activation(v);
  std::vector<Value> grads(v.in.size());
  if (v.wanted[0]) grads[0] = backward_data(f, v.attrs, g, w, shape_of(x));
  if (v.wanted[1]) grads[1] = backward_weights(f, v.attrs, x, g, shape_of(w));
  const bool residual = v.attrs.integer("residual", 0) != 0;
  if (residual) grads.back() = g;
  if (v.in.size() > (residual ? 3u : 2u) && v.wanted[2]) {
    grads[2] = call("reduce_sum", {g}, {{"axes", all_but_channels(f.axes)}});
  }
  return grads;
}

std::vector<Value> vjp_data(const Family& f, const VjpArgs& v) {  // in: g, w; the result is linear in both
  const Value g = v.in[0], w = v.in[1], u = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = forward(f, v.attrs, u, w);
  if (v.wanted[1]) grads[1] = backward_weights(f, v.attrs, u, g, shape_of(w));
  return grads;
}

std::vector<Value> vjp_weights(const Family& f, const VjpArgs& v) {  // in: x, g; the result is linear in both
  const Value x = v.in[0], g = v.in[1], u = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = backward_data(f, v.attrs, g, u, shape_of(x));
  if (v.wanted[1]) grads[1] = forward(f, v.attrs, x, u);
  return grads;
}

OpCost cost_of(const ConvProblem& p) {
  double macs = static_cast<double>(element_count(p.dst));
  for (std::size_t i = 1; i < p.weights.size(); ++i) macs *= static_cast<double>(p.weights[i]);
  return {macs, 0};
}

struct Geometry {
  const char* name;
  Shape x, w;
  Attrs attrs;
};

std::vector<Geometry> geometries(const Family& f) {
  const std::int64_t two = 2;
  if (f.axes == 1) {
    return {{"plain", {2, 3, 7}, {4, 3, 3}, {}},
            {"blocks", {2, 16, 11}, {17, 16, 3}, {{"pad", std::int64_t{1}}}},
            {"strided", {2, 5, 13}, {4, 5, 3}, {{"stride", two}, {"pad", Shape{0, 2}}}},
            {"dilated", {2, 3, 9}, {2, 3, 3}, {{"dilation", two}, {"pad", two}}},
            {"grouped", {2, 6, 5}, {4, 3, 3}, {{"groups", two}}},
            {"depthwise", {2, 5, 6}, {5, 1, 3}, {{"groups", std::int64_t{5}}, {"pad", std::int64_t{1}}}},
            {"no samples", {0, 3, 5}, {4, 3, 3}, {}}};
  }
  const Shape uneven = {0, 1, 0, 1, 1, 2}, strides = {1, 2, 3};
  return {{"plain", {2, 3, 3, 4, 5}, {4, 3, 2, 3, 1}, {}},
          {"blocks", {1, 16, 3, 3, 2}, {16, 16, 3, 3, 3}, {{"pad", std::int64_t{1}}}},
          {"uneven", {1, 2, 3, 5, 4}, {3, 2, 2, 3, 3}, {{"stride", strides}, {"pad", uneven}}},
          {"dilated", {1, 2, 3, 5, 5}, {2, 2, 2, 2, 2}, {{"dilation", Shape{1, 2, 3}}}},
          {"grouped", {2, 4, 2, 3, 3}, {6, 2, 1, 2, 2}, {{"groups", two}}},
          {"no samples", {0, 3, 2, 5, 5}, {4, 3, 2, 3, 3}, {}}};
}

std::vector<OpCase> forward_cases(const Family& f) {
  std::vector<OpCase> cases;
  for (const Geometry& g : geometries(f)) {
    cases.push_back({.name = g.name, .in = {f32_spec(g.x), f32_spec(g.w)}, .attrs = g.attrs});
  }
  OpCase fused = cases.front();
  fused.name = "bias, residual and relu";
  const Shape dst = forward_problem(f, fused.in, fused.attrs).dst;
  fused.in.push_back(f32_spec({dst[1]}));
  fused.in.push_back(f32_spec(dst));
  fused.attrs.set("residual", std::int64_t{1});
  fused.attrs.set("act", std::string("relu"));
  cases.push_back(fused);
  return cases;
}

std::vector<OpCase> adjoint_cases(const Family& f, bool data) {
  std::vector<OpCase> cases;
  for (const Geometry& g : geometries(f)) {
    const Spec x = f32_spec(g.x), w = f32_spec(g.w);
    const Spec both[2] = {x, w}, dst = f32_spec(forward_problem(f, both, g.attrs).dst);
    OpCase c{.name = g.name, .in = {data ? dst : x, data ? w : dst}, .attrs = g.attrs};
    c.attrs.set(data ? "size" : "kernel", spatial(data ? g.x : g.w));
    cases.push_back(c);
  }
  return cases;
}

void add_adjoints(Registry& registry, const Family& f) {
  Op data;
  data.name = f.data;
  data.doc =
      std::string("g [N, O, ..], w [O, C/groups, ..] -> [N, C, size]; attribute size, the geometry of ") + f.name;
  data.infer = [&f](Specs in, const Attrs& attrs) { return one(f32_spec(data_problem(f, in, attrs).src)); };
  data.prepare = [&f](const PrepareRequest& request) { return prepare_data(f, request); };
  data.vjp = [&f](const VjpArgs& v) { return vjp_data(f, v); };
  data.cost = [&f](Specs in, Specs, const Attrs& attrs) { return cost_of(data_problem(f, in, attrs)); };
  data.cases = adjoint_cases(f, true);
  registry.add(std::move(data));
  Op weights;
  weights.name = f.weights;
  weights.doc =
      std::string("x [N, C, ..], g [N, O, ..] -> [O, C/groups, kernel]; attribute kernel, the geometry of ") + f.name;
  weights.infer = [&f](Specs in, const Attrs& attrs) { return one(f32_spec(weights_problem(f, in, attrs).weights)); };
  weights.prepare = [&f](const PrepareRequest& request) { return prepare_weights(f, request); };
  weights.vjp = [&f](const VjpArgs& v) { return vjp_weights(f, v); };
  weights.cost = [&f](Specs in, Specs, const Attrs& attrs) { return cost_of(weights_problem(f, in, attrs)); };
  weights.cases = adjoint_cases(f, false);
  registry.add(std::move(weights));
}

void add_family(Registry& registry, const Family& f, const char* shapes) {
  Op op;
  op.name = f.name;
  op.onnx = "Conv";
  op.doc = std::string(shapes) + "; attributes stride (1), pad (0), dilation (1), groups (1), residual (0), act (\"\")";
  op.infer = [&f](Specs in, const Attrs& attrs) {
    const Fusion fusion = fusion_of(f.name, in, attrs);
    const ConvProblem p = forward_problem(f, in, attrs);
    check_fusion(f.name, in, fusion, p.dst, p.dst[1]);
    return one(f32_spec(p.dst));
  };
  op.prepare = [&f](const PrepareRequest& request) { return prepare_forward(f, request); };
  op.vjp = [&f](const VjpArgs& v) { return vjp_forward(f, v); };
  op.cost = [&f](Specs in, Specs, const Attrs& attrs) { return cost_of(forward_problem(f, in, attrs)); };
  op.cases = forward_cases(f);
  registry.add(std::move(op));
  add_adjoints(registry, f);
}

}  // namespace

void register_conv_nd(Registry& registry) {
  add_family(registry, kConv1d, "x [N, C, W], w [O, C/groups, KW], bias [O]?, residual? -> [N, O, OW]");
  add_family(registry, kConv3d,
             "x [N, C, D, H, W], w [O, C/groups, KD, KH, KW], bias [O]?, residual? -> [N, O, OD, OH, OW]");
}

}  // namespace assay::engine
