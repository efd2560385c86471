// assay.graph/1: models under construction or edit, over graph::Graph. Names and arrays that are lent out live in the
// GraphObject until the graph changes.
#include <algorithm>

#include "harness/graph/edit.hpp"
#include "harness/plugin/host.hpp"

namespace assay::plugin {
namespace {

GraphObject& graph_of(Host& host, const assay_object* object) {
  return host.as<GraphObject>(object, ASSAY_GRAPH, "graph");
}
std::vector<const char*> lend(const std::vector<std::string>& names) {
  std::vector<const char*> result;
  result.reserve(names.size() + 1);
  for (const std::string& name : names) result.push_back(name.c_str());
  result.push_back(nullptr);
  return result;
}
std::vector<std::string> names_of(const char* const* names) {
  std::vector<std::string> result;
  for (; names != nullptr && *names != nullptr; ++names) result.emplace_back(*names);
  return result;
}
std::vector<std::string> parameter_names(const graph::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& [name, parameter] : graph.parameters) names.push_back(name);
  for (const auto& [name, buffer] : graph.buffers) names.push_back(name);
  return names;
}

// ---- making

assay_status graph_create(const assay_host* abi, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = host.make<GraphObject>(graph::Graph{}); });
}
assay_status graph_clone(const assay_host* abi, const assay_object* object, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const Model& model = host.as<ModelObject>(object, ASSAY_MODEL, "model").value;
    host.need(model, kWeights, "cloning the graph");
    auto* clone = host.make<GraphObject>(*model.graph);
    clone->label = model.label;
    // The log of removals is told against the model that is cloned here, not against what that one was made from.
    clone->value.metadata.object_ref().erase("removed");
    clone->value.metadata.object_ref().erase("weights_edited");
    *required(out, "out") = clone;
  });
}

// ---- reading

assay_status graph_node_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = graph_of(host, object).value.nodes.size(); });
}

Ref attrs_bundle(Host& host, const engine::Attrs& attrs) {
  Bundle bundle;
  for (const auto& [key, item] : attrs.items()) {
    if (const auto* whole = std::get_if<std::int64_t>(&item)) bundle.set(key, *whole);
    if (const auto* real = std::get_if<double>(&item)) bundle.set(key, *real);
    if (const auto* text = std::get_if<std::string>(&item)) bundle.set(key, *text);
    if (const auto* ints = std::get_if<std::vector<std::int64_t>>(&item)) bundle.set(key, Value(*ints));
    if (const auto* reals = std::get_if<std::vector<double>>(&item)) {
      bundle.set(key, Value(Value::List(reals->begin(), reals->end())));
    }
  }
  return host.bundle(bundle);
}

assay_status graph_node_at(const assay_host* abi, const assay_object* object, std::size_t index,
                           assay_node* out) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    if (index >= graph.value.nodes.size()) throw ServiceError(ASSAY_NOT_FOUND, "index beyond the last node");
    if (required(out, "out")->struct_size < sizeof(assay_node)) throw ServiceError(ASSAY_INVALID, "node: struct_size");
    const graph::GraphNode& node = graph.value.nodes[index];
    graph.attrs = attrs_bundle(host, node.attrs);
    graph.inputs = lend(node.inputs);
    graph.outputs = lend(node.outputs);
    *out = {out->struct_size, 0, node.op.c_str(), node.name.c_str(), graph.inputs.data(), graph.outputs.data(),
            graph.attrs.get()};
  });
}

assay_status graph_shape(const assay_host* abi, const assay_object* object, const char* value,
                         assay_view* out) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    if (graph.specs.empty()) graph.specs = graph.value.shapes(1);
    const auto found = graph.specs.find(required(value, "value"));
    if (found == graph.specs.end()) throw ServiceError(ASSAY_NOT_FOUND, std::string("no value '") + value + "'");
    const bool stored = graph.value.parameters.count(value) > 0 || graph.value.buffers.count(value) > 0;
    describe(found->second, nullptr, *required(out, "out"));
    graph.shape = found->second.shape;
    if (!stored && !graph.shape.empty()) graph.shape[0] = -1;
    out->shape = graph.shape.data();
  });
}

