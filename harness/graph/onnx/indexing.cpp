// Reading and writing by index, order, selection.
#include <fmt/format.h>

#include <algorithm>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// The engine's indices are i64 or i32, negative ones count from the end.
Operand indices(Call& call, std::size_t at) {
  const Operand& index = call.in(at);
  return index.spec.dtype == DType::i32 ? index : call.index(index);
}

std::int64_t axis_of(Call& call, std::int64_t fallback) { return call.axis(call.integer("axis", fallback), call.in(0).rank()); }

Operands gather(Call& call) {
  const Operand& x = call.in(0);
  return {Call::like(x, call.emit("gather", {x, indices(call, 1)}, {{"axis", axis_of(call, 0)}}))};
}

Operands gather_elements(Call& call) {
  const Operand& x = call.in(0);
  return {Call::like(x, call.emit("gather_elements", {x, indices(call, 1)}, {{"axis", axis_of(call, 0)}}))};
}

Operands gather_nd(Call& call) {
  const Operand& x = call.in(0);
  return {Call::like(x, call.emit("gather_nd", {x, indices(call, 1)}, {{"batch_dims", call.integer("batch_dims", 0)}}))};
}

Operands scatter_elements(Call& call) {
  const Attrs attrs = {{"axis", axis_of(call, 0)}, {"reduction", call.text("reduction", "none")}};
  return {call.emit("scatter_elements", {call.in(0), indices(call, 1), call.in(2)}, attrs)};
}

Operands scatter_nd(Call& call) {
  return {call.emit("scatter_nd", {call.in(0), indices(call, 1), call.in(2)}, {{"reduction", call.text("reduction", "none")}})};
}

// operands: indices, depth, [off, on]
Operands one_hot(Call& call) {
  const Tensor depth_value = call.known(call.in(1), "depth");
  if (depth_value.count() != 1) call.bad("takes one depth");
  const std::int64_t depth = depth_value.to_i64()[0];
  if (depth < 1 || depth > (1 << 24)) call.bad(fmt::format("has depth {}", depth));
  const Operand hot = call.emit("one_hot", {call.index(call.in(0))},
                                {{"classes", depth}, {"axis", call.integer("axis", -1)}, {"lenient", std::int64_t{1}}});
  const Operand& values = call.in(2);
  if (values.shape() != Shape{2}) call.bad("takes two values, off and on");
  const auto value = [&](std::int64_t k) {
    return call.reshape(call.emit("slice", {values}, {{"begin", Shape{k}}, {"size", Shape{1}}}), {});
  };
  return {call.emit("where", {hot, value(1), value(0)})};
}

Operands top_k(Call& call) {
  const Operand& x = call.in(0);
  const std::int64_t axis = axis_of(call, -1), extent = x.shape()[static_cast<std::size_t>(axis)];
  std::int64_t k = call.integer("k", 1);
  if (call.opset >= 10) {
    const Shape given = call.known_ints(1, "k");
    if (given.size() != 1) call.bad("takes one k");
    k = given[0];
  }
  if (k < 0 || k > extent) call.bad(fmt::format("asks for {} of {}", k, extent));
  return call.emit_all("top_k", {x}, {{"k", k}, {"axis", axis}, {"largest", call.integer("largest", 1)}});
}

Operand arg(Call& call, const char* op) {
  return call.emit(op, {call.in(0)}, {{"axis", axis_of(call, 0)},
                                      {"keepdims", call.integer("keepdims", 1)},
                                      {"select_last_index", call.integer("select_last_index", 0)}});
}

Operands arg_max(Call& call) { return {arg(call, "argmax")}; }
Operands arg_min(Call& call) { return {arg(call, "argmin")}; }

// The slices where the condition holds: which ones must be known, for they decide the shape.
Operands compress(Call& call) {
  const std::vector<float> keep = call.known(call.in(1), "condition").to_f32();
  std::vector<std::int64_t> index;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i] != 0.0F) index.push_back(static_cast<std::int64_t>(i));
  }
  const bool flat = !call.given("axis");
  const Operand x = flat ? call.reshape(call.in(0), {call.in(0).spec.count()}) : call.in(0);
  const std::int64_t axis = flat ? 0 : axis_of(call, 0);
  const Operand at = call.constant(Tensor::i64({static_cast<std::int64_t>(index.size())}, index));
  return {Call::like(x, call.emit("gather", {x, at}, {{"axis", axis}}))};
}

Operands trilu(Call& call) {
  std::int64_t k = 0;
  if (call.has(1)) {
    const Shape given = call.known_ints(1, "k");
    if (given.size() != 1) call.bad("takes one k");
    k = given[0];
  }
  return {call.emit("trilu", {call.in(0)}, {{"upper", call.integer("upper", 1)}, {"k", k}})};
}

Operands cum_sum(Call& call) {
  const Shape axis = call.known_ints(1, "axis");
  if (axis.size() != 1) call.bad("takes one axis");
  return {call.emit("cumsum", {call.in(0)}, {{"axis", call.axis(axis[0], call.in(0).rank())},
                                             {"exclusive", call.integer("exclusive", 0)},
                                             {"reverse", call.integer("reverse", 0)}})};
}

}  // namespace

Rows index_rows() {
  return {{"ArgMax", arg_max},
          {"ArgMin", arg_min},
          {"Compress", compress},
          {"CumSum", cum_sum},
          {"Gather", gather},
          {"GatherElements", gather_elements},
          {"GatherND", gather_nd},
          {"OneHot", one_hot},
          {"Scatter", scatter_elements},
          {"ScatterElements", scatter_elements},
          {"ScatterND", scatter_nd},
          {"TopK", top_k},
          {"Trilu", trilu}};
}

}  // namespace assay::onnx
