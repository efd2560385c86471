// compile(): lowering, losses, gradients and passes, then steps and memory.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/graph/edit_detail.hpp"
#include "harness/graph/integers.hpp"
#include "harness/graph/losses.hpp"
#include "harness/graph/plan_impl.hpp"
#include "harness/graph/storage.hpp"

namespace assay::graph {
namespace {

[[noreturn]] void bad_graph(const std::string& message) { bad_input_in("compile", message); }

bool live_parameters(const CompileOptions& o) { return o.live_parameters || o.param_grads || o.mode == Mode::train; }

void check_options(const Graph& graph, const CompileOptions& o) {
  if (o.batch < 1) bad_graph("batch must be at least 1");
  if (!o.loss.empty() && !o.cotangent_of.empty()) bad_graph("either a loss or a cotangent, not both");
  const bool gradients = o.input_grad || o.param_grads;
  if (gradients && o.loss.empty() && o.cotangent_of.empty()) bad_graph("gradients need a loss or a cotangent");
  if (o.repeat_backward && o.cotangent_of.empty()) bad_graph("only a pass back from a cotangent can be repeated");
  if (o.outputs.empty() && o.loss.empty()) bad_graph("no output is wanted");
  if (o.precision == Precision::int8 && (gradients || live_parameters(o))) {
    bad_graph("precision int8 is for inference with fixed weights; expected no gradients and no live parameters");
  }
  for (const std::string& name : o.outputs) (void)graph.resolve(name);
  const std::string missing = unsupported_reason(o.precision);
  if (!missing.empty()) throw Error(Fault::unsupported, "compile: " + missing);
}

// Values that must exist after folding.
std::vector<std::string> wanted_values(const Graph& graph, const CompileOptions& o) {
  std::vector<std::string> values;
  for (const std::string& name : o.outputs) values.push_back(graph.resolve(name));
  if (!o.loss.empty()) values.push_back(graph.resolve("logits"));
  if (!o.cotangent_of.empty()) values.push_back(graph.resolve(o.cotangent_of));
  return values;
}

constexpr const char* root_name = "~root";

class Compiler {
 public:
  Compiler(const Graph& graph, const CompileOptions& options) : graph_(graph), options_(options) {}

  Program& build() {
    add_given();
    lower_graph();
    for (const std::string& name : options_.outputs) recorder_.program.outputs[name] = value_of(name).id;
    for (const auto& [buffer, value] : context_.statistics) recorder_.program.outputs["stat:" + buffer] = value.id;
    add_root();
    simplify();
    if (options_.optimize) fuse(recorder_.program);
    add_gradients();
    simplify();
    if (options_.precision == Precision::bf16) {
      store_bf16(recorder_.program);
      simplify();  // weights that are constants are converted now
    }
    if (options_.precision == Precision::int8) {
      store_integers(recorder_.program);
      quantizers_done_ = true;
      simplify();
    }
    return recorder_.program;
  }

  const std::vector<RandomNode>& random() const { return random_; }
  const std::map<int, int>& random_slots() const { return random_slots_; }

 private:
  Value value_of(const std::string& name) { return context_.values.at(graph_.resolve(name)); }

  void add_given() {
    for (const GraphInput& in : graph_.inputs) {
      context_.values[in.name] = recorder_.add_slot(SlotKind::input, in.name, in.at(options_.batch));
    }
    const SlotKind kind = live_parameters(options_) ? SlotKind::live : SlotKind::constant;
    for (const auto& [name, parameter] : graph_.parameters) {
      context_.values[name] = recorder_.add_slot(kind, name, parameter.value.spec(), parameter.value);
    }
    for (const auto& [name, buffer] : graph_.buffers) {
      context_.values[name] = recorder_.add_slot(SlotKind::constant, name, buffer.spec(), buffer);
    }
  }

  void lower_graph() {
    context_.mode = options_.mode;
    context_.random = [this](const RandomNode& node, const Spec& spec) {
      const Value mask = recorder_.add_slot(SlotKind::input, "", spec);
      random_slots_[mask.id] = static_cast<int>(random_.size());
      random_.push_back(node);
      return mask;
    };
    lower(graph_, wanted_values(graph_, options_), context_);
  }

  Value full(const Shape& shape, float value) { return recorder_.constant(Tensor::full(shape, value)); }

  // What is differentiated, as an output, so that no pass removes it.
  void add_root() {
    Value root;
    if (!options_.loss.empty()) {
      const Value labels = recorder_.add_slot(SlotKind::input, "labels", {engine::DType::i64, {options_.batch}});
      Value targets;
      if (loss_needs_targets(options_.loss)) {
        targets = recorder_.add_slot(SlotKind::input, "targets", {engine::DType::i64, {options_.batch}});
      }
      root = emit_loss(options_.loss, value_of("logits"), labels, options_.label_smoothing, targets);
      recorder_.program.outputs["loss"] = root.id;
    } else if (!options_.cotangent_of.empty()) {
      root = value_of(options_.cotangent_of);
    }
    if (root.defined()) recorder_.program.outputs[root_name] = root.id;
  }

