// Ops over any dtype: which dtypes an op takes, the C++ type behind each, and arithmetic that wraps as ONNX's does.
// The generic path computes in a wide type (f64 for reals, i64 for integers and bool) on dense operands. f32 has loops
// of its own where speed matters; they are not touched by this path.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// A set of dtypes, one bit each.
using DTypeSet = unsigned;
constexpr DTypeSet set_of(DType dtype) { return 1u << static_cast<unsigned>(dtype); }
constexpr DTypeSet kReals = set_of(DType::f32) | set_of(DType::f64);
constexpr DTypeSet kIntegers = set_of(DType::i64) | set_of(DType::i32) | set_of(DType::u8) | set_of(DType::s8);
constexpr DTypeSet kNumbers = kReals | kIntegers;
constexpr DTypeSet kNumbersAndBool = kNumbers | set_of(DType::boolean);
constexpr DTypeSet kAnyDType = kNumbersAndBool | set_of(DType::bf16);
constexpr bool in_set(DType dtype, DTypeSet set) { return (set & set_of(dtype)) != 0; }
constexpr bool is_real(DType dtype) { return in_set(dtype, kReals); }

// Throws Error(bad_input) when input `index` is of no dtype of the set.
void expect_in(std::string_view op, Specs in, std::size_t index, DTypeSet set);
// Every input, and all of one dtype.
void expect_alike(std::string_view op, Specs in, DTypeSet set);
void expect_index(std::string_view op, Specs in, std::size_t index);  // i64 or i32

// Calls visit with a value of the C++ type of `dtype`: float, double, int64_t, int32_t, uint8_t (u8 and bool), int8_t.
// BF16 must have been refused before.
template <class Visit>
auto with_number(DType dtype, const Visit& visit) {
  switch (dtype) {
    case DType::f32:
      return visit(float{});
    case DType::f64:
      return visit(double{});
    case DType::i64:
      return visit(std::int64_t{});
    case DType::i32:
      return visit(std::int32_t{});
    case DType::s8:
      return visit(std::int8_t{});
    default:
      return visit(std::uint8_t{});
  }
}

// Calls visit with an unsigned integer as large as an element: for ops that only move elements.
template <class Visit>
auto with_element(std::size_t bytes, const Visit& visit) {
  switch (bytes) {
    case 1:
      return visit(std::uint8_t{});
    case 2:
      return visit(std::uint16_t{});
    case 4:
      return visit(std::uint32_t{});
    default:
      return visit(std::uint64_t{});
  }
}

template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;

template <class T>
Wide<T> widened(T v) {
  return static_cast<Wide<T>>(v);  // NOLINT(bugprone-signed-char-misuse): a number
}

// Integer arithmetic modulo 2^64; storing into a narrower dtype keeps the low bits.
inline double wrap_add(double a, double b) { return a + b; }
inline double wrap_sub(double a, double b) { return a - b; }
inline double wrap_mul(double a, double b) { return a * b; }
inline std::int64_t wrap_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline std::int64_t wrap_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline std::int64_t wrap_mul(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

template <class W>
bool is_nan(W v) {
  if constexpr (std::is_floating_point_v<W>) return std::isnan(v);
  return false;
}
// NaN wins over everything, whichever operand it is.
template <class W>
W larger_of(W a, W b) {
  return a > b || is_nan(a) ? a : b;
}
template <class W>
W smaller_of(W a, W b) {
  return a < b || is_nan(a) ? a : b;
}

// The order of argmax, argmin, top_k and hardmax: NaN comes before everything, whichever end is asked for.
template <class T>
bool above(T a, T b) {
  return a > b || (is_nan(a) && !is_nan(b));
}
template <class T>
bool below(T a, T b) {
  return a < b || (is_nan(a) && !is_nan(b));
}

// A real as T: integers are cut towards zero and saturate, NaN becomes 0.
template <class T>
T saturated(double v) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(v);
  } else {
    if (v != v) return 0;
    if (v >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    if (v <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    return static_cast<T>(v);
  }
}

DType dtype_of(Value v);
Value cast_like(Value v, Value other);         // cast to the dtype of `other`; v itself when it has it
Value scalar_like(Value other, double value);  // a constant [] of the dtype of `other`, f32 or f64

// Writes `count` elements of `value`, converted as by saturated().
void fill_elements(DType dtype, void* to, std::int64_t count, double value);

// i64 or i32 indices of an operand, in [-extent, extent) as ONNX has them: negative ones count from the end.
class Indices {
 public:
  Indices(const void* data, DType dtype) : data_(data), wide_(dtype == DType::i64) {}
  std::int64_t operator[](std::int64_t i) const {
    return wide_ ? static_cast<const std::int64_t*>(data_)[i] : static_cast<const std::int32_t*>(data_)[i];
  }
  // The i-th as one in [0, extent). Throws Error(bad_input) naming the op.
  std::int64_t at(const char* op, std::int64_t i, std::int64_t extent) const {
    const std::int64_t index = (*this)[i];
    if (index >= 0 && index < extent) return index;
    if (index < 0 && index >= -extent) return index + extent;
    refuse(op, index, extent);
  }

 private:
  [[noreturn]] static void refuse(const char* op, std::int64_t index, std::int64_t extent);
  const void* data_;
  bool wide_;
};

}  // namespace assay::engine
