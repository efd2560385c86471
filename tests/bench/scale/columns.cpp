#include "tests/bench/scale/columns.hpp"

#include <cmath>
#include <numeric>

#include "harness/base/rng.hpp"
#include "harness/metrics/metrics.hpp"
#include "results/store/encoding.hpp"

namespace scale {
namespace {

std::uint64_t stream(int a, int b) { return static_cast<std::uint64_t>((a + 100'000) * Columns::variants + b); }

}  // namespace

Columns::Columns(int samples) : ids_(static_cast<std::size_t>(samples)) {
  for (std::size_t i = 0; i < ids_.size(); ++i) ids_[i] = static_cast<std::int64_t>(3 + 10 * i);
}

std::vector<std::byte> Columns::ids() const { return assay::store::encode_ids(ids_); }

const StoredColumn& Columns::stored(std::map<Key, StoredColumn>& into, const Key& key, std::vector<double> values) {
  StoredColumn& column = into[key];
  column.values = std::move(values);
  column.mean = std::accumulate(column.values.begin(), column.values.end(), 0.0) / static_cast<double>(column.values.size());
  column.sha256 = assay::store::column_digest(ids_, column.values);
  column.values_z = assay::store::encode_values(column.values);
  return column;
}

const StoredColumn& Columns::share(int percent, int variant) {
  if (const auto at = shares_.find({percent, variant}); at != shares_.end()) return at->second;
  const assay::Rng rng(1, "share", stream(percent, variant));
  std::vector<double> values(ids_.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = rng.uniform(i) < percent / 100.0 ? 1 : 0;
  return stored(shares_, {percent, variant}, std::move(values));
}

const StoredColumn& Columns::normal(int hundredths, int variant) {
  if (const auto at = normals_.find({hundredths, variant}); at != normals_.end()) return at->second;
  const assay::Rng rng(2, "normal", stream(hundredths, variant));
  std::vector<double> values(ids_.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = hundredths / 100.0 + rng.normal(i);
  return stored(normals_, {hundredths, variant}, std::move(values));
}

const StoredColumn& Columns::exponential(int hundredths, int variant) {
  if (const auto at = exponentials_.find({hundredths, variant}); at != exponentials_.end()) return at->second;
  const assay::Rng rng(3, "exponential", stream(hundredths, variant));
  std::vector<double> values(ids_.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = -std::log1p(-rng.uniform(i)) * hundredths / 100.0;
  return stored(exponentials_, {hundredths, variant}, std::move(values));
}

double Columns::auroc(int hundredths, int variant, int reference) {
  const auto [at, added] = aurocs_.try_emplace({{hundredths, variant}, reference});
  if (added) at->second = assay::metrics::auroc(normal(0, reference).values, normal(hundredths, variant).values);
  return at->second;
}

}  // namespace scale
