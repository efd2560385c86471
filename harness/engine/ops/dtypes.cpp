#include "harness/engine/ops/dtypes.hpp"

#include <algorithm>

#include "harness/base/error.hpp"

namespace assay::engine {
namespace {

std::string names_of(DTypeSet set) {
  std::string names;
  for (const DType d : {DType::f32, DType::f64, DType::bf16, DType::i64, DType::i32, DType::u8, DType::s8,
                        DType::boolean}) {
    if (in_set(d, set)) names += (names.empty() ? "" : ", ") + std::string(dtype_name(d));
  }
  return names;
}

}  // namespace

void expect_in(std::string_view op, Specs in, std::size_t index, DTypeSet set) {
  if (in_set(in[index].dtype, set)) return;
  op_error(op, in, "input " + std::to_string(index) + " must be one of " + names_of(set));
}

void expect_alike(std::string_view op, Specs in, DTypeSet set) {
  for (std::size_t i = 0; i < in.size(); ++i) {
    expect_in(op, in, i, set);
    if (in[i].dtype != in[0].dtype) op_error(op, in, "inputs must be of one dtype");
  }
}

void expect_index(std::string_view op, Specs in, std::size_t index) {
  expect_in(op, in, index, set_of(DType::i64) | set_of(DType::i32));
}

void fill_elements(DType dtype, void* to, std::int64_t count, double value) {
  if (dtype == DType::boolean) value = value != 0 ? 1 : 0;
  with_number(dtype, [&](auto type) {
    using T = decltype(type);
    std::fill_n(static_cast<T*>(to), count, saturated<T>(value));
  });
}

DType dtype_of(Value v) { return v.emitter->spec(v).dtype; }

Value cast_like(Value v, Value other) {
  if (dtype_of(v) == dtype_of(other)) return v;
  return call("cast", {v}, {{"to", std::string(dtype_name(dtype_of(other)))}});
}

Value scalar_like(Value other, double value) {
  if (dtype_of(other) != DType::f64) return other.emitter->constant(Tensor::scalar(static_cast<float>(value)));
  return other.emitter->constant(Tensor::from_bytes({DType::f64, {}}, std::as_bytes(std::span(&value, 1))));
}

void Indices::refuse(const char* op, std::int64_t index, std::int64_t extent) {
  throw Error(Fault::bad_input, std::string(op) + ": index " + std::to_string(index) + " is outside [-" +
                                    std::to_string(extent) + ", " + std::to_string(extent) + ")");
}

}  // namespace assay::engine
