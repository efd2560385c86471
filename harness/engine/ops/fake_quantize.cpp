// fake_quantize: rounding to the steps of an 8-bit (or narrower) integer, in f32 (Jacob et al., CVPR 2018, eq. 12). Its
// gradient is the straight-through estimate: that of the identity inside the range, 0 outside. Where the plan compiler
// stores the result as integers, it is the number of steps.
#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr const char* kName = "fake_quantize";

struct Range {
  float low, high;
};

Range range_of(Specs in, const Attrs& attrs) {
  const std::int64_t low = attrs.integer("low", 0), high = attrs.integer("high", 255);
  if (low > 0 || high < 1 || low < -128 || high > 255 || high - low > 255) {
    op_error(kName, in,
             "low and high must hold 0 and fit 8 bits, not " + std::to_string(low) + " to " + std::to_string(high));
  }
  return {static_cast<float>(low), static_cast<float>(high)};
}

std::vector<Spec> infer_fake_quantize(Specs in, const Attrs& attrs) {
  expect_count(kName, in, 2, 2);
  expect_f32(kName, in);
  (void)range_of(in, attrs);
  if (in[1].shape.empty()) return one(in[0]);
  const std::size_t axis = axis_of(kName, in, attrs.integer("axis", 0), in[0].shape.size());
  if (in[1].shape != Shape{in[0].shape[axis]}) {
    op_error(kName, in, "scale must have shape [] or [" + std::to_string(in[0].shape[axis]) + "]");
  }
  return one(in[0]);
}

// The number of steps, to nearest, ties to even: the sum with 1.5 * 2^23 has no fraction. NaN becomes the lower end.
ASSAY_INLINE float steps(float x, float scale, Range r) {
  constexpr float no_fraction = 12582912.0f;
  const float v = x / scale;
  const float above = v > r.low ? v : r.low, inside = above < r.high ? above : r.high;
  return (inside + no_fraction) - no_fraction;
}

using FakeQuantizeLoop = void (*)(const float* x, void* out, std::size_t n, float scale, Range r);

ASSAY_WIDE void simulate(const float* x, void* out, std::size_t n, float scale, Range r) {
  float* y = static_cast<float*>(out);
  ASSAY_INDEPENDENT
  for (std::size_t i = 0; i < n; ++i) y[i] = steps(x[i], scale, r) * scale;
}

// Through int, whose conversion from f32 vectorises; both integer types keep its low byte.
ASSAY_WIDE void count_steps(const float* x, void* out, std::size_t n, float scale, Range r) {
  auto* y = static_cast<std::uint8_t*>(out);
  ASSAY_INDEPENDENT
  for (std::size_t i = 0; i < n; ++i)
    y[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(steps(x[i], scale, r)));
}

// [outer][channel][inner] of a dense tensor; one scale for all is one channel.
struct Walk {
  std::size_t outer = 1, channels = 1, inner = 1;
};

Walk walk_of(const PrepareRequest& request, const Layout& layout) {
  Walk w;
  const Shape &x = request.in[0].spec.shape, &scale = request.in[1].spec.shape;
  if (scale.empty()) {
    w.inner = physical_floats(layout);
    return w;
  }
  const std::int64_t named = request.attrs.integer("axis", 0);
  const std::size_t axis = static_cast<std::size_t>(named < 0 ? named + static_cast<std::int64_t>(x.size()) : named);
  for (std::size_t i = 0; i < x.size(); ++i) {
    (i < axis ? w.outer : i == axis ? w.channels : w.inner) *= static_cast<std::size_t>(x[i]);
  }
  return w;
}

Kernel prepare_fake_quantize(const PrepareRequest& request) {
  const bool whole = request.in[1].spec.shape.empty();
  const Layout layout =
      whole && request.in[0].layout.native() ? request.in[0].layout : Layout::dense(request.in[0].spec);
  const bool integers = request.out[0].dtype != DType::f32;
  Kernel kernel = dense_kernel(request);
  kernel.in[0] = layout;
  kernel.out[0] = native::retyped(request.out[0], layout);
  kernel.in_place = {integers ? -1 : 0};
  const Walk w = walk_of(request, layout);
  const Range r = range_of(logical_specs(request.in), request.attrs);
  const FakeQuantizeLoop loop = integers ? count_steps : simulate;
  const std::size_t step = dtype_size(request.out[0].dtype);
  kernel.run = [w, r, loop, step](const KernelArgs& args) {
    const float *x = floats(args, 0), *scale = floats(args, 1);
    for (std::size_t row = 0; row < w.outer * w.channels; ++row) {
      const std::size_t at = row * w.inner;
      loop(x + at, static_cast<std::byte*>(args.out[0]) + at * step, w.inner, scale[row % w.channels], r);
    }
  };
  return kernel;
}

std::vector<Value> fake_quantize_vjp(const VjpArgs& v) {
  std::vector<Value> grads(2);
  if (!v.wanted[0]) return grads;
  const Value x = v.in[0];
  Value scale = v.in[1];
  if (!shape_of(scale).empty()) {
    Shape wide(shape_of(x).size(), 1);
    const std::int64_t axis = v.attrs.integer("axis", 0);
    wide[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(wide.size()) : axis)] =
        shape_of(scale)[0];
    scale = reshape(scale, wide);
  }
  const double low = static_cast<double>(v.attrs.integer("low", 0)),
               high = static_cast<double>(v.attrs.integer("high", 255));
  grads[0] = v.cotangents[0] * call("in_range", {x / scale}, {{"min", low - 0.5}, {"max", high + 0.5}});
  return grads;
}

}  // namespace

void register_fake_quantize(Registry& registry) {
  Op op;
  op.name = kName;
  op.doc =
      "x, scale [] or [C] -> clamp(round(x / scale), low, high) * scale; attributes low (0), high (255), axis (0) of "
      "scale's channels; straight-through gradient";
  op.infer = infer_fake_quantize;
  op.prepare = prepare_fake_quantize;
  op.vjp = fake_quantize_vjp;
  const Attrs s8 = {{"low", std::int64_t{-127}}, {"high", std::int64_t{127}}};
  Attrs second = s8;
  second.set("axis", std::int64_t{1});
  const std::vector<bool> neither = {false, false};  // the estimate is not the derivative, which is 0
  op.cases = {
      {.name = "bytes", .in = {make_spec({2, 3, 4, 5}), make_spec({})}, .lo = 0.01, .hi = 1, .differentiable = neither},
      {.name = "a scale a row",
       .in = {make_spec({3, 7}), make_spec({3})},
       .attrs = s8,
       .lo = 0.01,
       .hi = 1,
       .differentiable = neither},
      {.name = "a scale a column",
       .in = {make_spec({3, 5, 2}), make_spec({5})},
       .attrs = second,
       .lo = 0.01,
       .hi = 1,
       .differentiable = neither},
      {.name = "no elements",
       .in = {make_spec({0, 3}), make_spec({})},
       .lo = 0.01,
       .hi = 1,
       .differentiable = neither}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
