// Metrics of confidence against correctness: calibration errors and selective prediction. Equal confidences are never told
// apart, so no number depends on the order of the samples. Sums run in that order of confidence, in double.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/metrics/checks.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::metrics {
namespace {

void check(const char* metric, std::span<const double> confidence, std::span<const double> correct) {
  detail::need_numbers(metric, confidence, "confidence");
  detail::need_flags(metric, correct, "correct");
  detail::need_same(metric, confidence.size(), correct.size(), "confidence and correct differ in number");
  for (std::size_t i = 0; i < confidence.size(); ++i)
    if (confidence[i] < 0 || confidence[i] > 1 + 1e-9)
      detail::refuse(metric, "confidence[" + std::to_string(i) + "] is " + std::to_string(confidence[i]));
}

// Samples of one confidence.
struct Tie {
  std::size_t first = 0, count = 0;  // of the samples in order of confidence
  double right = 0, confidence = 0;  // sums
};

// Ascending by confidence.
std::vector<Tie> ties_of(std::span<const double> confidence, std::span<const double> correct) {
  std::vector<std::uint32_t> order(confidence.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return confidence[a] < confidence[b]; });
  std::vector<Tie> ties;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || confidence[order[i]] != confidence[order[i - 1]]) ties.push_back({i, 0, 0, 0});
    ++ties.back().count;
    ties.back().right += correct[order[i]];
    ties.back().confidence += confidence[order[i]];
  }
  return ties;
}

// Bins of equal mass, one after the other: f(samples, right, sum of confidences) of each that holds samples.
template <class F>
void for_each_bin(const std::vector<Tie>& ties, std::size_t n, std::size_t bins, const F& f) {
  Tie bin;
  std::size_t at = 0;
  for (const Tie& tie : ties) {
    const std::size_t here = tie.first * bins / n;
    if (here != at && bin.count > 0) {
      f(bin);
      bin = {};
    }
    at = here;
    bin.count += tie.count;
    bin.right += tie.right;
    bin.confidence += tie.confidence;
  }
  if (bin.count > 0) f(bin);
}

double equal_mass(const std::vector<Tie>& ties, std::size_t n, std::size_t bins) {
  double sum = 0;
  for_each_bin(ties, n, bins, [&](const Tie& bin) { sum += std::abs(bin.right - bin.confidence); });
  return sum / static_cast<double>(n);
}

bool monotone(const std::vector<Tie>& ties, std::size_t n, std::size_t bins) {
  bool rising = true;
  double right = 0, count = 1;  // of the bin before
  for_each_bin(ties, n, bins, [&](const Tie& bin) {
    const auto size = static_cast<double>(bin.count);
    rising = rising && right * size <= bin.right * count;  // whole numbers: exact
    right = bin.right;
    count = size;
  });
  return rising;
}

// Samples accepted and errors among them, at each threshold that occurs, from the highest on.
template <class F>
void for_each_threshold(std::span<const double> confidence, std::span<const double> correct, const F& f) {
  const auto ties = ties_of(confidence, correct);
  double accepted = 0, errors = 0;
  for (auto tie = ties.rbegin(); tie != ties.rend(); ++tie) {
    const auto count = static_cast<double>(tie->count);
    accepted += count;
    errors += count - tie->right;
    f(count, accepted, errors);
  }
}

}  // namespace

double ece(std::span<const double> confidence, std::span<const double> correct, std::size_t bins) {
  check("ece", confidence, correct);
  if (bins == 0) detail::refuse("ece", "0 bins");
  std::vector<double> gap(bins);  // sum of (correct - confidence) of each bin
  for (std::size_t i = 0; i < confidence.size(); ++i) {
    const double at = std::ceil(confidence[i] * static_cast<double>(bins)) - 1;  // right-closed bins
    gap[static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(bins - 1)))] += correct[i] - confidence[i];
  }
  double sum = 0;
  for (double g : gap) sum += std::abs(g);
  return sum / static_cast<double>(confidence.size());
}

double ece_equal_mass(std::span<const double> confidence, std::span<const double> correct, std::size_t bins) {
  check("ece_equal_mass", confidence, correct);
  if (bins == 0) detail::refuse("ece_equal_mass", "0 bins");
  return equal_mass(ties_of(confidence, correct), confidence.size(), bins);
}

double ece_sweep(std::span<const double> confidence, std::span<const double> correct) {
  check("ece_sweep", confidence, correct);
  const auto ties = ties_of(confidence, correct);
  std::size_t bins = 1;
  while (bins < confidence.size() && monotone(ties, confidence.size(), bins + 1)) ++bins;
  return equal_mass(ties, confidence.size(), bins);
}

double aurc(std::span<const double> confidence, std::span<const double> correct) {
  check("aurc", confidence, correct);
  double sum = 0;
  for_each_threshold(confidence, correct, [&](double count, double accepted, double errors) { sum += count * errors / accepted; });
  return sum / static_cast<double>(confidence.size());
}

double eaurc(std::span<const double> confidence, std::span<const double> correct) {
  check("eaurc", confidence, correct);
  const auto right = static_cast<std::size_t>(std::accumulate(correct.begin(), correct.end(), 0.0));
  double least = 0;
  for (std::size_t k = right + 1; k <= correct.size(); ++k) least += static_cast<double>(k - right) / static_cast<double>(k);
  least /= static_cast<double>(correct.size());
  return std::max(0.0, aurc(confidence, correct) - least);  // below 0 by rounding only
}

double coverage_at_risk(std::span<const double> confidence, std::span<const double> correct, double risk) {
  check("coverage_at_risk", confidence, correct);
  if (!(risk >= 0 && risk <= 1)) detail::refuse("coverage_at_risk", "risk " + std::to_string(risk) + " is outside [0, 1]");
  double most = 0;
  for_each_threshold(confidence, correct, [&](double, double accepted, double errors) {
    if (errors <= risk * accepted) most = accepted;
  });
  return most / static_cast<double>(confidence.size());
}

}  // namespace assay::metrics
