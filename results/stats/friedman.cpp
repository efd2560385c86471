// Ranks of many methods over many data sets, and the omnibus tests on them.
#include <cmath>
#include <limits>

#include "results/stats/checks.hpp"
#include "results/stats/distributions.hpp"
#include "results/stats/many.hpp"
#include "results/stats/midranks.hpp"

namespace assay::stats {
namespace {

void check_rows(const char* what, const Rows& rows) {
  if (rows.empty() || rows[0].empty()) detail::refuse(what, "no values");
  for (const auto& row : rows) {
    if (row.size() != rows[0].size())
      detail::refuse(what, "needs every method on every data set, got rows of " + std::to_string(rows[0].size()) +
                               " and " + std::to_string(row.size()));
    detail::need_numbers(what, row);
  }
}

}  // namespace

std::vector<double> average_ranks(const Rows& rows, bool higher_is_better) {
  check_rows("average ranks", rows);
  std::vector<double> out(rows[0].size());
  for (auto row : rows) {
    if (higher_is_better)
      for (double& v : row) v = -v;
    const auto ranks = detail::midranks(row).ranks;
    for (std::size_t m = 0; m < out.size(); ++m) out[m] += ranks[m];
  }
  for (double& r : out) r /= static_cast<double>(rows.size());
  return out;
}

Friedman friedman(const Rows& rows) {
  check_rows("friedman", rows);
  const std::size_t methods = rows[0].size();
  if (rows.size() < 2 || methods < 2) detail::refuse("friedman", "needs at least two data sets and two methods");
  const double n = static_cast<double>(rows.size()), k = static_cast<double>(methods);
  std::vector<double> sums(methods);
  double ties = 0;
  for (const auto& row : rows) {
    const auto ranked = detail::midranks(row);
    ties += ranked.ties;
    for (std::size_t m = 0; m < methods; ++m) sums[m] += ranked.ranks[m];
  }
  // The sum of squared deviations keeps what the textbook's difference of large numbers would round away.
  double deviation = 0;
  for (const double s : sums) deviation += (s - n * (k + 1) / 2) * (s - n * (k + 1) / 2);
  Friedman out;
  out.df1 = static_cast<int>(methods) - 1;
  out.df2 = out.df1 * (static_cast<int>(rows.size()) - 1);
  const double spread = n * k * (k + 1) - ties / (k - 1);
  if (spread <= 0) return out;  // everything ties
  out.chi_squared = 12 * deviation / spread;
  out.p = detail::chi_squared_tail(out.chi_squared, out.df1);
  const double most = n * (k - 1);
  if (out.chi_squared >= most * (1 - 1e-12)) {
    out.f = std::numeric_limits<double>::infinity();
    out.f_p = std::exp(-(n - 1) * std::lgamma(k + 1));
    return out;
  }
  out.f = (n - 1) * out.chi_squared / (most - out.chi_squared);
  out.f_p = detail::f_tail(out.f, out.df1, out.df2);
  return out;
}

std::vector<double> nemenyi(const std::vector<double>& average_ranks, std::size_t data_sets) {
  detail::need_numbers("nemenyi", average_ranks);
  if (average_ranks.size() < 2 || data_sets == 0)
    detail::refuse("nemenyi", "needs at least two methods and one data set");
  const double k = static_cast<double>(average_ranks.size());
  const double error = std::sqrt(k * (k + 1) / (12 * static_cast<double>(data_sets)));
  std::vector<double> out;
  for (std::size_t a = 0; a < average_ranks.size(); ++a)
    for (std::size_t b = a + 1; b < average_ranks.size(); ++b)
      out.push_back(detail::studentized_range_tail(std::abs(average_ranks[a] - average_ranks[b]) / error,
                                                   static_cast<int>(average_ranks.size())));
  return out;
}

}  // namespace assay::stats
