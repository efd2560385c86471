// cast between dtypes. To integers: towards zero, saturating, NaN becomes 0. To bool: not zero. To BF16: nearest, ties
// to even. Gradients pass between F32 and F64.
#include <cmath>
#include <limits>

#include "harness/engine/ops/bf16_loops.hpp"
#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {
namespace {

struct Bool {
  std::uint8_t value;
};

template <class To, class From>
To convert(From v) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(v)) return 0;
    // The limits as doubles may round up, so "at least the limit" already saturates.
    if (static_cast<double>(v) >= static_cast<double>(std::numeric_limits<To>::max()))
      return std::numeric_limits<To>::max();
    if (static_cast<double>(v) <= static_cast<double>(std::numeric_limits<To>::min()))
      return std::numeric_limits<To>::min();
    return static_cast<To>(v);
  } else if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
    const auto wide = static_cast<std::int64_t>(v);  // NOLINT(bugprone-signed-char-misuse): a number
    if (wide > static_cast<std::int64_t>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
    if (wide < static_cast<std::int64_t>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    return static_cast<To>(wide);
  } else {
    return static_cast<To>(v);
  }
}

template <class T>
auto load(T v) {
  if constexpr (std::is_same_v<T, Bf16>)
    return widened(v);
  else if constexpr (std::is_same_v<T, Bool>)
    return static_cast<std::uint8_t>(v.value != 0 ? 1 : 0);
  else
    return v;
}

template <class T, class V>
T store(V v) {
  if constexpr (std::is_same_v<T, Bf16>)
    return to_bf16(static_cast<float>(v));
  else if constexpr (std::is_same_v<T, Bool>)
    return {static_cast<std::uint8_t>(v != V{0} ? 1 : 0)};
  else
    return convert<T>(v);
}

using Loop = void (*)(const void*, void*, std::int64_t);

template <class To, class From>
void loop(const void* in, void* out, std::int64_t n) {
  const From* from = static_cast<const From*>(in);
  To* to = static_cast<To*>(out);
  for (std::int64_t i = 0; i < n; ++i) to[i] = store<To>(load(from[i]));
}

// Calls visit with a value of the C++ type of a dtype.
template <class Visit>
auto with_type(DType dtype, const Visit& visit) {
  switch (dtype) {
    case DType::f32:
      return visit(float{});
    case DType::f64:
      return visit(double{});
    case DType::bf16:
      return visit(Bf16{});
    case DType::i64:
      return visit(std::int64_t{});
    case DType::i32:
      return visit(std::int32_t{});
    case DType::u8:
      return visit(std::uint8_t{});
    case DType::s8:
      return visit(std::int8_t{});
    default:
      return visit(Bool{});
  }
}

Loop loop_for(DType to, DType from) {
  return with_type(
      to, [from](auto t) { return with_type(from, [](auto f) -> Loop { return loop<decltype(t), decltype(f)>; }); });
}

Attrs to_dtype(const char* name) { return {{"to", std::string(name)}}; }

}  // namespace

void register_cast(Registry& registry) {
  Op op;
  op.name = "cast";
  op.onnx = "Cast";
  op.doc = "x -> x in the dtype of attribute to (F32, I64, U8, ...)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("cast", in, 1, 1);
    return one({dtype_from_name(attrs.text("to", "F32")), in[0].shape});
  };
  op.prepare = [](const PrepareRequest& request) {
    if (is_storage_change(request)) return storage_cast_kernel(request);
    Kernel kernel = dense_kernel(request);
    const Loop convert_all = loop_for(request.out[0].dtype, request.in[0].spec.dtype);
    kernel.run = [convert_all, n = request.out[0].count()](const KernelArgs& args) {
      convert_all(args.in[0], args.out[0], n);
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{cast_like(v.cotangents[0], v.in[0])}; };
  op.cases = {
      {.name = "to integers", .in = {make_spec({3, 5})}, .attrs = to_dtype("I64"), .lo = -9, .hi = 9},
      {.name = "to bytes", .in = {make_spec({3, 5})}, .attrs = to_dtype("U8"), .lo = -50, .hi = 400},
      {.name = "from integers", .in = {make_spec({3, 5}, DType::i64)}, .attrs = to_dtype("F32"), .integers_below = 100},
      {.name = "same", .in = {make_spec({3, 5})}, .attrs = to_dtype("F32")}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
