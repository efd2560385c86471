// Matrix products. A product with known weights is op `linear`, whose weights are [out, in], so that pruning,
// quantisation and channel removal see a layer of ours.
#include <fmt/format.h>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

Operand swapped(Call& call, const Operand& x) {
  Shape perm;
  for (std::int64_t a = 0; a < x.rank(); ++a) perm.push_back(a);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return call.transpose(x, perm);
}

bool is_weight(const Operand& w) { return w.known() && w.rank() == 2 && w.spec.dtype == DType::f32; }

Operand linear(Call& call, const Operand& x, const Operand& w, const Operand* bias) {
  Operands operands = {x, Call::as(w, Role::weight)};
  if (bias) operands.push_back(Call::as(*bias, Role::weight));
  return call.emit("linear", operands);
}

Operands mat_mul(Call& call) {
  const Operand &a = call.in(0), &b = call.in(1);
  if (a.rank() == 0 || b.rank() == 0) call.bad("takes values of at least one axis");
  if (!a.known() && is_weight(b) && a.rank() >= 1 && a.spec.dtype == DType::f32) return {linear(call, a, call.session.transposed(b), nullptr)};
  // One axis stands for a row on the left and a column on the right, which the result then lacks.
  const Operand left = a.rank() == 1 ? call.reshape(a, {1, a.shape()[0]}) : a;
  const Operand right = b.rank() == 1 ? call.reshape(b, {b.shape()[0], 1}) : b;
  const Operand made = call.emit("matmul", {left, right});
  Shape shape = made.shape();
  if (b.rank() == 1) shape.pop_back();
  if (a.rank() == 1) shape.erase(shape.end() - (b.rank() == 1 ? 1 : 2));
  return {call.reshape(made, shape)};
}

// alpha A B + beta C. With weights and a bias of one axis it is a linear layer.
Operands gemm(Call& call) {
  const Operand &a = call.in(0), &b = call.in(1);
  if (a.rank() != 2 || b.rank() != 2) call.bad(fmt::format("takes matrices, not {} and {}", a.spec.str(), b.spec.str()));
  const double alpha = call.real("alpha", 1), beta = call.real("beta", 1);
  const bool ta = call.integer("transA", 0) != 0, tb = call.integer("transB", 0) != 0;
  const Operand rows = ta && !a.known() ? swapped(call, a) : a;
  const bool layer = !a.known() && is_weight(b) && alpha == 1;
  if (layer) {
    const Operand w = tb ? b : call.session.transposed(b);
    const bool plain_bias = call.has(2) && beta == 1 && call.in(2).known() && call.in(2).shape() == Shape{w.shape()[0]};
    const Operand made = linear(call, rows, w, plain_bias ? &call.in(2) : nullptr);
    if (!call.has(2) || plain_bias) return {made};
    const Operand c = beta == 1 ? call.in(2) : call.emit("affine", {call.in(2)}, {{"scale", beta}});
    return {call.emit("add", {made, c})};
  }
  Operand made = call.emit("matmul", {a, b}, {{"transpose_a", std::int64_t{ta}}, {"transpose_b", std::int64_t{tb}}});
  if (alpha != 1) made = call.emit("mul", {made, call.scalar_like(made, alpha)});
  if (!call.has(2)) return {made};
  const Operand c = beta == 1 ? call.in(2) : call.emit("mul", {call.in(2), call.scalar_like(call.in(2), beta)});
  return {call.emit("add", {made, c})};
}

Operands einsum(Call& call) {
  Operands operands;
  for (std::size_t i = 0; i < call.count(); ++i) operands.push_back(call.in(i));
  return {call.emit("einsum", operands, {{"equation", call.text("equation", "")}})};
}

Operands det(Call& call) { return {call.emit("det", {call.in(0)})}; }

}  // namespace

Rows product_rows() { return {{"Det", det}, {"Einsum", einsum}, {"Gemm", gemm}, {"MatMul", mat_mul}}; }

}  // namespace assay::onnx
