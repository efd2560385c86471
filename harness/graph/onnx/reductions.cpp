// Reductions over axes.
#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// Attributes of a reduction; no axes: all, or none with noop_with_empty_axes (which then computes elementwise).
// The axes became an operand in opset 13 for ReduceSum and not before 18 for the others.
struct Over {
  Attrs attrs;
  bool nothing = false;
};

Over over(Call& call, std::int64_t operand_since) {
  const Operand& x = call.in(0);
  Shape axes = call.ints_since(operand_since, 1, "axes");
  Over o;
  o.nothing = axes.empty() && call.opset >= operand_since && call.integer("noop_with_empty_axes", 0) != 0;
  for (std::int64_t& a : axes) a = call.axis(a, x.rank());
  if (axes.empty() && !o.nothing) {
    for (std::int64_t a = 0; a < x.rank(); ++a) axes.push_back(a);
  }
  o.attrs = {{"axes", axes}, {"keepdims", call.integer("keepdims", 1)}};
  return o;
}

constexpr std::int64_t never = 18;

Operand reduced(Call& call, const char* op, const Operand& x) { return call.emit(op, {x}, over(call, never).attrs); }

// 8-bit extremes are exact in f32.
Operands extreme(Call& call, const char* op) {
  const Operand& x = call.in(0);
  const bool narrow = x.spec.dtype == DType::u8 || x.spec.dtype == DType::s8;
  if (!narrow) return {reduced(call, op, x)};
  return {call.cast(reduced(call, op, call.cast(x, DType::f32)), x.spec.dtype)};
}

Operands sum(Call& call) {
  const Over o = over(call, 13);
  return {o.nothing ? call.in(0) : call.emit("reduce_sum", {call.in(0)}, o.attrs)};
}

Operands mean(Call& call) { return {reduced(call, "reduce_mean", call.in(0))}; }
Operands maximum(Call& call) { return extreme(call, "reduce_max"); }
Operands minimum(Call& call) { return extreme(call, "reduce_min"); }
Operands product(Call& call) { return {reduced(call, "reduce_prod", call.in(0))}; }
Operands l1(Call& call) { return {reduced(call, "reduce_l1", call.in(0))}; }
Operands l2(Call& call) { return {reduced(call, "reduce_l2", call.in(0))}; }
Operands log_sum(Call& call) { return {reduced(call, "reduce_log_sum", call.in(0))}; }
Operands log_sum_exp(Call& call) { return {reduced(call, "reduce_log_sum_exp", call.in(0))}; }
Operands sum_square(Call& call) { return {reduced(call, "reduce_sum_square", call.in(0))}; }

}  // namespace

Rows reduce_rows() {
  return {{"ReduceL1", l1},       {"ReduceL2", l2},     {"ReduceLogSum", log_sum}, {"ReduceLogSumExp", log_sum_exp},
          {"ReduceMax", maximum}, {"ReduceMean", mean}, {"ReduceMin", minimum},    {"ReduceProd", product},
          {"ReduceSum", sum},     {"ReduceSumSquare", sum_square}};
}

}  // namespace assay::onnx
