// Fixed-size compute batches: the last one is padded by repeating its last sample, with id -1 and label -1, so that
// every batch runs the same compiled plan and a sample's result never depends on what travels with it.
// The set must outlive the iteration. [any-thread] on const access.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/data/records.hpp"
#include "harness/engine/tensor/tensor.hpp"

namespace assay::data {

struct Batch {
  std::int64_t index = 0;            // of the batch
  std::int64_t count = 0;            // real samples; the rows from count on are padding
  engine::Tensor x;                  // f32 [size, row shape...]
  std::vector<std::int64_t> ids;     // size entries, -1 for padding
  std::vector<std::int64_t> labels;  // size entries, -1 for padding; empty when the set has no cat target
};

class Batches {
 public:
  Batches(const RecordSet& records, std::int64_t size);
  // Only these samples, in this order.
  Batches(const RecordSet& records, std::int64_t size, std::vector<std::int64_t> indices);

  std::int64_t count() const;  // batches
  std::int64_t samples() const { return static_cast<std::int64_t>(indices_.size()); }
  Batch at(std::int64_t index) const;  // throws Error(bad_input) outside [0, count())

  class Iterator {
   public:
    Iterator(const Batches& owner, std::int64_t index) : owner_(&owner), index_(index) {}
    Batch operator*() const { return owner_->at(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    const Batches* owner_;
    std::int64_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, count()}; }

 private:
  const RecordSet* records_;
  std::int64_t size_;
  std::vector<std::int64_t> indices_;
};

}  // namespace assay::data