assay_status graph_param_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return serve(abi, [&](Host& host) {
    const graph::Graph& graph = graph_of(host, object).value;
    *required(out, "out") = graph.parameters.size() + graph.buffers.size();
  });
}
assay_status graph_param_at(const assay_host* abi, const assay_object* object, std::size_t index, const char** name,
                            std::uint32_t* flags) noexcept {
  return serve(abi, [&](Host& host) {
    const graph::Graph& graph = graph_of(host, object).value;
    const std::size_t trained = graph.parameters.size();
    if (index >= trained + graph.buffers.size()) throw ServiceError(ASSAY_NOT_FOUND, "index beyond the last parameter");
    const bool buffer = index >= trained;
    const auto step = static_cast<std::ptrdiff_t>(buffer ? index - trained : index);
    *required(name, "name") = buffer ? std::next(graph.buffers.begin(), step)->first.c_str()
                                     : std::next(graph.parameters.begin(), step)->first.c_str();
    *required(flags, "flags") = buffer ? ASSAY_GRAPH_BUFFER : 0;
  });
}
assay_status graph_param(const assay_host* abi, const assay_object* object, const char* name,
                         assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const graph::Graph& graph = graph_of(host, object).value;
    const std::string key = required(name, "name");
    if (const auto found = graph.parameters.find(key); found != graph.parameters.end()) {
      *required(out, "out") = host.give(found->second.value);
    } else if (const auto buffer = graph.buffers.find(key); buffer != graph.buffers.end()) {
      *required(out, "out") = host.give(buffer->second);
    } else {
      throw ServiceError(ASSAY_NOT_FOUND, "no parameter '" + key + "'" + suggestion(key, parameter_names(graph)));
    }
  });
}
assay_status graph_output(const assay_host* abi, const assay_object* object, const char* name,
                          const char** value) noexcept {
  return serve(abi, [&](Host& host) {
    *required(value, "value") = graph_of(host, object).value.resolve(required(name, "name")).c_str();
  });
}

const std::vector<graph::ChannelGroup>& channels(GraphObject& graph) {
  if (!graph.channels_known) graph.channels = graph::channel_groups(graph.value);
  graph.channels_known = true;
  return graph.channels;
}
assay_status graph_channels_count(const assay_host* abi, const assay_object* object, std::size_t* out) noexcept {
  return serve(abi, [&](Host& host) { *required(out, "out") = channels(graph_of(host, object)).size(); });
}
assay_status graph_channels_at(const assay_host* abi, const assay_object* object, std::size_t index,
                               assay_channels* out) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    const auto& groups = channels(graph);
    if (index >= groups.size()) throw ServiceError(ASSAY_NOT_FOUND, "index beyond the last group");
    if (required(out, "out")->struct_size < sizeof(assay_channels))
      throw ServiceError(ASSAY_INVALID, "group: struct_size");
    const graph::ChannelGroup& group = groups[index];
    graph.producers = lend(group.producers);
    graph.consumers = lend(group.consumers);
    *out = {out->struct_size,       group.removable ? 1 : 0, graph.producers.data(),
            graph.consumers.data(), group.reason.c_str(),    group.channels};
  });
}

// ---- editing

