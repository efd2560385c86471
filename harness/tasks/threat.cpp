#include "harness/tasks/threat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/base/error.hpp"

namespace assay::tasks {

namespace {

Rational parse_eps(const Json& item) {
  const std::string text = item.is_string() ? item.as_string() : item.dump();
  const auto eps = Rational::parse(text);
  if (!eps || eps->num < 0) {
    throw Error(Fault::bad_input, fmt::format("threat.eps: expected a number >= 0 such as \"8/255\", found {}", text));
  }
  return *eps;
}

}  // namespace

Threat Threat::from_json(const Json& json) {
  Threat threat;
  threat.norm_name = json.get("norm", "linf");
  threat.norm = metrics::parse_norm(threat.norm_name);
  for (const Json& item : json.at("eps").as_array()) threat.eps.push_back(parse_eps(item));
  if (threat.eps.empty()) throw Error(Fault::bad_input, "threat.eps: expected at least one radius");
  std::sort(threat.eps.begin(), threat.eps.end(),
            [](const Rational& a, const Rational& b) { return a.value() < b.value(); });
  if (json.has("range")) {
    threat.low = static_cast<float>(json.at("range").at(0).as_real());
    threat.high = static_cast<float>(json.at("range").at(1).as_real());
  }
  threat.targeted = json.get("targeted", false);
  return threat;
}

std::string eps_condition(const Rational& eps) { return "eps=" + eps.str(); }

ThreatReport check_threat(std::span<const float> x, std::span<const float> adversarial, std::int64_t n,
                          const Threat& threat, double eps) {
  ThreatReport report;
  if (n == 0) return report;
  const std::size_t size = x.size() / static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    const auto clean = x.subspan(i * size, size);
    const auto moved = adversarial.subspan(i * size, size);
    if (!std::all_of(moved.begin(), moved.end(), [](float v) { return std::isfinite(v); })) {
      ++report.non_finite;
      report.distance.push_back(std::nan(""));
      continue;
    }
    const auto [low, high] = std::minmax_element(moved.begin(), moved.end());
    if (*low < threat.low || *high > threat.high) ++report.outside_range;
    const double d = metrics::distances(moved, clean, size, threat.norm)[0];
    if (d > eps + kNormTolerance) ++report.outside_ball;
    report.worst = std::max(report.worst, d);
    report.distance.push_back(d);
  }
  return report;
}

double margin_of(std::span<const float> logits, std::int64_t label) {
  double other = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < logits.size(); ++k)
    if (static_cast<std::int64_t>(k) != label) other = std::max(other, static_cast<double>(logits[k]));
  return static_cast<double>(logits[static_cast<std::size_t>(label)]) - other;
}

double sign_test(std::int64_t worse, std::int64_t better) {
  const std::int64_t n = worse + better;
  double p = 0;
  for (std::int64_t k = worse; k <= n; ++k) {
    const double log_choose = std::lgamma(static_cast<double>(n) + 1) - std::lgamma(static_cast<double>(k) + 1) -
                              std::lgamma(static_cast<double>(n - k) + 1);
    p += std::exp(log_choose - static_cast<double>(n) * std::log(2.0));
  }
  return std::min(p, 1.0);
}

}  // namespace assay::tasks
