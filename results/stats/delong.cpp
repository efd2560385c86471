// DeLong's covariance of areas from placement values, which are differences of midranks (Sun & Xu 2014).
#include <algorithm>
#include <cmath>
#include <limits>

#include "results/stats/auroc.hpp"
#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"
#include "results/stats/midranks.hpp"

namespace assay::stats {
namespace {

struct Placements {
  double auroc = 0;
  std::vector<double> out, in;  // per input: share of the other class that it is ordered rightly against
};

Placements placements(std::span<const double> in, std::span<const double> out) {
  detail::need_numbers("delong", in);
  detail::need_numbers("delong", out);
  detail::need_at_least("delong", in.size(), 2);
  detail::need_at_least("delong", out.size(), 2);
  std::vector<double> both(out.begin(), out.end());
  both.insert(both.end(), in.begin(), in.end());
  const auto joint = detail::midranks(both).ranks, own_out = detail::midranks(out).ranks,
             own_in = detail::midranks(in).ranks;
  Placements p;
  const double negatives = static_cast<double>(in.size()), positives = static_cast<double>(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) p.out.push_back((joint[i] - own_out[i]) / negatives);
  for (std::size_t j = 0; j < in.size(); ++j) p.in.push_back(1 - (joint[out.size() + j] - own_in[j]) / positives);
  p.auroc = detail::mean_of(p.out);
  return p;
}

double covariance(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = detail::mean_of(a), mean_b = detail::mean_of(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

double covariance(const Placements& a, const Placements& b) {
  return covariance(a.out, b.out) / static_cast<double>(a.out.size()) +
         covariance(a.in, b.in) / static_cast<double>(a.in.size());
}

}  // namespace

DelongAuroc delong(std::span<const double> in, std::span<const double> out, double level) {
  detail::need_share("delong", "level", level);
  const Placements p = placements(in, out);
  DelongAuroc result;
  result.auroc = p.auroc;
  result.standard_error = std::sqrt(covariance(p, p));
  const double z = detail::normal_quantile(0.5 + level / 2), half = z * result.standard_error;
  const auto n = static_cast<std::int64_t>(in.size() + out.size());
  result.interval = {std::max(0.0, p.auroc - half), std::min(1.0, p.auroc + half), level, "samples", n, "DeLong"};
  result.logit_interval = result.interval;
  if (p.auroc <= 0 || p.auroc >= 1) return result;
  const double logit = std::log(p.auroc / (1 - p.auroc)), spread = half / (p.auroc * (1 - p.auroc));
  result.logit_interval.lo = 1 / (1 + std::exp(spread - logit));
  result.logit_interval.hi = 1 / (1 + std::exp(-spread - logit));
  result.logit_interval.method = "DeLong, logit";
  return result;
}

DelongTest delong_paired(const DetectorScores& a, const DetectorScores& b, double level) {
  detail::need_share("delong", "level", level);
  detail::need_pairs("delong", a.in, b.in);
  detail::need_pairs("delong", a.out, b.out);
  const Placements pa = placements(a.in, a.out), pb = placements(b.in, b.out);
  DelongTest result;
  result.auroc_a = pa.auroc;
  result.auroc_b = pb.auroc;
  result.difference = pa.auroc - pb.auroc;
  // The variance of a difference cancels: what rounding leaves of it is nothing.
  const double total = covariance(pa, pa) + covariance(pb, pb);
  const double variance = total - 2 * covariance(pa, pb);
  result.degenerate = !(variance > 1e-14 * total);
  result.standard_error = result.degenerate ? 0 : std::sqrt(variance);
  if (result.degenerate) {
    result.p = result.difference == 0 ? 1 : 0;
    result.z = result.difference == 0 ? 0 : std::copysign(std::numeric_limits<double>::infinity(), result.difference);
  } else {
    result.z = result.difference / result.standard_error;
    result.p = 2 * detail::normal_cdf(-std::abs(result.z));
  }
  const double half = detail::normal_quantile(0.5 + level / 2) * result.standard_error;
  result.interval = {std::max(-1.0, result.difference - half),
                     std::min(1.0, result.difference + half),
                     level,
                     "samples",
                     static_cast<std::int64_t>(a.in.size() + a.out.size()),
                     "DeLong"};
  return result;
}

}  // namespace assay::stats