assay_status graph_set_param(const assay_host* abi, assay_object* object, const char* name,
                             const assay_object* tensor) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    const engine::Tensor value = engine::Tensor(host.tensor(tensor)).dense();
    const std::string key = required(name, "name");
    const auto buffer = graph.value.buffers.find(key);
    if (buffer == graph.value.buffers.end()) {
      graph.value.set_parameter(key, value.with_tape(nullptr));
    } else {
      if (buffer->second.spec() != value.spec()) throw ServiceError(ASSAY_INVALID, "buffer '" + key + "': other shape");
      buffer->second = value.with_tape(nullptr);
    }
    graph.value.metadata["weights_edited"] = true;
    graph.edited();
  });
}
assay_status graph_set_mask(const assay_host* abi, assay_object* object, const char* name,
                            const assay_object* mask) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    graph.value.set_mask(required(name, "name"), host.tensor(mask, "mask").with_tape(nullptr));
    graph.edited();
  });
}
// What was removed so far, for the judge (rule 38): [{producers, kept}], one entry a group, `kept` in the channels that
// the group had at first. metadata.weights_edited tells that the remaining weights are no longer the original's.
void log_removal(graph::Graph& graph, std::vector<std::string> producers, const std::vector<std::int64_t>& kept) {
  std::sort(producers.begin(), producers.end());
  const Json names(producers);
  for (Json& entry : graph.metadata["removed"].array_ref()) {
    if (entry.at("producers") != names) continue;
    const Json before = entry.at("kept");
    Json now = Json::array();
    for (const std::int64_t index : kept) now.push_back(before.at(static_cast<std::size_t>(index)));
    entry["kept"] = now;
    return;
  }
  graph.metadata["removed"].push_back(Json::object({{"producers", names}, {"kept", Json(kept)}}));
}

assay_status graph_keep_channels(const assay_host* abi, assay_object* object, const char* const* producers,
                                 const std::int64_t* keep, std::size_t n) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    const std::vector<std::int64_t> kept(n == 0 ? nullptr : required(keep, "keep"), n == 0 ? nullptr : keep + n);
    graph.value = graph::remove_output_channels(graph.value, names_of(producers), kept);
    log_removal(graph.value, names_of(producers), kept);
    graph.edited();
  });
}

// ---- building

void refuse_taken(const graph::Graph& graph, const std::string& name) {
  const bool input =
      std::any_of(graph.inputs.begin(), graph.inputs.end(), [&](const auto& in) { return in.name == name; });
  if (name.empty() || input || graph.parameters.count(name) > 0 || graph.buffers.count(name) > 0 ||
      graph.producer(name) != nullptr) {
    throw ServiceError(ASSAY_INVALID, "the name '" + name + "' is empty or taken");
  }
}

assay_status graph_add_input(const assay_host* abi, assay_object* object, const char* name,
                             const assay_view* one) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    const assay_view& view = *required(one, "one");
    refuse_taken(graph.value, required(name, "name"));
    if (view.ndim < 0 || view.ndim > 7) throw ServiceError(ASSAY_INVALID, "one: between 0 and 7 axes are expected");
    const engine::Shape shape(view.shape, view.shape + view.ndim);
    graph.value.inputs.push_back({name, {dtype_of(view), shape}});
    graph.edited();
  });
}
assay_status graph_add_param(const assay_host* abi, assay_object* object, const char* name, const assay_object* tensor,
                             std::uint32_t flags) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    const engine::Tensor value = host.tensor(tensor).dense().with_tape(nullptr);
    if (value.dtype() != engine::DType::f32) throw ServiceError(ASSAY_INVALID, "parameters are f32");
    refuse_taken(graph.value, required(name, "name"));
    if ((flags & ASSAY_GRAPH_BUFFER) != 0) {
      graph.value.buffers[name] = value;
    } else {
      graph.value.parameters[name] = {value, true};
    }
    graph.edited();
  });
}
assay_status graph_add_node(const assay_host* abi, assay_object* object, const assay_node* node) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    if (required(node, "node")->struct_size < sizeof(assay_node))
      throw ServiceError(ASSAY_INVALID, "node: struct_size");
    graph::GraphNode added;
    added.op = required(node->op, "op");
    added.name = required(node->name, "name");
    added.inputs = names_of(node->inputs);
    added.outputs = node->outputs == nullptr ? std::vector<std::string>{added.name} : names_of(node->outputs);
    if (node->attrs != nullptr) added.attrs = attrs_of(host, host.as<BundleObject>(node->attrs, ASSAY_BUNDLE, "attrs"));
    for (const std::string& output : added.outputs) refuse_taken(graph.value, output);
    graph.value.nodes.push_back(std::move(added));
    graph.edited();
  });
}
assay_status graph_set_tap(const assay_host* abi, assay_object* object, const char* name, const char* value) noexcept {
  return serve(
      abi, [&](Host& host) { graph_of(host, object).value.taps[required(name, "name")] = required(value, "value"); });
}
assay_status graph_set_output(const assay_host* abi, assay_object* object, const char* name,
                              const char* value) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    graph.value.outputs[required(name, "name")] = required(value, "value");
    graph.edited();
  });
}

