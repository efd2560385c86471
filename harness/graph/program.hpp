// Program: a linear SSA recording of registry ops, what compilation works on. A Recorder is the symbolic Emitter:
// lowering, losses and VJPs write into it. One thread.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "harness/engine/ops/emit.hpp"

namespace assay::graph {

using engine::Attrs;
using engine::OpId;
using engine::Spec;
using engine::Tensor;
using engine::Value;

enum class SlotKind { computed, input, live, constant };
// input: given at every run; live: a parameter whose memory the caller owns and changes between runs;
// constant: known at compile time, so that everything computed from constants alone is computed once.

struct Slot {
  Spec spec;
  SlotKind kind = SlotKind::computed;
  std::string name;     // of inputs, live parameters and named constants
  Tensor value;         // constants
};

struct Instr {
  OpId op = -1;
  Attrs attrs;
  std::vector<int> in, out;  // slots; an op's absent optional operand is not listed
  int phase = 0;             // run in phases: backward may need a cotangent computed by the caller after the forward
};

struct Program {
  std::deque<Slot> slots;                  // references stay valid while the program grows
  std::vector<Instr> code;                 // definition before use; out slots are written once
  std::map<std::string, int> outputs;      // name -> slot
  std::string to_text() const;
};

class Recorder final : public engine::Emitter {
 public:
  Program program;
  std::vector<Value> emit(OpId op, std::span<const Value> in, const Attrs& attrs) override;
  const Spec& spec(Value value) const override;
  Value constant(const Tensor& tensor) override;
  Value add_slot(SlotKind kind, const std::string& name, const Spec& spec, const Tensor& value = {});
  void next_phase() { ++phase_; }

 private:
  int phase_ = 0;
};

// Reverse mode over the recording: appends the instructions that compute d(sum <outputs, cotangents>)/d(wrt) and gives
// one value each (undefined where the outputs do not depend on it). Only what `wrt` needs is emitted.
std::vector<Value> differentiate(Recorder& recorder, std::span<const Value> outputs, std::span<const Value> cotangents,
                                 std::span<const Value> wrt);

// Removes instructions that no output needs.
void eliminate_dead_code(Program& program);
// Merges instructions with equal op, attributes and operands (K inlined draws share what precedes the first dropout).
void merge_common(Program& program);
// Rewrites chains into the fused forms the kernels offer: conv2d or linear followed by bias, residual sum, relu.
void fuse(Program& program);

}  // namespace assay::graph
