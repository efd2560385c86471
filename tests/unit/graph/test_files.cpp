// State dicts, drawings, graphs whose inputs are not batched.
#include <doctest/doctest.h>

#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/drawing.hpp"
#include "harness/graph/drawing_layout.hpp"
#include "harness/graph/executor.hpp"
#include "harness/graph/state_dict.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "helpers.hpp"

using namespace assay;
using namespace assay::graph;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Graph resnet(std::uint64_t seed) { return zoo::build("resnet20", Json::object({}), {3, 32, 32}, 10, seed); }

}  // namespace

TEST_CASE("a state dict that a graph wrote fills another of the same architecture") {
  const Graph a = resnet(1), b = resnet(2);
  REQUIRE(weight_digest(a) != weight_digest(b));
  const Filled filled = fill_from_state_dict(b, state_dict(a));
  CHECK(weight_digest(filled.graph) == weight_digest(a));
  CHECK(filled.mapping.size() == a.parameters.size() + a.buffers.size());
}

TEST_CASE("names of PyTorch: a common prefix, running statistics, counters that are ignored") {
  const Graph a = resnet(1), b = resnet(2);
  Container theirs;
  for (const auto& [name, array] : state_dict(a).arrays) {
    std::string torch = "module." + name;
    for (const char* part : {"mean", "var"}) {
      const std::string end = std::string(".") + part;
      if (torch.size() > end.size() && torch.compare(torch.size() - end.size(), end.size(), end) == 0) {
        torch.replace(torch.size() - end.size(), end.size(), std::string(".running_") + part);
      }
    }
    theirs.arrays[torch] = array;
  }
  theirs.arrays["module.bn.num_batches_tracked"] = Array::i64({}, std::vector<std::int64_t>{7});
  const Filled filled = fill_from_state_dict(b, theirs);
  CHECK(weight_digest(filled.graph) == weight_digest(a));
  CHECK(filled.ignored == std::vector<std::string>{"module.bn.num_batches_tracked"});
}

TEST_CASE("other names: layers are paired in order when asked, refused with a list otherwise") {
  const Graph a = resnet(1), b = resnet(2);
  Container theirs;
  int layer = 0;
  std::map<std::string, std::string> renamed;  // our layer -> its number in the order of use
  for (const GraphNode& node : a.nodes) {
    for (const std::string& in : node.inputs) {
      if (!a.parameters.count(in) && !a.buffers.count(in)) continue;
      const std::size_t dot = in.rfind('.');
      const std::string ours = in.substr(0, dot), part = in.substr(dot + 1);
      if (!renamed.count(ours)) renamed[ours] = "features." + std::to_string(layer++);
      const std::string kind = part == "mean" || part == "var" ? "running_" + part : part;
      theirs.arrays[renamed[ours] + "." + kind] = state_dict(a).at(in);
    }
  }
  const std::string message = message_of([&] { fill_from_state_dict(b, theirs); });
  CHECK(contains(message, "the file does not fill the model: 0 of"));
  CHECK(contains(message, "not in the model"));
  StateDictOptions options;
  options.by_order = true;
  CHECK(weight_digest(fill_from_state_dict(b, theirs, options).graph) == weight_digest(a));
}

TEST_CASE("a tensor of another shape, a wrong override: named") {
  const Graph a = resnet(1);
  Container file = state_dict(a);
  const std::string first = a.nodes[0].inputs[1];
  file.arrays["other"] = Array::f32({2}, std::vector<float>{1, 2});
  StateDictOptions options;
  options.names[first] = "other";
  CHECK(contains(message_of([&] { fill_from_state_dict(a, file, options); }), "'other' of the file has [2]"));
  options.names = {{first, "othr"}};
  CHECK(contains(message_of([&] { fill_from_state_dict(a, file, options); }), "did you mean 'other'?"));
  options.names.clear();
  CHECK(contains(message_of([&] { fill_from_state_dict(a, file, options); }), "not in the model (1): other [2]"));
}

TEST_CASE("a drawing shows every node, boxes do not overlap, edges go down") {
  const Graph graph = resnet(1);
  const std::string svg = to_svg(graph, "resnet20 <small>");
  CHECK(contains(svg, "resnet20 &lt;small&gt;"));
  for (const GraphNode& node : graph.nodes) CHECK(contains(svg, ">" + node.name + "</text>"));
  CHECK(to_svg(graph, "resnet20 <small>") == svg);

  Picture picture;  // a diamond with a long edge
  for (int i = 0; i < 6; ++i) picture.boxes.push_back({60, 30});
  picture.edges = {{0, 1, {}}, {0, 2, {}}, {1, 3, {}}, {2, 3, {}}, {3, 4, {}}, {0, 5, {}}, {4, 5, {}}};
  lay_out(picture);
  for (const Edge& e : picture.edges) CHECK(picture.boxes[e.from].y + 30 < picture.boxes[e.to].y + 1);
  for (std::size_t i = 0; i < picture.boxes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Box &a = picture.boxes[i], &b = picture.boxes[j];
      CHECK((std::abs(a.x - b.x) >= 60 || std::abs(a.y - b.y) >= 30));
    }
  }
  REQUIRE(picture.edges[5].bends.size() == 3);  // passes beside the three layers between
}

TEST_CASE("inputs that are not batched: any rank, kept in files, the batch checks only bind batched graphs") {
  Graph graph;
  graph.inputs.push_back({"a", {engine::DType::f32, {}}, false});
  graph.inputs.push_back({"b", {engine::DType::f32, {3}}, false});
  graph.add("sum", "add", {"a", "b"});
  graph.outputs["y"] = "sum";
  graph.validate();
  CHECK(!graph.batched());
  CHECK(graph.shapes(9).at("sum").shape == Shape{3});
  const Graph back = Graph::from_json(graph.to_json());
  CHECK(!back.inputs[0].batched);
  CompileOptions options;
  options.outputs = {"y"};
  CompiledPlan plan = compile(graph, options);
  const std::vector<float> b = {1, 2, 3};
  CHECK(plan.run({{"a", Tensor::scalar(10)}, {"b", Tensor::f32({3}, b)}})[0].to_f32() == std::vector<float>{11, 12, 13});
  graph.inputs[1].batched = true;
  graph.inputs[1].spec.shape = {};
  graph.outputs["a"] = "a";
  CHECK(contains(message_of([&] { graph.validate(); }), "output 'a' has no batch axis"));
}

TEST_CASE("expand_rows repeats a value for every row of a reference") {
  Graph graph;
  graph.inputs.push_back({"x", {engine::DType::f32, {2}}});
  graph.parameters["token"].value = Tensor::f32({1, 2}, std::vector<float>{5, 6});
  graph.add("rows", "expand_rows", {"token", "x"}, {{"shape", Shape{-1, 2}}});
  graph.add("twice", "expand_rows", {"token", "x"}, {{"shape", Shape{-2, 2}}});
  graph.add("y", "add", {"rows", "x"});
  graph.outputs["y"] = "y";
  graph.validate();
  CHECK(graph.shapes(7).at("twice").shape == Shape{14, 2});
  Executor executor(std::make_shared<const Graph>(graph), 2);
  const Tensor x = Tensor::f32({3, 2}, std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(executor.forward(x, {"y"})[0].to_f32() == std::vector<float>{5, 7, 7, 9, 9, 11});
}
