// Evaluation of single ops and the recording of history.
#include "harness/engine/tape/eager.hpp"

#include <algorithm>
#include <atomic>

#include "harness/base/error.hpp"
#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/tape/eager_emitter.hpp"
#include "harness/engine/tape/history.hpp"
#include "harness/engine/tape/kernel_cache.hpp"

namespace assay::engine {
namespace {

std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> counter{0};
  return counter.fetch_add(1, std::memory_order_relaxed);
}

double& macs_counter() {
  thread_local double macs = 0;
  return macs;
}

// Scratch that lives as long as the thread and only grows.
void* scratch_of(std::size_t bytes) {
  thread_local std::shared_ptr<Storage> storage;
  if (bytes == 0) return nullptr;
  if (!storage || storage->bytes() < bytes) {
    storage.reset();
    storage = Storage::allocate(bytes);
  }
  return storage->data();
}

bool has_history(std::span<const Tensor> tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const Tensor& t) { return t.tape() != nullptr; });
}

// Operands in the layouts of the kernel; `moved` keeps the copies alive.
std::vector<const void*> operands(const PreparedOp& p, std::span<const Tensor> in, std::vector<Tensor>& moved) {
  std::vector<const void*> data;
  for (std::size_t i = 0; i < in.size(); ++i) {
    data.push_back(in[i].raw());
    if (!p.reorders[i]) continue;
    const Kernel& reorder = *p.reorders[i];
    auto storage = Storage::allocate(reorder.out[0].bytes());
    void* to = storage->data();
    reorder.run({std::span(&data.back(), 1), std::span(&to, 1), scratch_of(reorder.scratch_bytes)});
    moved.emplace_back(in[i].spec(), reorder.out[0], std::move(storage));
    data.back() = to;
  }
  return data;
}

std::vector<Tensor> run(const PreparedOp& p, std::span<const Tensor> in) {
  std::vector<Tensor> moved, results;
  const std::vector<const void*> sources = operands(p, in, moved);
  std::vector<void*> targets;
  std::vector<std::shared_ptr<Storage>> storages;
  for (const Layout& layout : p.kernel.out) {
    storages.push_back(Storage::allocate(layout.bytes()));
    targets.push_back(storages.back()->data());
  }
  p.kernel.run({sources, targets, scratch_of(p.kernel.scratch_bytes)});
  for (std::size_t i = 0; i < p.out.size(); ++i)
    results.emplace_back(p.out[i], p.kernel.out[i], std::move(storages[i]));
  return results;
}

// reshape of a dense tensor is the same memory.
bool is_view(OpId op, std::span<const Tensor> in) {
  static const OpId reshape = Registry::get().id("reshape");
  return op == reshape && in[0].layout().is_dense();
}

void expect_defined(const Op& op, std::span<const Tensor> in) {
  for (const Tensor& t : in) {
    if (!t.defined()) throw Error(Fault::bad_input, op.name + ": an operand is undefined");
  }
}

// An op that is made of others; what they record is its history.
std::vector<Tensor> compose(const Op& op, std::span<const Tensor> in, const Attrs& attrs) {
  EagerEmitter emitter;
  std::vector<Value> operands;
  std::vector<Spec> specs;
  for (const Tensor& t : in) {
    operands.push_back(emitter.add(t));
    specs.push_back(t.spec());
  }
  op.infer(specs, attrs);  // its errors name this op
  std::vector<Tensor> results;
  for (const Value v : op.compose(emitter, operands, attrs)) results.push_back(emitter.tensor(v));
  return results;
}

std::vector<Tensor> evaluate(OpId op, std::span<const Tensor> in, const Attrs& attrs, bool training) {
  const PreparedOp& p = prepared(op, in, attrs, training);
  if (is_view(op, in)) return {Tensor(p.out[0], Layout::dense(p.out[0]), in[0].storage())};
  macs_counter() += p.macs;
  return run(p, in);
}

}  // namespace

double eager_macs() { return macs_counter(); }

Record::Record() : sequence(next_sequence()) {}

// Long chains are taken apart in a loop: freeing them through nested destructors would overflow the stack.
Record::~Record() {
  thread_local std::vector<std::shared_ptr<TapeNode>>* pending = nullptr;
  std::vector<std::shared_ptr<TapeNode>> own;
  const bool outermost = pending == nullptr;
  if (outermost) pending = &own;
  for (Tensor& t : in) {
    if (t.tape()) pending->push_back(t.tape());
    t = {};
  }
  if (!outermost) return;
  while (!own.empty()) {
    const std::shared_ptr<TapeNode> last = std::move(own.back());
    own.pop_back();
  }
  pending = nullptr;
}

Tensor attach(const Tensor& tensor, const std::shared_ptr<Record>& record, std::size_t index) {
  return tensor.with_tape(std::make_shared<TapeNode>(TapeNode{record, index}));
}

std::vector<Tensor> apply(OpId op, std::span<const Tensor> in, const Attrs& attrs) {
  const Op& entry = Registry::get().op(op);
  expect_defined(entry, in);
  if (entry.compose) return compose(entry, in, attrs);
  const bool recorded = has_history(in);
  std::vector<Tensor> out = evaluate(op, in, attrs, recorded);
  if (!recorded) return out;
  auto record = std::make_shared<Record>();
  record->op = op;
  record->attrs = attrs;
  record->in.assign(in.begin(), in.end());
  record->out = out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (is_real(out[i].dtype())) out[i] = attach(out[i], record, i);
  }
  return out;
}

Tensor apply1(std::string_view op, std::initializer_list<Tensor> in, const Attrs& attrs) {
  return apply(Registry::get().id(op), std::span(in.begin(), in.size()), attrs).at(0);
}

Tensor watch(const Tensor& tensor) {
  if (!is_real(tensor.dtype())) {
    throw Error(Fault::bad_input, "gradients exist for F32 and F64 tensors only, not " + tensor.spec().str());
  }
  auto record = std::make_shared<Record>();
  record->out = {detach(tensor)};
  return attach(tensor, record, 0);
}

Tensor detach(const Tensor& tensor) { return tensor.with_tape(nullptr); }

std::vector<Tensor> record_custom(std::span<const Tensor> inputs, std::vector<Tensor> outputs, CustomVjp vjp) {
  for (Tensor& t : outputs) t = detach(t);
  if (!has_history(inputs)) return outputs;
  auto record = std::make_shared<Record>();
  record->in.assign(inputs.begin(), inputs.end());
  record->out = outputs;
  record->custom = std::move(vjp);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (is_real(outputs[i].dtype())) outputs[i] = attach(outputs[i], record, i);
  }
  return outputs;
}

}  // namespace assay::engine
