// Metrics of class scores: what a judge derives from logits or probabilities and labels. Sums run in index order in
// double, so the result does not depend on threads or instruction set.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/metrics/checks.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::metrics {
namespace {

constexpr double probability_floor = 1e-12;  // a stated clip: one zero must not make a mean infinite
constexpr double sum_tolerance = 1e-3;       // fp32 softmax over thousands of classes stays well inside

void check(const char* metric, const ClassScores& scores) {
  if (scores.classes == 0 || scores.values.empty()) detail::refuse(metric, "no class scores");
  if (scores.values.size() % scores.classes != 0)
    detail::refuse(metric, std::to_string(scores.values.size()) + " values are no multiple of " +
                               std::to_string(scores.classes) + " classes");
  for (std::size_t i = 0; i < scores.values.size(); ++i)
    if (std::isnan(scores.values[i]))
      detail::refuse(metric, "row " + std::to_string(i / scores.classes) + " holds a value that is not a number");
}

void check(const char* metric, const ClassScores& scores, std::span<const std::int64_t> labels) {
  check(metric, scores);
  detail::need_same(metric, scores.rows(), labels.size(), "rows and labels differ in number");
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= static_cast<std::int64_t>(scores.classes))
      detail::refuse(metric, "label " + std::to_string(labels[i]) + " of row " + std::to_string(i) + " is outside [0, " +
                                 std::to_string(scores.classes) + ")");
}

std::span<const float> row(const ClassScores& scores, std::size_t i) {
  return scores.values.subspan(i * scores.classes, scores.classes);
}

void softmax(std::span<const float> in, std::span<double> out) {
  const double top = *std::max_element(in.begin(), in.end());
  double sum = 0;
  for (std::size_t k = 0; k < in.size(); ++k) sum += out[k] = std::exp(in[k] - top);
  for (double& p : out) p /= sum;
}

void checked_copy(const char* metric, std::span<const float> in, std::span<double> out, std::size_t i) {
  double sum = 0;
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (in[k] < 0 || in[k] > 1 + sum_tolerance)
      detail::refuse(metric, "row " + std::to_string(i) + " holds " + std::to_string(in[k]) + ", no probability");
    sum += out[k] = in[k];
  }
  if (std::abs(sum - 1) > sum_tolerance)
    detail::refuse(metric, "probabilities of row " + std::to_string(i) + " sum to " + std::to_string(sum));
}

std::vector<double> probabilities_for(const char* metric, const ClassScores& scores) {
  check(metric, scores);
  std::vector<double> out(scores.values.size());
  for (std::size_t i = 0; i < scores.rows(); ++i) {
    const std::span<double> to(out.data() + i * scores.classes, scores.classes);
    if (scores.scale == Scale::logits) softmax(row(scores, i), to);
    else checked_copy(metric, row(scores, i), to, i);
  }
  return out;
}

double log_sum_exp(std::span<const float> in) {
  const double top = *std::max_element(in.begin(), in.end());
  double sum = 0;
  for (float v : in) sum += std::exp(v - top);
  return top + std::log(sum);
}

}  // namespace

std::vector<std::int64_t> predictions(const ClassScores& scores) {
  check("predictions", scores);
  std::vector<std::int64_t> out(scores.rows());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto values = row(scores, i);
    out[i] = std::max_element(values.begin(), values.end()) - values.begin();
  }
  return out;
}

std::vector<double> probabilities(const ClassScores& scores) { return probabilities_for("probabilities", scores); }

std::vector<double> correct(const ClassScores& scores, std::span<const std::int64_t> labels) {
  check("accuracy", scores, labels);
  const auto predicted = predictions(scores);
  std::vector<double> out(predicted.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = predicted[i] == labels[i] ? 1 : 0;
  return out;
}

std::vector<double> label_ranks(const ClassScores& scores, std::span<const std::int64_t> labels) {
  check("top_k_accuracy", scores, labels);
  std::vector<double> out(scores.rows(), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto values = row(scores, i);
    const auto label = static_cast<std::size_t>(labels[i]);
    for (std::size_t c = 0; c < values.size(); ++c)
      out[i] += values[c] > values[label] || (values[c] == values[label] && c < label) ? 1 : 0;
  }
  return out;
}

std::vector<double> top_k_correct(const ClassScores& scores, std::span<const std::int64_t> labels, std::size_t k) {
  std::vector<double> out = label_ranks(scores, labels);
  if (k == 0 || k > scores.classes)
    detail::refuse("top_k_accuracy", "k is " + std::to_string(k) + " with " + std::to_string(scores.classes) + " classes");
  for (double& rank : out) rank = rank <= static_cast<double>(k) ? 1 : 0;
  return out;
}

std::vector<double> nll_values(const ClassScores& scores, std::span<const std::int64_t> labels) {
  check("nll", scores, labels);
  std::vector<double> out(scores.rows());
  const bool logits = scores.scale == Scale::logits;
  const auto probs = logits ? std::vector<double>{} : probabilities_for("nll", scores);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    out[i] = logits ? log_sum_exp(row(scores, i)) - row(scores, i)[label]
                    : -std::log(std::clamp(probs[i * scores.classes + label], probability_floor, 1.0));
  }
  return out;
}

std::vector<double> brier_values(const ClassScores& scores, std::span<const std::int64_t> labels) {
  check("brier", scores, labels);
  const auto probs = probabilities_for("brier", scores);
  std::vector<double> out(scores.rows());
  for (std::size_t i = 0; i < out.size(); ++i)
    for (std::size_t c = 0; c < scores.classes; ++c) {
      const double error = probs[i * scores.classes + c] - (static_cast<std::int64_t>(c) == labels[i] ? 1 : 0);
      out[i] += error * error;
    }
  return out;
}

std::vector<double> confidence(const ClassScores& scores) {
  const auto probs = probabilities_for("confidence", scores);
  std::vector<double> out(scores.rows());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto first = probs.begin() + static_cast<std::ptrdiff_t>(i * scores.classes);
    out[i] = *std::max_element(first, first + static_cast<std::ptrdiff_t>(scores.classes));
  }
  return out;
}

double mean(std::span<const double> values) {
  detail::need_numbers("mean", values, "values");
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double accuracy(std::span<const double> correct) {
  detail::need_flags("accuracy", correct, "correct");
  return mean(correct);
}

double nll(const ClassScores& scores, std::span<const std::int64_t> labels) { return mean(nll_values(scores, labels)); }

double brier(const ClassScores& scores, std::span<const std::int64_t> labels) { return mean(brier_values(scores, labels)); }

}  // namespace assay::metrics
