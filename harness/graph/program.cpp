// Recording, reverse mode and dead code.
#include "harness/graph/program.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/ops/dtypes.hpp"

namespace assay::graph {

using engine::Op;
using engine::Registry;

std::vector<Value> Recorder::emit(OpId op, std::span<const Value> in, const Attrs& attrs) {
  std::vector<Spec> specs;
  Instr instr{op, attrs, {}, {}, phase_};
  for (const Value v : in) {
    specs.push_back(spec(v));
    instr.in.push_back(v.id);
  }
  const Op& entry = Registry::get().op(op);
  std::vector<Value> out;
  const std::vector<Spec> results = entry.infer(specs, attrs);
  if (entry.compose) return entry.compose(*this, in, attrs);
  for (const Spec& made : results) {
    out.push_back(add_slot(SlotKind::computed, "", made));
    instr.out.push_back(out.back().id);
  }
  program.code.push_back(std::move(instr));
  return out;
}

const Spec& Recorder::spec(Value value) const {
  if (value.emitter != this || value.id < 0) throw Error(Fault::internal, "a value of another program was used");
  return program.slots[static_cast<std::size_t>(value.id)].spec;
}

Value Recorder::constant(const Tensor& tensor) { return add_slot(SlotKind::constant, "", tensor.spec(), tensor); }

Value Recorder::add_slot(SlotKind kind, const std::string& name, const Spec& spec, const Tensor& value) {
  program.slots.push_back({spec, kind, name, value});
  return {this, static_cast<int>(program.slots.size()) - 1};
}

namespace {

// Walks the recording backwards once; cotangents_ holds what has been accumulated for each forward slot.
class Reverse {
 public:
  Reverse(Recorder& recorder, std::span<const Value> wrt)
      : recorder_(recorder), length_(recorder.program.code.size()), depends_(recorder.program.slots.size(), false),
        cotangents_(recorder.program.slots.size()) {
    for (const Value v : wrt) depends_[static_cast<std::size_t>(v.id)] = true;
    for (std::size_t i = 0; i < length_; ++i) {
      const Instr& instr = recorder_.program.code[i];
      if (!std::any_of(instr.in.begin(), instr.in.end(), [&](int s) { return depends(s); })) continue;
      for (const int s : instr.out) depends_[static_cast<std::size_t>(s)] = true;
    }
  }

  void accumulate(int slot, Value cotangent) {
    if (!cotangent.defined() || !depends(slot)) return;
    Value& sum = cotangents_[static_cast<std::size_t>(slot)];
    sum = sum.defined() ? sum + cotangent : cotangent;
  }

  void walk() {
    for (std::size_t i = length_; i-- > 0;) step(Instr(recorder_.program.code[i]));  // copied: the code grows
  }

  Value cotangent(int slot) const { return cotangents_[static_cast<std::size_t>(slot)]; }

 private:
  bool depends(int slot) const { return depends_[static_cast<std::size_t>(slot)]; }
  Value value(int slot) { return {&recorder_, slot}; }

  void step(const Instr& instr) {
    std::vector<Value> in, out, cotangents;
    std::vector<char> flags;
    bool reached = false;
    for (const int s : instr.in) {
      in.push_back(value(s));
      flags.push_back(depends(s) && engine::is_real(recorder_.spec(in.back()).dtype));
    }
    for (const int s : instr.out) {
      out.push_back(value(s));
      cotangents.push_back(cotangent(s));
      reached = reached || cotangents.back().defined();
    }
    if (!reached || std::find(flags.begin(), flags.end(), 1) == flags.end()) return;
    const Op& op = Registry::get().op(instr.op);
    if (!op.vjp) return;  // piecewise constant ops (argmax, sign, comparisons) stop the gradient
    const auto wanted = std::make_unique<bool[]>(flags.size());
    std::copy(flags.begin(), flags.end(), wanted.get());
    const std::vector<Value> parts = op.vjp({instr.attrs, in, out, cotangents, {wanted.get(), flags.size()}, false});
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (flags[i]) accumulate(instr.in[i], parts[i]);
    }
  }

  Recorder& recorder_;
  std::size_t length_;
  std::vector<bool> depends_;
  std::vector<Value> cotangents_;
};

}  // namespace

std::vector<Value> differentiate(Recorder& recorder, std::span<const Value> outputs, std::span<const Value> cotangents,
                                 std::span<const Value> wrt) {
  Reverse reverse(recorder, wrt);
  for (std::size_t i = 0; i < outputs.size(); ++i) reverse.accumulate(outputs[i].id, cotangents[i]);
  reverse.walk();
  std::vector<Value> result;
  for (const Value v : wrt) result.push_back(reverse.cotangent(v.id));
  return result;
}

void eliminate_dead_code(Program& program) {
  std::vector<bool> needed(program.slots.size(), false);
  for (const auto& [name, slot] : program.outputs) needed[static_cast<std::size_t>(slot)] = true;
  std::vector<Instr> kept;
  for (auto it = program.code.rbegin(); it != program.code.rend(); ++it) {
    if (!std::any_of(it->out.begin(), it->out.end(), [&](int s) { return needed[static_cast<std::size_t>(s)]; })) continue;
    for (const int s : it->in) needed[static_cast<std::size_t>(s)] = true;
    kept.push_back(std::move(*it));
  }
  program.code.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

void merge_common(Program& program) {
  std::vector<int> same(program.slots.size());
  for (std::size_t i = 0; i < same.size(); ++i) same[i] = static_cast<int>(i);
  const auto root = [&](int slot) { return same[static_cast<std::size_t>(slot)]; };
  std::map<std::tuple<OpId, std::vector<int>, Attrs>, std::vector<int>> seen;
  std::vector<Instr> kept;
  for (Instr& instr : program.code) {
    for (int& s : instr.in) s = root(s);
    const auto [it, fresh] = seen.try_emplace({instr.op, instr.in, instr.attrs}, instr.out);
    if (fresh) {
      kept.push_back(std::move(instr));
      continue;
    }
    for (std::size_t i = 0; i < instr.out.size(); ++i) same[static_cast<std::size_t>(instr.out[i])] = it->second[i];
  }
  program.code = std::move(kept);
  for (auto& [name, slot] : program.outputs) slot = root(slot);
}

std::string Program::to_text() const {
  std::string text;
  const auto label = [&](int s) {
    const Slot& slot = slots[static_cast<std::size_t>(s)];
    return slot.name.empty() ? "%" + std::to_string(s) : slot.name;
  };
  for (const Instr& instr : code) {
    std::vector<std::string> in, out;
    for (const int s : instr.in) in.push_back(label(s));
    for (const int s : instr.out) out.push_back(label(s) + " " + slots[static_cast<std::size_t>(s)].spec.str());
    text += fmt::format("{} = {}({}) {}\n", fmt::join(out, ", "), Registry::get().op(instr.op).name, fmt::join(in, ", "),
                        instr.attrs.to_json().dump());
  }
  for (const auto& [name, slot] : outputs) text += fmt::format("output {} = {}\n", name, label(slot));
  return text;
}

}  // namespace assay::graph
