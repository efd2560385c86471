// Batch normalisation (Ioffe & Szegedy 2015): with given statistics, and with those of the batch. The training op can
// add a residual and apply relu or relu6 in the same pass; its gradient is one fused op when it will not be differentiated
// again, and a composition of elementary ops otherwise.
#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/batch_norm_loops.hpp"
#include "harness/engine/ops/bf16_loops.hpp"
#include "harness/engine/ops/channel_norm.hpp"

namespace assay::engine {
namespace {

constexpr double kEps = 1e-5;

void expect_norm(std::string_view op, Specs in, std::size_t vectors_from, std::size_t vectors) {
  expect_f32(op, in);
  if (in[0].shape.size() < 2) op_error(op, in, "x must be [N, C, ..]");
  for (std::size_t i = vectors_from; i < vectors_from + vectors; ++i) {
    if (in[i].shape != Shape{in[0].shape[1]}) op_error(op, in, "input " + std::to_string(i) + " must be [C]");
  }
}

// Scratch: `arrays` f32 arrays and two f64 ones over the padded channels, all zero at first.
struct NormScratch {
  std::int64_t channels;
  static constexpr std::int64_t kFloats = 4;
  static std::size_t bytes(const ChannelView& v) {
    return static_cast<std::size_t>(padded_channels(v)) * (kFloats * 4 + 16);
  }
  double *u, *v;
  float* f[kFloats];
  NormScratch(void* memory, const ChannelView& view) : channels(padded_channels(view)) {
    u = static_cast<double*>(memory);
    v = u + channels;
    for (std::int64_t i = 0; i < kFloats; ++i) f[i] = reinterpret_cast<float*>(v + channels) + i * channels;
    std::fill_n(f[0], kFloats * channels, 0.0f);
  }
};

using Run = std::function<void(const KernelArgs&)>;

// T: the storage of the tensors that are shaped like x.
template <class T>
Run eval_run(const ChannelView& view, float eps) {
  return [view, eps](const KernelArgs& args) {
    const NormScratch s(args.scratch, view);
    const float *gamma = floats(args, 1), *beta = floats(args, 2), *mean = floats(args, 3), *var = floats(args, 4);
    for (std::int64_t c = 0; c < view.channels; ++c) {
      s.f[0][c] = gamma[c] / std::sqrt(var[c] + eps);
      s.f[1][c] = beta[c] - mean[c] * s.f[0][c];
    }
    const NormStreamsOf<T> streams{.x = elements<T>(args, 0), .out = elements_out<T>(args, 0)};
    norm_apply(view, streams, {.scale = s.f[0], .shift = s.f[1]}, false);
  };
}

Kernel prepare_eval(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const MemDesc lead = leading(request, {0});
  const ChannelView view = norm_view(lead);
  const float eps = static_cast<float>(request.attrs.real("eps", kEps));
  Kernel kernel = norm_kernel(request, lead.layout);
  kernel.in_place = {0};
  kernel.scratch_bytes = NormScratch::bytes(view);
  kernel.run = stored_bf16(request) ? eval_run<Bf16>(view, eps) : eval_run<float>(view, eps);
  return kernel;
}

Shape channel_shape(const Shape& x) {
  Shape s(x.size(), 1);
  s[1] = x[1];
  return s;
}

Shape other_axes(const Shape& x) {
  Shape axes = {0};
  for (std::size_t i = 2; i < x.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  return axes;
}

Value over_batch(const char* op, Value v) { return call(op, {v}, {{"axes", other_axes(shape_of(v))}}); }

Value inverse_std(Value var, const Attrs& attrs) { return call("rsqrt", {var + attrs.real("eps", kEps)}); }

std::vector<Value> eval_vjp(const VjpArgs& v) {
  const Value x = v.in[0], gamma = v.in[1], mean = v.in[3], var = v.in[4], g = v.cotangents[0];
  const Shape wide = channel_shape(shape_of(x));
  const Value inverse = inverse_std(var, v.attrs);
  std::vector<Value> grads(5);
  if (v.wanted[0]) grads[0] = g * reshape(gamma * inverse, wide);
  const bool statistics = v.wanted[3] || v.wanted[4];
  if (!v.wanted[1] && !v.wanted[2] && !statistics) return grads;
  const Value sum_g = over_batch("reduce_sum", g);
  const Value sum_gx = over_batch("reduce_sum", g * (x - reshape(mean, wide)));
  grads[1] = sum_gx * inverse;
  grads[2] = sum_g;
  if (v.wanted[3]) grads[3] = -(sum_g * gamma * inverse);
  if (v.wanted[4]) grads[4] = sum_gx * gamma * inverse * inverse * inverse * -0.5;
  return grads;
}

struct TrainOptions {
  bool residual, relu;  // relu: or relu6
  float ceiling;        // of relu
  double eps;
};

TrainOptions options_of(std::string_view op, Specs in, const Attrs& attrs) {
  const std::string act = attrs.text("act", "");
  if (!act.empty() && act != "relu" && act != "relu6") {
    op_error(op, in, "unknown act '" + act + "'" + suggestion(act, {"relu", "relu6"}));
  }
  const float ceiling = act == "relu6" ? 6.0f : std::numeric_limits<float>::infinity();
  return {attrs.integer("residual", 0) != 0, !act.empty(), ceiling, attrs.real("eps", kEps)};
}

std::vector<Spec> infer_train(Specs in, const Attrs& attrs) {
  const char* op = "batch_norm_train";
  const TrainOptions o = options_of(op, in, attrs);
  expect_count(op, in, o.residual ? 4 : 3, o.residual ? 4 : 3);
  expect_norm(op, in, 1, 2);
  if (o.residual && in[3].shape != in[0].shape) op_error(op, in, "the residual must have x's shape");
  const Spec channels = f32_spec({in[0].shape[1]});
  return {in[0], channels, channels};
}

// The mean of the first sample is the shift against cancellation, so one pass over the rest gives both moments.
template <class T>
void batch_moments(const ChannelView& view, const NormStreamsOf<T>& streams, const NormScratch& s, float* mean,
                   float* var) {
  ChannelView first = view;
  first.n = 1;
  const double plane = static_cast<double>(view.plane()), count = plane * static_cast<double>(view.n);
  norm_moments(first, streams, s.f[0], s.u, s.v);
  for (std::int64_t c = 0; c < view.channels; ++c) s.f[0][c] = static_cast<float>(s.u[c] / plane);
  norm_moments(view, streams, s.f[0], s.u, s.v);
  for (std::int64_t c = 0; c < view.channels; ++c) {
    const double offset = s.u[c] / count;
    mean[c] = static_cast<float>(s.f[0][c] + offset);
    var[c] = static_cast<float>(std::max(0.0, s.v[c] / count - offset * offset));
  }
}

template <class T>
Run train_run(const ChannelView& view, const TrainOptions& o) {
  return [view, o](const KernelArgs& args) {
    const NormScratch s(args.scratch, view);
    NormStreamsOf<T> streams{.x = elements<T>(args, 0)};
    const float *gamma = floats(args, 1), *beta = floats(args, 2);
    float *mean = floats_out(args, 1), *var = floats_out(args, 2);
    batch_moments(view, streams, s, mean, var);
    for (std::int64_t c = 0; c < view.channels; ++c) {
      s.f[1][c] = gamma[c] / std::sqrt(var[c] + static_cast<float>(o.eps));
      s.f[2][c] = beta[c] - mean[c] * s.f[1][c];
    }
    streams.out = elements_out<T>(args, 0);
    streams.residual = o.residual ? elements<T>(args, 3) : nullptr;
    streams.ceiling = o.ceiling;
    norm_apply(view, streams, {.scale = s.f[1], .shift = s.f[2]}, o.relu);
  };
}

Kernel prepare_train(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const TrainOptions o = options_of("batch_norm_train", {}, request.attrs);
  const MemDesc lead = leading(request, {0});
  const ChannelView view = norm_view(lead);
  Kernel kernel = norm_kernel(request, lead.layout);
  kernel.in_place = {o.residual ? 3 : -1, -1, -1};  // x is read again by the gradient, so nothing is won by sharing it
  kernel.scratch_bytes = NormScratch::bytes(view);
  kernel.run = stored_bf16(request) ? train_run<Bf16>(view, o) : train_run<float>(view, o);
  return kernel;
}

// in: x, gamma, mean, var, g, [y when act is relu]; out: dx, dgamma, dbeta, [dz when residual].
std::vector<Spec> infer_train_grad(Specs in, const Attrs& attrs) {
  const char* op = "batch_norm_train_grad";
  const TrainOptions o = options_of(op, in, attrs);
  expect_count(op, in, o.relu ? 6 : 5, o.relu ? 6 : 5);
  expect_norm(op, in, 1, 3);
  for (std::size_t i = 4; i < in.size(); ++i) {
    if (in[i].shape != in[0].shape) op_error(op, in, "g and y must have x's shape");
  }
  std::vector<Spec> out = {in[0], in[1], in[1]};
  if (o.residual) out.push_back(in[0]);
  return out;
}

template <class T>
Run train_grad_run(const ChannelView& view, const TrainOptions& o) {
  return [view, o](const KernelArgs& args) {
    const NormScratch s(args.scratch, view);
    NormStreamsOf<T> streams{.x = elements<T>(args, 0), .g = elements<T>(args, 4)};
    streams.y = o.relu ? elements<T>(args, 5) : nullptr;
    streams.dz = o.residual ? elements_out<T>(args, 3) : nullptr;
    streams.ceiling = o.ceiling;
    const float *gamma = floats(args, 1), *mean = floats(args, 2), *var = floats(args, 3);
    std::copy_n(mean, view.channels, s.f[3]);
    norm_grad_sums(view, streams, s.f[3], s.u, s.v);
    const double count = static_cast<double>(view.n * view.plane());
    for (std::int64_t c = 0; c < view.channels; ++c) {
      const double inverse = 1.0 / std::sqrt(static_cast<double>(var[c]) + o.eps), scale = gamma[c] * inverse;
      floats_out(args, 1)[c] = static_cast<float>(s.v[c] * inverse);
      floats_out(args, 2)[c] = static_cast<float>(s.u[c]);
      s.f[0][c] = static_cast<float>(scale);
      s.f[1][c] = static_cast<float>(-scale * s.u[c] / count);
      s.f[2][c] = static_cast<float>(-scale * inverse * inverse * s.v[c] / count);
    }
    streams.out = elements_out<T>(args, 0);
    norm_apply_grad(view, streams, {.scale = s.f[0], .shift = s.f[1], .slope = s.f[2], .centre = s.f[3]});
  };
}

Kernel prepare_train_grad(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const TrainOptions o = options_of("batch_norm_train_grad", {}, request.attrs);
  const MemDesc lead = leading(request, {0, 4});
  const ChannelView view = norm_view(lead);
  Kernel kernel = norm_kernel(request, lead.layout);
  kernel.in_place[0] = 4;  // g is read for the last time where dx is written
  kernel.scratch_bytes = NormScratch::bytes(view);
  kernel.run = stored_bf16(request) ? train_grad_run<Bf16>(view, o) : train_grad_run<float>(view, o);
  return kernel;
}

std::vector<Value> fused_vjp(const VjpArgs& v, const TrainOptions& o) {
  const Registry& registry = Registry::get();
  std::vector<Value> operands = {v.in[0], v.in[1], v.out[1], v.out[2], v.cotangents[0]};
  if (o.relu) operands.push_back(v.out[0]);
  std::vector<Value> grads = v.in[0].emitter->emit(registry.id("batch_norm_train_grad"), operands, v.attrs);
  grads.resize(v.in.size());
  return grads;
}

// dL/dx for the cotangents of all three results, in elementary ops of x, gamma and the batch statistics.
std::vector<Value> elementary_vjp(const VjpArgs& v, const TrainOptions& o) {
  const Value x = v.in[0], gamma = v.in[1], mean = v.out[1];
  const Shape wide = channel_shape(shape_of(x));
  const double count = static_cast<double>(element_count(shape_of(x))) / static_cast<double>(wide[1]);
  const Value centred = x - reshape(mean, wide);
  std::vector<Value> grads(v.in.size());
  const auto add = [](Value& to, Value term) { to = to.defined() ? to + term : term; };
  if (v.cotangents[0].defined()) {
    const char* mask = o.ceiling == 6.0f ? "relu6_grad" : "relu_grad";
    const Value dz = o.relu ? call(mask, {v.out[0], v.cotangents[0]}) : v.cotangents[0];
    const Value inverse = inverse_std(v.out[2], v.attrs), hat = centred * reshape(inverse, wide);
    grads[1] = over_batch("reduce_sum", dz * hat);
    grads[2] = over_batch("reduce_sum", dz);
    const Value inner = dz - reshape(grads[2], wide) * (1 / count) - hat * (reshape(grads[1], wide) * (1 / count));
    grads[0] = inner * reshape(gamma * inverse, wide);
    if (o.residual) grads[3] = dz;
  }
  if (v.cotangents[1].defined()) {
    add(grads[0], call("expand", {reshape(v.cotangents[1], wide) * (1 / count)}, {{"shape", shape_of(x)}}));
  }
  if (v.cotangents[2].defined()) add(grads[0], centred * (reshape(v.cotangents[2], wide) * (2 / count)));
  return grads;
}

std::vector<Value> train_vjp(const VjpArgs& v) {
  const TrainOptions o = options_of("batch_norm_train", {}, v.attrs);
  const bool only_y = v.cotangents[0].defined() && !v.cotangents[1].defined() && !v.cotangents[2].defined();
  return only_y && !v.create_graph ? fused_vjp(v, o) : elementary_vjp(v, o);
}

Attrs relu_residual(bool relu, bool residual) {
  Attrs attrs;
  if (relu) attrs.set("act", std::string("relu"));
  if (residual) attrs.set("residual", std::int64_t{1});
  return attrs;
}

std::vector<OpCase> train_cases() {
  const Spec x = make_spec({4, 3, 3, 5}), c = make_spec({3}), wide = make_spec({3, 16, 2, 3}), w = make_spec({16});
  return {{.name = "image", .in = {x, c, c}, .attrs = {}},
          {.name = "relu and residual", .in = {x, c, c, x}, .attrs = relu_residual(true, true)},
          {.name = "one block", .in = {wide, w, w}, .attrs = relu_residual(true, false)},
          {.name = "relu6", .in = {wide, w, w}, .attrs = {{"act", std::string("relu6")}}, .lo = -9, .hi = 9},
          {.name = "relu6, dense", .in = {x, c, c}, .attrs = {{"act", std::string("relu6")}}, .lo = -9, .hi = 9},
          {.name = "vectors", .in = {make_spec({7, 5}), make_spec({5}), make_spec({5})}, .attrs = {{"eps", 1e-3}}}};
}

std::vector<OpCase> train_grad_cases() {
  std::vector<OpCase> cases;
  for (OpCase c : train_cases()) {
    const bool relu = c.attrs.has("act");
    c.in = {c.in[0], c.in[1], c.in[1], c.in[1], c.in[0]};
    if (relu) c.in.push_back(c.in[0]);
    c.lo = 0.1, c.hi = c.attrs.text("act", "") == "relu6" ? 8 : 1;  // the variance is an operand
    cases.push_back(c);
  }
  return cases;
}

}  // namespace

void register_batch_norm(Registry& registry) {
  Op eval;
  eval.name = "batch_norm";
  eval.onnx = "BatchNormalization";
  eval.doc =
      "x [N, C, ..], gamma, beta, mean, var [C] -> (x - mean) / sqrt(var + eps) * gamma + beta; attribute eps (1e-5)";
  eval.infer = [](Specs in, const Attrs&) {
    expect_count("batch_norm", in, 5, 5);
    expect_norm("batch_norm", in, 1, 4);
    return one(in[0]);
  };
  eval.bf16 = bf16_of_first_shape;
  eval.prepare = prepare_eval;
  eval.vjp = eval_vjp;
  const Spec c = make_spec({3}), b = make_spec({16});
  eval.cases = {
      {.name = "image", .in = {make_spec({2, 3, 3, 5}), c, c, c, c}, .attrs = {}, .lo = 0.2, .hi = 2},
      {.name = "one block", .in = {make_spec({2, 16, 3, 2}), b, b, b, b}, .attrs = {{"eps", 1e-3}}, .lo = 0.2, .hi = 2},
      {.name = "vectors", .in = {make_spec({4, 3}), c, c, c, c}, .attrs = {}, .lo = 0.2, .hi = 2},
      {.name = "no samples", .in = {make_spec({0, 3, 2, 2}), c, c, c, c}, .attrs = {}, .lo = 0.2, .hi = 2}};
  registry.add(std::move(eval));
  Op train;
  train.name = "batch_norm_train";
  train.doc =
      "x [N, C, ..], gamma, beta [C], residual? -> y, batch mean [C], batch variance (biased) [C]; attributes "
      "eps (1e-5), residual (0), act (\"\")";
  train.infer = infer_train;
  train.bf16 = bf16_of_first_shape;
  train.prepare = prepare_train;
  train.vjp = train_vjp;
  train.cases = train_cases();
  registry.add(std::move(train));
  Op grad;
  grad.name = "batch_norm_train_grad";
  grad.doc =
      "x, gamma, mean, var, g, y? -> dx, dgamma, dbeta, dz?: batch_norm_train's fused gradient, itself without one";
  grad.infer = infer_train_grad;
  grad.bf16 = bf16_of_first_shape;
  grad.prepare = prepare_train_grad;
  grad.cases = train_grad_cases();
  registry.add(std::move(grad));
}

}  // namespace assay::engine
