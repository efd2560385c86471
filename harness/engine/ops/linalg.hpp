// What the ops of linear algebra share: batches of matrices, and the matrix expressions that their VJPs are written in.
// Batches are leading axes; a matrix is the last two.
#pragma once

#include "harness/engine/ops/eigen_adapter.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine::linalg {

struct MatrixShape {
  Shape batch;
  std::int64_t rows, columns;
  std::int64_t count() const { return element_count(batch); }
  std::int64_t size() const { return rows * columns; }
};
MatrixShape matrix_shape(const char* op, Specs in, std::size_t index);
MatrixShape square_shape(const char* op, Specs in, std::size_t index);
Shape joined(const Shape& batch, std::initializer_list<std::int64_t> rest);

// A kernel that runs one matrix of a batch at a time: body(operands, results) gives false where there is no result,
// which becomes Error(bad_input) "<op>: matrix <i> <complaint>". `in`, `out`: elements a matrix; `pairs`: which matrix
// of each operand belongs to matrix i of the batch.
struct MatrixKernel {
  const char* op;
  const char* complaint;
  std::vector<std::int64_t> in, out;
  std::vector<std::vector<std::int64_t>> which;  // one list an operand, of equal lengths
  std::function<bool(std::span<const float* const> in, std::span<float* const> out)> body;
};
Kernel batch_kernel(const PrepareRequest& request, MatrixKernel matrices);
std::vector<std::int64_t> all_of(std::int64_t count);
// For operands whose batch axes broadcast to `batch`.
std::vector<std::int64_t> broadcast_of(const Shape& own, const Shape& batch);

Value product(Value a, Value b);             // a b
Value product_left_t(Value a, Value b);      // a^T b
Value product_right_t(Value a, Value b);     // a b^T
Value transposed(Value a);                   // the last two axes exchanged
Value symmetric_part(Value a);               // (a + a^T) / 2
Value as_row(Value v);                       // [.., n] -> [.., 1, n]
Value as_column(Value v);                    // [.., n] -> [.., n, 1]
Value as_scalar_matrix(Value v);             // [..] -> [.., 1, 1]
Value identity(Value like, std::int64_t n);  // [n, n]
// 1 on and below the diagonal plus `offset`, else 0: [rows, columns].
Value lower_mask(Value like, std::int64_t rows, std::int64_t columns, std::int64_t offset);
Value plus(Value a, Value b);  // either may be undefined

}  // namespace assay::engine::linalg
