// One pass over an ONNX graph at one batch size.
#include "harness/graph/onnx/session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/modes.hpp"

namespace assay::onnx {
namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 34;  // of a value; what a malformed file asks for is larger
constexpr std::int64_t most_folded = std::int64_t{1} << 28;    // of a value computed at import

void check_size(const std::string& op, const Spec& spec, std::int64_t most) {
  std::int64_t count = 1;
  for (const std::int64_t extent : spec.shape) {
    if (extent < 0 || (extent > 0 && count > most / extent))
      bad_input(fmt::format("{} would make a value of {}, which is too large", op, spec.str()));
    count *= std::max<std::int64_t>(extent, 1);
  }
}

std::int64_t extent_of(const OnnxValue& input, std::size_t axis, const ImportOptions& options) {
  const Dim& dim = input.shape[axis];
  const auto given = options.values.find(input.name);
  if (given != options.values.end() && given->second.shape().size() == input.shape.size())
    return given->second.shape()[axis];
  for (const std::string& key : {dim.symbol, fmt::format("{}:{}", input.name, axis)}) {
    const auto it = options.dims.find(key);
    if (!key.empty() && it != options.dims.end()) return it->second;
  }
  if (dim.extent >= 0) return dim.extent;
  bad_input(fmt::format("input '{}' has a free axis {}{}: give its extent (dims)", input.name, axis,
                        dim.symbol.empty() ? "" : " ('" + dim.symbol + "')"));
}

}  // namespace

Session::Session(const OnnxModel& model, const ImportOptions& import_options, std::int64_t batch_size)
    : options(import_options), batch(batch_size), model_(model) {
  const auto it = model.opsets.find("");
  opset_ = it == model.opsets.end() ? 0 : it->second;
}

std::string Session::fresh(const std::string& stem) {
  std::string name = stem;
  for (int k = 1; !names_.insert(name).second; ++k) name = fmt::format("{}{}", stem, k);
  return name;
}

void Session::run() {
  if (opset_ < 1 || opset_ > 17)
    throw Error(Fault::unsupported, fmt::format("opset {}: opsets 7 to 17 are read", opset_));
  for (const OnnxNode& node : model_.nodes) names_.insert(node.outputs.begin(), node.outputs.end());
  for (const OnnxValue& in : model_.inputs) names_.insert(in.name);
  for (const auto& [name, tensor] : model_.initializers) {
    names_.insert(name);
    Operand x;
    x.spec = tensor.spec();
    x.constant = tensor;
    x.name = name;
    x.weight = tensor.dtype() == DType::f32;
    if (tensor.dtype() == DType::boolean) {
      x.constant = Tensor::f32(tensor.shape(), tensor.to_f32());
      x.spec = x.constant.spec();
      x.logical = true;
    }
    values[name] = x;
  }
  add_inputs();
  for (const OnnxNode& node : model_.nodes) convert(node);
  add_outputs();
  name_nodes();
}

// ONNX names nodes and values apart, and a node need not have a name of its own.
void Session::name_nodes() {
  std::set<std::string> names;
  for (graph::GraphNode& node : graph.nodes) {
    const std::string stem = node.name;
    for (int k = 1; !names.insert(node.name).second; ++k) node.name = fmt::format("{}/{}", stem, k);
  }
}

