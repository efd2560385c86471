// The named losses as expressions of registry ops.
#include "harness/graph/losses.hpp"

#include "harness/base/error.hpp"

namespace assay::graph {

using engine::Attrs;
using engine::call;
using engine::Shape;
using engine::Value;

namespace {

constexpr double far_below = 1e30;  // subtracted from entries that a maximum must skip; logits are far smaller

const Attrs along_classes = {{"axes", Shape{1}}};
const Attrs along_classes_kept = {{"axes", Shape{1}}, {"keepdims", std::int64_t{1}}};

Value one_hot(Value logits, Value labels) {
  return call("one_hot", {labels}, {{"classes", engine::shape_of(logits)[1]}});
}

Value cross_entropy(Value logits, Value labels, double smoothing) {
  const Value hard = call("cross_entropy", {logits, labels});
  if (smoothing == 0) return hard;
  const Value uniform = call("log_sum_exp", {logits}) - call("reduce_mean", {logits}, along_classes);
  return hard * (1.0 - smoothing) + uniform * smoothing;
}

// max_{j != y} z_j - z_y
Value margin_of(Value logits, Value labels) {
  const Value own = one_hot(logits, labels);
  return call("reduce_max", {logits - own * far_below}, along_classes) -
         call("reduce_sum", {logits * own}, along_classes);
}

Value cw_margin(Value logits, Value labels, double) { return margin_of(logits, labels); }

// The third entry of the row sorted in descending order, ties counted as often as they occur. [N, 1]
Value third_largest(Value logits) {
  const auto largest = [](Value z) { return call("reduce_max", {z}, along_classes_kept); };
  const auto count = [](Value mask) { return call("reduce_sum", {mask}, along_classes_kept); };
  const Value first = largest(logits), is_first = call("equal", {logits, first});
  const Value second = largest(logits - is_first * far_below), is_second = call("equal", {logits, second});
  const Value third = largest(logits - (is_first + is_second) * far_below);
  const Value by_first = call("step", {count(is_first) + -2.5});
  const Value by_second = call("step", {count(is_first + is_second) + -2.5}) - by_first;
  const Value by_third = -(by_first + by_second) + 1.0;
  return first * by_first + second * by_second + third * by_third;
}

Value dlr(Value logits, Value labels, double) {
  const Value top = call("reduce_max", {logits}, along_classes_kept);
  const Value scale = engine::reshape(top - third_largest(logits), {engine::shape_of(logits)[0]}) + 1e-12;
  return margin_of(logits, labels) / scale;
}

struct Loss {
  const char* name;
  std::int64_t least_classes;
  Value (*emit)(Value logits, Value labels, double smoothing);
};

constexpr Loss losses[] = {{"cross-entropy", 1, cross_entropy}, {"cw-margin", 2, cw_margin}, {"dlr", 3, dlr}};

}  // namespace

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const Loss& loss : losses) names.emplace_back(loss.name);
  return names;
}

Value emit_loss(std::string_view name, Value logits, Value labels, double label_smoothing) {
  for (const Loss& loss : losses) {
    if (name != loss.name) continue;
    const Shape& shape = engine::shape_of(logits);
    if (shape.size() != 2 || shape[1] < loss.least_classes) {
      throw Error(Fault::bad_input, "loss '" + std::string(name) + "' needs logits [N, K] with K >= " +
                                        std::to_string(loss.least_classes) + ", not " + engine::shape_str(shape));
    }
    return loss.emit(logits, labels, label_smoothing);
  }
  throw Error(Fault::bad_input, "unknown loss '" + std::string(name) + "'" + suggestion(name, loss_names()));
}

}  // namespace assay::graph
