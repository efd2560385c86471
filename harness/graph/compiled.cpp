// CompiledPlan: running the steps. Building them is compile.cpp, plan_steps.cpp and plan_memory.cpp.
#include "harness/graph/compiled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/graph/plan_impl.hpp"

namespace assay::graph {

namespace {

// Of this thread's CPU time where it does all the work, so that a busy machine does not distort a profile; else wall time.
double profile_clock() {
  timespec now{};
  clock_gettime(engine::native::threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

int phase_of(const StepList& list, int buffer) {
  for (const Step& step : list.steps) {
    if (std::find(step.out.begin(), step.out.end(), buffer) != step.out.end()) return step.phase;
  }
  return 0;
}

std::vector<std::string> input_names(const StepList& list) {
  std::vector<std::string> names;
  for (const Buffer& b : list.buffers) {
    if (b.home == Home::input) names.push_back(b.name);
  }
  return names;
}

}  // namespace

CompiledPlan::Impl::Impl(StepList steps, std::vector<RandomNode> random_nodes, std::int64_t batch_size)
    : list(std::move(steps)), random(std::move(random_nodes)), batch(batch_size) {
  arena = engine::Storage::allocate(std::max<std::size_t>(list.arena_bytes, 64));
  scratch = engine::Storage::allocate(std::max<std::size_t>(list.scratch_bytes, 64));
  pointers.assign(list.buffers.size(), nullptr);
  for (std::size_t b = 0; b < list.buffers.size(); ++b) {
    const Buffer& it = list.buffers[b];
    if (it.home == Home::arena) {
      const std::size_t root = it.shares < 0 ? b : static_cast<std::size_t>(it.shares);
      pointers[b] = arena->data() + list.buffers[root].offset;
    }
    if (it.value.defined()) pointers[b] = const_cast<std::byte*>(it.value.raw());  // kernels never write their inputs
  }
  for (const Step& step : list.steps) {
    in_pointers.emplace_back(step.in.size());
    out_pointers.emplace_back(step.out.size());
    phases = std::max(phases, step.phase + 1);
  }
  timings.resize(list.steps.size());
  for (const OutputSlot& out : list.outputs) {
    names.push_back(out.name);
    output_phases.push_back(phase_of(list, out.buffer));
  }
  results.resize(list.outputs.size());
  memories.resize(list.outputs.size());
}

void CompiledPlan::Impl::take_inputs(const std::map<std::string, Tensor>& inputs, int phase) {
  held.clear();
  for (std::size_t b = 0; b < list.buffers.size(); ++b) {
    const Buffer& it = list.buffers[b];
    if (it.home != Home::input) continue;
    const auto given = inputs.find(it.name);
    if (given == inputs.end()) {
      if (phase == 0 && phases > 1 && it.name == "cotangent") continue;
      throw Error(Fault::bad_input, "plan needs the input '" + it.name + "'");
    }
    if (!(given->second.spec() == it.spec)) {
      throw Error(Fault::bad_input, "input '" + it.name + "' is " + given->second.spec().str() + "; the plan takes " + it.spec.str());
    }
    held.push_back(given->second.dense());
    pointers[b] = const_cast<std::byte*>(held.back().raw());
  }
  for (const auto& [name, tensor] : inputs) {
    const std::vector<std::string> known = input_names(list);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw Error(Fault::bad_input, "plan has no input '" + name + "'" + suggestion(name, known));
    }
  }
}

// Memory of a result that somebody still holds is left to them.
void CompiledPlan::Impl::renew_outputs(int phase) {
  for (std::size_t i = 0; i < list.outputs.size(); ++i) {
    if (output_phases[i] != phase) continue;
    const auto buffer = static_cast<std::size_t>(list.outputs[i].buffer);
    constexpr long ours = 2;  // memories[i] and results[i]
    if (memories[i] && memories[i].use_count() == ours) continue;
    const Buffer& it = list.buffers[buffer];
    memories[i] = engine::Storage::allocate(std::max<std::size_t>(it.layout.bytes(), 1));
    results[i] = Tensor(it.spec, it.layout, memories[i]);
    pointers[buffer] = memories[i]->data();
  }
}

void CompiledPlan::Impl::run_step(std::size_t index, const RandomKeys& keys) {
  const Step& step = list.steps[index];
  if (step.random >= 0) {
    const Buffer& it = list.buffers[static_cast<std::size_t>(step.out[0])];
    auto* values = static_cast<float*>(pointers[static_cast<std::size_t>(step.out[0])]);
    const std::int64_t rows = it.spec.shape.at(0);
    fill_dropout(random[static_cast<std::size_t>(step.random)], keys, it.spec.count() / rows,
                 {values, static_cast<std::size_t>(it.spec.count())});
    return;
  }
  for (std::size_t i = 0; i < step.in.size(); ++i) in_pointers[index][i] = pointers[static_cast<std::size_t>(step.in[i])];
  for (std::size_t i = 0; i < step.out.size(); ++i) out_pointers[index][i] = pointers[static_cast<std::size_t>(step.out[i])];
  step.kernel.run({in_pointers[index], out_pointers[index], scratch->data()});
}

void CompiledPlan::Impl::run_phase(int phase, const std::map<std::string, Tensor>& inputs, const RandomKeys& keys) {
  if (!random.empty() && static_cast<std::int64_t>(keys.sample_ids.size()) != batch) {
    throw Error(Fault::bad_input, "the model is random in this mode and needs one sample id a row: got " +
                                      std::to_string(keys.sample_ids.size()) + " for a batch of " + std::to_string(batch));
  }
  take_inputs(inputs, phase);
  renew_outputs(phase);
  for (std::size_t i = 0; i < list.steps.size(); ++i) {
    if (list.steps[i].phase != phase) continue;
    if (!profiling) {
      run_step(i, keys);
      continue;
    }
    const double start = profile_clock();
    run_step(i, keys);
    timings[i].last_seconds = profile_clock() - start;
    timings[i].last_start = start - profile_start;
    timings[i].seconds += timings[i].last_seconds;
    ++timings[i].calls;
  }
}

CompiledPlan::CompiledPlan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CompiledPlan::CompiledPlan(CompiledPlan&&) noexcept = default;
CompiledPlan::~CompiledPlan() = default;

std::int64_t CompiledPlan::batch() const { return impl_->batch; }
const std::vector<std::string>& CompiledPlan::output_names() const { return impl_->names; }
bool CompiledPlan::needs_ids() const { return !impl_->random.empty(); }
std::size_t CompiledPlan::arena_bytes() const { return impl_->list.arena_bytes; }
std::size_t CompiledPlan::kernel_count() const { return impl_->list.steps.size(); }

void CompiledPlan::profile(bool on) {
  impl_->profiling = on;
  impl_->profile_start = profile_clock();
  impl_->timings.assign(impl_->list.steps.size(), {});
}

int CompiledPlan::output_index(const std::string& name) const {
  const auto it = std::find(impl_->names.begin(), impl_->names.end(), name);
  if (it == impl_->names.end()) throw Error(Fault::internal, "plan has no output '" + name + "'" + suggestion(name, impl_->names));
  return static_cast<int>(it - impl_->names.begin());
}

const std::vector<Tensor>& CompiledPlan::run(const std::map<std::string, Tensor>& inputs, const RandomKeys& keys) {
  for (int phase = 0; phase < impl_->phases; ++phase) impl_->run_phase(phase, inputs, keys);
  return impl_->results;
}

const std::vector<Tensor>& CompiledPlan::run_phase(int phase, const std::map<std::string, Tensor>& inputs, const RandomKeys& keys) {
  impl_->run_phase(phase, inputs, keys);
  return impl_->results;
}

bool CompiledPlan::reads(const std::string& parameter) const {
  return std::any_of(impl_->list.buffers.begin(), impl_->list.buffers.end(),
                     [&](const Buffer& it) { return it.home == Home::live && it.name == parameter; });
}

void CompiledPlan::bind(const std::string& parameter, const float* values) {
  std::vector<std::string> names;
  for (std::size_t b = 0; b < impl_->list.buffers.size(); ++b) {
    const Buffer& it = impl_->list.buffers[b];
    if (it.home != Home::live) continue;
    names.push_back(it.name);
    if (it.name != parameter) continue;
    impl_->pointers[b] = const_cast<float*>(values);
    return;
  }
  throw Error(Fault::bad_input, "plan has no live parameter '" + parameter + "'" + suggestion(parameter, names));
}

std::vector<CompiledPlan::Timing> CompiledPlan::timings() const {
  std::vector<Timing> table = impl_->timings;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const Step& step = impl_->list.steps[i];
    table[i].what = step.what;
    table[i].kernel = step.kernel.name;
    table[i].macs = step.cost.macs;
    table[i].bytes = step.cost.bytes;
    table[i].reorder = step.reorder;
  }
  return table;
}

std::string CompiledPlan::to_text() const {
  std::string text;
  for (std::size_t i = 0; i < impl_->list.steps.size(); ++i) {
    const Step& step = impl_->list.steps[i];
    text += fmt::format("{:>4} phase {} {:<40}", i, step.phase, step.what);
    for (const int b : step.in) text += fmt::format(" b{}", b);
    text += " ->";
    for (const int b : step.out) {
      const Buffer& it = impl_->list.buffers[static_cast<std::size_t>(b)];
      const char* home = it.home == Home::output ? " (output)" : it.shares >= 0 ? " (in place)" : "";
      text += fmt::format(" b{}{}{}", b, it.layout.is_dense() ? "" : "*", home);
    }
    text += "\n";
  }
  text += fmt::format("arena {} bytes, scratch {} bytes, * library layout\n", impl_->list.arena_bytes, impl_->list.scratch_bytes);
  return text;
}

}  // namespace assay::graph
