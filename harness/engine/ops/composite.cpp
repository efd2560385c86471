// Tracing and planning of composite ops.
#include "harness/engine/ops/composite.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

struct Step {
  OpId op;
  Attrs attrs;
  std::vector<int> in, out;
};

// Records an expression by its specs alone.
class Trace final : public Emitter {
 public:
  std::deque<Spec> specs;  // references stay valid
  std::vector<Step> steps;
  std::map<int, Tensor> constants;
  std::vector<int> results;

  Trace(const Compose& compose, Specs in, const Attrs& attrs) {
    std::vector<Value> operands;
    for (const Spec& s : in) operands.push_back(add(s));
    for (const Value v : compose(operands, attrs)) results.push_back(v.id);
  }
  std::vector<Value> emit(OpId op, std::span<const Value> in, const Attrs& attrs) override {
    Step step{op, attrs, {}, {}};
    std::vector<Spec> operands;
    for (const Value v : in) {
      operands.push_back(spec(v));
      step.in.push_back(v.id);
    }
    std::vector<Value> out;
    for (const Spec& s : Registry::get().op(op).infer(operands, attrs)) {
      out.push_back(add(s));
      step.out.push_back(out.back().id);
    }
    steps.push_back(std::move(step));
    return out;
  }
  const Spec& spec(Value value) const override {
    if (value.emitter != this || !value.defined())
      throw Error(Fault::internal, "a value of another expression was used");
    return specs[static_cast<std::size_t>(value.id)];
  }
  Value constant(const Tensor& tensor) override {
    const Value v = add(tensor.spec());
    constants[v.id] = tensor.dense();
    return v;
  }
  const Spec& spec_of(int id) const { return specs[static_cast<std::size_t>(id)]; }

  // Drops steps that no result needs.
  void prune() {
    std::vector<bool> needed(specs.size(), false);
    for (const int r : results) needed[static_cast<std::size_t>(r)] = true;
    std::vector<Step> kept;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const auto used = [&](int id) { return needed[static_cast<std::size_t>(id)]; };
      if (std::none_of(step->out.begin(), step->out.end(), used)) continue;
      for (const int id : step->in) needed[static_cast<std::size_t>(id)] = true;
      kept.push_back(std::move(*step));
    }
    steps.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  }

 private:
  Value add(const Spec& s) {
    specs.push_back(s);
    return {this, static_cast<int>(specs.size()) - 1};
  }
};

