// Export: every architecture of the zoo comes back as the same function; the checker has seen it; opsets 13 to 17.
#include <cstdlib>
#include <filesystem>

#include "harness/base/files.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "harness/record/safetensors.hpp"
#include "tests/unit/onnx/helpers.hpp"

using namespace assay;
using namespace assay::onnx;
using namespace assay::onnx::testing;

namespace {

std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text.data(), text.size())); }

// The graph with statistics and affine weights that are not 0 and 1, so that a norm is no identity.
Graph stirred(Graph graph) {
  std::uint64_t seed = 0;
  for (auto& [name, buffer] : graph.buffers) {
    if (buffer.dtype() == DType::f32) buffer = uniform(buffer.shape(), ++seed, 0.5F, 1.5F);
  }
  for (auto& [name, parameter] : graph.parameters) {
    if (parameter.value.shape().size() == 1) parameter.value = uniform(parameter.value.shape(), ++seed, 0.5F, 1.5F);
  }
  return graph;
}

Graph back_and_forth(const Graph& graph, std::int64_t opset) {
  ExportOptions options;
  options.opset = opset;
  const std::string bytes = serialize(export_model(graph, options));
  check_onnx(bytes, "exported");
  return import_model(parse_onnx(as_bytes(bytes), "exported")).graph;
}

// peer_runtime.py asks for the exported files with an input and our outputs.
void keep_for_peer(const Graph& graph, const std::string& name, const Tensor& x, const Tensor& y) {
  const char* folder = std::getenv("ASSAY_EXPORT_DIR");
  if (!folder) return;
  ExportOptions options;
  options.outputs = {"logits"};
  export_onnx(graph, std::filesystem::path(folder) / (name + ".onnx"), options);
  Container container;
  container.arrays["x"] = Array::f32(x.shape(), x.to_f32());
  container.arrays["y"] = Array::f32(y.shape(), y.to_f32());
  save_container(std::filesystem::path(folder) / (name + ".safetensors"), container);
}

}  // namespace

TEST_CASE("the zoo comes back from ONNX as the same function of the same weights") {
  int exported = 0;
  for (const zoo::Architecture& arch : zoo::architectures()) {
    Graph graph;
    const Shape input = arch.name == "mlp" ? Shape{12} : Shape{3, 32, 32};
    try {
      graph = stirred(zoo::build(arch.name, Json::object({}), input, 10, 1));
    } catch (const Error&) {
      continue;  // takes another kind of input
    }
    if (graph.inputs.size() != 1 || !graph.outputs.count("logits") || graph::macs(graph) > 1e8) continue;
    INFO(arch.name);
    ++exported;
    const Graph again = back_and_forth(graph, 17);
    CHECK(graph::param_count(again) == graph::param_count(graph));
    Shape batch = input;
    batch.insert(batch.begin(), 2);
    const Tensor x = uniform(batch, 5, 0, 1);
    const Tensor a = run(graph, x, "logits", 2), b = run(again, x, "logits", 2);
    double top = 1;
    for (const float v : a.to_f32()) top = std::max(top, std::abs(static_cast<double>(v)));
    CHECK(largest_difference(a, b) <= 1e-5 * top);
    keep_for_peer(graph, arch.name, x, a);
  }
  CHECK(exported >= 3);
}

TEST_CASE("every opset from 13 to 17 is written and checked, others are refused") {
  const Graph graph = zoo::build("all-conv", Json::object({}), {1, 28, 28}, 10, 1);
  for (std::int64_t opset = 13; opset <= 17; ++opset) {
    const Graph again = back_and_forth(graph, opset);
    CHECK(again.metadata.at("opset").as_int() == opset);
    CHECK(again.outputs.count("logits") == 1);
  }
  CHECK(contains(message_of([&] { back_and_forth(graph, 12); }), "opsets 13 to 17 are written"));
}

TEST_CASE("a file on disk is whole, checked and deterministic; what ONNX cannot say is named") {
  const TempDir dir;
  const Graph graph = zoo::build("all-conv", Json::object({}), {1, 28, 28}, 10, 1);
  export_onnx(graph, dir.path() / "a.onnx");
  export_onnx(graph, dir.path() / "b.onnx");
  CHECK(read_bytes(dir.path() / "a.onnx") == read_bytes(dir.path() / "b.onnx"));
  const OnnxModel model = read_onnx(dir.path() / "a.onnx");
  CHECK(model.producer == "assay");
  CHECK(model.inputs.at(0).shape.at(0).symbol == "N");
  Graph random = graph;
  random.nodes.push_back({"noise", "dropout", {{"p", 0.5}, {"always", std::int64_t{1}}}, {random.outputs.at("logits")}, {"noise"}});
  random.outputs["logits"] = "noise";
  CHECK(contains(message_of([&] { export_model(random); }), "node 'noise' (dropout)"));
}

TEST_CASE("the checker's words reach the caller") {
  OnnxModel model = export_model(zoo::build("all-conv", Json::object({}), {1, 28, 28}, 10, 1));
  model.nodes[0].op = "Convolution";
  CHECK(contains(message_of([&] { check_onnx(serialize(model), "m.onnx"); }), "m.onnx: the ONNX checker says"));
}
