// Running one conformance case.
#include "tests/conformance/cases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/graph/compiled.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/onnx/onnx.hpp"

namespace assay::conformance {

namespace fs = std::filesystem;
using engine::DType;
using engine::Tensor;
using graph::Graph;
using Tensors = std::map<std::string, Tensor>;

namespace {

constexpr double relative = 1e-3, absolute = 1e-7;

bool close(double got, double want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return got == want;
  return std::abs(got - want) <= absolute + relative * std::abs(want);
}

// "" when the tensors agree.
std::string difference(const Tensor& got, const Tensor& want) {
  if (!(got.spec() == want.spec())) return fmt::format("is {} instead of {}", got.spec().str(), want.spec().str());
  if (want.dtype() != DType::f32) {
    const Tensor a = got.dense(), b = want.dense();
    return std::memcmp(a.raw(), b.raw(), a.spec().bytes()) == 0 ? "" : "holds other integers";
  }
  const std::vector<float> a = got.to_f32(), b = want.to_f32();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (!close(x, y)) return fmt::format("element {} is {} instead of {}", i, x, y);
  }
  return "";
}

Tensors read_tensors(const fs::path& folder, const std::string& stem, const std::vector<onnx::OnnxValue>& values) {
  Tensors tensors;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const fs::path file = folder / fmt::format("{}_{}.pb", stem, i);
    if (fs::exists(file)) tensors[values[i].name] = onnx::read_tensor(file);
  }
  return tensors;
}

Tensors run_compiled(const Graph& graph, const Tensors& inputs) {
  graph::CompileOptions options;
  options.batch = 1;
  options.outputs.clear();
  for (const auto& [name, value] : graph.outputs) options.outputs.push_back(name);
  graph::CompiledPlan plan = graph::compile(graph, options);
  const std::vector<Tensor>& results = plan.run(inputs);
  Tensors outputs;
  for (const std::string& name : options.outputs) outputs[name] = results[static_cast<std::size_t>(plan.output_index(name))];
  return outputs;
}

Tensors run_eager(const Graph& graph, const Tensors& inputs) {
  Tensors values = inputs;
  for (const auto& [name, parameter] : graph.parameters) values[name] = parameter.value;
  for (const auto& [name, buffer] : graph.buffers) values[name] = buffer;
  for (const graph::GraphNode& node : graph.nodes) {
    std::vector<Tensor> in;
    for (const std::string& name : node.inputs) in.push_back(values.at(name));
    const std::vector<Tensor> out = graph::evaluate_node(node, in);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) values[node.outputs[i]] = out.at(i);
  }
  Tensors outputs;
  for (const auto& [name, value] : graph.outputs) outputs[name] = values.at(value);
  return outputs;
}

std::string compare(const Tensors& got, const Tensors& want, const char* how) {
  for (const auto& [name, tensor] : want) {
    const auto it = got.find(name);
    if (it == got.end()) return fmt::format("output '{}' is missing", name);
    const std::string found = difference(it->second, tensor);
    if (!found.empty()) return fmt::format("{}: output '{}' {}", how, name, found);
  }
  return "";
}

// The message without the file and the node, so that equal reasons read alike.
std::string short_reason(const std::string& message) {
  const std::size_t node = message.find("): ");
  std::string text = node == std::string::npos ? message : message.substr(node + 3);
  std::replace(text.begin(), text.end(), '\n', ' ');
  const std::size_t hint = text.find("; ");
  return hint == std::string::npos ? text : text.substr(0, hint);
}

void run(Result& result, const fs::path& folder) {
  const onnx::OnnxModel model = onnx::read_onnx(folder / "model.onnx");
  onnx::ImportOptions options;
  options.batched = false;
  options.values = read_tensors(folder / "test_data_set_0", "input", model.inputs);
  onnx::Imported imported;
  try {
    imported = onnx::import_model(model, options);
  } catch (const Error& e) {
    if (e.fault() != Fault::unsupported) throw;
    result.verdict = Verdict::unsupported;
    result.reason = short_reason(e.what());
    return;
  }
  result.specialised = static_cast<int>(imported.specialised.size());
  const Tensors want = read_tensors(folder / "test_data_set_0", "output", model.outputs);
  Tensors inputs;
  for (const graph::GraphInput& in : imported.graph.inputs) inputs[in.name] = options.values.at(in.name);
  result.reason = compare(run_eager(imported.graph, inputs), want, "node by node");
  if (result.reason.empty()) result.reason = compare(run_compiled(imported.graph, inputs), want, "compiled");
  if (want.empty()) result.reason = "no expected output";
  if (result.reason.empty()) result.verdict = Verdict::passed;
}

}  // namespace

const char* verdict_name(Verdict verdict) {
  return verdict == Verdict::passed ? "passed" : verdict == Verdict::unsupported ? "unsupported" : "failed";
}

Result run_case(const fs::path& data, const std::string& name) {
  Result result;
  result.name = name;
  try {
    run(result, data / name);
  } catch (const std::exception& e) {
    result.verdict = Verdict::failed;
    result.reason = short_reason(e.what());
  }
  return result;
}

}  // namespace assay::conformance
