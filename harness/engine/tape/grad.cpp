// Reverse-mode gradients: records are visited from the latest to the earliest, each once all of its cotangents are in.
#include <functional>
#include <map>

#include "harness/base/error.hpp"
#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/tape/eager_emitter.hpp"
#include "harness/engine/tape/history.hpp"

namespace assay::engine {
namespace {

Tensor filled(const Spec& spec, double value) {
  auto storage = Storage::allocate(spec.bytes());
  fill_elements(spec.dtype, storage->data(), spec.count(), value);
  return Tensor(spec, Layout::dense(spec), std::move(storage));
}

struct Pending {
  std::shared_ptr<Record> record;
  std::vector<Tensor> cotangents;  // one a result; undefined: none yet
  bool leads_to_input = false;
};

using Queue = std::map<std::uint64_t, Pending, std::greater<>>;  // latest record first

// Everything that the outputs were computed from.
Queue reachable(std::span<const Tensor> outputs) {
  Queue queue;
  std::vector<std::shared_ptr<Record>> open;
  const auto visit = [&](const Tensor& t) {
    if (!t.tape()) return;
    const auto& record = t.tape()->record;
    const auto [it, fresh] = queue.emplace(record->sequence, Pending{});
    if (!fresh) return;
    it->second.record = record;
    it->second.cotangents.resize(record->out.size());
    open.push_back(record);
  };
  for (const Tensor& t : outputs) visit(t);
  while (!open.empty()) {
    const std::shared_ptr<Record> record = std::move(open.back());
    open.pop_back();
    for (const Tensor& t : record->in) visit(t);
  }
  return queue;
}

bool leads(const Queue& queue, const Tensor& t) {
  if (!t.tape()) return false;
  const auto it = queue.find(t.tape()->record->sequence);
  return it != queue.end() && it->second.leads_to_input;
}

// From the earliest record on: a record matters when it made a wanted input or an operand that matters.
void mark_paths(Queue& queue, std::span<const Tensor> inputs) {
  for (const Tensor& t : inputs) {
    if (!t.tape())
      throw Error(Fault::bad_input, "a gradient was asked for a tensor that is not watched: " + t.spec().str());
    const auto it = queue.find(t.tape()->record->sequence);
    if (it != queue.end()) it->second.leads_to_input = true;
  }
  for (auto it = queue.rbegin(); it != queue.rend(); ++it) {
    for (const Tensor& t : it->second.record->in) {
      if (leads(queue, t)) it->second.leads_to_input = true;
    }
  }
}

void accumulate(Tensor& sum, const Tensor& term, const Spec& spec) {
  if (term.spec() != spec) {
    throw Error(Fault::bad_input, "a cotangent has " + term.spec().str() + " where " + spec.str() + " is needed");
  }
  sum = sum.defined() ? apply1("add", {sum, term}) : term;
}

void seed(Queue& queue, std::span<const Tensor> outputs, std::span<const Tensor> cotangents) {
  if (!cotangents.empty() && cotangents.size() != outputs.size()) {
    throw Error(Fault::bad_input, "grad got " + std::to_string(cotangents.size()) + " cotangents for " +
                                      std::to_string(outputs.size()) + " outputs");
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Tensor g = cotangents.empty() ? Tensor() : cotangents[i];
    if (!g.defined()) {
      if (outputs[i].count() != 1) {
        throw Error(Fault::bad_input, "an output of " + outputs[i].spec().str() + " needs a cotangent");
      }
      g = filled(outputs[i].spec(), 1.0);
    }
    if (!outputs[i].tape()) continue;
    const TapeNode& node = *outputs[i].tape();
    accumulate(queue.at(node.record->sequence).cotangents[node.index], g, outputs[i].spec());
  }
}

std::vector<Tensor> op_vjp(const Record& record, const Pending& pending, std::span<const bool> wanted,
                           bool create_graph) {
  const Op& op = Registry::get().op(record.op);
  if (!op.vjp) throw Error(Fault::unsupported, op.name + " has no gradient");
  EagerEmitter emitter;
  std::vector<Value> in, out, cotangents;
  for (const Tensor& t : record.in) in.push_back(emitter.add(create_graph ? t : detach(t)));
  for (std::size_t i = 0; i < record.out.size(); ++i) {
    const bool history = create_graph && is_real(record.out[i].dtype());
    out.push_back(emitter.add(history ? attach(record.out[i], pending.record, i) : record.out[i]));
  }
  for (const Tensor& g : pending.cotangents) {
    cotangents.push_back(g.defined() ? emitter.add(create_graph ? g : detach(g)) : Value{});
  }
  const std::vector<Value> grads = op.vjp({record.attrs, in, out, cotangents, wanted, create_graph});
  std::vector<Tensor> result;
  result.reserve(grads.size());
  for (const Value v : grads) result.push_back(v.defined() ? emitter.tensor(v) : Tensor());
  return result;
}

std::vector<Tensor> custom_vjp(const Record& record, const Pending& pending, bool create_graph) {
  std::vector<Tensor> cotangents = pending.cotangents;
  for (std::size_t i = 0; i < cotangents.size(); ++i) {
    if (!cotangents[i].defined()) cotangents[i] = filled(record.out[i].spec(), 0.0);
    if (!create_graph) cotangents[i] = detach(cotangents[i]);
  }
  std::vector<Tensor> in, out;
  for (const Tensor& t : record.in) in.push_back(create_graph ? t : detach(t));
  for (std::size_t i = 0; i < record.out.size(); ++i) {
    const bool history = create_graph && is_real(record.out[i].dtype());
    out.push_back(history ? attach(record.out[i], pending.record, i) : record.out[i]);
  }
  return record.custom({in, out, cotangents, create_graph});
}

// Passes the cotangents of one record on to what it was computed from.
void propagate(Queue& queue, const Pending& pending, bool create_graph) {
  const Record& record = *pending.record;
  if (record.in.empty()) return;
  const std::size_t n = record.in.size();
  const auto flags = std::make_unique<bool[]>(n);
  bool any = false;
  for (std::size_t i = 0; i < n; ++i) any |= flags[i] = leads(queue, record.in[i]);
  if (!any) return;
  const std::vector<Tensor> grads = record.custom ? custom_vjp(record, pending, create_graph)
                                                  : op_vjp(record, pending, {flags.get(), n}, create_graph);
  if (grads.size() != n) throw Error(Fault::internal, "a gradient rule gave the wrong number of results");
  for (std::size_t i = 0; i < n; ++i) {
    if (!flags[i] || !grads[i].defined()) continue;
    const TapeNode& node = *record.in[i].tape();
    accumulate(queue.at(node.record->sequence).cotangents[node.index], grads[i], record.in[i].spec());
  }
}

}  // namespace

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> cotangents, bool create_graph) {
  Queue queue = reachable(outputs);
  mark_paths(queue, inputs);
  seed(queue, outputs, cotangents);
  for (auto& [sequence, pending] : queue) {
    bool reached = false;
    for (const Tensor& g : pending.cotangents) reached |= g.defined();
    if (reached && pending.leads_to_input) propagate(queue, pending, create_graph);
  }
  std::vector<Tensor> result;
  for (const Tensor& t : inputs) {
    const auto it = queue.find(t.tape()->record->sequence);
    const Tensor g = it == queue.end() ? Tensor() : it->second.cotangents[t.tape()->index];
    result.push_back(g.defined() ? (create_graph ? g : detach(g)) : filled(t.spec(), 0.0));
  }
  return result;
}

}  // namespace assay::engine
