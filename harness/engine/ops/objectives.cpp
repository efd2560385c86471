// Losses of classification as expressions of other ops: one value a sample or an element, differentiable to any order.
// Averages over the batch are the caller's (reduce_mean), but for nll_loss and softmax_cross_entropy_loss, which reduce
// as ONNX says.
#include "harness/engine/ops/objectives.hpp"

#include "harness/base/error.hpp"

namespace assay::engine {

void expect_equal_shapes(std::string_view op, Specs in, std::size_t count) {
  expect_count(op, in, count, count);
  expect_f32(op, in);
  for (const Spec& s : in) {
    if (s.shape != in[0].shape) op_error(op, in, "the operands must have equal shapes");
  }
}

void expect_rows(std::string_view op, Specs in, std::size_t count) {
  expect_equal_shapes(op, in, count);
  expect_rank(op, in, 0, 2);
}

void add_loss(Registry& registry, Loss loss) {
  Op op;
  op.name = loss.name;
  op.onnx = loss.onnx;
  op.doc = loss.doc;
  set_composite(
      op, [check = loss.check, name = op.name](Specs in, const Attrs& attrs) { check(name, in, attrs); },
      [compose = loss.compose](Emitter&, std::span<const Value> in, const Attrs& attrs) { return compose(in, attrs); });
  op.cases = std::move(loss.cases);
  registry.add(std::move(op));
}

OpCase rows_case(std::size_t count, std::int64_t n, std::int64_t c, double lo, double hi) {
  return {.name = std::to_string(n) + " rows", .in = std::vector<Spec>(count, make_spec({n, c})), .lo = lo, .hi = hi};
}

Value sum_last(Value v) { return call("reduce_sum", {v}, {{"axes", std::int64_t{-1}}}); }

namespace {

using Values = std::vector<Value>;
using Operands = std::span<const Value>;

void expect_labels(std::string_view op, Specs in) {
  expect_count(op, in, 2, 2);
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::i64);
  expect_rank(op, in, 0, 2);
  if (in[1].shape != Shape{in[0].shape[0]}) op_error(op, in, "takes logits [N, C] and labels [N]");
}

Spec labels_spec(std::int64_t n) { return make_spec({n}, DType::i64); }

std::string reduction_of(std::string_view op, Specs in, const Attrs& attrs) {
  std::string name = attrs.text("reduction", "none");
  if (name != "none" && name != "mean" && name != "sum") {
    op_error(op, in, "unknown reduction '" + name + "'" + suggestion(name, {"none", "mean", "sum"}));
  }
  return name;
}

// input [N, C, ..], labels i64 [N, ..], weight f32 [C]?
void check_nll(std::string_view op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 2, 3);
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::i64);
  reduction_of(op, in, attrs);
  Shape labels = in[0].shape;
  if (labels.size() < 2) op_error(op, in, "the input must be [N, C, ..]");
  labels.erase(labels.begin() + 1);
  if (in[1].shape != labels) op_error(op, in, "the labels must have shape " + shape_str(labels));
  if (in.size() > 2 && in[2].shape != Shape{in[0].shape[1]}) op_error(op, in, "the weights must be one a class");
}

// Labels that are ignored become class 0, and their weight 0.
struct Targets {
  Value labels, weights;  // i64 and f32, of the labels' shape
};

Targets targets_of(Operands in, const Attrs& attrs) {
  const Value labels = in[1];
  const Value real = call("cast", {labels}, {{"to", std::string("F32")}});
  Value used = call("expand", {labels.emitter->constant(Tensor::scalar(1))}, {{"shape", shape_of(labels)}});
  Value safe = labels;
  if (attrs.has("ignore_index")) {
    const auto ignored = static_cast<float>(attrs.integer("ignore_index", 0));
    used = -call("equal", {real, labels.emitter->constant(Tensor::scalar(ignored))}) + 1.0;
    safe = call("cast", {real * used}, {{"to", std::string("I64")}});
  }
  if (in.size() > 2) used = used * call("gather", {in[2], safe});
  return {safe, used};
}

