// The subscripts of einsum: "bij,bjk->bik", "ii->i", "...ij->...ji". A label is a letter; an ellipsis stands for the
// axes that the letters leave, aligned at the end, and broadcasts.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// Axes of an ellipsis become labels of their own, numbered from the last.
using Label = int;
using Labels = std::vector<Label>;

struct EinsumExpression {
  std::vector<Labels> operands;
  Labels result;
  std::map<Label, std::int64_t> extents;  // of the broadcast
};

// Throws Error(bad_input) naming the equation and what is wrong with it. Without "->" the result has the ellipsis and
// then, in alphabetical order, the letters that occur once (Einstein's rule as numpy and ONNX read it).
EinsumExpression parse_einsum(Specs in, const std::string& equation);

}  // namespace assay::engine
