// assay.model/1: passes through models, counted and checked against what the handle grants. Unwatched inputs run on
// compiled plans; watched ones are recorded node by node, behind a gate that charges the backward pass when (and as
// often as) a gradient really flows through it.
#include <algorithm>
#include <numeric>

#include "harness/engine/tape/eager.hpp"
#include "harness/graph/running_stats.hpp"
#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

ModelObject& model_of(Host& host, const assay_object* object) {
  return host.as<ModelObject>(object, ASSAY_MODEL, "model");
}

// Rows of x after checking its shape against one input.
std::int64_t rows_of(const ModelObject& model, const engine::Tensor& x) {
  const engine::Shape& shape = x.shape();
  const bool fits = x.dtype() == engine::DType::f32 && shape.size() == model.input_shape.size() + 1 &&
                    std::equal(model.input_shape.begin(), model.input_shape.end(), shape.begin() + 1);
  if (!fits || shape[0] < 1) {
    throw ServiceError(ASSAY_INVALID,
                       fmt::format("model '{}' takes f32 [n] x {} with n >= 1, not {}", model.value.label,
                                   engine::shape_str(model.input_shape), x.spec().str()));
  }
  return shape[0];
}

// ---- getters

assay_status model_classes(const assay_host* abi, const assay_object* object, std::int64_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = model_of(host, object).value.graph->classes(); });
}
assay_status model_input(const assay_host* abi, const assay_object* object, assay_view* out) noexcept {
  return serve(abi, [&](Host& host) {
    const ModelObject& model = model_of(host, object);
    describe({engine::DType::f32, {}}, nullptr, *required(out, "out"));
    out->ndim = static_cast<std::int32_t>(model.input_shape.size());
    out->shape = model.input_shape.data();
  });
}
assay_status model_range(const assay_host* abi, const assay_object* object, assay_object** lo,
                         assay_object** hi) noexcept {
  return serve(abi, [&](Host& host) {
    const Json& metadata = model_of(host, object).value.graph->metadata;
    const bool given = metadata.is_object() && metadata.has("input_range");
    const double low = given ? metadata.at("input_range").at(std::size_t{0}).as_real() : 0.0;
    const double high = given ? metadata.at("input_range").at(std::size_t{1}).as_real() : 1.0;
    *required(lo, "lo") = host.give(engine::Tensor::scalar(static_cast<float>(low)));
    *required(hi, "hi") = host.give(engine::Tensor::scalar(static_cast<float>(high)));
  });
}
assay_status model_access(const assay_host* abi, const assay_object* object, std::uint64_t* mask) noexcept {
  return serve(abi, [&](Host& host) { *required(mask, "mask") = model_of(host, object).value.access; });
}

assay_status name_in(const std::vector<std::string>& names, std::size_t index, const char** out) {
  if (index >= names.size()) throw ServiceError(ASSAY_NOT_FOUND, "index beyond the last name");
  *required(out, "out") = names[index].c_str();
  return ASSAY_OK;
}
assay_status model_tap_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = model_of(host, object).taps.size(); });
}
assay_status model_tap_at(const assay_host* abi, const assay_object* object, std::size_t index,
                          const char** name) noexcept {
  return serve(abi, [&](Host& host) { name_in(model_of(host, object).taps, index, name); });
}
assay_status model_param_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = model_of(host, object).params.size(); });
}
assay_status model_param_at(const assay_host* abi, const assay_object* object, std::size_t index,
                            const char** name) noexcept {
  return serve(abi, [&](Host& host) { name_in(model_of(host, object).params, index, name); });
}
assay_status model_param(const assay_host* abi, const assay_object* object, const char* name,
                         assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const ModelObject& model = model_of(host, object);
    host.need(model.value, kWeights, "reading the weights");
    const auto& parameters = model.value.graph->parameters;
    const auto found = parameters.find(required(name, "name"));
    if (found == parameters.end()) {
      throw ServiceError(ASSAY_NOT_FOUND, std::string("no parameter '") + name + "'" + suggestion(name, model.params));
    }
    *required(out, "out") = host.give(found->second.value);
  });
}

