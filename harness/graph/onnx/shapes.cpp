// Constants, shapes as values, types.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

constexpr std::int64_t most_extents = std::int64_t{1} << 28;

Operand known_tensor(Call& call, const Tensor& value) {
  if (value.dtype() != DType::boolean) return call.constant(value);
  return Call::logical(call.constant(Tensor::f32(value.shape(), value.to_f32())));
}

Operands constant(Call& call) {
  if (call.given("value_int"))
    return {call.constant(Tensor::i64({}, std::vector<std::int64_t>{call.integer("value_int", 0)}))};
  if (call.given("value_float")) return {call.scalar(call.real("value_float", 0))};
  if (call.given("value_ints")) {
    const auto it = call.node.attributes.find("value_ints");
    const auto& values = it->second.integers;
    return {call.constant(Tensor::i64({static_cast<std::int64_t>(values.size())}, values))};
  }
  if (call.given("value_floats")) {
    const std::vector<double> values = call.reals("value_floats");
    const std::vector<float> narrow(values.begin(), values.end());
    return {call.constant(Tensor::f32({static_cast<std::int64_t>(narrow.size())}, narrow))};
  }
  const auto it = call.node.attributes.find("value");
  if (it == call.node.attributes.end() || !it->second.tensor.defined()) call.unsupported("holds no tensor of numbers");
  return {known_tensor(call, it->second.tensor)};
}

Operands shape(Call& call) {
  const Operand& x = call.in(0);
  const auto bounded = [&](std::int64_t v) { return std::clamp<std::int64_t>(v < 0 ? v + x.rank() : v, 0, x.rank()); };
  const std::int64_t begin = bounded(call.integer("start", 0)),
                     end = std::max(begin, bounded(call.integer("end", x.rank())));
  const Shape part(x.shape().begin() + begin, x.shape().begin() + end);
  return {call.constant(Tensor::i64({end - begin}, part))};
}

Operands size(Call& call) {
  return {call.constant(Tensor::i64({}, std::vector<std::int64_t>{call.in(0).spec.count()}))};
}

Operands identity(Call& call) { return {call.in(0)}; }

Operands cast(Call& call) {
  const Operand& x = call.in(0);
  const auto to = static_cast<Element>(call.integer("to", 0));
  if (to == Element::boolean) {
    if (x.logical) return {x};
    const Operand zero = call.emit("equal", {x, call.scalar_like(x, 0)});
    return {Call::logical(call.emit("affine", {zero}, {{"scale", -1.0}, {"shift", 1.0}}))};
  }
  if (!readable(to)) call.unsupported("to type " + element_name(to));
  Operand made = call.cast(x, dtype_of(to));
  made.logical = false;
  return {made};
}

Operands cast_like(Call& call) {
  if (call.in(1).logical) call.unsupported("to BOOL");
  Operand made = call.cast(call.in(0), call.in(1).spec.dtype);
  made.logical = false;
  return {made};
}

Operands constant_of_shape(Call& call) {
  const Shape target = call.known_ints(0, "shape");
  std::int64_t count = 1;
  for (const std::int64_t extent : target) {
    if (extent < 0 || (extent > 0 && count > most_extents / extent))
      call.bad("asks for a value of shape " + engine::shape_str(target));
    count *= std::max<std::int64_t>(extent, 1);
  }
  const auto it = call.node.attributes.find("value");
  Tensor fill = it == call.node.attributes.end() ? Tensor::scalar(0) : it->second.tensor;
  if (!fill.defined() || fill.count() != 1) call.bad("attribute value must be a tensor of one element");
  const bool logical = fill.dtype() == DType::boolean;
  if (logical) fill = Tensor::f32({1}, fill.to_f32());
  const std::size_t width = engine::dtype_size(fill.dtype());
  const Spec spec{fill.dtype(), target};
  std::vector<std::byte> bytes(spec.bytes());
  for (std::size_t at = 0; at < bytes.size(); at += width) std::copy_n(fill.raw(), width, bytes.data() + at);
  Operand made = call.constant(Tensor::from_bytes(spec, bytes));
  made.logical = logical;
  return {made};
}

template <class T>
std::vector<T> counted(Call& call, T start, T limit, T delta) {
  if (delta == T{0}) call.bad("has delta 0");
  const double steps =
      std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
  if (!(steps < static_cast<double>(most_extents))) call.bad("asks for too many elements");
  std::vector<T> values;
  for (std::int64_t k = 0; k < static_cast<std::int64_t>(std::max(steps, 0.0)); ++k)
    values.push_back(start + static_cast<T>(k) * delta);
  return values;
}

Operands range(Call& call) {
  Tensor bounds[3];
  for (std::size_t i = 0; i < 3; ++i) {
    bounds[i] = call.known(call.in(i), "bounds");
    if (bounds[i].count() != 1) call.bad("takes scalars");
  }
  const DType dtype = bounds[0].dtype();
  if (dtype == DType::f32) {
    const std::vector<float> v =
        counted<float>(call, bounds[0].to_f32()[0], bounds[1].to_f32()[0], bounds[2].to_f32()[0]);
    return {call.constant(Tensor::f32({static_cast<std::int64_t>(v.size())}, v))};
  }
  const auto v = counted<std::int64_t>(call, bounds[0].to_i64()[0], bounds[1].to_i64()[0], bounds[2].to_i64()[0]);
  return {call.cast(call.constant(Tensor::i64({static_cast<std::int64_t>(v.size())}, v)), dtype)};
}

Operands eye_like(Call& call) {
  const Operand& x = call.in(0);
  const auto to = static_cast<Element>(call.integer("dtype", static_cast<int>(element_of(x.spec.dtype))));
  const bool logical = to == Element::boolean;
  if (!readable(to)) call.unsupported("of type " + element_name(to));
  const std::string dtype = engine::dtype_name(logical ? DType::f32 : dtype_of(to));
  Operand made = call.emit("eye_like", {x}, {{"k", call.integer("k", 0)}, {"dtype", dtype}});
  made.logical = logical;
  return {made};
}

}  // namespace

Rows shape_rows() {
  return {
      {"Cast", cast},        {"CastLike", cast_like}, {"Constant", constant}, {"ConstantOfShape", constant_of_shape},
      {"EyeLike", eye_like}, {"Identity", identity},  {"Range", range},       {"Shape", shape},
      {"Size", size}};
}

}  // namespace assay::onnx
