// Lowering of graph nodes to registry ops, and the random masks.
#include "harness/graph/modes.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"

namespace assay::graph {

using engine::call;
using engine::Emitter;
using engine::Registry;
using engine::Value;

namespace {

[[noreturn]] void bad_node(const GraphNode& node, const std::string& why) {
  bad_input_in(node.op + " '" + node.name + "'", why);
}

void expect_inputs(const GraphNode& node, const std::vector<Spec>& in, std::size_t least, std::size_t most) {
  if (in.size() >= least && in.size() <= most) return;
  bad_node(node, "takes " + std::to_string(least) + (most == least ? "" : " or more") + " inputs, not " +
                     std::to_string(in.size()));
}

std::vector<Spec> infer_batch_norm(const GraphNode& node, const std::vector<Spec>& in) {
  expect_inputs(node, in, 5, 5);
  if (in[0].shape.size() < 2 || in[0].shape.size() > 5)
    bad_node(node, "takes [N, C] and up to three spatial axes, not " + in[0].str());
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (in[i].shape != Shape{in[0].shape[1]}) {
      bad_node(node, "input " + std::to_string(i) + " must have shape [" + std::to_string(in[0].shape[1]) + "], not " +
                         in[i].str());
    }
  }
  return {in[0]};
}

std::vector<Spec> infer_dropout(const GraphNode& node, const std::vector<Spec>& in) {
  expect_inputs(node, in, 1, 1);
  const double p = node.attrs.real("p", 0.5);
  if (!(p >= 0 && p < 1)) bad_node(node, "p must be in [0, 1), not " + std::to_string(p));
  if (in[0].shape.empty()) bad_node(node, "needs a batch axis");
  return {in[0]};
}

std::vector<Spec> infer_same(const GraphNode& node, const std::vector<Spec>& in) {
  expect_inputs(node, in, 1, 1000000);
  for (const Spec& spec : in) {
    if (!(spec == in[0])) bad_node(node, "inputs differ: " + in[0].str() + " and " + spec.str());
  }
  return {in[0]};
}

std::vector<Spec> infer_flatten(const GraphNode& node, const std::vector<Spec>& in) {
  expect_inputs(node, in, 1, 1);
  if (in[0].shape.empty()) bad_node(node, "needs a batch axis");
  const std::int64_t n = in[0].shape[0];
  return {{in[0].dtype, {n, n == 0 ? 0 : in[0].count() / n}}};
}

std::vector<Spec> infer_global_pool(const GraphNode& node, const std::vector<Spec>& in) {
  expect_inputs(node, in, 1, 1);
  if (in[0].shape.size() != 4) bad_node(node, "takes [N, C, H, W], not " + in[0].str());
  return {{in[0].dtype, {in[0].shape[0], in[0].shape[1]}}};
}

// Attribute shape with -k replaced by k times the reference's rows.
Shape expanded_shape(const GraphNode& node, const Spec& reference) {
  Shape shape = node.attrs.ints("shape", {});
  if (reference.shape.empty()) bad_node(node, "the reference needs a batch axis");
  for (std::int64_t& extent : shape) {
    if (extent < 0) extent *= -reference.shape[0];
  }
  return shape;
}

std::vector<Spec> infer_expand_rows(const GraphNode& node, const std::vector<Spec>& in) {
  expect_inputs(node, in, 2, 2);
  const Registry& registry = Registry::get();
  return registry.op(registry.id("expand"))
      .infer(std::span(in).subspan(0, 1), {{"shape", expanded_shape(node, in[1])}});
}

using Values = std::vector<Value>;
using Lower = Values (*)(const GraphNode&, const Values&, LowerContext&);

Values lower_batch_norm(const GraphNode& node, const Values& in, LowerContext& context) {
  const double eps = node.attrs.real("eps", 1e-5);
  Emitter& emitter = *in[0].emitter;
  if (context.mode != Mode::train) return emitter.emit(Registry::get().id("batch_norm"), in, {{"eps", eps}});
  const Values made = emitter.emit(Registry::get().id("batch_norm_train"), std::span(in).subspan(0, 3), {{"eps", eps}});
  context.statistics[node.inputs[3]] = made[1];
  context.statistics[node.inputs[4]] = made[2];
  return {made[0]};
}

// x times a scaled keep mask of the shape given.
Values masked(const GraphNode& node, const Values& in, const Spec& mask, LowerContext& context) {
  const bool always = node.attrs.integer("always", 0) != 0;
  RandomNode random;
  random.p = node.attrs.real("p", 0.5);
  if ((context.mode == Mode::eval && !always) || random.p == 0) return {in[0]};
  random.key = node.attrs.text("key", node.name);
  random.draw = static_cast<std::uint64_t>(node.attrs.integer("draw", 0));
  random.fixed_seed = node.attrs.has("seed");
  random.seed = static_cast<std::uint64_t>(node.attrs.integer("seed", 0));
  return {in[0] * context.random(random, mask)};
}

Values lower_dropout(const GraphNode& node, const Values& in, LowerContext& context) {
  const Spec mask = in[0].emitter->spec(in[0]);
  return masked(node, in, mask, context);
}

Values lower_drop_path(const GraphNode& node, const Values& in, LowerContext& context) {
  Spec mask = in[0].emitter->spec(in[0]);
  std::fill(mask.shape.begin() + 1, mask.shape.end(), 1);
  return masked(node, in, mask, context);
}

Values lower_mean_of(const GraphNode&, const Values& in, LowerContext&) {
  Value sum = in[0];
  for (std::size_t i = 1; i < in.size(); ++i) sum = sum + in[i];
  return {sum * (1.0 / static_cast<double>(in.size()))};
}

Values lower_log_mean_exp(const GraphNode&, const Values& in, LowerContext&) {
  Value top = in[0];
  for (std::size_t i = 1; i < in.size(); ++i) top = call("maximum", {top, in[i]});
  Value sum = call("exp", {in[0] - top});
  for (std::size_t i = 1; i < in.size(); ++i) sum = sum + call("exp", {in[i] - top});
  return {call("log", {sum * (1.0 / static_cast<double>(in.size()))}) + top};
}

Values lower_flatten(const GraphNode& node, const Values& in, LowerContext&) {
  return {engine::reshape(in[0], infer_flatten(node, {in[0].emitter->spec(in[0])})[0].shape)};
}

Values lower_global_pool(const GraphNode&, const Values& in, LowerContext&) {
  const Shape x = engine::shape_of(in[0]);
  return {engine::reshape(call("global_avg_pool", {in[0]}), {x[0], x[1]})};
}

Values lower_expand_rows(const GraphNode& node, const Values& in, LowerContext&) {
  return {call("expand", {in[0]}, {{"shape", expanded_shape(node, in[1].emitter->spec(in[1]))}})};
}

struct GraphOp {
  const char* name;
  std::vector<Spec> (*infer)(const GraphNode&, const std::vector<Spec>&);
  Lower lower;
};

constexpr GraphOp graph_ops[] = {
    {"batch_norm", infer_batch_norm, lower_batch_norm},    {"dropout", infer_dropout, lower_dropout},
    {"drop_path", infer_dropout, lower_drop_path},         {"mean_of", infer_same, lower_mean_of},
    {"log_mean_exp", infer_same, lower_log_mean_exp},      {"flatten", infer_flatten, lower_flatten},
    {"global_pool", infer_global_pool, lower_global_pool}, {"expand_rows", infer_expand_rows, lower_expand_rows}};

const GraphOp* find_graph_op(std::string_view name) {
  const auto* it =
      std::find_if(std::begin(graph_ops), std::end(graph_ops), [&](const GraphOp& op) { return name == op.name; });
  return it == std::end(graph_ops) ? nullptr : it;
}

std::set<std::string> needed_values(const Graph& graph, const std::vector<std::string>& wanted) {
  std::set<std::string> needed(wanted.begin(), wanted.end());
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const auto used = [&](const std::string& out) { return needed.count(out) != 0; };
    if (!std::any_of(node->outputs.begin(), node->outputs.end(), used)) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
  }
  return needed;
}

}  // namespace