// Keys of the stochastic ops, one a row: those given, else the rows' numbers.
std::vector<std::uint64_t> keys_of(Host& host, const assay_object* ids, std::int64_t rows) {
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(rows));
  std::iota(keys.begin(), keys.end(), std::uint64_t{0});
  if (ids == nullptr) return keys;
  const std::vector<std::int64_t> given = host.tensor(ids, "ids").to_i64();
  if (given.size() != keys.size()) throw ServiceError(ASSAY_INVALID, "ids: one a row is needed");
  keys.assign(given.begin(), given.end());
  return keys;
}

// ---- forward

struct Forward {
  engine::Tensor x;
  std::int64_t rows = 0;
  std::vector<std::string> wants;
  bool logits = true;
  std::vector<std::uint64_t> ids;
  bool named = false;  // the ids are the caller's, and say whose passes these are
  graph::ForwardOptions options;
  const BundleObject* params = nullptr;
  bool statistics = false;  // the running ones after this batch are wanted
  std::vector<std::uint64_t> owners() const { return named ? ids : std::vector<std::uint64_t>(); }
};

Forward read_call(Host& host, const ModelObject& model, const assay_forward_call& call) {
  // The size of the field is meant, which is a pointer's.
  if (!ASSAY_HAS(&call, params))  // NOLINT(bugprone-sizeof-expression)
    throw ServiceError(ASSAY_INVALID, "call: struct_size is too small");
  Forward forward;
  forward.x = host.tensor(call.x, "x");
  forward.rows = rows_of(model, forward.x);
  forward.logits = (call.flags & ASSAY_FORWARD_NO_LOGITS) == 0;
  if (forward.logits) {
    host.need(model.value, kScores, "the logits");
    forward.wants.emplace_back("logits");
  }
  for (const char* const* tap = call.taps; tap != nullptr && *tap != nullptr; ++tap) {
    host.need(model.value, kTaps, "intermediate features");
    if (model.value.graph->taps.count(*tap) == 0) {
      throw ServiceError(ASSAY_NOT_FOUND, std::string("no tap '") + *tap + "'" + suggestion(*tap, model.taps));
    }
    forward.wants.emplace_back(*tap);
  }
  if (forward.wants.empty()) throw ServiceError(ASSAY_INVALID, "neither logits nor taps are asked for");
  const bool train = (call.flags & ASSAY_FORWARD_TRAIN) != 0, random = (call.flags & ASSAY_FORWARD_STOCHASTIC) != 0;
  if (train || random) host.need(model.value, kStochastic, "a stochastic forward pass");
  forward.options.mode = train ? graph::Mode::train : random ? graph::Mode::stochastic : graph::Mode::eval;
  forward.options.seed = host.context().seed;
  forward.options.draw = call.draw;
  forward.ids = keys_of(host, call.ids, forward.rows);
  forward.named = call.ids != nullptr;
  if (call.params != nullptr) {
    host.need(model.value, kWeights, "replacing parameters");
    forward.params = &host.as<BundleObject>(call.params, ASSAY_BUNDLE, "params");
  }
  forward.statistics = ASSAY_HAS(&call, statistics) && call.statistics != nullptr;  // NOLINT(bugprone-sizeof-expression)
  if (forward.statistics && !train) throw ServiceError(ASSAY_INVALID, "statistics are a training pass's");
  return forward;
}

// The same values behind a node that charges a backward pass whenever a gradient comes by.
std::vector<engine::Tensor> gate(Host& host, const Model& model, const Forward& forward,
                                 std::span<const engine::Tensor> inputs) {
  std::vector<engine::Tensor> values;
  for (const engine::Tensor& input : inputs) values.push_back(engine::detach(input));
  const auto charge = [&host, model, rows = forward.rows, owners = forward.owners()](const engine::CustomVjpCall& call) {
    host.charge_backward(model, rows, owners);
    return std::vector<engine::Tensor>(call.cotangents.begin(), call.cotangents.end());
  };
  return engine::record_custom(inputs, values, charge);
}

