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

std::vector<double> gather(const std::vector<double>& values, Indices at) {
  std::vector<double> out(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) out[i] = values[at[i]];
  return out;
}

void count(Indices at, std::vector<std::uint32_t>& counts) {
  std::fill(counts.begin(), counts.end(), 0u);
  for (const std::uint32_t i : at) ++counts[i];
}

// The metric of one cell on every resample.
class Evaluator {
 public:
  Evaluator(const MetricInfo& info, const CellColumns& columns) : info_(info), columns_(columns) {
    if (info.id != "auroc") return;
    auroc_ = std::make_unique<metrics::WeightedAuroc>(columns.reference, columns.values[0]);
    in_counts_.resize(columns.reference.size());
    out_counts_.resize(columns.values[0].size());
  }

  double operator()(Indices at, Indices reference) {
    if (info_.pool == Pool::mean) return mean_at(columns_.values[0], at);
    if (auroc_) {
      count(reference, in_counts_);
      count(at, out_counts_);
      return (*auroc_)(in_counts_, out_counts_);
    }
    std::vector<std::vector<double>> drawn;
    if (info_.pool == Pool::rank) drawn.push_back(gather(columns_.reference, reference));
    for (const auto& values : columns_.values) drawn.push_back(gather(values, at));
    return metrics::evaluate(info_.id, {drawn.begin(), drawn.end()});
  }

 private:
  const MetricInfo& info_;
  const CellColumns& columns_;
  std::unique_ptr<metrics::WeightedAuroc> auroc_;  // an optional trips gcc 12 under sanitizers
  std::vector<std::uint32_t> in_counts_, out_counts_;
};

// A ratio whose denominator is empty on some resample has no interval.
bool resamples_may_fail(const MetricInfo& info, const CellColumns& columns) {
  if (info.pool != Pool::ratio) return false;
  double eligible = 0;
  for (const double e : columns.values[1]) eligible += e;
  return eligible < 20;  // P(none drawn) is below 1e-8 from 20 eligible samples on
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

CellReplicates Replicator::cells(const Metric& metric, const std::vector<const store::CellRecord*>& cells) {
  CellReplicates out;
  out.statistic.resize(cells.size());
  const MetricInfo* info = metrics::find(metric.quantity);
  if (info == nullptr || info->pool == Pool::none || metric.grade != "judged") return out;
  std::vector<std::int64_t> ids, reference_ids;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const CellColumns columns = load_columns(db_, *cells[i], metric, *info);
    if (!columns.complete || resamples_may_fail(*info, columns)) continue;
    if (ids.empty()) {
      ids = columns.ids;
      reference_ids = columns.reference_ids;
      out.units = static_cast<std::int64_t>(ids.size() + reference_ids.size());
      out.ids = ids;
      out.ids.insert(out.ids.end(), reference_ids.begin(), reference_ids.end());
    }
    if (columns.ids != ids || columns.reference_ids != reference_ids) {
      out.mismatch = true;
      continue;
    }
    Evaluator evaluate(*info, columns);
    const std::span all = indices(ids.size(), 0);
    const Indices reference_all =
        reference_ids.empty() ? Indices{} : Indices(indices(reference_ids.size(), in_distribution_salt));
    auto& statistic = out.statistic[i];
    statistic.resize(static_cast<std::size_t>(options_.resamples));
    for (std::size_t b = 0; b < statistic.size(); ++b)
      statistic[b] = evaluate(all.subspan(b * ids.size(), ids.size()),
                              reference_all.empty() ? reference_all : reference_all.subspan(b * reference_ids.size(), reference_ids.size()));
    // Not defined on some resample (a member that is always right on it): no interval.
    if (!std::all_of(statistic.begin(), statistic.end(), [](double v) { return std::isfinite(v); })) statistic.clear();
  }
  return out;
}

std::optional<stats::Interval> Replicator::over_samples(const Metric& metric, const std::vector<const store::CellRecord*>& cells) {
  const CellReplicates found = this->cells(metric, cells);
  const auto mean = mean_replicates(found.statistic);
  if (mean.empty()) return std::nullopt;
  return stats::percentile_interval(mean, options_, "samples", found.units);
}

std::optional<stats::Interval> Replicator::mean_over_samples(const Metric& metric, const std::vector<const store::CellRecord*>& cells) {
  const MetricInfo* info = metrics::find(metric.quantity);
  if (info == nullptr || info->pool != Pool::mean || metric.grade != "judged" || cells.empty()) return std::nullopt;
  std::vector<std::int64_t> ids;
  std::vector<double> mean;
  for (const auto* cell : cells) {
    const CellColumns columns = load_columns(db_, *cell, metric, *info);
    if (!columns.complete || (!ids.empty() && columns.ids != ids)) return std::nullopt;
    ids = columns.ids;
    mean.resize(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) mean[i] += columns.values[0][i] / static_cast<double>(cells.size());
  }
  const std::span all = indices(ids.size(), 0);
  std::vector<double> replicates(static_cast<std::size_t>(options_.resamples));
  for (std::size_t b = 0; b < replicates.size(); ++b) replicates[b] = mean_at(mean, all.subspan(b * ids.size(), ids.size()));
  return stats::percentile_interval(replicates, options_, "samples", static_cast<std::int64_t>(ids.size()));
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