void Session::add_inputs() {
  for (const OnnxValue& in : model_.inputs) {
    if (values.count(in.name)) continue;  // an initializer that is listed as an input, as files before IR 4 must
    if (in.kind != "tensor")
      throw Error(Fault::unsupported, fmt::format("input '{}' is a {}; tensors are read", in.name, in.kind));
    const auto given = options.values.find(in.name);
    if (!in.ranked && given == options.values.end()) bad_input(fmt::format("input '{}' has no shape", in.name));
    OnnxValue shaped = in;
    if (!in.ranked) shaped.shape.resize(given->second.shape().size());
    if (options.batched && shaped.shape.empty())
      bad_input(fmt::format("input '{}' is a scalar and has no batch axis", in.name));
    graph::GraphInput input{in.name, {dtype_of(in.element), {}}, options.batched};
    for (std::size_t axis = options.batched ? 1 : 0; axis < shaped.shape.size(); ++axis) {
      input.spec.shape.push_back(extent_of(shaped, axis, options));
    }
    if (options.batched && shaped.shape[0].extent > 0) fixed_batch = shaped.shape[0].extent;
    const Spec whole = input.at(batch);
    check_size("input '" + in.name + "'", whole, most_elements);
    graph.inputs.push_back(std::move(input));
    Operand x;
    x.value = in.name;
    x.spec = whole;
    if (whole.dtype == DType::boolean) {
      stem_ = in.name;
      x = emit("cast", {x}, {{"to", std::string("F32")}}).at(0);
      x.logical = true;
    }
    values[in.name] = x;
  }
}

std::string Session::place(const OnnxNode& node) const {
  const std::string label = !node.name.empty() ? node.name : node.outputs.empty() ? "" : node.outputs[0];
  return fmt::format("node '{}' ({}, opset {})", label, node.domain.empty() ? node.op : node.domain + "." + node.op,
                     opset_);
}

void Session::convert(const OnnxNode& node) {
  try {
    if (!node.domain.empty())
      throw Error(Fault::unsupported, fmt::format("operators of domain '{}' are not read", node.domain));
    const Convert rule = converter(node.op);
    for (const std::string& out : node.outputs) {
      if (!out.empty() && values.count(out)) bad_input(fmt::format("defines '{}' a second time", out));
    }
    Call call(*this, node, opset_);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (call.has(i)) (void)call.in(i);
    }
    stem_ = node.outputs.empty() ? node.op : node.outputs[0];
    const std::size_t first = graph.nodes.size();
    Operands made = rule(call);
    name_results(node, first, made);
  } catch (const Error& e) {
    throw Error(e.fault() == Fault::internal ? Fault::bad_input : e.fault(), place(node) + ": " + e.what());
  }
}

// What this node made gets the file's names; what it only passes on (Identity) keeps its own.
void Session::name_results(const OnnxNode& node, std::size_t first_node, Operands& made) {
  const auto rename = [&](const std::string& from, const std::string& to) {
    bool found = false;
    for (std::size_t n = first_node; n < graph.nodes.size(); ++n) {
      for (std::string& out : graph.nodes[n].outputs) {
        if (out != from) continue;
        out = to;
        found = true;
        graph.nodes[n].name = to == node.outputs[0] && !node.name.empty() ? node.name : to;
      }
      for (std::string& in : graph.nodes[n].inputs) {
        if (found && in == from) in = to;
      }
    }
    return found;
  };
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const std::string& name = node.outputs[i];
    if (name.empty()) continue;
    if (i >= made.size())
      throw Error(Fault::unsupported, fmt::format("its output {} ('{}') is not supported", i, name));
    Operand& x = made[i];
    x.role = Role::data;
    if (x.known()) {
      // Exporters store equal weights once and name the others by Identity: those are parameters of their own.
      if (node.op == "Identity" || !model_.initializers.count(x.name)) x.name = name;
    } else if (rename(x.value, name)) {
      for (Operand& other : made) {
        if (other.value == x.value && &other != &x) other.value = name;
      }
      x.value = name;
    }
    values[name] = x;
  }
}

std::string Session::materialise(const Operand& x) {
  if (!x.known()) return x.value;
  if (graph.parameters.count(x.name) || graph.buffers.count(x.name)) return x.name;
  const bool parameter = x.role == Role::weight || (x.role == Role::data && x.weight);
  names_.insert(x.name);
  if (parameter && x.spec.dtype == DType::f32) {
    graph.parameters[x.name].value = x.constant.dense();
  } else {
    graph.buffers[x.name] = x.constant.dense();
  }
  return x.name;
}