std::size_t rounded(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// First-fit areas of one scratch block.
class Areas {
 public:
  std::size_t take(std::size_t bytes) {
    bytes = rounded(std::max<std::size_t>(bytes, 1));
    for (auto& [offset, size] : free_) {
      if (size < bytes) continue;
      const std::size_t found = offset, rest = size - bytes;
      free_.erase(found);
      if (rest > 0) free_[found + bytes] = rest;
      return found;
    }
    end_ += bytes;
    return end_ - bytes;
  }
  void give(std::size_t offset, std::size_t bytes) {
    bytes = rounded(std::max<std::size_t>(bytes, 1));
    const auto next = free_.lower_bound(offset);
    if (next != free_.end() && offset + bytes == next->first) {
      bytes += next->second;
      free_.erase(next);
    }
    const auto after = free_.lower_bound(offset);
    if (after != free_.begin()) {
      const auto before = std::prev(after);
      if (before->first + before->second == offset) {
        before->second += bytes;
        return;
      }
    }
    free_[offset] = bytes;
  }
  std::size_t end() const { return end_; }

 private:
  std::map<std::size_t, std::size_t> free_;  // offset -> size
  std::size_t end_ = 0;
};

struct Place {
  enum class Kind { input, output, scratch, constant } kind = Kind::scratch;
  std::size_t at = 0;  // index, or offset in scratch
};

struct PlannedStep {
  Kernel kernel;
  std::vector<Place> in, out;
  std::vector<const void*> sources;  // filled at every run
  std::vector<void*> targets;
};

struct CompositeRun {
  std::vector<PlannedStep> steps;
  std::vector<Tensor> constants;
  std::size_t inner_scratch = 0;

  const void* source(const Place& p, const KernelArgs& args) const {
    switch (p.kind) {
      case Place::Kind::input:
        return args.in[p.at];
      case Place::Kind::output:
        return args.out[p.at];
      case Place::Kind::constant:
        return constants[p.at].raw();
      default:
        return static_cast<std::byte*>(args.scratch) + inner_scratch + p.at;
    }
  }
  void* target(const Place& p, const KernelArgs& args) const {
    if (p.kind == Place::Kind::output) return args.out[p.at];
    return static_cast<std::byte*>(args.scratch) + inner_scratch + p.at;
  }
  void run(const KernelArgs& args) {
    for (PlannedStep& step : steps) {
      for (std::size_t i = 0; i < step.in.size(); ++i) step.sources[i] = source(step.in[i], args);
      for (std::size_t i = 0; i < step.out.size(); ++i) step.targets[i] = target(step.out[i], args);
      step.kernel.run({step.sources, step.targets, args.scratch});
    }
  }
};

class Planner {
 public:
  Planner(Trace& trace, const PrepareRequest& request) : trace_(trace), request_(request) {
    run_ = std::make_shared<CompositeRun>();
    layouts_.resize(trace.specs.size());
    places_.resize(trace.specs.size());
    last_use_.assign(trace.specs.size(), -1);
    for (std::size_t i = 0; i < request.in.size(); ++i) {
      layouts_[i] = request.in[i].layout;
      places_[i] = {Place::Kind::input, i};
    }
    for (const auto& [id, tensor] : trace.constants) {
      layouts_[index(id)] = tensor.layout();
      places_[index(id)] = {Place::Kind::constant, run_->constants.size()};
      run_->constants.push_back(tensor);
    }
    for (std::size_t s = 0; s < trace.steps.size(); ++s) {
      for (const int id : trace.steps[s].in) last_use_[index(id)] = static_cast<std::int64_t>(s);
    }
    for (const int id : trace.results) last_use_[index(id)] = static_cast<std::int64_t>(trace.steps.size());
  }

  Kernel plan() {
    for (std::size_t s = 0; s < trace_.steps.size(); ++s) add_step(static_cast<std::int64_t>(s));
    for (std::size_t k = 0; k < trace_.results.size(); ++k) deliver(k);
    Kernel kernel = dense_kernel(request_);
    for (std::size_t i = 0; i < request_.in.size(); ++i) kernel.in[i] = request_.in[i].layout;
    run_->inner_scratch = rounded(run_->inner_scratch);
    kernel.scratch_bytes = run_->inner_scratch + areas_.end();
    kernel.run = [run = run_](const KernelArgs& args) { run->run(args); };
    return kernel;
  }

 private:
  static std::size_t index(int id) { return static_cast<std::size_t>(id); }

  void push(Kernel kernel, std::vector<Place> in, std::vector<Place> out) {
    run_->inner_scratch = std::max(run_->inner_scratch, kernel.scratch_bytes);
    PlannedStep step{std::move(kernel), std::move(in), std::move(out), {}, {}};
    step.sources.resize(step.in.size());
    step.targets.resize(step.out.size());
    run_->steps.push_back(std::move(step));
  }

  // Steps that do the same, as those of a recurrence, share one kernel: they never run at the same time.
  const Kernel& prepared(const Step& step, std::span<const MemDesc> mems, std::span<const Spec> out) {
    std::string operands;
    for (const MemDesc& m : mems) {
      const void* layout = m.layout.native().get();
      operands += m.spec.str();
      operands.append(reinterpret_cast<const char*>(&layout), sizeof layout);
    }
    const auto [it, fresh] = kernels_.try_emplace({step.op, step.attrs, operands});
    if (fresh) it->second = Registry::get().op(step.op).prepare({step.attrs, mems, out, request_.training});
    return it->second;
  }

  void add_step(std::int64_t number) {
    const Step& step = trace_.steps[static_cast<std::size_t>(number)];
    std::vector<MemDesc> mems;
    std::vector<Spec> out;
    for (const int id : step.in) mems.push_back({trace_.spec_of(id), layouts_[index(id)]});
    for (const int id : step.out) out.push_back(trace_.spec_of(id));
    Kernel kernel = prepared(step, mems, out);
    std::vector<Place> sources, targets;
    std::vector<std::pair<std::size_t, std::size_t>> moved;
    for (std::size_t i = 0; i < mems.size(); ++i) {
      sources.push_back(places_[index(step.in[i])]);
      if (kernel.in[i] == mems[i].layout) continue;
      const std::size_t bytes = kernel.in[i].bytes(), at = areas_.take(bytes);
      moved.emplace_back(at, bytes);
      const Place to{Place::Kind::scratch, at};
      push(native::make_reorder(mems[i], kernel.in[i]), {sources.back()}, {to});
      sources.back() = to;
    }
    for (std::size_t i = 0; i < out.size(); ++i) targets.push_back(place_result(step.out[i], kernel.out[i]));
    push(std::move(kernel), std::move(sources), std::move(targets));
    for (const auto& [at, bytes] : moved) areas_.give(at, bytes);
    for (const int id : step.in) release(id, number);
    for (const int id : step.out) release(id, number);
  }

  // Dense results go straight to their output.
  Place place_result(int id, const Layout& layout) {
    layouts_[index(id)] = layout;
    const auto wanted = std::find(trace_.results.begin(), trace_.results.end(), id);
    if (wanted != trace_.results.end() && layout.is_dense()) {
      places_[index(id)] = {Place::Kind::output, static_cast<std::size_t>(wanted - trace_.results.begin())};
    } else {
      places_[index(id)] = {Place::Kind::scratch, areas_.take(layout.bytes())};
    }
    return places_[index(id)];
  }

  void release(int id, std::int64_t number) {
    Place& place = places_[index(id)];
    if (place.kind != Place::Kind::scratch || last_use_[index(id)] > number || released_.count(id) > 0) return;
    areas_.give(place.at, layouts_[index(id)].bytes());
    released_[id] = true;
  }

  void deliver(std::size_t k) {
    const int id = trace_.results[k];
    const Place place = places_[index(id)];
    if (place.kind == Place::Kind::output && place.at == k) return;
    const Spec& spec = trace_.spec_of(id);
    push(native::make_reorder({spec, layouts_[index(id)]}, Layout::dense(spec)), {place}, {{Place::Kind::output, k}});
  }

  Trace& trace_;
  const PrepareRequest& request_;
  std::shared_ptr<CompositeRun> run_;
  std::vector<Layout> layouts_;
  std::vector<Place> places_;
  std::vector<std::int64_t> last_use_;  // step number; the number of steps for results
  std::map<int, bool> released_;
  std::map<std::tuple<OpId, Attrs, std::string>, Kernel> kernels_;
  Areas areas_;
};

}  // namespace

