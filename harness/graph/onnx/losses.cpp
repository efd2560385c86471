// The losses of the format: negative log likelihood and cross-entropy, as compositions.
#include <fmt/format.h>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// [N, C, d...] with labels [N, d...] -> [N * d, C] and [N * d]: one row a label.
struct LabelRows {
  Operand scores, labels;
  Shape shape;  // of the labels
};

LabelRows rows_of(Call& call, const Operand& scores, const Operand& labels) {
  if (scores.rank() < 2 || labels.rank() + 1 != scores.rank()) {
    call.bad(fmt::format("takes scores [N, C, ...] and labels [N, ...], not {} and {}", scores.spec.str(), labels.spec.str()));
  }
  Shape perm = {0};
  for (std::int64_t a = 2; a < scores.rank(); ++a) perm.push_back(a);
  perm.push_back(1);
  const Operand moved = scores.rank() == 2 ? scores : call.transpose(scores, perm);
  const std::int64_t classes = scores.shape()[1], count = labels.spec.count();
  return {call.reshape(moved, {count, classes}), call.reshape(call.index(labels), {count}), labels.shape()};
}

// -w[label] * log p[label]; labels equal to ignore_index weigh nothing. reduction: none, sum, or mean over the weights.
Operand likelihood(Call& call, const Operand& log_probabilities, const Operand& target, bool weighted) {
  const LabelRows rows = rows_of(call, log_probabilities, target);
  const std::int64_t count = rows.labels.shape()[0];
  Operand labels = rows.labels, weights;
  Operand valid;
  const bool ignores = call.given("ignore_index");
  if (ignores) {
    const Operand ignored = call.emit("equal", {labels, call.scalar_like(labels, static_cast<double>(call.integer("ignore_index", 0)))});
    valid = call.emit("affine", {ignored}, {{"scale", -1.0}, {"shift", 1.0}});
    labels = call.emit("where", {ignored, call.scalar_like(labels, 0), labels});  // any index in range: its weight is 0
  }
  const Operand at = call.reshape(labels, {count, 1});
  const Operand picked = call.reshape(call.emit("take_along", {rows.scores, at}, {{"axis", std::int64_t{1}}}), {count});
  Operand loss = call.emit("neg", {picked});
  if (weighted) weights = call.emit("gather", {call.in(2), labels}, {{"axis", std::int64_t{0}}});
  if (ignores) weights = weighted ? call.emit("mul", {weights, valid}) : valid;
  if (weighted || ignores) loss = call.emit("mul", {loss, weights});
  const std::string reduction = call.text("reduction", "mean");
  if (reduction == "none") return call.reshape(loss, rows.shape);
  Operand total = call.emit("reduce_sum", {loss});
  if (reduction == "sum") return total;
  if (!weighted && !ignores) return call.emit("affine", {total}, {{"scale", 1.0 / static_cast<double>(count)}});
  return call.emit("div", {total, call.emit("reduce_sum", {weights})});
}

Operands nll(Call& call) { return {likelihood(call, call.in(0), call.in(1), call.has(2))}; }

Operands cross_entropy(Call& call) {
  const Operand log_probabilities = call.emit("log_softmax", {call.in(0)}, {{"axis", std::int64_t{1}}});
  Operands made = {likelihood(call, log_probabilities, call.in(1), call.has(2))};
  if (call.wants(1)) made.push_back(log_probabilities);
  return made;
}

}  // namespace

Rows loss_rows() { return {{"NegativeLogLikelihoodLoss", nll}, {"SoftmaxCrossEntropyLoss", cross_entropy}}; }

}  // namespace assay::onnx