Value nll(Value log_probabilities, Operands in, const Attrs& attrs) {
  const Targets targets = targets_of(in, attrs);
  const Shape shape = shape_of(in[1]);
  Shape wide = shape;
  wide.insert(wide.begin() + 1, 1);
  const Value own = call("take_along", {log_probabilities, reshape(targets.labels, wide)},
                         {{"axis", std::int64_t{1}}, {"labels", std::int64_t{1}}});
  const Value loss = -(reshape(own, shape) * targets.weights);
  const std::string reduction = attrs.text("reduction", "none");
  if (reduction == "none") return loss;
  const Value sum = call("reduce_sum", {loss});
  return reduction == "sum" ? sum : sum / call("reduce_sum", {targets.weights});
}

Values nll_loss(Operands in, const Attrs& attrs) { return {nll(in[0], in, attrs)}; }

Values softmax_cross_entropy_loss(Operands in, const Attrs& attrs) {
  const Value log_probabilities = call("log_softmax", {in[0]}, {{"axis", std::int64_t{1}}});
  return {nll(log_probabilities, in, attrs), log_probabilities};
}

std::vector<OpCase> nll_cases() {
  const Spec x = make_spec({5, 4}), image = make_spec({2, 3, 2, 2}), labels = make_spec({2, 2, 2}, DType::i64);
  const auto reduced = [](const char* how) { return Attrs{{"reduction", std::string(how)}}; };
  Attrs ignoring = reduced("mean");
  ignoring.set("ignore_index", std::int64_t{2});
  return {{.name = "rows", .in = {x, labels_spec(5)}, .integers_below = 4},
          {.name = "pixels, weighted mean",
           .in = {image, labels, make_spec({3})},
           .attrs = reduced("mean"),
           .lo = 0.1,
           .integers_below = 3},
          {.name = "ignored class",
           .in = {image, labels, make_spec({3})},
           .attrs = ignoring,
           .lo = 0.1,
           .integers_below = 3},
          {.name = "sum", .in = {x, labels_spec(5)}, .attrs = reduced("sum"), .integers_below = 4},
          {.name = "no samples", .in = {make_spec({0, 4}), labels_spec(0)}, .integers_below = 4}};
}

Values soft_cross_entropy(Operands in, const Attrs&) { return {-sum_last(in[1] * call("log_softmax", {in[0]}))}; }

void check_temperature(std::string_view op, Specs in, const Attrs& attrs) {
  expect_rows(op, in, 2);
  if (!(attrs.real("temperature", 1) > 0)) op_error(op, in, "attribute temperature must be positive");
}

// T^2 KL(softmax(teacher / T) || softmax(student / T)) (Hinton et al. 2015).
Values kl_divergence(Operands in, const Attrs& attrs) {
  const double t = attrs.real("temperature", 1);
  const Value student = call("log_softmax", {in[0] * (1 / t)}), teacher = call("log_softmax", {in[1] * (1 / t)});
  return {sum_last(call("exp", {teacher}) * (teacher - student)) * (t * t)};
}

// (1 - t) x + (1 + (w - 1) t) log(1 + e^-x): positives count w times.
Values bce_with_logits(Operands in, const Attrs& attrs) {
  const Value x = in[0], t = in[1], weight = t * (attrs.real("pos_weight", 1) - 1) + 1.0;
  return {(-t + 1.0) * x + weight * call("softplus", {-x})};
}

// -(1 - p_y)^gamma log p_y (Lin et al. 2017) over classes.
Values focal_loss(Operands in, const Attrs& attrs) {
  const Value ce = call("cross_entropy", {in[0], in[1]});
  const Value rest = -call("exp", {-ce}) + 1.0;
  return {call("pow", {rest}, {{"exponent", attrs.real("gamma", 2)}}) * ce};
}

// The same for independent labels in [0, 1], with weight alpha for positives and 1 - alpha for negatives.
Values sigmoid_focal_loss(Operands in, const Attrs& attrs) {
  const Value x = in[0], t = in[1], p = call("sigmoid", {x});
  const Value ce = call("softplus", {x}) - x * t, miss = p + t - p * t * 2.0;
  const double alpha = attrs.real("alpha", 0.25);
  return {(t * (2 * alpha - 1) + (1 - alpha)) * call("pow", {miss}, {{"exponent", attrs.real("gamma", 2)}}) * ce};
}

