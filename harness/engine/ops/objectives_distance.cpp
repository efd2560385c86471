// Losses of regression and of metric learning as expressions of other ops: one value a sample or an element.
#include <cmath>
#include <numeric>

#include "harness/engine/ops/objectives.hpp"

namespace assay::engine {
namespace {

constexpr double kLogTwoPi = 1.8378770664093453;

using Values = std::vector<Value>;
using Operands = std::span<const Value>;

Value square(Value v) { return call("square", {v}); }
Value relu(Value v) { return call("relu", {v}); }
Value distance(Value a, Value b) { return call("reduce_l2", {a - b}, {{"axes", std::int64_t{-1}}}); }

// Quadratic up to delta, then linear (Huber 1964); smooth_l1 is the same divided by its threshold.
Value huber(Value error, double delta) {
  const Value size = call("abs", {error}), inner = call("clamp", {size}, {{"max", delta}});
  return square(inner) * 0.5 + (size - inner) * delta;
}

Values huber_loss(Operands in, const Attrs& attrs) { return {huber(in[0] - in[1], attrs.real("delta", 1))}; }

Values smooth_l1_loss(Operands in, const Attrs& attrs) {
  const double beta = attrs.real("beta", 1);
  return {huber(in[0] - in[1], beta) * (1 / beta)};
}

void check_threshold(std::string_view op, Specs in, const Attrs& attrs) {
  expect_equal_shapes(op, in, 2);
  for (const char* key : {"delta", "beta"}) {
    if (!(attrs.real(key, 1) > 0)) op_error(op, in, std::string("attribute ") + key + " must be positive");
  }
}

// prediction [N, Q] of Q quantiles, target [N].
void check_pinball(std::string_view op, Specs in, const Attrs&) {
  expect_count(op, in, 3, 3);
  expect_f32(op, in);
  expect_rank(op, in, 0, 2);
  if (in[1].shape != Shape{in[0].shape[0]} || in[2].shape != Shape{in[0].shape[1]}) {
    op_error(op, in, "takes predictions [N, Q], targets [N] and levels [Q]");
  }
}

// max(q e, (q - 1) e) with e = target - prediction (Koenker & Bassett 1978).
Values pinball_loss(Operands in, const Attrs&) {
  const Value error = reshape(in[1], {shape_of(in[1])[0], 1}) - in[0];
  return {error * in[2] + relu(-error)};
}

// -log sum_k w_k prod_d N(y_d; m_kd, s_kd) (Bishop 1994).
void check_mixture(std::string_view op, Specs in, const Attrs&) {
  expect_count(op, in, 4, 4);
  expect_f32(op, in);
  expect_rank(op, in, 1, 3);
  const Shape& m = in[1].shape;
  const bool fit = in[0].shape == Shape{m[0], m[1]} && in[2].shape == m && in[3].shape == Shape{m[0], m[2]};
  if (!fit) op_error(op, in, "takes logits [N, K], means [N, K, D], log deviations [N, K, D] and targets [N, D]");
}

Values mixture_nll(Operands in, const Attrs&) {
  const Shape m = shape_of(in[1]);
  const Value target = reshape(in[3], {m[0], 1, m[2]});
  const Value z = (target - in[1]) * call("exp", {-in[2]});
  const Value log_density = -sum_last(square(z) * 0.5 + in[2]) + -0.5 * kLogTwoPi * static_cast<double>(m[2]);
  return {-call("log_sum_exp", {call("log_softmax", {in[0]}) + log_density})};
}

void add_regression(Registry& r) {
  const auto thresholds = [](const char* key) {
    OpCase c = rows_case(2, 5, 4);
    c.attrs = {{key, 0.6}};
    return std::vector<OpCase>{c, rows_case(2, 0, 4)};
  };
  add_loss(r,
           {"huber_loss", "", "prediction, target -> e^2 / 2 up to attribute delta (1), delta (|e| - delta / 2) beyond",
            check_threshold, huber_loss, thresholds("delta")});
  add_loss(
      r, {"smooth_l1_loss", "", "prediction, target -> e^2 / (2 beta) up to attribute beta (1), |e| - beta / 2 beyond",
          check_threshold, smooth_l1_loss, thresholds("beta")});
  add_loss(
      r,
      {"pinball_loss",
       "",
       "predictions [N, Q], targets [N], levels [Q] -> q e where e = target - prediction is positive, else (q - 1) e "
       "[N, Q]",
       check_pinball,
       pinball_loss,
       {{.name = "three levels", .in = {make_spec({5, 3}), make_spec({5}), make_spec({3})}},
        {.name = "no rows", .in = {make_spec({0, 3}), make_spec({0}), make_spec({3})}}}});
  const auto mixture = [](std::int64_t n) {
    return std::vector<Spec>{make_spec({n, 3}), make_spec({n, 3, 2}), make_spec({n, 3, 2}), make_spec({n, 2})};
  };
  add_loss(r,
           {"mixture_nll",
            "",
            "logits [N, K], means [N, K, D], log deviations [N, K, D], targets [N, D] -> negative log density of the "
            "mixture "
            "of K normal distributions with diagonal covariance [N]",
            check_mixture,
            mixture_nll,
            {{.name = "three parts", .in = mixture(4)}, {.name = "no rows", .in = mixture(0)}}});
}

Value unit_rows(Value x) {
  return x *
         call("rsqrt",
              {call("reduce_sum", {square(x)}, {{"axes", std::int64_t{-1}}, {"keepdims", std::int64_t{1}}}) + 1e-12});
}

Value diagonal_labels(Value like) {
  std::vector<std::int64_t> labels(static_cast<std::size_t>(shape_of(like)[0]));
  std::iota(labels.begin(), labels.end(), 0);
  return like.emitter->constant(Tensor::i64({shape_of(like)[0]}, labels));
}

// Row i of one view must find row i of the other among all (van den Oord et al. 2018); symmetric: both ways, halved.
Values info_nce(Operands in, const Attrs& attrs) {
  if (shape_of(in[0])[0] == 0) return {sum_last(in[0])};
  const Value a = unit_rows(in[0]), b = unit_rows(in[1]), labels = diagonal_labels(in[0]);
  const double sharpness = 1 / attrs.real("temperature", 0.1);
  const Attrs turned = {{"transpose_b", std::int64_t{1}}};
  const Value there = call("cross_entropy", {call("matmul", {a, b}, turned) * sharpness, labels});
  if (attrs.integer("symmetric", 0) == 0) return {there};
  const Value back = call("cross_entropy", {call("matmul", {b, a}, turned) * sharpness, labels});
  return {(there + back) * 0.5};
}

void check_info_nce(std::string_view op, Specs in, const Attrs& attrs) {
  expect_rows(op, in, 2);
  if (!(attrs.real("temperature", 0.1) > 0)) op_error(op, in, "attribute temperature must be positive");
}

// max(0, |a - p| - |a - n| + margin) (Schroff et al. 2015, with distances that are not squared).
Values triplet_loss(Operands in, const Attrs& attrs) {
  return {relu(distance(in[0], in[1]) - distance(in[0], in[2]) + attrs.real("margin", 1))};
}

// same d^2 / 2 + (1 - same) max(0, margin - d)^2 / 2 (Hadsell et al. 2006).
Values contrastive_loss(Operands in, const Attrs& attrs) {
  const Value d = distance(in[0], in[1]), same = in[2];
  const Value apart = square(relu(-d + attrs.real("margin", 1)));
  return {(same * square(d) + (-same + 1.0) * apart) * 0.5};
}

void check_contrastive(std::string_view op, Specs in, const Attrs&) {
  expect_count(op, in, 3, 3);
  expect_f32(op, in);
  expect_rank(op, in, 0, 2);
  if (in[1].shape != in[0].shape || in[2].shape != Shape{in[0].shape[0]}) {
    op_error(op, in, "takes two operands [N, D] and whether they are the same [N]");
  }
}

void add_metric_learning(Registry& r) {
  OpCase both = rows_case(2, 5, 4), warm = rows_case(2, 3, 7);
  both.attrs = {{"symmetric", std::int64_t{1}}, {"temperature", 0.5}};
  warm.attrs = {{"temperature", 0.7}};
  add_loss(r,
           {"info_nce",
            "",
            "a, b [N, D] -> cross entropy of row i of b among all, by cosine similarity to row i of a [N], 0 for a "
            "row of zeros; attributes temperature (0.1), symmetric (0)",
            check_info_nce,
            info_nce,
            {both, warm, rows_case(2, 0, 4)}});
  const auto three = [](std::string_view op, Specs in, const Attrs&) { expect_rows(op, in, 3); };
  add_loss(r,
           {"triplet_loss",
            "",
            "anchors, positives, negatives [N, D] -> max(0, distance to the positive - to the negative + margin) [N]; "
            "attribute margin (1)",
            three,
            triplet_loss,
            {rows_case(3, 5, 4), rows_case(3, 0, 4)}});
  const auto pairs = [](std::int64_t n) {
    return std::vector<Spec>{make_spec({n, 4}), make_spec({n, 4}), make_spec({n})};
  };
  add_loss(
      r, {"contrastive_loss",
          "",
          "a, b [N, D], same [N] in [0, 1] -> half the squared distance d of the same, half of max(0, margin - d)^2 of "
          "others [N]; attribute margin (1)",
          check_contrastive,
          contrastive_loss,
          {{.name = "near and far", .in = pairs(7), .attrs = {{"margin", 2.0}}}, {.name = "no rows", .in = pairs(0)}}});
}

}  // namespace

void register_objectives_distance(Registry& registry) {
  add_regression(registry);
  add_metric_learning(registry);
}

}  // namespace assay::engine
