#include "results/board/replicates.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "harness/metrics/metrics.hpp"
#include "harness/metrics/registry.hpp"
#include "results/board/cell_columns.hpp"

namespace assay::board {
namespace {

using metrics::MetricInfo;
using metrics::Pool;

constexpr std::uint64_t in_distribution_salt = 1;  // the reference sample is resampled by draws of its own

using Indices = std::span<const std::uint32_t>;

double mean_at(const std::vector<double>& values, Indices at) {
  double sum = 0;
  for (const std::uint32_t i : at) sum += values[i];
  return sum / static_cast<double>(at.size());
}

// The means of four resamples that lie one behind the other, each summed in its order: a single sum waits for every addition.
void four_means(const std::vector<double>& values, Indices at, std::span<double> out) {
  const std::size_t n = values.size();
  double sum[4] = {};
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = 0; j < 4; ++j) sum[j] += values[at[j * n + k]];
  for (std::size_t j = 0; j < 4; ++j) out[j] = sum[j] / static_cast<double>(n);
}

std::vector<double> gather(const std::vector<double>& values, Indices at) {
  std::vector<double> out(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) out[i] = values[at[i]];
  return out;
}

// One resample: which units, and how often each; of the reference sample likewise. Counts are there where they are used.
struct Resample {
  Indices at, reference, counts, reference_counts;
};

// The metric of one cell on every resample.
class Evaluator {
 public:
  Evaluator(const MetricInfo& info, const CellColumns& columns) : info_(info), columns_(columns) {
    if (counts(info)) auroc_ = std::make_unique<metrics::WeightedAuroc>(columns.reference, columns.values[0]);
  }

  static bool counts(const MetricInfo& info) { return info.id == "auroc"; }  // else indices are enough

  double operator()(const Resample& one) const {
    if (info_.pool == Pool::mean) return mean_at(columns_.values[0], one.at);
    if (auroc_) return (*auroc_)(one.reference_counts, one.counts);
    std::vector<std::vector<double>> drawn;
    if (info_.pool == Pool::rank) drawn.push_back(gather(columns_.reference, one.reference));
    for (const auto& values : columns_.values) drawn.push_back(gather(values, one.at));
    return metrics::evaluate(info_.id, {drawn.begin(), drawn.end()});
  }

 private:
  const MetricInfo& info_;
  const CellColumns& columns_;
  std::unique_ptr<metrics::WeightedAuroc> auroc_;  // an optional trips gcc 12 under sanitizers
};

// A ratio whose denominator is empty on some resample has no interval.
bool resamples_may_fail(const MetricInfo& info, const CellColumns& columns) {
  if (info.pool != Pool::ratio) return false;
  double eligible = 0;
  for (const double e : columns.values[1]) eligible += e;
  return eligible < 20;  // P(none drawn) is below 1e-8 from 20 eligible samples on
}

bool all_finite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

}  // namespace

const std::vector<std::uint32_t>& Replicator::indices(std::size_t n, std::uint64_t salt) {
  auto& all = indices_[{n, salt}];
  if (!all.empty()) return all;
  all.resize(n * static_cast<std::size_t>(options_.resamples));
  for (std::size_t b = 0; b < static_cast<std::size_t>(options_.resamples); ++b)
    stats::resample_indices(options_.seed + salt, b, std::span(all).subspan(b * n, n));
  return all;
}

const std::vector<std::uint32_t>& Replicator::counts(std::size_t n, std::uint64_t salt) {
  auto& all = counts_[{n, salt}];
  if (!all.empty()) return all;
  const auto& drawn = indices(n, salt);
  all.resize(drawn.size());
  for (std::size_t k = 0; k < drawn.size(); ++k) ++all[k / n * n + drawn[k]];
  return all;
}

const Replicator::Drawn& Replicator::draw(const Metric& metric, const MetricInfo& info, const store::CellRecord& cell) {
  if (drawn_of_ != metric.title()) drawn_.clear();
  drawn_of_ = metric.title();
  const auto [at, added] = drawn_.try_emplace(cell.standing->id);
  Drawn& out = at->second;
  if (!added) return out;
  CellColumns columns = load_columns(db_, cell, metric, info);
  if (!columns.complete || resamples_may_fail(info, columns)) return out;
  out.known = true;
  const Evaluator evaluate(info, columns);
  const std::size_t n = columns.ids.size(), references = columns.reference_ids.size();
  const bool counted = Evaluator::counts(info);
  Resample all{indices(n, 0), {}, {}, {}};
  if (references > 0) all.reference = indices(references, in_distribution_salt);
  if (counted) all.counts = counts(n, 0);
  if (counted) all.reference_counts = counts(references, in_distribution_salt);
  const auto part = [](Indices of, std::size_t b, std::size_t size) { return of.empty() ? of : of.subspan(b * size, size); };
  out.statistic.resize(static_cast<std::size_t>(options_.resamples));
  for (std::size_t b = 0; b < out.statistic.size(); ++b)
    out.statistic[b] = evaluate({part(all.at, b, n), part(all.reference, b, references), part(all.counts, b, n),
                                 part(all.reference_counts, b, references)});
  // Not defined on some resample (a member that is always right on it): no interval.
  if (!all_finite(out.statistic)) out.statistic.clear();
  out.ids = std::move(columns.ids);
  out.reference_ids = std::move(columns.reference_ids);
  return out;
}

