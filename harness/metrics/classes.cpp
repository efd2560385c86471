// Metrics of predicted classes against labels, and of an ensemble's members against each other.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "harness/metrics/checks.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::metrics {
namespace {

// How often one class occurs among labels and predictions, and in both at once.
struct Tally {
  double labels = 0, predictions = 0, both = 0;
};

std::map<double, Tally> tallies(const char* metric, std::span<const double> predicted, std::span<const double> labels) {
  detail::need_numbers(metric, predicted, "predicted");
  detail::need_numbers(metric, labels, "labels");
  detail::need_same(metric, predicted.size(), labels.size(), "predictions and labels differ in number");
  std::map<double, Tally> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++classes[labels[i]].labels;
    ++classes[predicted[i]].predictions;
    if (predicted[i] == labels[i]) ++classes[labels[i]].both;
  }
  return classes;
}

// Samples that two members get both right, both wrong, or only one of them right.
struct Pair {
  double n11 = 0, n00 = 0, n10 = 0, n01 = 0;
};

Pair pair_of(std::span<const double> a, std::span<const double> b) {
  Pair pair;
  for (std::size_t i = 0; i < a.size(); ++i) {
    pair.n11 += a[i] * b[i];
    pair.n00 += (1 - a[i]) * (1 - b[i]);
    pair.n10 += a[i] * (1 - b[i]);
    pair.n01 += (1 - a[i]) * b[i];
  }
  return pair;
}

void check(const char* metric, const Members& correct) {
  if (correct.size() < 2) detail::refuse(metric, "needs at least two members");
  for (const auto& member : correct) {
    detail::need_flags(metric, member, "correct");
    detail::need_same(metric, member.size(), correct[0].size(), "members differ in number of samples");
  }
}

template <class F>
double mean_over_pairs(const char* metric, const Members& correct, const F& f) {
  check(metric, correct);
  double sum = 0, pairs = 0;
  for (std::size_t a = 0; a < correct.size(); ++a)
    for (std::size_t b = a + 1; b < correct.size(); ++b, ++pairs) sum += f(pair_of(correct[a], correct[b]));
  return sum / pairs;
}

double quotient_or_nan(double numerator, double denominator) {
  return denominator == 0 ? std::numeric_limits<double>::quiet_NaN() : numerator / denominator;
}

}  // namespace

double top_k_accuracy(std::span<const double> ranks, std::size_t k) {
  detail::need_numbers("top_k_accuracy", ranks, "label_rank");
  const auto hits = std::count_if(ranks.begin(), ranks.end(), [&](double rank) { return rank <= static_cast<double>(k); });
  return static_cast<double>(hits) / static_cast<double>(ranks.size());
}

double balanced_accuracy(std::span<const double> predicted, std::span<const double> labels) {
  double sum = 0, classes = 0;
  for (const auto& [id, tally] : tallies("balanced_accuracy", predicted, labels)) {
    if (tally.labels == 0) continue;
    sum += tally.both / tally.labels;
    ++classes;
  }
  return sum / classes;
}

double macro_f1(std::span<const double> predicted, std::span<const double> labels) {
  const auto classes = tallies("macro_f1", predicted, labels);
  double sum = 0;
  for (const auto& [id, tally] : classes) sum += 2 * tally.both / (tally.labels + tally.predictions);
  return sum / static_cast<double>(classes.size());
}

double disagreement(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  detail::need_same("disagreement", a.size(), b.size(), "prediction lists differ in length");
  if (a.empty()) detail::refuse("disagreement", "no predictions");
  std::size_t differ = 0;
  for (std::size_t i = 0; i < a.size(); ++i) differ += a[i] != b[i];
  return static_cast<double>(differ) / static_cast<double>(a.size());
}

double mean_pairwise_disagreement(const std::vector<std::vector<std::int64_t>>& members) {
  if (members.size() < 2) detail::refuse("disagreement", "needs at least two members");
  double sum = 0;
  std::size_t pairs = 0;
  for (std::size_t a = 0; a < members.size(); ++a)
    for (std::size_t b = a + 1; b < members.size(); ++b, ++pairs) sum += disagreement(members[a], members[b]);
  return sum / static_cast<double>(pairs);
}

double q_statistic(const Members& correct) {
  return mean_over_pairs("q_statistic", correct, [](const Pair& p) {
    return quotient_or_nan(p.n11 * p.n00 - p.n01 * p.n10, p.n11 * p.n00 + p.n01 * p.n10);
  });
}

double double_fault(const Members& correct) {
  return mean_over_pairs("double_fault", correct,
                         [](const Pair& p) { return p.n00 / (p.n11 + p.n00 + p.n10 + p.n01); });
}

double error_correlation(const Members& correct) {
  return mean_over_pairs("error_correlation", correct, [](const Pair& p) {
    const double rows = (p.n11 + p.n10) * (p.n01 + p.n00), columns = (p.n11 + p.n01) * (p.n10 + p.n00);
    return quotient_or_nan(p.n11 * p.n00 - p.n01 * p.n10, std::sqrt(rows) * std::sqrt(columns));
  });
}

}  // namespace assay::metrics
