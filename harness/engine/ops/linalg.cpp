#include "harness/engine/ops/linalg.hpp"

#include <array>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine::linalg {
namespace {

constexpr std::size_t kMost = 4;  // operands or results

Value multiplied(Value a, Value b, std::int64_t transpose_a, std::int64_t transpose_b) {
  return call("matmul", {a, b}, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

}  // namespace

MatrixShape matrix_shape(const char* op, Specs in, std::size_t index) {
  const Shape& s = in[index].shape;
  expect_dtype(op, in, index, DType::f32);
  if (s.size() < 2) op_error(op, in, "input " + std::to_string(index) + " must have at least 2 axes");
  return {Shape(s.begin(), s.end() - 2), s[s.size() - 2], s[s.size() - 1]};
}

MatrixShape square_shape(const char* op, Specs in, std::size_t index) {
  MatrixShape m = matrix_shape(op, in, index);
  if (m.rows != m.columns) op_error(op, in, "input " + std::to_string(index) + " must be square matrices");
  return m;
}

Shape joined(const Shape& batch, std::initializer_list<std::int64_t> rest) {
  Shape shape = batch;
  shape.insert(shape.end(), rest);
  return shape;
}

std::vector<std::int64_t> all_of(std::int64_t count) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<std::int64_t> broadcast_of(const Shape& own, const Shape& batch) {
  const Shape steps = row_major(own), whole = row_major(batch);
  const std::size_t lead = batch.size() - own.size();
  std::vector<std::int64_t> which;
  for (std::int64_t i = 0; i < element_count(batch); ++i) {
    std::int64_t at = 0;
    for (std::size_t a = 0; a < own.size(); ++a) {
      const std::int64_t index = i / whole[lead + a] % batch[lead + a];
      at += own[a] == 1 ? 0 : index * steps[a];
    }
    which.push_back(at);
  }
  return which;
}

Kernel batch_kernel(const PrepareRequest& request, MatrixKernel matrices) {
  Kernel kernel = dense_kernel(request);
  kernel.run = [m = std::move(matrices)](const KernelArgs& args) {
    std::array<const float*, kMost> in{};
    std::array<float*, kMost> out{};
    for (std::size_t i = 0; i < m.which[0].size(); ++i) {
      for (std::size_t k = 0; k < m.in.size(); ++k) in[k] = floats(args, k) + m.which[k][i] * m.in[k];
      for (std::size_t k = 0; k < m.out.size(); ++k) {
        out[k] = floats_out(args, k) + static_cast<std::int64_t>(i) * m.out[k];
      }
      if (m.body(std::span(in.data(), m.in.size()), std::span(out.data(), m.out.size()))) continue;
      throw Error(Fault::bad_input, std::string(m.op) + ": matrix " + std::to_string(i) + " " + m.complaint);
    }
  };
  return kernel;
}

Value product(Value a, Value b) { return multiplied(a, b, 0, 0); }
Value product_left_t(Value a, Value b) { return multiplied(a, b, 1, 0); }
Value product_right_t(Value a, Value b) { return multiplied(a, b, 0, 1); }

Value transposed(Value a) {
  Shape perm = all_of(static_cast<std::int64_t>(shape_of(a).size()));
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return call("transpose", {a}, {{"perm", perm}});
}

Value symmetric_part(Value a) { return (a + transposed(a)) * 0.5; }

Value as_row(Value v) {
  Shape shape = shape_of(v);
  shape.insert(shape.end() - 1, 1);
  return reshape(v, shape);
}

Value as_column(Value v) { return reshape(v, joined(shape_of(v), {1})); }
Value as_scalar_matrix(Value v) { return reshape(v, joined(shape_of(v), {1, 1})); }

Value identity(Value like, std::int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n * n), 0.0f);
  for (std::int64_t i = 0; i < n; ++i) values[static_cast<std::size_t>(i * n + i)] = 1.0f;
  return like.emitter->constant(Tensor::f32({n, n}, values));
}

Value lower_mask(Value like, std::int64_t rows, std::int64_t columns, std::int64_t offset) {
  std::vector<float> values;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) values.push_back(c <= r + offset ? 1.0f : 0.0f);
  }
  return like.emitter->constant(Tensor::f32({rows, columns}, values));
}

Value plus(Value a, Value b) { return !a.defined() ? b : (b.defined() ? a + b : a); }

}  // namespace assay::engine::linalg