Operands Session::emit(const std::string& op, const Operands& in, const Attrs& attrs) {
  graph::GraphNode node;
  node.op = op;
  node.attrs = attrs;
  std::vector<Spec> specs;
  bool all_known = true, weight = true;
  for (const Operand& x : in) {
    specs.push_back(x.spec);
    all_known = all_known && x.known();
    weight = weight && x.weight;
  }
  const std::vector<Spec> made = graph::infer_node(node, specs);
  for (const Spec& spec : made) check_size(op, spec, all_known ? most_folded : most_elements);
  Operands out(made.size());
  for (std::size_t i = 0; i < made.size(); ++i) out[i].spec = made[i];
  const std::string stem = stem_ + "/" + op;
  if (all_known && !in.empty()) {
    std::vector<Tensor> tensors;
    for (const Operand& x : in) tensors.push_back(x.constant);
    const std::vector<Tensor> results = graph::evaluate_node(node, tensors);
    for (std::size_t i = 0; i < made.size(); ++i) {
      out[i].constant = results.at(i).dense();
      out[i].name = fresh(stem);
      out[i].weight = weight;
    }
    return out;
  }
  for (const Operand& x : in) node.inputs.push_back(materialise(x));
  for (Operand& x : out) {
    x.value = fresh(stem);
    node.outputs.push_back(x.value);
  }
  node.name = node.outputs.at(0);
  graph.nodes.push_back(std::move(node));
  return out;
}

Operand Session::hidden(const Operand& operand) {
  Operand x = operand;
  x.value = materialise(operand);
  x.constant = Tensor();
  return x;
}

Operand Session::transposed(const Operand& weight) {
  const auto it = transposed_.find(weight.name);
  if (it != transposed_.end()) return it->second;
  Operand made = emit("transpose", {weight}, {}).at(0);
  made.name = fresh(weight.name + "/transposed");
  return transposed_[weight.name] = made;
}

Tensor Session::evaluate(const Operand& operand) {
  return operand.known() ? operand.constant : evaluate_value(operand.value);
}

Tensor Session::evaluate_value(const std::string& value) {
  if (const auto it = evaluated_.find(value); it != evaluated_.end()) return it->second;
  Tensor result;
  const auto is_value = [&](const graph::GraphInput& in) { return in.name == value; };
  if (std::any_of(graph.inputs.begin(), graph.inputs.end(), is_value)) {
    const auto given = options.values.find(value);
    if (given != options.values.end()) {
      result = given->second;
      specialised.insert(value);
    }
  } else if (const auto p = graph.parameters.find(value); p != graph.parameters.end()) {
    result = p->second.value;
  } else if (const auto b = graph.buffers.find(value); b != graph.buffers.end()) {
    result = b->second;
  } else if (const graph::GraphNode* found = graph.producer(value)) {
    const graph::GraphNode node = *found;
    std::vector<Tensor> in;
    for (const std::string& name : node.inputs) {
      in.push_back(evaluate_value(name));
      if (!in.back().defined()) return {};
    }
    const std::vector<Tensor> out = graph::evaluate_node(node, in);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) evaluated_[node.outputs[i]] = out.at(i);
    return evaluated_.at(value);
  }
  evaluated_[value] = result;
  return result;
}

void Session::add_outputs() {
  if (model_.outputs.empty()) bad_input("the graph has no output");
  for (const OnnxValue& out : model_.outputs) {
    if (out.kind != "tensor")
      throw Error(Fault::unsupported, fmt::format("output '{}' is a {}; tensors are read", out.name, out.kind));
    const auto it = values.find(out.name);
    if (it == values.end()) bad_input(fmt::format("output '{}' is made by no node", out.name));
    Operand x = it->second;
    stem_ = out.name;
    if (x.known() && x.value.empty()) {  // an output is a node's value
      x = emit("reshape", {hidden(x)}, {{"shape", x.spec.shape}}).at(0);
      x.logical = it->second.logical;
    }
    if (x.logical && out.element == Element::boolean) x = emit("cast", {x}, {{"to", std::string("BOOL")}}).at(0);
    graph.outputs[out.name] = x.value;
  }
}

}  // namespace assay::onnx