// A value that replaces a parameter or a buffer; masked weights stay zero, and get no gradient.
engine::Tensor replacement(const graph::Graph& graph, const std::string& name, const engine::Tensor& value) {
  const auto parameter = graph.parameters.find(name);
  const auto buffer = graph.buffers.find(name);
  const bool known = parameter != graph.parameters.end() || buffer != graph.buffers.end();
  if (!known) throw ServiceError(ASSAY_NOT_FOUND, "params: the model has no parameter or buffer '" + name + "'");
  const engine::Tensor& own = parameter != graph.parameters.end() ? parameter->second.value : buffer->second;
  if (!(value.spec() == own.spec()))
    throw ServiceError(ASSAY_INVALID, "params: '" + name + "' is " + own.spec().str() + ", not " + value.spec().str());
  const auto mask = graph.masks.find(name);
  return mask == graph.masks.end() ? value : engine::apply1("mul", {value, mask->second});
}

// Functional form: outputs of the graph at other values of its parameters. Those that are watched come through the gate,
// the others carry no history, so that a gradient of the input costs no gradient of the weights.
std::vector<engine::Tensor> forward_with(Host& host, const Model& model, const Forward& forward,
                                         std::map<std::string, engine::Tensor>& values,
                                         std::map<std::string, engine::Tensor>& statistics) {
  engine::Tensor x = forward.x;
  std::vector<engine::Tensor*> at;
  if (x.tape() != nullptr) at.push_back(&x);
  if (forward.params != nullptr) {
    for (const auto& [name, held] : forward.params->values) {
      engine::Tensor& value = values[name] = replacement(*model.graph, name, host.tensor(held.o.get(), name.c_str()));
      if (value.tape() != nullptr) at.push_back(&value);
    }
  }
  std::vector<engine::Tensor> watched;
  watched.reserve(at.size());
  for (const engine::Tensor* tensor : at) watched.push_back(*tensor);
  if (!watched.empty()) watched = gate(host, model, forward, watched);
  for (std::size_t i = 0; i < at.size(); ++i) *at[i] = watched[i];
  graph::RecordedForward made = model.executor->forward_recorded(x, forward.wants, forward.options, values);
  statistics = std::move(made.statistics);
  return std::move(made.values);
}

// Running statistics after the batch whose statistics these are.
Ref running_after(Host& host, const Model& model, const Forward& forward,
                  const std::map<std::string, engine::Tensor>& values,
                  const std::map<std::string, engine::Tensor>& statistics) {
  graph::RunningStatistics running(*model.graph, forward.rows);
  for (auto& [name, kept] : running.values()) {
    const auto given = values.find(name);
    if (given != values.end()) kept = given->second.to_f32();
  }
  running.update([&](const std::string& name) {
    const auto found = statistics.find(name);
    return found == statistics.end() ? engine::Tensor() : found->second.dense();
  });
  auto* bundle = host.make<BundleObject>();
  Ref out = Ref::adopt(bundle);
  for (const auto& [name, kept] : running.values()) {
    if (statistics.count(name) == 0) continue;
    Held held;
    held.type = ASSAY_TENSOR;
    held.o = Ref::adopt(host.give(engine::Tensor::f32(model.graph->buffers.at(name).shape(), kept)));
    bundle->values[name] = std::move(held);
  }
  return out;
}

// The passes of a model for a method: its search's where there is one, else its executor's.
template <class Passes>
auto search(Host& host, const Model& model, const Passes& passes) {
  if (!model.search) return passes(*model.executor);
  const std::int64_t before = model.search->asked_again();
  auto made = passes(*model.search);
  host.count_asked_again(model.search->asked_again() - before);
  return made;
}

// Without history. A search serves what it can: logits in evaluation mode.
std::vector<engine::Tensor> evaluate(Host& host, const Model& model, const Forward& forward) {
  const bool logits_alone = forward.logits && forward.wants.size() == 1;
  if (!logits_alone || forward.options.mode != graph::Mode::eval)
    return model.executor->forward(forward.x, forward.wants, forward.options);
  return {search(host, model, [&](auto& passing) { return passing.logits(forward.x, forward.options); })};
}