// 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth) a sample (Milletari et al. 2016).
Values dice_loss(Operands in, const Attrs& attrs) {
  const Shape shape = shape_of(in[0]);
  const Shape flat = {shape[0], element_count(Shape(shape.begin() + 1, shape.end()))};
  const Value p = reshape(in[0], flat), t = reshape(in[1], flat);
  const double smooth = attrs.real("smooth", 1);
  return {-((sum_last(p * t) * 2.0 + smooth) / (sum_last(p) + sum_last(t) + smooth)) + 1.0};
}

void check_dice(std::string_view op, Specs in, const Attrs&) {
  expect_equal_shapes(op, in, 2);
  if (in[0].shape.empty()) op_error(op, in, "the operands need a batch axis");
}

void add_classification(Registry& r) {
  const auto labelled = [](std::string_view op, Specs in, const Attrs&) { expect_labels(op, in); };
  const auto two_rows = [](std::string_view op, Specs in, const Attrs&) { expect_rows(op, in, 2); };
  const auto two = [](std::string_view op, Specs in, const Attrs&) { expect_equal_shapes(op, in, 2); };
  const OpCase pairs = rows_case(2, 5, 4), none = rows_case(2, 0, 4);
  OpCase hot = pairs, weighted = pairs,
         probabilities{.name = "planes", .in = {make_spec({3, 2, 2, 3}), make_spec({3, 2, 2, 3})}};
  hot.name = "temperature", hot.attrs = {{"temperature", 2.5}};
  weighted.name = "weighted", weighted.attrs = {{"pos_weight", 3.0}};
  probabilities.lo = 0.05, probabilities.hi = 0.95;
  OpCase unit = rows_case(2, 5, 4, 0.05, 0.95);
  add_loss(r,
           {"nll_loss", "NegativeLogLikelihoodLoss",
            "log probabilities [N, C, ..], labels i64 [N, ..], weight [C]? -> -weight * log probability of the label; "
            "attributes reduction (none; mean: by the sum of weights; sum), ignore_index",
            check_nll, nll_loss, nll_cases()});
  add_loss(r, {"softmax_cross_entropy_loss", "SoftmaxCrossEntropyLoss",
               "scores [N, C, ..], labels i64 [N, ..], weight [C]? -> nll_loss of the log softmax, the log softmax; "
               "nll_loss's attributes",
               check_nll, softmax_cross_entropy_loss, nll_cases()});
  add_loss(r, {"soft_cross_entropy",
               "",
               "logits [N, C], target probabilities [N, C] -> -sum(target log softmax(logits)) [N]",
               two_rows,
               soft_cross_entropy,
               {pairs, none}});
  add_loss(
      r, {"kl_divergence",
          "",
          "student logits [N, C], teacher logits [N, C] -> T^2 KL(teacher || student) at temperature T [N]; attribute "
          "temperature (1)",
          check_temperature,
          kl_divergence,
          {pairs, hot, none}});
  add_loss(r, {"bce_with_logits",
               "",
               "logits, targets in [0, 1] -> binary cross entropy of every element; attribute pos_weight (1)",
               two,
               bce_with_logits,
               {pairs, weighted, none}});
  add_loss(r, {"focal_loss",
               "",
               "logits [N, C], labels i64 [N] -> (1 - p)^gamma * cross entropy [N]; attribute gamma (2)",
               labelled,
               focal_loss,
               {{.name = "rows", .in = {make_spec({5, 4}), labels_spec(5)}, .integers_below = 4},
                {.name = "no rows", .in = {make_spec({0, 4}), labels_spec(0)}, .integers_below = 4}}});
  add_loss(r, {"sigmoid_focal_loss",
               "",
               "logits, targets in [0, 1] -> focal loss of every element; attributes gamma (2), alpha (0.25)",
               two,
               sigmoid_focal_loss,
               {unit, none}});
  add_loss(r, {"dice_loss",
               "",
               "probabilities [N, ..], targets like them -> 1 - (2 overlap + smooth) / (sizes + smooth) [N]; attribute "
               "smooth (1)",
               check_dice,
               dice_loss,
               {probabilities, unit, none}});
}

}  // namespace

void register_objectives(Registry& registry) { add_classification(registry); }

}  // namespace assay::engine
