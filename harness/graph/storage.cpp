#include "harness/graph/storage.hpp"

#include <algorithm>

namespace assay::graph {

using engine::Bf16Use;
using engine::DType;
using engine::Op;
using engine::Registry;

namespace {

bool used_at(const std::vector<bool>& flags, std::size_t i) { return i < flags.size() && flags[i]; }

class Bf16Storage {
 public:
  explicit Bf16Storage(Program& program)
      : program_(program), cast_(Registry::get().id("cast")), possible_(program.slots.size(), false),
        wanted_(program.slots.size(), false), stored_(program.slots.size(), false), maker_(program.slots.size(), -1) {}

  void run() {
    choose_ops();
    choose_results();
    std::vector<Instr> code = std::move(program_.code);
    program_.code.clear();
    for (std::size_t i = 0; i < code.size(); ++i) rewrite(std::move(code[i]), uses_[i]);
    for (auto& [name, slot] : program_.outputs) {
      if (is_stored(slot)) slot = cast_slot(slot, DType::f32, program_.code[maker(slot)].phase);
    }
  }

 private:
  Slot& slot(int id) { return program_.slots[static_cast<std::size_t>(id)]; }
  bool is_stored(int id) const { return stored_[static_cast<std::size_t>(id)]; }
  std::size_t maker(int id) const { return static_cast<std::size_t>(maker_[static_cast<std::size_t>(id)]); }

  Bf16Use use_of(const Instr& instr) {
    const Op& op = Registry::get().op(instr.op);
    if (!op.bf16) return {};
    std::vector<Spec> in, out;
    for (const int s : instr.in) in.push_back(slot(s).spec);
    for (const int s : instr.out) out.push_back(slot(s).spec);
    const auto f32 = [](const Spec& s) { return s.dtype == DType::f32; };
    if (!std::all_of(in.begin(), in.end(), f32) || !std::all_of(out.begin(), out.end(), f32)) return {};
    return op.bf16(in, out, instr.attrs);
  }

  // Forwards: which instructions run on BF16 operands. uses_[i].in is empty for those that do not.
  void choose_ops() {
    for (const Instr& instr : program_.code) {
      Bf16Use use = use_of(instr);
      bool all = !use.in.empty();
      for (std::size_t i = 0; i < instr.in.size(); ++i) {
        if (used_at(use.in, i) && !possible_[static_cast<std::size_t>(instr.in[i])]) all = false;
      }
      if (!use.product && !all) use = {};
      for (std::size_t i = 0; i < instr.in.size(); ++i) {
        if (used_at(use.in, i)) wanted_[static_cast<std::size_t>(instr.in[i])] = true;
      }
      for (std::size_t i = 0; i < instr.out.size(); ++i) {
        if (used_at(use.out, i)) possible_[static_cast<std::size_t>(instr.out[i])] = true;
      }
      uses_.push_back(std::move(use));
    }
  }

  // A product whose result nobody wants in BF16 writes F32 at once, and then takes its residual as F32 too.
  void choose_results() {
    for (std::size_t i = 0; i < program_.code.size(); ++i) {
      const Instr& instr = program_.code[i];
      Bf16Use& use = uses_[i];
      bool any = false;
      for (std::size_t k = 0; k < instr.out.size(); ++k) {
        const auto s = static_cast<std::size_t>(instr.out[k]);
        stored_[s] = used_at(use.out, k) && (!use.product || wanted_[s]);
        any = any || stored_[s];
      }
      if (use.product && !any && instr.attrs.integer("residual", 0) != 0) use.in.back() = false;
    }
  }

  void rewrite(Instr instr, const Bf16Use& use) {
    for (std::size_t i = 0; i < instr.in.size(); ++i) {
      const bool narrow = used_at(use.in, i);
      if (slot(instr.in[i]).spec.dtype != DType::f32 && !is_stored(instr.in[i])) continue;  // labels, indices
      if (narrow != is_stored(instr.in[i])) {
        instr.in[i] = cast_slot(instr.in[i], narrow ? DType::bf16 : DType::f32, instr.phase);
      }
    }
    for (const int s : instr.out) {
      if (is_stored(s)) slot(s).spec.dtype = DType::bf16;
      maker_[static_cast<std::size_t>(s)] = static_cast<int>(program_.code.size());
    }
    program_.code.push_back(std::move(instr));
  }

  // `from` in the other storage, made once, just before its first reader.
  int cast_slot(int from, DType to, int phase) {
    const auto [it, fresh] = casts_.try_emplace(from, -1);
    if (!fresh) return it->second;
    Slot made;
    made.spec = {to, slot(from).spec.shape};
    program_.slots.push_back(std::move(made));
    it->second = static_cast<int>(program_.slots.size()) - 1;
    stored_.push_back(to == DType::bf16);
    maker_.push_back(static_cast<int>(program_.code.size()));
    program_.code.push_back({cast_, {{"to", std::string(engine::dtype_name(to))}}, {from}, {it->second}, phase});
    return it->second;
  }

  Program& program_;
  OpId cast_;
  std::vector<Bf16Use> uses_;           // by instruction
  std::vector<bool> possible_, wanted_; // by slot: some op can write it as BF16; some op reads it so
  std::vector<bool> stored_;            // by slot: is BF16
  std::vector<int> maker_;              // by slot: the instruction that makes it, in the new code
  std::map<int, int> casts_;            // slot -> the same value in the other storage
};

}  // namespace

void store_bf16(Program& program) { Bf16Storage(program).run(); }

}  // namespace assay::graph
