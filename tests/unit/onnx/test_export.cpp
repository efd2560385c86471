// Export: every architecture of the zoo comes back as the same function; the checker has seen it; opsets 13 to 17;
// quantized graphs.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "harness/base/files.hpp"
#include "harness/graph/quantize.hpp"
#include "harness/record/safetensors.hpp"
#include "tests/unit/onnx/helpers.hpp"
#include "tests/unit/zoo/nets.hpp"

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
  const OnnxModel model = export_model(graph, options);
  std::set<std::string> names;
  for (const OnnxNode& node : model.nodes) CHECK((node.name.empty() || names.insert(node.name).second));
  const std::string bytes = serialize(model);
  check_onnx(bytes, "exported");
  return import_model(parse_onnx(as_bytes(bytes), "exported")).graph;
}

std::vector<std::string> output_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& [name, value] : graph.outputs) names.push_back(name);
  return names;
}

std::vector<Tensor> run_all(const Graph& graph, const zoo::Feeds& feeds, const std::vector<std::string>& outputs) {
  graph::CompileOptions options;
  options.batch = feeds.begin()->second.shape()[0];
  options.outputs = outputs;
  graph::CompiledPlan plan = graph::compile(graph, options);
  const std::vector<Tensor> made = plan.run(feeds);
  std::vector<Tensor> results;
  results.reserve(outputs.size());
  for (const std::string& name : outputs) results.push_back(made[static_cast<std::size_t>(plan.output_index(name))]);
  return results;
}

Array array_of(const Tensor& t) {
  return t.dtype() == DType::i64 ? Array::i64(t.shape(), t.to_i64()) : Array::f32(t.shape(), t.to_f32());
}

// peer_runtime.py asks for the exported files with inputs "in:<name>" and our outputs "out:<position>".
void keep_for_peer(const Graph& graph, const std::string& name, const zoo::Feeds& feeds) {
  const char* folder = std::getenv("ASSAY_EXPORT_DIR");
  if (!folder) return;
  ExportOptions options;
  options.outputs = output_names(graph);
  export_onnx(graph, std::filesystem::path(folder) / (name + ".onnx"), options);
  Container container;
  for (const auto& [input, value] : feeds) container.arrays["in:" + input] = array_of(value);
  const std::vector<Tensor> outputs = run_all(graph, feeds, options.outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) container.arrays["out:" + std::to_string(i)] = array_of(outputs[i]);
  save_container(std::filesystem::path(folder) / (name + ".safetensors"), container);
}

// Elements of the f32 buffers that are no running statistics: ONNX cannot tell them from weights.
std::int64_t constants(const Graph& graph) {
  std::set<std::string> statistics;
  for (const graph::GraphNode& node : graph.nodes) {
    if (node.op == "batch_norm") statistics.insert(node.inputs.begin() + 3, node.inputs.end());
  }
  std::int64_t count = 0;
  for (const auto& [name, buffer] : graph.buffers) {
    if (buffer.dtype() == DType::f32 && statistics.count(name) == 0) count += buffer.count();
  }
  return count;
}

double largest_magnitude(const Tensor& t) {
  double top = 1;
  for (const float v : t.to_f32()) top = std::max(top, std::abs(static_cast<double>(v)));
  return top;
}

}  // namespace

TEST_CASE("the whole zoo comes back from ONNX as the same function of the same weights") {
  std::set<std::string> seen;
  for (const zoo::TinyNet& net : zoo::tiny_nets()) {
    INFO(net.arch);
    const Graph graph = stirred(zoo::build_tiny(net));
    const zoo::Feeds feeds = zoo::random_feeds(graph, 2, 5);
    const std::vector<std::string> outputs = output_names(graph);
    const Graph again = back_and_forth(graph, 17);
    const bool grouped = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const auto& n) { return n.op == "group_norm"; });
    // Group norm is written as instance norm, whose scale and shift of 1 and 0 come back as parameters.
    if (!grouped) CHECK(graph::param_count(again) == graph::param_count(graph) + constants(graph));
    std::vector<std::string> kept;  // of several names for one value, the first is written
    for (const std::string& name : outputs) {
      if (again.outputs.count(name)) kept.push_back(name);
    }
    REQUIRE_FALSE(kept.empty());
    const std::vector<Tensor> want = run_all(graph, feeds, kept), got = run_all(again, feeds, kept);
    for (std::size_t i = 0; i < want.size(); ++i) CHECK(largest_difference(want[i], got[i]) <= 1e-5 * largest_magnitude(want[i]));
    keep_for_peer(graph, net.arch, feeds);
    seen.insert(net.arch);
  }
  CHECK(seen.size() == zoo::architectures().size());
}

