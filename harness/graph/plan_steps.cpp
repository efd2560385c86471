// Kernels, layouts and reorders of a program.
#include "harness/graph/plan_steps.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::graph {
namespace {

using engine::Kernel;
using engine::Layout;
using engine::MemDesc;
using engine::Registry;

// Multiply-adds as of the logical types, bytes as stored.
engine::OpCost stored_cost(const engine::Op& op, std::span<const MemDesc> in, std::span<const Spec> out,
                           const Attrs& attrs) {
  std::vector<Spec> stored;
  for (const MemDesc& m : in) stored.push_back(m.spec);
  engine::OpCost cost = engine::op_cost(op, op.bf16 ? engine::logical_specs(in) : stored, out, attrs);
  if (!op.bf16) return cost;
  cost.bytes = 0;
  for (const Spec& s : stored) cost.bytes += static_cast<double>(s.bytes());
  for (const Spec& s : out) cost.bytes += static_cast<double>(s.bytes());
  return cost;
}

class StepBuilder {
 public:
  StepBuilder(const Program& program, const std::map<int, int>& random_slots, bool training)
      : program_(program), random_slots_(random_slots), training_(training), main_(program.slots.size(), -1) {}

  StepList build() {
    for (std::size_t i = 0; i < program_.slots.size(); ++i) add_given(static_cast<int>(i));
    for (const Instr& instr : program_.code) add_instr(instr);
    for (const auto& [name, slot] : program_.outputs) add_output(name, slot);
    for (const Step& step : list_.steps) list_.scratch_bytes = std::max(list_.scratch_bytes, step.kernel.scratch_bytes);
    return std::move(list_);
  }

 private:
  Buffer& buffer(int id) { return list_.buffers[static_cast<std::size_t>(id)]; }
  const Slot& slot(int id) const { return program_.slots[static_cast<std::size_t>(id)]; }
  int& main(int slot_id) { return main_[static_cast<std::size_t>(slot_id)]; }

  int add_buffer(const Spec& spec, const Layout& layout, Home home) {
    Buffer made;
    made.spec = spec;
    made.layout = layout;
    made.home = home;
    list_.buffers.push_back(std::move(made));
    return static_cast<int>(list_.buffers.size()) - 1;
  }

  void add_given(int id) {
    const Slot& s = slot(id);
    if (s.kind == SlotKind::computed || random_slots_.count(id)) return;
    const Home home = s.kind == SlotKind::input ? Home::input : s.kind == SlotKind::live ? Home::live : Home::constant;
    const Tensor value = home == Home::constant ? s.value : Tensor();
    main(id) = add_buffer(s.spec, value.defined() ? value.layout() : Layout::dense(s.spec), home);
    buffer(main(id)).name = s.name;
    buffer(main(id)).value = value;
  }

  // The random mask is filled just before its first reader, to keep its life short.
  void add_random(int id, int phase) {
    main(id) = add_buffer(slot(id).spec, Layout::dense(slot(id).spec), Home::arena);
    Step step;
    step.out = {main(id)};
    step.phase = phase;
    step.random = random_slots_.at(id);
    step.what = "dropout mask";
    list_.steps.push_back(std::move(step));
  }

  int reordered(int from, const Layout& layout, int phase) {
    const Buffer source = buffer(from);
    for (const auto& [base, variant] : variants_) {
      if (base == from && buffer(variant).layout == layout) return variant;
    }
    Kernel kernel = engine::native::make_reorder({source.spec, source.layout}, layout);
    const int to = add_buffer(source.spec, layout, source.home == Home::constant ? Home::constant : Home::arena);
    variants_.emplace_back(from, to);
    if (source.home == Home::constant) {
      buffer(to).value = run_once(kernel, source.value, layout);
      return to;
    }
    Step step;
    step.in = {from};
    step.out = {to};
    step.phase = phase;
    step.reorder = true;
    step.cost.bytes = static_cast<double>(source.layout.bytes() + layout.bytes());
    step.what = "reorder " + (source.name.empty() ? source.spec.str() : source.name);
    step.kernel = std::move(kernel);
    list_.steps.push_back(std::move(step));
    return to;
  }

  static Tensor run_once(const Kernel& kernel, const Tensor& from, const Layout& layout) {
    const auto memory = engine::Storage::allocate(layout.bytes());
    const auto scratch = engine::Storage::allocate(std::max<std::size_t>(kernel.scratch_bytes, 64));
    const void* in[] = {from.raw()};
    void* out[] = {memory->data()};
    kernel.run({in, out, scratch->data()});
    return Tensor(from.spec(), layout, memory);
  }

  void add_instr(const Instr& instr) {
    std::vector<MemDesc> in;
    std::vector<Spec> out;
    for (const int s : instr.in) {
      if (main(s) < 0) add_random(s, instr.phase);
      in.push_back({slot(s).spec, buffer(main(s)).layout});
    }
    for (const int s : instr.out) out.push_back(slot(s).spec);
    const engine::Op& op = Registry::get().op(instr.op);
    Step step;
    step.kernel = op.prepare({instr.attrs, in, out, training_});
    step.phase = instr.phase;
    step.cost = stored_cost(op, in, out, instr.attrs);
    step.what = op.name + (instr.out.empty() ? "" : " " + slot(instr.out[0]).spec.str());
    for (std::size_t i = 0; i < instr.in.size(); ++i) {
      const int base = main(instr.in[i]);
      step.in.push_back(step.kernel.in[i] == buffer(base).layout ? base : reordered(base, step.kernel.in[i], instr.phase));
    }
    for (std::size_t i = 0; i < instr.out.size(); ++i) {
      main(instr.out[i]) = add_buffer(out[i], step.kernel.out[i], Home::arena);
      step.out.push_back(main(instr.out[i]));
    }
    list_.steps.push_back(std::move(step));
  }

  int last_phase_of(int id) const {
    int phase = 0;
    for (const Step& step : list_.steps) {
      if (std::find(step.out.begin(), step.out.end(), id) != step.out.end()) phase = step.phase;
    }
    return phase;
  }

  void add_output(const std::string& name, int slot_id) {
    if (main(slot_id) < 0) add_random(slot_id, 0);
    int id = main(slot_id);
    const Layout dense = Layout::dense(slot(slot_id).spec);
    if (!(buffer(id).layout == dense)) id = reordered(id, dense, last_phase_of(id));
    if (buffer(id).home != Home::arena) id = copied(id);  // inputs, constants, and what is an output already
    buffer(id).home = Home::output;
    list_.outputs.push_back({name, id});
  }

  int copied(int from) {
    const std::size_t bytes = buffer(from).spec.bytes();
    const Layout layout = buffer(from).layout;
    const int to = add_buffer(buffer(from).spec, layout, Home::arena);
    Step step;
    step.in = {from};
    step.out = {to};
    step.phase = last_phase_of(from);
    step.what = "copy";
    step.kernel.in = step.kernel.out = {layout};
    step.kernel.in_place = {-1};
    step.kernel.run = [bytes](const engine::KernelArgs& args) { std::memcpy(args.out[0], args.in[0], bytes); };
    list_.steps.push_back(std::move(step));
    return to;
  }

  const Program& program_;
  const std::map<int, int>& random_slots_;
  bool training_;
  std::vector<int> main_;                       // slot -> buffer it was made in
  std::vector<std::pair<int, int>> variants_;   // buffer -> the same value in another layout
  StepList list_;
};

}  // namespace

StepList build_steps(const Program& program, const std::map<int, int>& random_slots, bool training) {
  return StepBuilder(program, random_slots, training).build();
}

}  // namespace assay::graph
