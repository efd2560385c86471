#include "tests/ops/case_inputs.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/rng.hpp"

namespace assay::engine {

using reference::Array;

namespace {

template <class T>
Tensor tensor_of(const Array& array, DType dtype) {
  std::vector<T> values;
  for (const double v : array.v) values.push_back(static_cast<T>(v));
  return Tensor::from_bytes({dtype, array.shape}, std::as_bytes(std::span(values)));
}

template <class T>
void read(const Tensor& tensor, Array& out) {
  const Tensor dense = tensor.dense();
  const T* values = reinterpret_cast<const T*>(dense.raw());
  for (std::size_t i = 0; i < out.v.size(); ++i) {
    out.v[i] = static_cast<double>(values[i]);  // NOLINT(bugprone-signed-char-misuse): a number
  }
}

bool is_unsigned(DType dtype) { return dtype == DType::u8 || dtype == DType::boolean; }

}  // namespace

Tensor to_tensor(const Array& array, DType dtype) {
  switch (dtype) {
    case DType::f64:
      return tensor_of<double>(array, dtype);
    case DType::i64:
      return tensor_of<std::int64_t>(array, dtype);
    case DType::i32:
      return tensor_of<std::int32_t>(array, dtype);
    case DType::s8:
      return tensor_of<std::int8_t>(array, dtype);
    case DType::u8:
    case DType::boolean:
      return tensor_of<std::uint8_t>(array, dtype);
    case DType::bf16:
      return apply1("cast", {tensor_of<float>(array, DType::f32)}, {{"to", std::string("BF16")}});
    default:
      return tensor_of<float>(array, DType::f32);
  }
}

Array to_array(const Tensor& tensor) {
  Array out(tensor.shape());
  if (tensor.dtype() == DType::f64) {
    read<double>(tensor, out);
  } else if (tensor.dtype() == DType::i64) {
    read<std::int64_t>(tensor, out);
  } else {
    const auto values = tensor.to_f32();
    out.v.assign(values.begin(), values.end());
  }
  return out;
}

void wrap_to(Array& array, DType dtype) {
  const bool integer = dtype == DType::i64 || dtype == DType::i32 || dtype == DType::s8 || dtype == DType::u8;
  if (!integer) return;
  const double range = std::ldexp(1.0, static_cast<int>(8 * dtype_size(dtype)));
  for (double& v : array.v) {
    v = std::fmod(std::trunc(v), range);
    if (v < 0 && is_unsigned(dtype)) v += range;
    if (!is_unsigned(dtype) && v >= range / 2) v -= range;
    if (!is_unsigned(dtype) && v < -range / 2) v += range;
  }
}

Array direction(const Shape& shape, const std::string& purpose) {
  Array out(shape);
  const Rng rng(7, purpose);
  for (std::size_t i = 0; i < out.v.size(); ++i) out.v[i] = static_cast<float>(2 * rng.uniform(i) - 1);
  return out;
}

double dot(const Array& a, const Array& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.v.size(); ++i) sum += a.v[i] * b.v[i];
  return sum;
}

namespace {

double draw_integer(const Rng& rng, std::uint64_t counter, std::int64_t below, bool natural) {
  const std::int64_t low = below < 0 && !natural ? below : 0, high = std::abs(below);
  return static_cast<double>(low) + static_cast<double>(rng.below(counter, static_cast<std::uint64_t>(high - low)));
}

void sort_rows(Array& array) {
  const std::int64_t n = array.shape.back();
  for (auto row = array.v.begin(); row != array.v.end(); row += n) std::sort(row, row + n);
}

// Adds to the diagonal of every square matrix in the last two axes.
void shift_diagonals(Array& array, double by) {
  const std::size_t rank = array.shape.size();
  if (by == 0 || rank < 2 || array.shape[rank - 1] != array.shape[rank - 2]) return;
  const auto n = static_cast<std::size_t>(array.shape[rank - 1]);
  for (std::size_t i = 0; i < array.v.size(); ++i) {
    if (i / n % n == i % n) array.v[i] = static_cast<float>(array.v[i] + by);
  }
}

}  // namespace

CaseInputs draw(const Op& op, const OpCase& c) {
  CaseInputs inputs;
  for (std::size_t k = 0; k < c.in.size(); ++k) {
    const Rng rng(1, op.name + "/" + c.name, k);
    Array array(c.in[k].shape);
    std::uint64_t counter = 0;
    // Labels and the like go with real operands that have a kink of their own.
    const double keep_away = is_real(c.in[k].dtype) || c.integers_below < 0 ? c.keep_away : 0;
    for (double& v : array.v) {
      do {
        v = is_real(c.in[k].dtype)
                ? static_cast<float>(c.lo + (c.hi - c.lo) * rng.uniform(counter++))  // exactly what the kernel gets
                : draw_integer(rng, counter++, c.integers_below, is_unsigned(c.in[k].dtype));
      } while (std::fabs(v - c.kink) < keep_away);
    }
    if (!c.rising.empty() && c.rising.at(k)) sort_rows(array);
    if (c.in[k].dtype == DType::f32) shift_diagonals(array, c.diagonal);
    inputs.tensors.push_back(to_tensor(array, c.in[k].dtype));
    inputs.arrays.push_back(std::move(array));
    const bool allowed = c.differentiable.empty() || c.differentiable.at(k);
    inputs.differentiable.push_back(allowed && is_real(c.in[k].dtype));
  }
  return inputs;
}

}  // namespace assay::engine
