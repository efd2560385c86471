#include "results/board/values.hpp"

#include <numeric>

namespace assay::board {
namespace {

std::optional<double> number_of(const Json& json, const char* key) {
  if (!json.is_object() || !json.has(key) || !json.at(key).is_number()) return std::nullopt;
  return json.at(key).as_real();
}

// Rule 25. "denominator" may be the name of what is counted; then the count stands in "denominator_count".
void add_ratio(Value& value, const Json& extra) {
  const auto count = number_of(extra, "denominator_count");
  const auto denominator = count ? count : number_of(extra, "denominator");
  if (!denominator) return;
  value.numerator = value.numerator.value_or(0) + number_of(extra, "numerator").value_or(0);
  value.denominator = value.denominator.value_or(0) + *denominator;
}

}  // namespace

Value make_value(const Group& group, const Metric& metric) {
  Value value;
  for (const auto* cell : done_cells(group)) {
    const auto* score = find_score(*cell, metric);
    if (score == nullptr) continue;
    value.per_seed.push_back(score->value);
    add_ratio(value, score->extra);
  }
  if (!value.per_seed.empty())
    value.mean =
        std::accumulate(value.per_seed.begin(), value.per_seed.end(), 0.0) / static_cast<double>(value.per_seed.size());
  return value;
}

void add_interval(Value& value, const Group& group, const Metric& metric, const std::string& by,
                  Replicator& replicator) {
  const auto cells = done_cells(group);
  // An interval over the samples of all cells says nothing of a mean over some of them.
  if (value.per_seed.size() != cells.size() || cells.empty()) return;
  value.interval =
      metric.quantity == by ? replicator.over_samples(metric, cells) : replicator.mean_over_samples(metric, cells);
  if (!value.interval && value.per_seed.size() >= 3)
    value.interval = stats::student(value.per_seed, "seeds", replicator.options().level);
}

}  // namespace assay::board
