// The shapes and attributes that rnn, gru and lstm share, after ONNX.
#pragma once

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

// An elementwise activation with its two parameters.
struct CellActivation {
  std::string name;  // ONNX's, e.g. "Sigmoid"
  double alpha = 0, beta = 0;
};
Value activate(const CellActivation& activation, Value x);

struct Recurrent {
  const char* op = "";
  std::int64_t gates = 1;
  std::int64_t time = 0, batch = 0, inputs = 0, hidden = 0, directions = 1;
  bool batch_first = false, reverse = false, coupled = false, reset_after = false;
  double clip = 0;                          // 0: none
  std::vector<CellActivation> activations;  // one a gate function, for each direction in turn
};

// Operands in ONNX's order. One that is left out before a given one is an empty vector [0].
enum RecurrentOperand : std::size_t { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeepholes };
inline bool has_operand(Specs in, std::size_t index) {
  return index < in.size() && !(in[index].shape.size() == 1 && in[index].shape[0] == 0);
}
// Throws Error(bad_input) for operands or attributes that do not fit.
Recurrent recurrent_of(const char* op, std::int64_t gates, Specs in, const Attrs& attrs);

}  // namespace assay::engine