bool is_graph_op(std::string_view op) { return find_graph_op(op) != nullptr; }

std::vector<std::string> known_ops() {
  std::vector<std::string> names;
  for (const GraphOp& op : graph_ops) names.emplace_back(op.name);
  const Registry& registry = Registry::get();
  for (std::size_t i = 0; i < registry.size(); ++i) names.push_back(registry.op(static_cast<engine::OpId>(i)).name);
  return names;
}

std::vector<Spec> infer_node(const GraphNode& node, const std::vector<Spec>& in) {
  if (const GraphOp* op = find_graph_op(node.op)) return op->infer(node, in);
  const Registry& registry = Registry::get();
  return registry.op(registry.id(node.op)).infer(in, node.attrs);
}

void lower(const Graph& graph, const std::vector<std::string>& wanted_values, LowerContext& context) {
  const std::set<std::string> needed = needed_values(graph, wanted_values);
  for (const GraphNode& node : graph.nodes) {
    if (std::none_of(node.outputs.begin(), node.outputs.end(),
                     [&](const std::string& out) { return needed.count(out) != 0; }))
      continue;
    Values in;
    for (const std::string& name : node.inputs) {
      const auto it = context.values.find(name);
      if (it == context.values.end()) bad_node(node, "value '" + name + "' is not defined");
      in.push_back(it->second);
    }
    const GraphOp* op = find_graph_op(node.op);
    const Values out =
        op ? op->lower(node, in, context) : in.at(0).emitter->emit(Registry::get().id(node.op), in, node.attrs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) context.values[node.outputs[i]] = out.at(i);
  }
}

void fill_dropout(const RandomNode& node, const RandomKeys& keys, std::int64_t row_elements, std::span<float> out) {
  constexpr std::size_t lanes = 4;  // 16 bits decide one element: p is taken to the nearest 1/65536
  const auto threshold = static_cast<std::uint64_t>(std::lround(node.p * 65536.0));
  const float scale = static_cast<float>(1.0 / (1.0 - node.p));
  const std::string purpose = "dropout/" + node.key + "/" + std::to_string(node.draw + keys.draw);
  const auto row = static_cast<std::size_t>(row_elements);
  std::vector<std::uint64_t> words((row + lanes - 1) / lanes);
  for (std::size_t r = 0; r * row < out.size(); ++r) {
    const Rng rng(node.fixed_seed ? node.seed : keys.seed, purpose, keys.sample_ids[r]);
    float* values = out.data() + r * row;
    rng.fill_bits(words);
    const auto value = [&](std::uint64_t word, std::size_t lane) {
      return (word >> (16 * lane) & 0xFFFF) < threshold ? 0.0F : scale;
    };
    for (std::size_t w = 0; w < row / lanes; ++w) {
      for (std::size_t k = 0; k < lanes; ++k) values[w * lanes + k] = value(words[w], k);
    }
    for (std::size_t j = row / lanes * lanes; j < row; ++j) values[j] = value(words.back(), j % lanes);
  }
}

}  // namespace assay::graph
