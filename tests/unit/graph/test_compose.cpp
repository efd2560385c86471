// Ops that are compositions: a compiled plan holds their parts only, and computes what the tape computes.
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/compiled.hpp"
#include "harness/graph/program.hpp"
#include "helpers.hpp"

namespace assay::graph {
namespace {

// [N, 8, 3, 3] with channels turned into pixels, then a linear layer as einsum: logits [N, 4].
Graph composed_net() {
  Graph graph;
  graph.inputs = {{"input", {engine::DType::f32, {8, 3, 3}}}};
  graph.parameters["w"] = {random_tensor({4, 72}, 7, -1, 1), true};
  graph.add("shuffled", "depth_to_space", {"input"}, {{"blocksize", std::int64_t{2}}});
  graph.add("flat", "flatten", {"shuffled"});
  graph.add("logits", "einsum", {"flat", "w"}, {{"equation", std::string("nf,kf->nk")}});
  graph.outputs["logits"] = "logits";
  return graph;
}

}  // namespace

TEST_CASE("a program holds the parts of a composed op, not the op") {
  Recorder recorder;
  const Value a = recorder.add_slot(SlotKind::input, "a", {engine::DType::f32, {2, 3}});
  const Value b = recorder.add_slot(SlotKind::input, "b", {engine::DType::f32, {3, 4}});
  const Value c = engine::call("einsum", {a, b}, {{"equation", std::string("ij,jk->ik")}});
  CHECK(recorder.spec(c).shape == Shape{2, 4});
  const std::string text = recorder.program.to_text();
  CHECK(text.find("matmul") != std::string::npos);
  CHECK(text.find("einsum") == std::string::npos);
}

TEST_CASE("the shape rule of a composed op speaks for it") {
  Recorder recorder;
  const Value a = recorder.add_slot(SlotKind::input, "a", {engine::DType::f32, {2, 3}});
  std::string message;
  try {
    engine::call("einsum", {a, a}, {{"equation", std::string("ij,jk->ik")}});
  } catch (const Error& e) {
    message = e.what();
  }
  CHECK(message.find("einsum: equation 'ij,jk->ik'") != std::string::npos);
}

TEST_CASE("composed ops compile and differentiate as on the tape") {
  const Graph graph = composed_net();
  graph.validate();
  const Tensor x = random_tensor({5, 8, 3, 3}, 3), y = random_labels(5, 4, 4);
  CompileOptions options;
  options.batch = 5;
  options.loss = "cross-entropy";
  options.input_grad = true;
  CompiledPlan plan = compile(graph, options);
  const std::vector<Tensor> out = plan.run({{"input", x}, {"labels", y}});
  const Tensor leaf = engine::watch(x);
  const RecordedForward made = record_forward(graph, leaf, {"logits"}, {}, {});
  const Tensor loss = engine::apply1("reduce_sum", {engine::apply1("cross_entropy", {made.values[0], y})});
  const std::vector<Tensor> grads = engine::grad({&loss, 1}, {&leaf, 1}, {}, false);
  const auto output = [&](const char* name) { return out[static_cast<std::size_t>(plan.output_index(name))]; };
  CHECK(difference(output("logits"), made.values[0]) < 1e-6);
  CHECK(relative_difference(output("grad:input"), grads[0]) < 1e-5);
}

}  // namespace assay::graph
