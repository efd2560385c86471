// Quantisation to integers and back, per tensor or per slice of one axis: q = saturate(round(x / scale) + zero point),
// halves to even.
#include "harness/engine/ops/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/engine/ops/integer_types.hpp"

namespace assay::engine {

Slices slices_along(const Shape& x, std::size_t axis) {
  Slices s;
  for (std::size_t i = 0; i < x.size(); ++i) (i < axis ? s.outer : i == axis ? s.slices : s.inner) *= x[i];
  return s;
}

namespace {

Shape slice_shape(const Shape& x, std::int64_t slices, std::int64_t axis) {
  Shape shape(x.size(), 1);
  if (slices != 1) shape[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(x.size()) : axis)] = slices;
  return shape;
}

}  // namespace

Value along_axis(Value parameter, const Shape& x, std::int64_t axis) {
  return reshape(parameter, slice_shape(x, element_count(shape_of(parameter)), axis));
}

Value sum_to_parameter(Value terms, Value parameter, std::int64_t axis) {
  const Shape x = shape_of(terms), like = shape_of(parameter);
  return reshape(reduce_to(terms, slice_shape(x, element_count(like), axis)), like);
}

namespace {

// Scale (input 1) and zero point (input 2, optional) are scalars, or vectors along attribute axis (1).
Slices slices_of(std::string_view op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 2, 3);
  expect_dtype(op, in, 1, DType::f32);
  const Shape &x = in[0].shape, &scale = in[1].shape;
  if (in.size() > 2 && in[2].count() != in[1].count()) op_error(op, in, "scale and zero point differ in size");
  if (scale.size() > 1) op_error(op, in, "the scale must be a scalar or a vector");
  if (in[1].count() == 1) return {1, 1, element_count(x)};
  const std::size_t axis = axis_of(op, in, attrs.integer("axis", 1), x.size());
  if (scale[0] != x[axis]) op_error(op, in, "the scale must have " + std::to_string(x[axis]) + " elements");
  return slices_along(x, axis);
}

std::vector<Spec> specs_of(const PrepareRequest& request) {
  std::vector<Spec> specs;
  for (const MemDesc& m : request.in) specs.push_back(m.spec);
  return specs;
}

// Calls body(first element, elements, slice).
template <class Body>
void for_each_run(const Slices& s, const Body& body) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t k = 0; k < s.slices; ++k) body((o * s.slices + k) * s.inner, s.inner, k);
  }
}

template <class Q, class X>
Q quantized(X x, float scale, std::int64_t zero) {
  const float steps = std::nearbyint(static_cast<float>(x) / scale);
  const double q = static_cast<double>(steps) + static_cast<double>(zero);
  if (std::isnan(q)) return 0;
  return static_cast<Q>(std::clamp<double>(q, std::numeric_limits<Q>::min(), std::numeric_limits<Q>::max()));
}

template <class X, class Q>
void quantize_loop(const Slices& s, const KernelArgs& args) {
  const X* x = static_cast<const X*>(args.in[0]);
  Q* out = static_cast<Q*>(args.out[0]);
  const Q* zero = args.in.size() > 2 ? static_cast<const Q*>(args.in[2]) : nullptr;
  for_each_run(s, [&](std::int64_t from, std::int64_t n, std::int64_t k) {
    const float scale = floats(args, 1)[k];
    const std::int64_t shift = zero ? zero[k] : 0;
    for (std::int64_t i = from; i < from + n; ++i) out[i] = quantized<Q>(x[i], scale, shift);
  });
}

template <class Q>
void dequantize_loop(const Slices& s, const KernelArgs& args) {
  const Q* x = static_cast<const Q*>(args.in[0]);
  const Q* zero = args.in.size() > 2 ? static_cast<const Q*>(args.in[2]) : nullptr;
  for_each_run(s, [&](std::int64_t from, std::int64_t n, std::int64_t k) {
    const float scale = floats(args, 1)[k];
    const std::int64_t shift = zero ? zero[k] : 0;
    for (std::int64_t i = from; i < from + n; ++i) {
      floats_out(args, 0)[i] = static_cast<float>(static_cast<std::int64_t>(x[i]) - shift) * scale;
    }
  });
}

DType quantized_type(Specs in, const Attrs& attrs) {
  return in.size() > 2 ? in[2].dtype : dtype_from_name(attrs.text("to", "U8"));
}

void add_quantize(Registry& registry) {
  Op op;
  op.name = "quantize_linear";
  op.onnx = "QuantizeLinear";
  op.doc =
      "x f32 or i32, scale f32, zero point u8 or s8? -> saturate(round(x / scale) + zero point); scale and zero point "
      "scalars or along attribute axis (1); attribute to (U8) without a zero point";
  op.infer = [](Specs in, const Attrs& attrs) {
    slices_of("quantize_linear", in, attrs);
    const DType to = quantized_type(in, attrs);
    if (to != DType::u8 && to != DType::s8) op_error("quantize_linear", in, "makes U8 or I8");
    if (in[0].dtype != DType::f32 && in[0].dtype != DType::i32) op_error("quantize_linear", in, "x must be F32 or I32");
    return one({to, in[0].shape});
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    const Slices s = slices_of("quantize_linear", specs_of(request), request.attrs);
    const bool real = request.in[0].spec.dtype == DType::f32, bytes = request.out[0].dtype == DType::u8;
    kernel.run = [s, real, bytes](const KernelArgs& args) {
      if (real) return bytes ? quantize_loop<float, std::uint8_t>(s, args) : quantize_loop<float, std::int8_t>(s, args);
      bytes ? quantize_loop<std::int32_t, std::uint8_t>(s, args) : quantize_loop<std::int32_t, std::int8_t>(s, args);
    };
    return kernel;
  };
  const Spec zero = make_spec({3}, DType::u8), signed_zero = make_spec({}, DType::s8);
  op.cases = {
      {.name = "per axis",
       .in = {make_spec({2, 3, 5}), make_spec({3}), zero},
       .lo = 0.05,
       .hi = 4,
       .integers_below = 9},
      {.name = "per tensor",
       .in = {make_spec({7}), make_spec({}), signed_zero},
       .lo = 0.05,
       .hi = 4,
       .integers_below = 9},
      {.name = "no zero point", .in = {make_spec({2, 5}), make_spec({1})}, .lo = 0.05, .hi = 4},
      {.name = "integers", .in = {make_spec({5}, DType::i32), make_spec({})}, .lo = 0.3, .hi = 4, .integers_below = 99},
      {.name = "nothing", .in = {make_spec({0, 3}), make_spec({3}), zero}, .lo = 0.05, .hi = 4, .integers_below = 9}};
  registry.add(std::move(op));
}