// Dropout of the copy stays on, keyed by the name it had in the model, so that draws differ by `draw` alone.
void keep_random(Host& host, graph::Graph& copy, std::uint64_t draw) {
  for (graph::GraphNode& node : copy.nodes) {
    if (!graph::is_random(node)) continue;
    if (!node.attrs.has("key")) node.attrs.set("key", node.name);
    node.attrs.set("always", std::int64_t{1});
    node.attrs.set("draw", static_cast<std::int64_t>(draw));
    node.attrs.set("seed", static_cast<std::int64_t>(host.context().seed));
  }
}

assay_status graph_inline(const assay_host* abi, assay_object* object, const assay_inline* call,
                          const char** logits) noexcept {
  return serve(abi, [&](Host& host) {
    GraphObject& graph = graph_of(host, object);
    if (required(call, "call")->struct_size < sizeof(assay_inline))
      throw ServiceError(ASSAY_INVALID, "call: struct_size");
    const Model& model = host.as<ModelObject>(call->model, ASSAY_MODEL, "model").value;
    host.need(model, kWeights, "inlining the graph");
    graph::Graph copy = *model.graph;
    if (copy.inputs.size() != 1) throw ServiceError(ASSAY_UNSUPPORTED, "only models with one input can be inlined");
    if ((call->flags & ASSAY_INLINE_STOCHASTIC) != 0) keep_random(host, copy, call->draw);
    std::map<std::string, std::string> shared;
    for (const std::string& name : parameter_names(copy)) {
      if (call->share != nullptr) shared[name] = call->share + name;
    }
    const std::map<std::string, std::string> feeds{{copy.inputs.front().name, required(call->in, "in")}};
    const auto names = graph.value.inline_graph(required(call->prefix, "prefix"), copy, feeds, shared);
    graph.edited();
    graph.text = names.at("logits");
    if (graph.value.metadata.is_null()) graph.value.metadata = model.graph->metadata;
    *required(logits, "logits") = graph.text.c_str();
  });
}

assay_status graph_finish(const assay_host* abi, const assay_object* object, assay_object** out) noexcept {
  return serve(abi, [&](Host& host) {
    const GraphObject& graph = graph_of(host, object);
    graph.value.validate();
    if (graph.value.outputs.count("logits") == 0) throw ServiceError(ASSAY_INVALID, "the graph has no output 'logits'");
    auto content = std::make_shared<const graph::Graph>(graph.value);
    *required(out, "out") =
        host.make<ModelObject>(Model(std::move(content), kWhiteBox, graph.label, host.context().batch));
  });
}

}  // namespace

const assay_graph_service& graph_service() {
  static constexpr assay_graph_service table{sizeof(table),     0,
                                             graph_create,      graph_clone,
                                             graph_node_count,  graph_node_at,
                                             graph_shape,       graph_param_count,
                                             graph_param_at,    graph_param,
                                             graph_output,      graph_channels_count,
                                             graph_channels_at, graph_set_param,
                                             graph_set_mask,    graph_keep_channels,
                                             graph_add_input,   graph_add_param,
                                             graph_add_node,    graph_set_tap,
                                             graph_set_output,  graph_inline,
                                             graph_finish};
  return table;
}

}  // namespace assay::plugin