TEST_CASE("a quantized graph is exported as pairs of QuantizeLinear and DequantizeLinear, and comes back") {
  const zoo::TinyNet net = {"resnet8", R"({"width": 4})", {3, 8, 8}};
  const Graph plain = stirred(zoo::build_tiny(net));
  const zoo::Feeds feeds = zoo::random_feeds(plain, 6, 5);
  const Graph graph = graph::quantize_graph(plain, feeds.at("input"));
  const OnnxModel model = export_model(graph, {});
  std::map<std::string, int> count;
  for (const OnnxNode& node : model.nodes) ++count[node.op];
  int quantizers = 0, symmetric = 0;
  for (const graph::GraphNode& node : graph.nodes) {
    if (node.op != "fake_quantize") continue;
    ++quantizers;
    symmetric += node.attrs.integer("low", 0) == -127 ? 1 : 0;  // weights: one value less than 8 bits hold
  }
  CHECK(quantizers > 10);
  CHECK(count["QuantizeLinear"] == quantizers);
  CHECK(count["DequantizeLinear"] == quantizers);
  CHECK(count["Clip"] == symmetric);
  const Graph again = back_and_forth(graph, 13);
  const Tensor want = run_all(graph, feeds, {"logits"})[0], got = run_all(again, feeds, {"logits"})[0];
  CHECK(largest_difference(want, got) <= 1e-5 * largest_magnitude(want));
  CHECK(largest_difference(run_all(plain, feeds, {"logits"})[0], want) > 1e-4);  // quantization is no identity
  keep_for_peer(graph, "resnet8 quantized", feeds);
}

TEST_CASE("every range, zero point and axis of fake_quantize is exported as it computes") {
  const Tensor x = uniform({3, 4, 5}, 1, -9, 9), scale = uniform({4}, 2, 0.02F, 0.1F), zero = uniform({4}, 3, 3, 90);
  const auto graph_of = [&](std::int64_t low, std::int64_t high, bool shifted) {
    Graph g;
    g.inputs = {{"input", {DType::f32, {4, 5}}}};
    g.buffers = {{"scale", scale}, {"zero", zero}};
    std::vector<std::string> in = {"input", "scale"};
    if (shifted) in.emplace_back("zero");
    g.add("q", "fake_quantize", in, {{"low", low}, {"high", high}, {"axis", std::int64_t{1}}});
    g.outputs["logits"] = "q";
    return g;
  };
  const std::vector<std::pair<std::int64_t, std::int64_t>> ranges = {{0, 255}, {-128, 127}, {-127, 127}, {0, 15}, {-8, 7}};
  for (const auto& range : ranges) {
    const std::int64_t low = range.first, high = range.second;  // bindings cannot be captured
    for (const bool shifted : {false, true}) {
      CAPTURE(low);
      CAPTURE(shifted);
      const Graph graph = graph_of(low, high, shifted);
      const Tensor want = run_all(graph, {{"input", x}}, {"logits"})[0];
      CHECK(largest_difference(run_all(back_and_forth(graph, 13), {{"input", x}}, {"logits"})[0], want) <= 1e-6 * largest_magnitude(want));
      keep_for_peer(graph, "quantizer " + std::to_string(low) + " " + std::to_string(high) + (shifted ? " shifted" : ""), {{"input", x}});
    }
  }
  Graph wide = graph_of(0, 255, false);
  wide.nodes[0].attrs.set("low", std::int64_t{-10});
  wide.nodes[0].attrs.set("high", std::int64_t{200});
  CHECK(contains(message_of([&] { export_model(wide, {}); }), "fits neither 8-bit integer"));
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