std::vector<Value> dequantize_vjp(const VjpArgs& v) {
  const Attrs real = {{"to", std::string("F32")}};
  std::vector<Value> grads(v.in.size());
  if (!v.wanted[1]) return grads;
  const std::int64_t axis = v.attrs.integer("axis", 1);
  Value steps = call("cast", {v.in[0]}, real);
  if (v.in.size() > 2) steps = steps - along_axis(call("cast", {v.in[2]}, real), shape_of(v.in[0]), axis);
  grads[1] = sum_to_parameter(v.cotangents[0] * steps, v.in[1], axis);
  return grads;
}

void add_dequantize(Registry& registry) {
  Op op;
  op.name = "dequantize_linear";
  op.onnx = "DequantizeLinear";
  op.doc =
      "x u8, s8 or i32, scale f32, zero point like x? -> (x - zero point) * scale; scale and zero point scalars or "
      "along "
      "attribute axis (1)";
  op.infer = [](Specs in, const Attrs& attrs) {
    slices_of("dequantize_linear", in, attrs);
    if (in.size() > 2 && in[2].dtype != in[0].dtype)
      op_error("dequantize_linear", in, "x and zero point differ in dtype");
    if (!is_integer_type(in[0].dtype)) op_error("dequantize_linear", in, "x must be U8, I8 or I32");
    return one(f32_spec(in[0].shape));
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    const Slices s = slices_of("dequantize_linear", specs_of(request), request.attrs);
    kernel.run = with_integer_type(request.in[0].spec.dtype, [s](auto q) -> std::function<void(const KernelArgs&)> {
      return [s](const KernelArgs& args) { dequantize_loop<decltype(q)>(s, args); };
    });
    return kernel;
  };
  op.vjp = dequantize_vjp;
  const Spec bytes = make_spec({2, 3, 5}, DType::u8), zeros = make_spec({3}, DType::u8);
  op.cases = {{.name = "per axis", .in = {bytes, make_spec({3}), zeros}, .integers_below = 200},
              {.name = "signed",
               .in = {make_spec({7}, DType::s8), make_spec({}), make_spec({}, DType::s8)},
               .integers_below = 100},
              {.name = "wide", .in = {make_spec({5}, DType::i32), make_spec({})}, .integers_below = 1000},
              {.name = "nothing", .in = {make_spec({0, 3}, DType::u8), make_spec({3}), zeros}, .integers_below = 9}};
  registry.add(std::move(op));
}

// The range of x with 0 in it is spread over [0, 255].
void add_dynamic(Registry& registry) {
  Op op;
  op.name = "dynamic_quantize_linear";
  op.onnx = "DynamicQuantizeLinear";
  op.doc = "x -> u8, scale f32 [], zero point u8 []: the range of x and 0 spread over [0, 255]";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("dynamic_quantize_linear", in, 1, 1);
    expect_f32("dynamic_quantize_linear", in);
    return std::vector<Spec>{{DType::u8, in[0].shape}, f32_spec({}), {DType::u8, {}}};
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    kernel.run = [n = request.in[0].spec.count()](const KernelArgs& args) {
      const float* x = floats(args, 0);
      float lo = 0, hi = 0;
      for (std::int64_t i = 0; i < n; ++i) lo = std::min(lo, x[i]), hi = std::max(hi, x[i]);
      const float scale = hi == lo ? 1.0f : (hi - lo) / 255.0f;
      const auto zero = static_cast<std::uint8_t>(std::clamp(std::nearbyint(-lo / scale), 0.0f, 255.0f));
      for (std::int64_t i = 0; i < n; ++i)
        static_cast<std::uint8_t*>(args.out[0])[i] = quantized<std::uint8_t>(x[i], scale, zero);
      floats_out(args, 1)[0] = scale;
      static_cast<std::uint8_t*>(args.out[2])[0] = zero;
    };
    return kernel;
  };
  op.cases = {{.name = "both signs", .in = {make_spec({3, 7})}, .lo = -1, .hi = 2},
              {.name = "positive", .in = {make_spec({11})}, .lo = 1, .hi = 5},
              {.name = "negative", .in = {make_spec({11})}, .lo = -5, .hi = -1}};
  registry.add(std::move(op));
}

}  // namespace

void register_quantize(Registry& registry) {
  add_quantize(registry);
  add_dequantize(registry);
  add_dynamic(registry);
}

}  // namespace assay::engine
