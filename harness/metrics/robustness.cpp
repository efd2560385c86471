// Metrics of attacks and of compression.
#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/metrics/checks.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::metrics {
namespace {

double norm_of(std::span<const float> a, std::span<const float> b, Norm norm) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (std::isnan(d)) return d;
    switch (norm) {
      case Norm::linf: sum = std::max(sum, d); break;
      case Norm::l2: sum += d * d; break;
      case Norm::l1: sum += d; break;
      case Norm::l0: sum += d != 0; break;
    }
  }
  return norm == Norm::l2 ? std::sqrt(sum) : sum;
}

double quotient(const char* metric, double original, double kept) {
  if (!(original > 0) || !std::isfinite(original)) detail::refuse(metric, "original is " + std::to_string(original));
  if (!(kept > 0) || !std::isfinite(kept)) detail::refuse(metric, "kept is " + std::to_string(kept));
  return original / kept;
}

}  // namespace

Norm parse_norm(const std::string& name) {
  if (name == "linf") return Norm::linf;
  if (name == "l2") return Norm::l2;
  if (name == "l1") return Norm::l1;
  if (name == "l0") return Norm::l0;
  throw Error(Fault::bad_input, "unknown norm '" + name + "'" + suggestion(name, {"linf", "l2", "l1", "l0"}));
}

std::vector<double> distances(std::span<const float> a, std::span<const float> b, std::size_t size, Norm norm) {
  detail::need_same("distance", a.size(), b.size(), "inputs differ in size");
  if (size == 0 || a.empty() || a.size() % size != 0)
    detail::refuse("distance", std::to_string(a.size()) + " values are no multiple of sample size " + std::to_string(size));
  std::vector<double> out(a.size() / size);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = norm_of(a.subspan(i * size, size), b.subspan(i * size, size), norm);
    if (std::isnan(out[i])) detail::refuse("distance", "sample " + std::to_string(i) + " holds a value that is not a number");
  }
  return out;
}

double robust_accuracy(std::span<const double> robust) {
  detail::need_flags("robust_accuracy", robust, "robust");
  return mean(robust);
}

Ratio attack_success_rate(std::span<const double> success, std::span<const double> eligible) {
  const char* metric = "attack_success_rate";
  detail::need_flags(metric, success, "success");
  detail::need_flags(metric, eligible, "eligible");
  detail::need_same(metric, success.size(), eligible.size(), "success and eligible differ in number");
  Ratio ratio;
  for (std::size_t i = 0; i < success.size(); ++i) {
    ratio.numerator += success[i] * eligible[i];
    ratio.denominator += eligible[i];
  }
  if (ratio.denominator == 0) detail::refuse(metric, "the denominator is 0: no eligible sample");
  return ratio;
}

std::vector<double> minimal_perturbations(std::span<const double> distance, std::span<const double> success, std::span<const double> robust) {
  const char* metric = "minimal_perturbations";
  detail::need_numbers(metric, distance, "distance");
  detail::need_flags(metric, success, "success");
  detail::need_flags(metric, robust, "robust");
  detail::need_same(metric, distance.size(), success.size(), "distance and success differ in number");
  detail::need_same(metric, distance.size(), robust.size(), "distance and robust differ in number");
  std::vector<double> out(distance.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (success[i] != 0) out[i] = distance[i];
    else if (robust[i] != 0) out[i] = std::numeric_limits<double>::infinity();
  }
  return out;
}

std::vector<double> perturbation_curve(std::span<const double> minimal, std::span<const double> radii) {
  detail::need_numbers("perturbation_curve", minimal, "minimal");
  std::vector<double> out;
  out.reserve(radii.size());
  for (const double radius : radii) {
    const auto left = std::count_if(minimal.begin(), minimal.end(), [&](double one) { return one > radius; });
    out.push_back(static_cast<double>(left) / static_cast<double>(minimal.size()));
  }
  return out;
}

double median_perturbation(std::span<const double> distance, std::span<const double> success, std::span<const double> robust) {
  std::vector<double> minimal = minimal_perturbations(distance, success, robust);
  std::sort(minimal.begin(), minimal.end());
  const std::size_t half = minimal.size() / 2;
  return minimal.size() % 2 == 1 ? minimal[half] : (minimal[half - 1] + minimal[half]) / 2;
}

double compression_ratio(double original_parameters, double kept_parameters) {
  return quotient("compression_ratio", original_parameters, kept_parameters);
}

double theoretical_speedup(double original_macs, double kept_macs) {
  return quotient("theoretical_speedup", original_macs, kept_macs);
}

}  // namespace assay::metrics