CellReplicates Replicator::cells(const Metric& metric, const CellList& cells) {
  CellReplicates out;
  out.statistic.resize(cells.size());
  const MetricInfo* info = metrics::find(metric.quantity);
  if (info == nullptr || info->pool == Pool::none || metric.grade != "judged") return out;
  const Drawn* first = nullptr;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Drawn& drawn = draw(metric, *info, *cells[i]);
    if (!drawn.known) continue;
    if (first == nullptr) first = &drawn;
    if (drawn.ids != first->ids || drawn.reference_ids != first->reference_ids)
      out.mismatch = true;
    else
      out.statistic[i] = drawn.statistic;
  }
  if (first == nullptr) return out;
  out.ids = first->ids;
  out.ids.insert(out.ids.end(), first->reference_ids.begin(), first->reference_ids.end());
  out.units = static_cast<std::int64_t>(out.ids.size());
  return out;
}

std::vector<double> Replicator::resampled_mean(const std::vector<double>& values) {
  const std::span all = indices(values.size(), 0);
  std::vector<double> out(static_cast<std::size_t>(options_.resamples));
  const std::size_t n = values.size();
  std::size_t b = 0;
  for (; b + 4 <= out.size(); b += 4) four_means(values, all.subspan(b * n, 4 * n), std::span(out).subspan(b, 4));
  for (; b < out.size(); ++b) out[b] = mean_at(values, all.subspan(b * n, n));
  return all_finite(out) ? out : std::vector<double>();
}

GroupReplicates Replicator::mean_groups(const Metric& metric, const MetricInfo& info, const std::vector<CellList>& groups) {
  GroupReplicates out;
  out.mean.resize(groups.size());
  std::vector<std::int64_t> ids;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::vector<double> mean;
    bool whole = !groups[g].empty();
    for (const auto* cell : groups[g]) {
      const CellColumns columns = load_columns(db_, *cell, metric, info);
      if (columns.complete && ids.empty()) ids = columns.ids;
      const bool same = columns.complete && columns.ids == ids;
      out.mismatch = out.mismatch || (columns.complete && !same);
      whole = whole && same;
      if (!whole) continue;
      mean.resize(ids.size());
      for (std::size_t i = 0; i < ids.size(); ++i) mean[i] += columns.values[0][i] / static_cast<double>(groups[g].size());
    }
    if (whole) out.mean[g] = resampled_mean(mean);
  }
  out.units = static_cast<std::int64_t>(ids.size());
  return out;
}

GroupReplicates Replicator::groups(const Metric& metric, const std::vector<CellList>& groups) {
  const MetricInfo* info = metrics::find(metric.quantity);
  if (info != nullptr && info->pool == Pool::mean && metric.grade == "judged") return mean_groups(metric, *info, groups);
  CellList flat;
  for (const CellList& group : groups) flat.insert(flat.end(), group.begin(), group.end());
  const CellReplicates found = cells(metric, flat);
  GroupReplicates out{{}, found.units, found.mismatch};
  std::span<const std::vector<double>> left = found.statistic;
  for (const CellList& group : groups) {
    out.mean.push_back(mean_replicates(left.first(group.size())));
    left = left.subspan(group.size());
  }
  return out;
}

std::optional<stats::Interval> Replicator::over_samples(const Metric& metric, const CellList& cells) {
  const GroupReplicates found = groups(metric, {cells});
  if (found.mean[0].empty()) return std::nullopt;
  return stats::percentile_interval(found.mean[0], options_, "samples", found.units);
}

std::optional<stats::Interval> Replicator::mean_over_samples(const Metric& metric, const CellList& cells) {
  const MetricInfo* info = metrics::find(metric.quantity);
  return info != nullptr && info->pool == Pool::mean ? over_samples(metric, cells) : std::nullopt;
}

std::vector<double> mean_replicates(std::span<const std::vector<double>> statistic) {
  if (statistic.empty()) return {};
  for (const auto& each : statistic)
    if (each.empty()) return {};
  std::vector<double> out(statistic.front().size());
  for (const auto& each : statistic)
    for (std::size_t b = 0; b < out.size(); ++b) out[b] += each[b] / static_cast<double>(statistic.size());
  return out;
}

}  // namespace assay::board
