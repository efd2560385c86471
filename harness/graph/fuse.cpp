// Fusion into the forms that conv2d, linear and batch_norm_train offer: residual sum and relu or relu6 on the result.
// Done before differentiation: their VJPs know the fused forms.
#include <algorithm>
#include <optional>

#include "harness/graph/program.hpp"

namespace assay::graph {

using engine::Registry;

namespace {

template <class Sequence>
auto& at(Sequence& v, int i) {
  return v[static_cast<std::size_t>(i)];
}

class Fuser {
 public:
  explicit Fuser(Program& program)
      : program_(program), conv_(Registry::get().id("conv2d")), linear_(Registry::get().id("linear")),
        norm_(Registry::get().id("batch_norm_train")), add_(Registry::get().id("add")), relu_(Registry::get().id("relu")), clamp_(Registry::get().id("clamp")), uses_(program.slots.size(), 0),
        maker_(program.slots.size(), -1), dropped_(program.code.size(), false) {
    for (std::size_t i = 0; i < program.code.size(); ++i) {
      for (const int s : program.code[i].in) ++at(uses_, s);
      for (const int s : program.code[i].out) at(maker_, s) = static_cast<int>(i);
    }
    for (const auto& [name, slot] : program.outputs) ++at(uses_, slot);
  }

  void run() {
    for (std::size_t i = 0; i < program_.code.size(); ++i) {
      if (program_.code[i].op == add_) fuse_sum(static_cast<int>(i));
    }
    for (std::size_t i = 0; i < program_.code.size(); ++i) {
      const std::string act = activation(program_.code[i]);
      if (!act.empty()) fuse_activation(static_cast<int>(i), act);
    }
    std::vector<Instr> kept;
    for (std::size_t i = 0; i < program_.code.size(); ++i) {
      if (!dropped_[i]) kept.push_back(std::move(program_.code[i]));
    }
    program_.code = std::move(kept);
  }

 private:
  Instr& code(int i) { return at(program_.code, i); }
  const Spec& spec(int slot) { return at(program_.slots, slot).spec; }

  // The product that makes `slot` for one reader only and has room for `attr` behind it.
  std::optional<int> product_behind(int slot, int reader, const char* attr) {
    const int maker = at(maker_, slot);
    if (maker < 0 || at(uses_, slot) != 1 || dropped_[static_cast<std::size_t>(maker)]) return {};
    const Instr& product = code(maker);
    if (product.op != conv_ && product.op != linear_ && product.op != norm_) return {};
    if (product.out[0] != slot) return {};  // a batch statistic
    if (product.attrs.has(attr) || product.attrs.has("act") || product.phase != code(reader).phase) return {};
    return maker;
  }

  // The product moves down to its reader's place: the residual is defined there.
  void move_to(int product, int reader, Instr fused) {
    fused.out[0] = code(reader).out[0];
    for (const int s : fused.out) at(maker_, s) = reader;
    code(reader) = std::move(fused);
    dropped_[static_cast<std::size_t>(product)] = true;
  }

  void fuse_sum(int i) {
    const std::vector<int> operands = code(i).in;
    if (!(spec(operands[0]) == spec(operands[1])) || operands[0] == operands[1]) return;
    std::optional<int> best;  // the later product: its sibling is finished by then
    int residual = -1;
    for (const int k : {0, 1}) {
      const auto product = product_behind(operands[static_cast<std::size_t>(k)], i, "residual");
      if (!product || (best && *best > *product)) continue;
      best = product;
      residual = operands[static_cast<std::size_t>(1 - k)];
    }
    if (!best) return;
    Instr fused = code(*best);
    fused.in.push_back(residual);
    fused.attrs.set("residual", std::int64_t{1});
    move_to(*best, i, std::move(fused));
  }

  // "relu", "relu6" (clamp to [0, 6]) or "".
  std::string activation(const Instr& instr) const {
    if (instr.op == relu_) return "relu";
    const bool six = instr.op == clamp_ && instr.attrs.real("min", -1) == 0 && instr.attrs.real("max", 0) == 6;
    return six ? "relu6" : "";
  }

  void fuse_activation(int i, const std::string& act) {
    const auto product = product_behind(code(i).in[0], i, "act");
    if (!product) return;
    Instr fused = code(*product);
    fused.attrs.set("act", act);
    move_to(*product, i, std::move(fused));
  }

  Program& program_;
  engine::OpId conv_, linear_, norm_, add_, relu_, clamp_;
  std::vector<int> uses_, maker_;  // by slot: readers (outputs count), the instruction that makes it
  std::vector<bool> dropped_;
};

}  // namespace

void fuse(Program& program) { Fuser(program).run(); }

}  // namespace assay::graph
