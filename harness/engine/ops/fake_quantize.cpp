// fake_quantize: rounding to the steps of an 8-bit (or narrower) integer, in f32 (Jacob et al., CVPR 2018, eq. 12). Its
// gradient is the straight-through estimate (Bengio et al. 2013): that of the identity inside the range, 0 outside; for
// scale and zero point it is that of learned step sizes (Esser et al., ICLR 2020; Bhalgat et al. 2020). Where the plan
// compiler stores the result as integers, it is the number of steps.
#include <cmath>

#include "harness/engine/ops/quantize.hpp"
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
  expect_count(kName, in, 2, 3);
  expect_f32(kName, in);
  (void)range_of(in, attrs);
  if (in.size() > 2 && in[2].shape != in[1].shape) op_error(kName, in, "scale and zero point must have equal shapes");
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

// A layout other than row-major is walked as one slice of its physical elements.
Slices walk_of(const PrepareRequest& request, const Layout& layout) {
  const Shape& x = request.in[0].spec.shape;
  if (request.in[1].spec.shape.empty()) return {1, 1, static_cast<std::int64_t>(physical_floats(layout))};
  return slices_along(x, axis_of(kName, logical_specs(request.in), request.attrs.integer("axis", 0), x.size()));
}

Kernel prepare_fake_quantize(const PrepareRequest& request) {
  const bool whole = request.in[1].spec.shape.empty();
  const Layout layout =
      whole && request.in[0].layout.native() ? request.in[0].layout : Layout::dense(request.in[0].spec);
  const bool integers = request.out[0].dtype != DType::f32, shifted = request.in.size() > 2;
  Kernel kernel = dense_kernel(request);
  kernel.in[0] = layout;
  kernel.out[0] = native::retyped(request.out[0], layout);
  kernel.in_place = {integers ? -1 : 0};
  const Slices w = walk_of(request, layout);
  const Range r = range_of(logical_specs(request.in), request.attrs);
  const FakeQuantizeLoop loop = integers ? count_steps : simulate;
  const std::size_t step = dtype_size(request.out[0].dtype);
  kernel.run = [w, r, loop, step, shifted](const KernelArgs& args) {
    const float *x = floats(args, 0), *scale = floats(args, 1);
    const auto inner = static_cast<std::size_t>(w.inner);
    for (std::int64_t row = 0; row < w.outer * w.slices; ++row) {
      const std::size_t at = static_cast<std::size_t>(row) * inner;
      const auto slice = static_cast<std::size_t>(row % w.slices);
      // clamp(n + zero, low, high) - zero of whole numbers
      const float zero = shifted ? std::nearbyint(floats(args, 2)[slice]) : 0.0f;
      loop(x + at, static_cast<std::byte*>(args.out[0]) + at * step, inner, scale[slice],
           {r.low - zero, r.high - zero});
    }
  };
  return kernel;
}

std::vector<Value> fake_quantize_vjp(const VjpArgs& v) {
  const Shape shape = shape_of(v.in[0]);
  const std::int64_t axis = v.attrs.integer("axis", 0);
  const double low = static_cast<double>(v.attrs.integer("low", 0)),
               high = static_cast<double>(v.attrs.integer("high", 255)),
               learning = v.attrs.real("parameter_gradient_scale", 1);
  const auto wide = [&](Value parameter) {
    return shape_of(parameter).empty() ? parameter : along_axis(parameter, shape, axis);
  };
  const bool shifted = v.in.size() > 2;
  const Value scale = wide(v.in[1]), steps = v.in[0] / scale, g = v.cotangents[0];
  const Value zero = shifted ? call("round", {wide(v.in[2])}) : Value{};
  const auto moved = [&](Value x) { return shifted ? x + zero : x; };
  const Value inside = call("in_range", {moved(steps)}, {{"min", low - 0.5}, {"max", high + 0.5}});
  std::vector<Value> grads(v.in.size());
  if (v.wanted[0]) grads[0] = g * inside;
  if (v.wanted[1]) {
    const Value limited = call("clamp", {moved(call("round", {steps}))}, {{"min", low}, {"max", high}});
    const Value slope = (shifted ? limited - zero : limited) - steps * inside;
    grads[1] = sum_to_parameter(g * slope, v.in[1], axis) * learning;
  }
  if (shifted && v.wanted[2]) grads[2] = sum_to_parameter(g * (inside + -1.0) * scale, v.in[2], axis) * learning;
  return grads;
}

std::vector<OpCase> fake_quantize_cases() {
  const Attrs s8 = {{"low", std::int64_t{-127}}, {"high", std::int64_t{127}}},
              few = {{"low", std::int64_t{-2}}, {"high", std::int64_t{5}}};
  Attrs second = s8, last = few;
  second.set("axis", std::int64_t{1});
  last.set("axis", std::int64_t{-1});
  const auto with = [](const char* name, std::vector<Spec> in, Attrs attrs = {}, double hi = 1) {
    OpCase c{.name = name, .in = std::move(in), .attrs = std::move(attrs), .lo = 0.01, .hi = hi};
    c.differentiable.assign(c.in.size(), false);  // the estimate is not the derivative, which is 0
    return c;
  };
  const Spec three = make_spec({3}), scalar = make_spec({});
  return {with("bytes", {make_spec({2, 3, 4, 5}), scalar}),
          with("a scale a row", {make_spec({3, 7}), three}, s8),
          with("a scale a column", {make_spec({3, 5, 2}), make_spec({5})}, second),
          with("zero points", {make_spec({2, 5, 3}), three, three}, last, 4),
          with("one zero point", {make_spec({7}), scalar, scalar}, few, 4),
          with("no elements", {make_spec({0, 3}), scalar})};
}

}  // namespace

void register_fake_quantize(Registry& registry) {
  Op op;
  op.name = kName;
  op.doc =
      "x, scale [] or [C], zero point like scale? (rounded) -> (clamp(round(x / scale) + zero point, low, high) - zero "
      "point) * scale; attributes low (0), high (255), axis (0) of the channels, parameter_gradient_scale (1); "
      "straight-through gradient";
  op.infer = infer_fake_quantize;
  op.prepare = prepare_fake_quantize;
  op.vjp = fake_quantize_vjp;
  op.cases = fake_quantize_cases();
  registry.add(std::move(op));
}

}  // namespace assay::engine
