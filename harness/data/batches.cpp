// Batches of a fixed size.
#include "harness/data/batches.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include "harness/base/error.hpp"

namespace assay::data {
namespace {

std::vector<std::int64_t> all_of(const RecordSet& records) {
  std::vector<std::int64_t> indices(records.ids.size());
  std::iota(indices.begin(), indices.end(), std::int64_t{0});
  return indices;
}

}  // namespace

Batches::Batches(const RecordSet& records, std::int64_t size) : Batches(records, size, all_of(records)) {}

Batches::Batches(const RecordSet& records, std::int64_t size, std::vector<std::int64_t> indices)
    : records_(&records), size_(size), indices_(std::move(indices)) {
  if (size < 1) throw Error(Fault::bad_input, "a batch holds at least one sample, not " + std::to_string(size));
}

std::int64_t Batches::count() const { return (samples() + size_ - 1) / size_; }

Batch Batches::at(std::int64_t index) const {
  if (index < 0 || index >= count())
    throw Error(Fault::bad_input, "batch " + std::to_string(index) + " of " + std::to_string(count()));
  const std::int64_t start = index * size_;
  Batch batch;
  batch.index = index;
  batch.count = std::min(size_, samples() - start);
  const auto from = indices_.begin() + start;
  std::vector<std::int64_t> rows(from, from + batch.count);
  rows.resize(static_cast<std::size_t>(size_), rows.back());
  batch.x = records_->input_batch(rows);
  const bool labelled = records_->has("target") && records_->find("target").type.kind == TypeKind::cat;
  if (labelled) batch.labels = records_->labels(rows);
  for (const std::int64_t row : rows) batch.ids.push_back(records_->ids[static_cast<std::size_t>(row)]);
  const auto padding = static_cast<std::size_t>(batch.count);
  std::fill(batch.ids.begin() + static_cast<std::ptrdiff_t>(padding), batch.ids.end(), -1);
  if (labelled) std::fill(batch.labels.begin() + static_cast<std::ptrdiff_t>(padding), batch.labels.end(), -1);
  return batch;
}

}  // namespace assay::data
