// What a tensor remembers of its making. A Record is one application of an op (or a leaf, or a custom node); a
// TapeNode names one of its results. Records refer to operands, operands to their own records: a DAG without cycles,
// because a record keeps its results without their tape.
#pragma once

#include <memory>

#include "harness/engine/tape/eager.hpp"

namespace assay::engine {

struct Record {
  std::uint64_t sequence;  // later records have larger numbers than everything they depend on
  OpId op = -1;            // -1: a leaf, or custom
  Attrs attrs;
  std::vector<Tensor> in, out;  // `out` without tape
  CustomVjp custom;

  Record();
  ~Record();
  Record(const Record&) = delete;
  Record& operator=(const Record&) = delete;
};

struct TapeNode {
  std::shared_ptr<Record> record;
  std::size_t index = 0;
};

// The tensor with history: result `index` of `record`.
Tensor attach(const Tensor& tensor, const std::shared_ptr<Record>& record, std::size_t index);

}  // namespace assay::engine
