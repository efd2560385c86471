// Layer normalisation (Ba et al. 2016) and RMS normalisation (Zhang & Sennrich 2019). Gradients that will not be
// differentiated again are one fused op; others are derived from the definition in elementary ops.
#include <algorithm>

#include "harness/engine/ops/composite.hpp"
#include "harness/engine/ops/row_norm_loops.hpp"

namespace assay::engine {
namespace {

constexpr double kLayerNormEps = 1e-5;

struct LayerNormFamily {
  const char *name, *grad_name;
  bool centred;
  std::size_t vectors() const { return centred ? 2 : 1; }     // gamma, beta
  std::size_t statistics() const { return centred ? 2 : 1; }  // mean, inverse
};

constexpr LayerNormFamily kLayer = {"layer_norm", "layer_norm_grad", true};
constexpr LayerNormFamily kRms = {"rms_norm", "rms_norm_grad", false};

std::size_t first_axis(const char* op, Specs in, const Attrs& attrs) {
  return axis_of(op, in, attrs.integer("axis", -1), in[0].shape.size());
}

Shape normalised(const Shape& x, std::size_t axis) {
  return Shape(x.begin() + static_cast<std::ptrdiff_t>(axis), x.end());
}

Shape layer_norm_statistics_shape(Shape x, std::size_t axis) {
  std::fill(x.begin() + static_cast<std::ptrdiff_t>(axis), x.end(), 1);
  return x;
}

Shape axes_from(std::size_t axis, std::size_t rank) {
  Shape axes;
  for (std::size_t i = axis; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  return axes;
}

RowNorm rows_of(const LayerNormFamily& family, const PrepareRequest& request) {
  const Spec& x = request.in[0].spec;
  const std::size_t axis = first_axis(family.name, std::span(&x, 1), request.attrs);
  const std::int64_t n = element_count(normalised(x.shape, axis));
  return {x.count() / n, n, request.attrs.real("eps", kLayerNormEps), family.centred};
}

std::vector<Spec> infer_layer_norm(const LayerNormFamily& family, Specs in, const Attrs& attrs) {
  expect_count(family.name, in, 1, 1 + family.vectors());
  expect_f32(family.name, in);
  const std::size_t axis = first_axis(family.name, in, attrs);
  const Shape tail = normalised(in[0].shape, axis);
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (in[i].shape != tail) op_error(family.name, in, "input " + std::to_string(i) + " must be " + shape_str(tail));
  }
  const Spec statistics = f32_spec(layer_norm_statistics_shape(in[0].shape, axis));
  std::vector<Spec> out = {in[0]};
  out.insert(out.end(), family.statistics(), statistics);
  return out;
}

Kernel prepare_layer_norm(const LayerNormFamily& family, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const RowNorm rows = rows_of(family, request);
  Kernel kernel = dense_kernel(request);
  const auto n = static_cast<std::size_t>(rows.n);
  const std::vector<float> ones(n, 1.0f), zeros(n, 0.0f);
  kernel.run = [rows, ones, zeros](const KernelArgs& args) {
    RowNormForward p{floats(args, 0), ones.data(), zeros.data(), floats_out(args, 0), nullptr, nullptr};
    if (args.in.size() > 1) p.gamma = floats(args, 1);
    if (args.in.size() > 2) p.beta = floats(args, 2);
    if (rows.centred) p.mean = floats_out(args, 1);
    p.inverse = floats_out(args, rows.centred ? 2 : 1);
    row_norm_forward(rows, p);
  };
  return kernel;
}

// in: x, mean (layer only), inverse, g, gamma?; out: dx, and with attribute weights dgamma and (layer only) dbeta.
std::vector<Spec> infer_layer_norm_grad(const LayerNormFamily& family, Specs in, const Attrs& attrs) {
  const char* op = family.grad_name;
  const std::size_t least = 2 + family.statistics();
  expect_count(op, in, least, least + 1);
  expect_f32(op, in);
  const std::size_t axis = first_axis(op, in, attrs);
  const Shape tail = normalised(in[0].shape, axis), statistics = layer_norm_statistics_shape(in[0].shape, axis);
  for (std::size_t i = 1; i + 1 < least; ++i) {
    if (in[i].shape != statistics) op_error(op, in, "the statistics must be " + shape_str(statistics));
  }
  if (in[least - 1].shape != in[0].shape) op_error(op, in, "g must have x's shape");
  if (in.size() > least && in[least].shape != tail) op_error(op, in, "gamma must be " + shape_str(tail));
  std::vector<Spec> out = {in[0]};
  if (attrs.integer("weights", 0) != 0) out.insert(out.end(), family.vectors(), f32_spec(tail));
  return out;
}

Kernel prepare_layer_norm_grad(const LayerNormFamily& family, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const RowNorm rows = rows_of(family, request);
  const std::size_t g_at = 1 + family.statistics();
  const auto n = static_cast<std::size_t>(rows.n);
  Kernel kernel = dense_kernel(request);
  kernel.in_place[0] = static_cast<int>(g_at);
  kernel.scratch_bytes = n * 2 * (sizeof(double) + sizeof(float));
  const std::vector<float> ones(n, 1.0f);
  kernel.run = [rows, ones, g_at](const KernelArgs& args) {
    RowNormBackward p{floats(args, 0),
                      nullptr,
                      floats(args, g_at - 1),
                      floats(args, g_at),
                      ones.data(),
                      floats_out(args, 0),
                      nullptr,
                      nullptr,
                      static_cast<double*>(args.scratch)};
    if (rows.centred) p.mean = floats(args, 1);
    if (args.in.size() > g_at + 1) p.gamma = floats(args, g_at + 1);
    if (args.out.size() > 1) p.dgamma = floats_out(args, 1);
    if (args.out.size() > 2) p.dbeta = floats_out(args, 2);
    row_norm_backward(rows, p);
  };
  return kernel;
}

// The definition, in elementary ops.
std::vector<Value> compose_layer_norm(const LayerNormFamily& family, std::span<const Value> in, const Attrs& attrs) {
  const Value x = in[0];
  const Shape shape = shape_of(x);
  const Spec spec = f32_spec(shape);
  const Attrs over = {{"axes", axes_from(first_axis(family.name, std::span(&spec, 1), attrs), shape.size())},
                      {"keepdims", std::int64_t{1}}};
  const Value mean = family.centred ? call("reduce_mean", {x}, over) : Value{};
  const Value centred = family.centred ? x - mean : x;
  const Value variance = call("reduce_mean", {call("square", {centred})}, over);
  const Value inverse = call("rsqrt", {variance + attrs.real("eps", kLayerNormEps)});
  Value y = centred * inverse;
  if (in.size() > 1) y = y * in[1];
  if (in.size() > 2) y = y + in[2];
  return family.centred ? std::vector<Value>{y, mean, inverse} : std::vector<Value>{y, inverse};
}

std::vector<Value> layer_norm_fused_vjp(const LayerNormFamily& family, const VjpArgs& v) {
  bool weights = false;
  for (std::size_t i = 1; i < v.in.size(); ++i) weights = weights || v.wanted[i];
  std::vector<Value> operands = {v.in[0]};
  operands.insert(operands.end(), v.out.begin() + 1, v.out.end());
  operands.push_back(v.cotangents[0]);
  if (v.in.size() > 1) operands.push_back(v.in[1]);
  Attrs attrs = v.attrs;
  attrs.set("weights", static_cast<std::int64_t>(weights));
  std::vector<Value> grads = v.in[0].emitter->emit(Registry::get().id(family.grad_name), operands, attrs);
  grads.resize(v.in.size());
  return grads;
}

std::vector<Value> layer_norm_vjp(const LayerNormFamily& family, const VjpArgs& v) {
  bool only_y = v.cotangents[0].defined();
  for (std::size_t i = 1; i < v.cotangents.size(); ++i) only_y = only_y && !v.cotangents[i].defined();
  if (only_y && !v.create_graph) return layer_norm_fused_vjp(family, v);
  return composite_vjp([&family](Emitter&, std::span<const Value> in,
                                 const Attrs& attrs) { return compose_layer_norm(family, in, attrs); },
                       v);
}

std::vector<OpCase> layer_norm_cases(const LayerNormFamily& family) {
  const Attrs middle = {{"axis", std::int64_t{1}}, {"eps", 1e-3}};
  const auto with = [&](Spec x, const Spec& w, std::size_t vectors) {
    std::vector<Spec> in = {std::move(x)};
    in.insert(in.end(), std::min(vectors, family.vectors()), w);
    return in;
  };
  return {{.name = "tokens", .in = with(make_spec({2, 3, 37}), make_spec({37}), 2), .attrs = {}},
          {.name = "whole lanes", .in = with(make_spec({3, 32}), make_spec({32}), 2), .attrs = {}},
          {.name = "from the middle", .in = with(make_spec({3, 2, 5, 3}), make_spec({2, 5, 3}), 2), .attrs = middle},
          {.name = "no weights", .in = with(make_spec({5, 7}), {}, 0), .attrs = {}},
          {.name = "gamma only", .in = with(make_spec({5, 7}), make_spec({7}), 1), .attrs = {}},
          {.name = "no rows", .in = with(make_spec({0, 7}), make_spec({7}), 2), .attrs = {}}};
}

std::vector<OpCase> layer_norm_grad_cases(const LayerNormFamily& family) {
  std::vector<OpCase> all;
  for (OpCase c : layer_norm_cases(family)) {
    const Spec x = c.in[0];
    const std::size_t axis = first_axis(family.name, c.in, c.attrs);
    std::vector<Spec> in = {x};
    in.insert(in.end(), family.statistics(), f32_spec(layer_norm_statistics_shape(x.shape, axis)));
    in.push_back(x);
    if (c.in.size() > 1) in.push_back(c.in[1]);
    c.attrs.set("weights", static_cast<std::int64_t>(c.in.size() > 1));
    c.in = in;
    c.lo = 0.1;  // the inverse deviation is an operand
    all.push_back(c);
  }
  return all;
}

void add_layer_norm(Registry& registry, const LayerNormFamily& family, const char* onnx, const char* doc,
                    const char* grad_doc) {
  Op op;
  op.name = family.name;
  op.onnx = onnx;
  op.doc = doc;
  op.infer = [&family](Specs in, const Attrs& attrs) { return infer_layer_norm(family, in, attrs); };
  op.prepare = [&family](const PrepareRequest& request) { return prepare_layer_norm(family, request); };
  op.vjp = [&family](const VjpArgs& v) { return layer_norm_vjp(family, v); };
  op.cases = layer_norm_cases(family);
  registry.add(std::move(op));
  Op grad;
  grad.name = family.grad_name;
  grad.doc = grad_doc;
  grad.infer = [&family](Specs in, const Attrs& attrs) { return infer_layer_norm_grad(family, in, attrs); };
  grad.prepare = [&family](const PrepareRequest& request) { return prepare_layer_norm_grad(family, request); };
  grad.cases = layer_norm_grad_cases(family);
  registry.add(std::move(grad));
}

}  // namespace

void register_layer_norm(Registry& registry) {
  add_layer_norm(
      registry, kLayer, "LayerNormalization",
      "x, gamma?, beta? -> (x - mean) / sqrt(variance + eps) * gamma + beta, mean, 1 / sqrt(variance + eps), "
      "statistics "
      "over the axes from attribute axis (-1) on; attribute eps (1e-5)",
      "x, mean, inverse, g, gamma? -> dx, and dgamma, dbeta when attribute weights (0): layer_norm's fused gradient");
  add_layer_norm(
      registry, kRms, "",
      "x, gamma? -> x / sqrt(mean(x^2) + eps) * gamma, 1 / sqrt(mean(x^2) + eps), the mean over the axes from "
      "attribute "
      "axis (-1) on; attribute eps (1e-5)",
      "x, inverse, g, gamma? -> dx, and dgamma when attribute weights (0): rms_norm's fused gradient");
}

}  // namespace assay::engine