struct Passed {
  std::vector<engine::Tensor> values;
  Ref statistics;  // where they are asked for
};
Passed run(Host& host, const Model& model, Forward& forward) {
  forward.options.sample_ids = forward.ids;
  const bool watched = forward.x.tape() != nullptr;
  if (watched) host.need(model, kInputGradient, "the gradient with respect to the input (detach x for a plain query)");
  host.charge_forward(model, forward.rows, forward.owners());
  if (forward.params == nullptr && !forward.statistics) {
    if (!watched) return {evaluate(host, model, forward), {}};
    const engine::Tensor x = gate(host, model, forward, std::span(&forward.x, 1)).front();
    return {model.executor->forward_recorded(x, forward.wants, forward.options).values, {}};
  }
  std::map<std::string, engine::Tensor> values, statistics;
  Passed passed{forward_with(host, model, forward, values, statistics), {}};
  if (forward.statistics) passed.statistics = running_after(host, model, forward, values, statistics);
  return passed;
}

assay_status model_forward(const assay_host* abi, const assay_object* object, const assay_forward_call* call,
                           assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const ModelObject& model = model_of(host, object);
    Forward forward = read_call(host, model, *required(call, "call"));
    required(out, "out");
    Passed passed = run(host, model.value, forward);
    host.charge_memory(passed.values);
    std::size_t next = 0;
    out[0] = forward.logits ? host.give(passed.values[next++]) : nullptr;
    for (std::size_t tap = 1; next < passed.values.size(); ++tap) out[tap] = host.give(passed.values[next++]);
    if (forward.statistics) *call->statistics = passed.statistics.release();
  });
}

// One pass forward and some back, of the samples that `ids` name (empty: of all alike). Where the passes back may not fit
// they are charged first, so that a refusal comes before the forward pass counts.
void charge(Host& host, const Model& model, std::int64_t rows, std::size_t backward, std::span<const std::uint64_t> ids) {
  const auto samples = rows * static_cast<std::int64_t>(backward);
  std::vector<std::uint64_t> owners;
  for (std::size_t k = 0; k < backward; ++k) owners.insert(owners.end(), ids.begin(), ids.end());
  const bool scarce = host.remaining("backward_per_sample") < static_cast<double>(backward);
  if (scarce) host.charge_backward(model, samples, owners);
  host.charge_forward(model, rows, ids);
  if (!scarce) host.charge_backward(model, samples, owners);
}

// The rows' owners, where the caller named them.
std::span<const std::uint64_t> owners_of(const assay_object* ids, std::span<const std::uint64_t> keys) {
  return ids == nullptr ? std::span<const std::uint64_t>() : keys;
}

void tell(Host& host, const Model& model, std::span<const std::uint64_t> ids, const engine::Tensor& logits) {
  if (host.context().differentiated) host.context().differentiated(model, ids, logits);
}

assay_status model_loss_grad(const assay_host* abi, const assay_object* object, const assay_loss_call* call,
                             assay_object** grad, assay_object** loss, assay_object** logits) noexcept {
  return serve(abi, [&](Host& host) {
    const ModelObject& model = model_of(host, object);
    required(call, "call");
    // The size of the field is meant, which is a pointer's.
    if (!ASSAY_HAS(call, y))  // NOLINT(bugprone-sizeof-expression)
      throw ServiceError(ASSAY_INVALID, "call: struct_size is too small");
    const engine::Tensor& x = host.tensor(call->x, "x");
    const std::int64_t rows = rows_of(model, x);
    host.need(model.value, kInputGradient, "the gradient with respect to the input");
    if (logits != nullptr || loss != nullptr) host.need(model.value, kScores, "the logits");
    const bool more = ASSAY_HAS(call, draw);  // ABI minor 3
    const std::vector<std::uint64_t> ids = keys_of(host, more ? call->ids : nullptr, rows);
    const bool towards = more && call->targets != nullptr;
    charge(host, model.value, rows, 1, owners_of(more ? call->ids : nullptr, ids));
    const graph::ForwardOptions options{graph::Mode::eval, host.context().seed, more ? call->draw : 0, ids};
    const graph::LossGrad result = search(host, model.value, [&](auto& passing) {
      return passing.loss_and_input_grad(required(call->loss, "loss"), engine::detach(x), host.tensor(call->y, "y"), options,
                                         towards ? host.tensor(call->targets, "targets") : engine::Tensor());
    });
    tell(host, model.value, owners_of(more ? call->ids : nullptr, ids), result.logits);
    const engine::Tensor given[] = {result.grad, result.loss, result.logits};
    const std::size_t wanted = logits != nullptr ? 3 : loss != nullptr ? 2 : 1;
    host.charge_memory(std::span(given).first(wanted));
    *required(grad, "grad") = host.give(result.grad);
    if (loss != nullptr) *loss = host.give(result.loss);
    if (logits != nullptr) *logits = host.give(result.logits);
  });
}

