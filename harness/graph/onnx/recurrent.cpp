// LSTM, GRU and RNN. The engine's ops have the format's operand order and semantics.
#include <fmt/format.h>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

// A state that the file holds for its own batch, equal in all rows, serves every batch.
Operand state_for(Call& call, const Operand& state, std::int64_t batch) {
  if (!state.known() || state.rank() != 3 || state.shape()[1] == batch || state.shape()[1] != 1) return state;
  return call.emit("expand", {state}, {{"shape", Shape{state.shape()[0], batch, state.shape()[2]}}});
}

// Operands up to `most`, an absent one as an empty tensor, which the ops take for absent; those at the end left out.
Operands operands_of(Call& call, std::size_t most, std::size_t states, bool batch_first) {
  Operands operands;
  std::size_t last = 0;
  for (std::size_t i = 0; i < std::min(most, call.count()); ++i) last = call.has(i) ? i + 1 : last;
  const std::int64_t batch = call.in(0).rank() == 3 ? call.in(0).shape()[batch_first ? 0 : 1] : 0;
  for (std::size_t i = 0; i < last; ++i) {
    if (!call.has(i)) {
      operands.push_back(call.constant(i == 4 ? Tensor::i64({0}, {}) : Tensor::f32({0}, {})));
      continue;
    }
    Operand x = call.in(i);
    if (i == 4) x = call.index(x);
    const bool weight = (i >= 1 && i <= 3) || i == 7;
    if (i == 5 || (i == 6 && states == 2)) x = state_for(call, x, batch);
    operands.push_back(weight ? Call::as(x, Role::weight) : x);
  }
  return operands;
}

Attrs attributes_of(Call& call) {
  Attrs attrs = {{"hidden_size", call.integer("hidden_size", 0)},
                 {"direction", call.text("direction", "forward")},
                 {"layout", call.integer("layout", 0)}};
  const std::vector<std::string> activations = call.texts("activations");
  if (!activations.empty()) attrs.set("activations", fmt::format("{}", fmt::join(activations, ",")));
  for (const char* name : {"activation_alpha", "activation_beta"}) {
    if (!call.reals(name).empty()) attrs.set(name, call.reals(name));
  }
  if (call.given("clip")) attrs.set("clip", call.real("clip", 0));
  return attrs;
}

Operands recurrent(Call& call, const char* op, std::size_t most, std::size_t states, const Attrs& attrs) {
  if (call.in(0).rank() != 3) call.bad("takes a value [T, N, I], not " + call.in(0).spec.str());
  const bool batch_first = attrs.integer("layout", 0) != 0;
  return call.emit_all(op, operands_of(call, most, states, batch_first), attrs);
}

Operands lstm(Call& call) {
  Attrs attrs = attributes_of(call);
  attrs.set("input_forget", call.integer("input_forget", 0));
  return recurrent(call, "lstm", 8, 2, attrs);
}

Operands gru(Call& call) {
  Attrs attrs = attributes_of(call);
  attrs.set("linear_before_reset", call.integer("linear_before_reset", 0));
  return recurrent(call, "gru", 6, 1, attrs);
}

Operands rnn(Call& call) { return recurrent(call, "rnn", 6, 1, attributes_of(call)); }

}  // namespace

Rows recurrent_rows() { return {{"GRU", gru}, {"LSTM", lstm}, {"RNN", rnn}}; }

}  // namespace assay::onnx
