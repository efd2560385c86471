#include "tests/ops/case_inputs.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/rng.hpp"

namespace assay::engine {

using reference::Array;

Tensor to_tensor(const Array& array, DType dtype) {
  if (dtype == DType::i64) return Tensor::i64(array.shape, std::vector<std::int64_t>(array.v.begin(), array.v.end()));
  const Tensor real = Tensor::f32(array.shape, std::vector<float>(array.v.begin(), array.v.end()));
  return dtype == DType::f32 ? real : apply1("cast", {real}, {{"to", std::string(dtype_name(dtype))}});
}

Array to_array(const Tensor& tensor) {
  Array out(tensor.shape());
  if (tensor.dtype() == DType::i64) {
    const auto values = tensor.to_i64();
    out.v.assign(values.begin(), values.end());
  } else {
    const auto values = tensor.to_f32();
    out.v.assign(values.begin(), values.end());
  }
  return out;
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
    for (double& v : array.v) {
      if (c.in[k].dtype != DType::f32) {
        v = static_cast<double>(rng.below(counter++, static_cast<std::uint64_t>(c.integers_below)));
        continue;
      }
      do {
        v = static_cast<float>(c.lo + (c.hi - c.lo) * rng.uniform(counter++));  // exactly what the kernel gets
      } while (std::fabs(v - c.kink) < c.keep_away);
    }
    if (!c.rising.empty() && c.rising.at(k)) sort_rows(array);
    if (c.in[k].dtype == DType::f32) shift_diagonals(array, c.diagonal);
    inputs.tensors.push_back(to_tensor(array, c.in[k].dtype));
    inputs.arrays.push_back(std::move(array));
    const bool allowed = c.differentiable.empty() || c.differentiable.at(k);
    inputs.differentiable.push_back(allowed && c.in[k].dtype == DType::f32);
  }
  return inputs;
}

}  // namespace assay::engine
