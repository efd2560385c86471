// conv2d and its two adjoints. The three are each other's vector-Jacobian products, so gradients of any order stay
// within them.
#include "harness/engine/ops/conv2d.hpp"

#include "harness/engine/ops/fusion.hpp"
#include "harness/engine/ops/input_gradient.hpp"
#include "harness/engine/ops/window.hpp"

namespace assay::engine {
namespace {

using native::ConvProblem;

Shape conv_output(const Shape& x, const Shape& w, const Window& window) {
  return {x[0], w[0], window.output(0, x[2]), window.output(1, x[3])};
}

// A consistent (x, w) pair -> the problem; throws when channels and groups disagree.
ConvProblem problem_for(std::string_view op, Specs in, const Attrs& attrs, const Shape& x, const Shape& w) {
  ConvProblem p;
  p.groups = attrs.integer("groups", 1);
  if (p.groups < 1 || w[0] % p.groups != 0 || w[1] * p.groups != x[1]) {
    op_error(op, in,
             "channels do not fit: x " + shape_str(x) + ", w " + shape_str(w) + ", groups " + std::to_string(p.groups));
  }
  const Window window = window_of(op, in, attrs, {w[2], w[3]});
  p.src = x, p.weights = w, p.dst = conv_output(x, w, window);
  if (p.dst[2] < 1 || p.dst[3] < 1) op_error(op, in, "the kernel is larger than the padded input");
  p.stride = window.stride, p.dilation = window.dilation;
  p.pad_before = window.pad_before, p.pad_after = window.pad_after;
  return p;
}

ConvProblem forward_problem(Specs in, const Attrs& attrs) {
  expect_rank("conv2d", in, 0, 4);
  expect_rank("conv2d", in, 1, 4);
  return problem_for("conv2d", in, attrs, in[0].shape, in[1].shape);
}

// in: g [N, O, OH, OW], w; attribute size = [H, W].
ConvProblem data_problem(Specs in, const Attrs& attrs) {
  const char* op = "conv2d_bwd_data";
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  expect_rank(op, in, 0, 4);
  expect_rank(op, in, 1, 4);
  const Shape size = attrs.ints("size", {});
  if (size.size() != 2) op_error(op, in, "attribute size must be [height, width] of the result");
  const Shape& w = in[1].shape;
  ConvProblem p = problem_for(op, in, attrs, {in[0].shape[0], w[1] * attrs.integer("groups", 1), size[0], size[1]}, w);
  if (p.dst != in[0].shape) op_error(op, in, "g must have shape " + shape_str(p.dst));
  return p;
}

// in: x [N, C, H, W], g [N, O, OH, OW]; attribute kernel = [KH, KW].
ConvProblem weights_problem(Specs in, const Attrs& attrs) {
  const char* op = "conv2d_bwd_weights";
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  expect_rank(op, in, 0, 4);
  expect_rank(op, in, 1, 4);
  const Shape kernel = attrs.ints("kernel", {});
  if (kernel.size() != 2) op_error(op, in, "attribute kernel must be [height, width] of the weights");
  const std::int64_t groups = std::max<std::int64_t>(1, attrs.integer("groups", 1));
  ConvProblem p =
      problem_for(op, in, attrs, in[0].shape, {in[1].shape[1], in[0].shape[1] / groups, kernel[0], kernel[1]});
  if (p.dst != in[1].shape) op_error(op, in, "g must have shape " + shape_str(p.dst));
  return p;
}

// The storage of a prepared convolution: that of the operands and of the result it was asked for.
ConvProblem stored(ConvProblem p, const PrepareRequest& request) {
  p.type = request.in[0].spec.dtype;
  p.out_type = request.out[0].dtype;
  p.training = request.training;
  return p;
}

Kernel prepare_forward(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const std::vector<Spec> in = logical_specs(request.in);
  const Fusion f = fusion_of("conv2d", in, request.attrs);
  const ConvProblem problem = stored(forward_problem(in, request.attrs), request);
  const native::ConvFusion fusion{f.bias, f.residual, f.act};
  if (!stored_integers(request)) return native::make_conv_forward(problem, fusion, request.in[0].layout);
  return native::make_integer_conv(problem, fusion, requantization_of(request), request.in[0].layout);
}

Kernel prepare_data(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const ConvProblem problem = stored(data_problem(logical_specs(request.in), request.attrs), request);
  if (suits_input_gradient(problem)) return input_gradient_kernel(problem, request);
  return native::make_conv_backward_data(problem, request.in[0].layout);
}

Kernel prepare_weights(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const ConvProblem problem = stored(weights_problem(logical_specs(request.in), request.attrs), request);
  return native::make_conv_backward_weights(problem, request.in[0].layout, request.in[1].layout);
}

// What may be BF16, if there is a kernel for it: all that is shaped like a weight or an activation; gradients of weights
// stay F32, as they are added to F32 weights.
Bf16Use bf16_conv(ConvProblem p, Specs in, native::Direction direction) {
  p.type = p.out_type = DType::bf16;
  if (direction == native::Direction::backward_weights) p.out_type = DType::f32;
  if (element_count(p.src) == 0 || element_count(p.dst) == 0 || !native::has_conv(p, direction)) return {};
  Bf16Use use{{}, {p.out_type == DType::bf16}, true};
  for (const Spec& s : in) use.in.push_back(s.shape.size() == 4);
  return use;
}

Attrs geometry(const Attrs& attrs) {
  Attrs out;
  for (const char* key : {"stride", "pad", "dilation", "groups"}) {
    const auto it = attrs.items().find(key);
    if (it != attrs.items().end()) out.set(key, it->second);
  }
  return out;
}

Value forward(const Attrs& attrs, Value x, Value w) { return call("conv2d", {x, w}, geometry(attrs)); }

Value backward_data(const Attrs& attrs, Value g, Value w, const Shape& x) {
  Attrs a = geometry(attrs);
  a.set("size", Shape{x[2], x[3]});
  return call("conv2d_bwd_data", {g, w}, a);
}

Value backward_weights(const Attrs& attrs, Value x, Value g, const Shape& w) {
  Attrs a = geometry(attrs);
  a.set("kernel", Shape{w[2], w[3]});
  return call("conv2d_bwd_weights", {x, g}, a);
}

std::vector<Value> vjp_forward(const VjpArgs& v) {
  const Value x = v.in[0], w = v.in[1], g = before_activation(v);
  std::vector<Value> grads(v.in.size());
  if (v.wanted[0]) grads[0] = backward_data(v.attrs, g, w, shape_of(x));
  if (v.wanted[1]) grads[1] = backward_weights(v.attrs, x, g, shape_of(w));
  const bool residual = v.attrs.integer("residual", 0) != 0;
  if (residual) grads.back() = g;
  if (v.in.size() > (residual ? 3u : 2u) && v.wanted[2]) grads[2] = call("reduce_sum", {g}, {{"axes", Shape{0, 2, 3}}});
  return grads;
}

std::vector<Value> vjp_data(const VjpArgs& v) {  // in: g, w; the result is linear in both
  const Value g = v.in[0], w = v.in[1], u = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = forward(v.attrs, u, w);
  if (v.wanted[1]) grads[1] = backward_weights(v.attrs, u, g, shape_of(w));
  return grads;
}

std::vector<Value> vjp_weights(const VjpArgs& v) {  // in: x, g; the result is linear in both
  const Value x = v.in[0], g = v.in[1], u = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = backward_data(v.attrs, g, u, shape_of(x));
  if (v.wanted[1]) grads[1] = forward(v.attrs, x, u);
  return grads;
}

OpCost cost_of(const ConvProblem& p) {
  double macs = 1;
  for (const std::int64_t d : p.dst) macs *= static_cast<double>(d);
  for (std::size_t i = 1; i < 4; ++i) macs *= static_cast<double>(p.weights[i]);
  return {macs, 0};
}

struct Geometry {
  const char* name;
  Shape x, w;
  Attrs attrs;
};

const std::vector<Geometry>& geometries() {
  static const std::vector<Geometry> all = {
      {"plain", {2, 3, 7, 5}, {4, 3, 3, 3}, {}},
      {"padded", {2, 16, 5, 6}, {17, 16, 3, 3}, {{"pad", std::int64_t{1}}}},
      {"strided", {2, 5, 8, 7}, {4, 5, 3, 2}, {{"stride", Shape{2, 3}}, {"pad", Shape{1, 0}}}},
      {"asymmetric pad", {1, 2, 5, 6}, {3, 2, 3, 3}, {{"pad", Shape{0, 1, 2, 1}}, {"stride", std::int64_t{2}}}},
      {"dilated", {2, 3, 9, 8}, {2, 3, 3, 3}, {{"dilation", std::int64_t{2}}, {"pad", std::int64_t{2}}}},
      {"grouped", {2, 6, 5, 5}, {4, 3, 3, 3}, {{"groups", std::int64_t{2}}, {"pad", std::int64_t{1}}}},
      {"depthwise", {2, 5, 6, 6}, {5, 1, 3, 3}, {{"groups", std::int64_t{5}}, {"pad", std::int64_t{1}}}},
      {"pointwise", {3, 7, 4, 4}, {11, 7, 1, 1}, {}},
      {"no samples", {0, 3, 5, 5}, {4, 3, 3, 3}, {}}};
  return all;
}

std::vector<OpCase> forward_cases() {
  std::vector<OpCase> cases;
  for (const Geometry& g : geometries())
    cases.push_back({.name = g.name, .in = {f32_spec(g.x), f32_spec(g.w)}, .attrs = g.attrs});
  const Spec x = make_spec({2, 3, 5, 5}), w = make_spec({4, 3, 3, 3}), b = make_spec({4}), r = make_spec({2, 4, 3, 3});
  const Attrs relu = {{"act", std::string("relu")}};
  Attrs residual = {{"residual", std::int64_t{1}}};
  cases.push_back({.name = "bias", .in = {x, w, b}, .attrs = {}});
  cases.push_back({.name = "bias and relu", .in = {x, w, b}, .attrs = relu});
  cases.push_back({.name = "bias and relu6", .in = {x, w, b}, .attrs = {{"act", std::string("relu6")}}, .lo = -2, .hi = 3});
  cases.push_back({.name = "residual", .in = {x, w, r}, .attrs = residual});
  residual.set("act", std::string("relu"));
  cases.push_back({.name = "all fused", .in = {x, w, b, r}, .attrs = residual});
  return cases;
}

std::vector<OpCase> adjoint_cases(bool data) {
  std::vector<OpCase> cases;
  for (const Geometry& g : geometries()) {
    const Spec in[2] = {f32_spec(g.x), f32_spec(g.w)};
    const Spec dst = f32_spec(forward_problem(in, g.attrs).dst);
    Attrs attrs = g.attrs;
    attrs.set(data ? "size" : "kernel", data ? Shape{g.x[2], g.x[3]} : Shape{g.w[2], g.w[3]});
    cases.push_back(
        {.name = g.name, .in = data ? std::vector<Spec>{dst, in[1]} : std::vector<Spec>{in[0], dst}, .attrs = attrs});
  }
  return cases;
}

void add_adjoints(Registry& registry) {
  Op data;
  data.name = "conv2d_bwd_data";
  data.onnx = "ConvTranspose";
  data.doc = "g [N, O, OH, OW], w [O, C/groups, KH, KW] -> [N, C, H, W]; attribute size = [H, W], conv2d's geometry";
  data.infer = [](Specs in, const Attrs& attrs) { return one(f32_spec(data_problem(in, attrs).src)); };
  data.prepare = prepare_data;
  data.vjp = vjp_data;
  data.cost = [](Specs in, Specs, const Attrs& attrs) { return cost_of(data_problem(in, attrs)); };
  data.bf16 = [](Specs in, Specs, const Attrs& attrs) {
    const ConvProblem p = data_problem(in, attrs);
    return suits_input_gradient(p) ? Bf16Use{} : bf16_conv(p, in, native::Direction::backward_data);
  };
  data.cases = adjoint_cases(true);
  registry.add(std::move(data));
  Op weights;
  weights.name = "conv2d_bwd_weights";
  weights.doc =
      "x [N, C, H, W], g [N, O, OH, OW] -> [O, C/groups, KH, KW]; attribute kernel = [KH, KW], conv2d's geometry";
  weights.infer = [](Specs in, const Attrs& attrs) { return one(f32_spec(weights_problem(in, attrs).weights)); };
  weights.prepare = prepare_weights;
  weights.vjp = vjp_weights;
  weights.cost = [](Specs in, Specs, const Attrs& attrs) { return cost_of(weights_problem(in, attrs)); };
  weights.bf16 = [](Specs in, Specs, const Attrs& attrs) {
    return bf16_conv(weights_problem(in, attrs), in, native::Direction::backward_weights);
  };
  weights.cases = adjoint_cases(false);
  registry.add(std::move(weights));
}

}  // namespace

bool has_integer_conv2d(Specs in, const Attrs& attrs, DType x, DType out) {
  ConvProblem p = forward_problem(in, attrs);
  p.type = x, p.out_type = out;
  return element_count(p.src) > 0 && element_count(p.dst) > 0 && native::has_integer_conv(p);
}

void register_conv2d(Registry& registry) {
  Op op;
  op.name = "conv2d";
  op.onnx = "Conv";
  op.doc =
      "x [N, C, H, W], w [O, C/groups, KH, KW], bias [O]?, residual? -> [N, O, OH, OW]; attributes stride (1), "
      "pad (0; [h, w] or [top, left, bottom, right]), dilation (1), groups (1), residual (0), act (\"\")";
  op.infer = [](Specs in, const Attrs& attrs) {
    const Fusion fusion = fusion_of("conv2d", in, attrs);
    const ConvProblem p = forward_problem(in, attrs);
    check_fusion("conv2d", in, fusion, p.dst, p.dst[1]);
    return one(f32_spec(p.dst));
  };
  op.prepare = prepare_forward;
  op.vjp = vjp_forward;
  op.cost = [](Specs in, Specs, const Attrs& attrs) { return cost_of(forward_problem(in, attrs)); };
  op.bf16 = [](Specs in, Specs, const Attrs& attrs) {
    return bf16_conv(forward_problem(in, attrs), in, native::Direction::forward);
  };
  op.cases = forward_cases();
  registry.add(std::move(op));
  add_adjoints(registry);
}

}  // namespace assay::engine
