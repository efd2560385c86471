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

Value logit_difference(Value logits, Value labels, Value targets) {
  const Value way = one_hot(logits, targets) - one_hot(logits, labels);
  return call("reduce_sum", {logits * way}, along_classes);
}

// The ranks of a row are its own stable sort, largest first: between equal logits the lower class counts as larger.
Value dlr_targeted(Value logits, Value labels, Value targets) {
  const Shape shape = engine::shape_of(logits);
  const Value sorted = call("sort", {logits}, {{"axis", std::int64_t{1}}, {"descending", std::int64_t{1}}});
  const auto rank = [&](std::int64_t k) {
    const Value column = call("slice", {sorted}, {{"begin", Shape{0, k}}, {"size", Shape{shape[0], 1}}});
    return engine::reshape(column, {shape[0]});
  };
  const Value spread = rank(0) - (rank(2) + rank(3)) * 0.5 + 1e-12;
  return logit_difference(logits, labels, targets) / spread;
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

struct TargetedLoss {
  const char* name;
  std::int64_t least_classes;
  Value (*emit)(Value logits, Value labels, Value targets);
};

constexpr TargetedLoss targeted_losses[] = {{"logit-difference", 2, logit_difference},
                                            {"dlr-targeted", 4, dlr_targeted}};

void check_classes(std::string_view name, Value logits, std::int64_t least) {
  const Shape shape = engine::shape_of(logits);
  if (shape.size() == 2 && shape[1] >= least) return;
  throw Error(Fault::bad_input, "loss '" + std::string(name) + "' needs logits [N, K] with K >= " +
                                    std::to_string(least) + ", not " + engine::shape_str(shape));
}

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& loss : table) names.emplace_back(loss.name);
  return names;
}

}  // namespace

std::vector<std::string> loss_names() { return names_of(losses); }
std::vector<std::string> targeted_loss_names() { return names_of(targeted_losses); }

bool loss_needs_targets(std::string_view name) {
  for (const TargetedLoss& loss : targeted_losses) {
    if (name == loss.name) return true;
  }
  return false;
}

Value emit_loss(std::string_view name, Value logits, Value labels, double label_smoothing, Value targets) {
  for (const Loss& loss : losses) {
    if (name != loss.name) continue;
    if (targets.defined()) throw Error(Fault::bad_input, "loss '" + std::string(name) + "' takes no targets");
    check_classes(name, logits, loss.least_classes);
    return loss.emit(logits, labels, label_smoothing);
  }
  for (const TargetedLoss& loss : targeted_losses) {
    if (name != loss.name) continue;
    if (!targets.defined())
      throw Error(Fault::bad_input, "loss '" + std::string(name) + "' needs a target class a row");
    check_classes(name, logits, loss.least_classes);
    return loss.emit(logits, labels, targets);
  }
  std::vector<std::string> all = loss_names();
  for (const std::string& more : targeted_loss_names()) all.push_back(more);
  throw Error(Fault::bad_input, "unknown loss '" + std::string(name) + "'" + suggestion(name, all));
}

}  // namespace assay::graph