assay_status model_pull(const assay_host* abi, const assay_object* object, const assay_pull_call* call,
                        assay_object** grads, assay_object** logits) noexcept {
  return serve(abi, [&](Host& host) {
    const ModelObject& model = model_of(host, object);
    if (required(call, "call")->struct_size < sizeof(assay_pull_call))
      throw ServiceError(ASSAY_INVALID, "call: struct_size is too small");
    const engine::Tensor& x = host.tensor(call->x, "x");
    const std::int64_t rows = rows_of(model, x);
    host.need(model.value, kInputGradient, "the gradient with respect to the input");
    if (logits != nullptr) host.need(model.value, kScores, "the logits");
    if (call->n_cotangents == 0) throw ServiceError(ASSAY_INVALID, "pull() needs at least one cotangent");
    required(call->cotangents, "cotangents");
    std::vector<engine::Tensor> ways;
    for (std::size_t k = 0; k < call->n_cotangents; ++k) {
      ways.push_back(engine::detach(host.tensor(call->cotangents[k], "cotangent")));
    }
    const std::vector<std::uint64_t> ids = keys_of(host, call->ids, rows);
    charge(host, model.value, rows, ways.size(), owners_of(call->ids, ids));
    const graph::ForwardOptions options{graph::Mode::eval, host.context().seed, call->draw, ids};
    const graph::Pulled pulled =
        search(host, model.value, [&](auto& passing) { return passing.pull(engine::detach(x), ways, options); });
    tell(host, model.value, owners_of(call->ids, ids), pulled.logits);
    host.charge_memory(pulled.grads);
    required(grads, "grads");
    for (std::size_t k = 0; k < ways.size(); ++k) grads[k] = host.give(pulled.grads[k]);
    if (logits != nullptr) *logits = host.give(pulled.logits);
  });
}

assay_status model_predict(const assay_host* abi, const assay_object* object, const assay_object* x,
                           assay_object** labels) noexcept {
  return serve(abi, [&](Host& host) {
    const ModelObject& model = model_of(host, object);
    host.need(model.value, kDecision, "the predicted label");
    Forward forward;
    forward.x = engine::detach(host.tensor(x, "x"));
    forward.rows = rows_of(model, forward.x);
    forward.wants = {"logits"};
    forward.options.seed = host.context().seed;
    forward.ids.resize(static_cast<std::size_t>(forward.rows));
    std::iota(forward.ids.begin(), forward.ids.end(), std::uint64_t{0});
    const std::vector<float> logits = run(host, model.value, forward).values.front().to_f32();
    std::vector<std::int64_t> best(static_cast<std::size_t>(forward.rows));
    const std::size_t classes = logits.size() / best.size();
    for (std::size_t i = 0; i < best.size(); ++i) {
      const auto* row = logits.data() + i * classes;
      best[i] = std::max_element(row, row + classes) - row;
    }
    *required(labels, "labels") = host.give(engine::Tensor::i64({forward.rows}, best));
  });
}

}  // namespace

const assay_model_service& model_service() {
  static constexpr assay_model_service table{sizeof(table),   0,
                                             model_classes,   model_input,
                                             model_range,     model_access,
                                             model_tap_count, model_tap_at,
                                             model_forward,   model_loss_grad,
                                             model_predict,   model_param_count,
                                             model_param_at,  model_param,
                                             model_pull};
  return table;
}

}  // namespace assay::plugin