  Value seed_for(Value root) {
    if (options_.loss.empty()) {
      recorder_.next_phase();
      return recorder_.add_slot(SlotKind::input, "cotangent", recorder_.spec(root));
    }
    return full(recorder_.spec(root).shape, options_.mean_loss ? 1.0F / static_cast<float>(options_.batch) : 1.0F);
  }

  void add_gradients() {
    std::vector<std::string> names;
    std::vector<Value> wrt;
    const auto want = [&](const std::string& name) {
      names.push_back(name);
      wrt.push_back(context_.values.at(name));
    };
    for (const GraphInput& in : graph_.inputs) {
      if (options_.input_grad) want(in.name);
    }
    for (const auto& [name, parameter] : graph_.parameters) {
      if (options_.param_grads && parameter.trainable) want(name);
    }
    const auto found = recorder_.program.outputs.find(root_name);
    if (found == recorder_.program.outputs.end()) return;
    const Value root{&recorder_, found->second};
    recorder_.program.outputs.erase(found);
    if (wrt.empty()) return;
    const Value seed = seed_for(root);
    const std::vector<Value> grads = differentiate(recorder_, {&root, 1}, {&seed, 1}, wrt);
    for (std::size_t i = 0; i < wrt.size(); ++i) {
      const Value grad = grads[i].defined() ? grads[i] : full(recorder_.spec(wrt[i]).shape, 0.0F);
      recorder_.program.outputs["grad:" + names[i]] = grad.id;
    }
  }

  void simplify() {
    eliminate_dead_code(recorder_.program);
    if (!options_.optimize) return;
    fold_constants();
    merge_common(recorder_.program);
  }

  // What depends on constants alone is computed now.
  void fold_constants() {
    Program& program = recorder_.program;
    std::vector<Instr> kept;
    for (Instr& instr : program.code) {
      const auto constant = [&](int s) {
        return program.slots[static_cast<std::size_t>(s)].kind == SlotKind::constant;
      };
      const bool kept_for_later = options_.precision == Precision::int8 && !quantizers_done_ && instr.op == quantize_;
      if (kept_for_later || instr.in.empty() || !std::all_of(instr.in.begin(), instr.in.end(), constant)) {
        kept.push_back(std::move(instr));
        continue;
      }
      std::vector<Tensor> in;
      for (const int s : instr.in) in.push_back(program.slots[static_cast<std::size_t>(s)].value);
      const std::vector<Tensor> out = engine::apply(instr.op, in, instr.attrs);
      for (std::size_t i = 0; i < out.size(); ++i) {
        Slot& slot = program.slots[static_cast<std::size_t>(instr.out[i])];
        slot.kind = SlotKind::constant;
        slot.value = out[i].dense();
      }
    }
    program.code = std::move(kept);
  }

  const Graph& graph_;
  const CompileOptions& options_;
  Recorder recorder_;
  LowerContext context_;
  std::vector<RandomNode> random_;
  std::map<int, int> random_slots_;
  const engine::OpId quantize_ = engine::Registry::get().id("fake_quantize");
  bool quantizers_done_ = false;  // int8: weights are quantized when their products are known to run on integers
};

}  // namespace

namespace {

struct PrecisionEntry {
  Precision precision;
  const char* name;
  engine::DType needs;  // products on this type
};
constexpr PrecisionEntry precisions[] = {{Precision::f32, "f32", engine::DType::f32},
                                         {Precision::bf16, "bf16", engine::DType::bf16},
                                         {Precision::int8, "int8", engine::DType::u8}};

}  // namespace

const char* precision_name(Precision precision) { return precisions[static_cast<std::size_t>(precision)].name; }

Precision precision_from(const std::string& name) {
  std::vector<std::string> known;
  for (const PrecisionEntry& entry : precisions) {
    if (name == entry.name) return entry.precision;
    known.emplace_back(entry.name);
  }
  throw Error(Fault::bad_input, "unknown precision '" + name + "'" + suggestion(name, known));
}

std::string unsupported_reason(Precision precision) {
  const PrecisionEntry& entry = precisions[static_cast<std::size_t>(precision)];
  if (engine::native::has_products(entry.needs)) return "";
  return std::string("precision ") + entry.name + " needs products on " + engine::dtype_name(entry.needs) +
         ", which the kernel library does not have for instruction set " + engine::native::effective_isa();
}

CompiledPlan compile(const Graph& graph, const CompileOptions& options) {
  check_options(graph, options);
  const bool fold = options.optimize && !live_parameters(options);
  auto source = std::make_shared<const Graph>(fold ? fold_batch_norm(graph, wanted_values(graph, options)) : graph);
  Compiler compiler(*source, options);
  const Program& program = compiler.build();
  StepList list = build_steps(program, compiler.random_slots(), options.mode == Mode::train);
  plan_memory(list, {options.optimize, options.repeat_backward});
  auto impl = std::make_unique<CompiledPlan::Impl>(std::move(list), compiler.random(), options.batch);
  impl->graph = source;
  CompiledPlan plan(std::move(impl));
  for (const Buffer& buffer : plan.impl_->list.buffers) {
    if (buffer.home == Home::live) plan.bind(buffer.name, source->parameters.at(buffer.name).value.f32s().data());
  }
  return plan;
}

}  // namespace assay::graph