std::vector<Spec> composite_infer(const Compose& compose, Specs in, const Attrs& attrs) {
  const Trace trace(compose, in, attrs);
  std::vector<Spec> out;
  for (const int id : trace.results) out.push_back(trace.spec_of(id));
  return out;
}

Kernel composite_kernel(const Compose& compose, const PrepareRequest& request) {
  std::vector<Spec> in;
  for (const MemDesc& m : request.in) in.push_back(m.spec);
  Trace trace(compose, in, request.attrs);
  trace.prune();
  return Planner(trace, request).plan();
}

OpCost composite_cost(const Compose& compose, Specs in, const Attrs& attrs) {
  const Trace trace(compose, in, attrs);
  OpCost cost;
  for (const Step& step : trace.steps) {
    const Op& op = Registry::get().op(step.op);
    if (!op.cost) continue;
    std::vector<Spec> operands, out;
    for (const int id : step.in) operands.push_back(trace.spec_of(id));
    for (const int id : step.out) out.push_back(trace.spec_of(id));
    cost.macs += op.cost(operands, out, step.attrs).macs;
  }
  return cost;
}

void set_composite(Op& op, const std::function<void(Specs in, const Attrs& attrs)>& check, const Compose& compose) {
  op.infer = [check, compose](Specs in, const Attrs& attrs) {
    check(in, attrs);
    return composite_infer(compose, in, attrs);
  };
  op.prepare = [compose](const PrepareRequest& request) { return composite_kernel(compose, request); };
  op.vjp = [compose](const VjpArgs& v) { return composite_vjp(compose, v); };
  op.cost = [compose](Specs in, Specs, const Attrs& attrs) { return composite_cost(compose, in, attrs); };
}

}  // namespace assay::engine
