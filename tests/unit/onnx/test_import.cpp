// Import: batch-free graphs, names, parameters and buffers, logits and features, errors.
#include "tests/unit/onnx/helpers.hpp"

using namespace assay;
using namespace assay::onnx;
using namespace assay::onnx::testing;

namespace {

// Conv, batch norm, relu, global pool, Gemm: weights small and known.
OnnxModel small_net() {
  Maker m({2, 4, 4});
  m.weight("conv.weight", uniform({3, 2, 3, 3}, 1)).weight("bn.weight", uniform({3}, 2, 0.5F, 1.5F)).weight("bn.bias", uniform({3}, 3));
  m.weight("bn.mean", uniform({3}, 4)).weight("bn.var", uniform({3}, 5, 0.5F, 2)).weight("fc.weight", uniform({5, 3}, 6)).weight("fc.bias", uniform({5}, 7));
  m.node("Conv", {"x", "conv.weight"}, {"c"}, {{"pads", integers({1, 1, 1, 1})}});
  m.node("BatchNormalization", {"c", "bn.weight", "bn.bias", "bn.mean", "bn.var"}, {"b"});
  m.node("Relu", {"b"}, {"r"}).node("GlobalAveragePool", {"r"}, {"p"}).node("Flatten", {"p"}, {"f"});
  m.node("Gemm", {"f", "fc.weight", "fc.bias"}, {"y"}, {{"transB", integer(1)}});
  return m.model;
}

}  // namespace

TEST_CASE("an imported net has our layers, its own names, and its statistics as buffers") {
  const Imported made = import_model(small_net());
  const Graph& g = made.graph;
  CHECK(g.parameters.count("conv.weight") == 1);
  CHECK(g.parameters.at("fc.weight").trainable);
  CHECK(g.parameters.count("bn.weight") == 1);
  CHECK(g.parameters.count("bn.mean") == 0);
  CHECK(g.buffers.count("bn.mean") == 1);
  CHECK(g.buffers.count("bn.var") == 1);
  CHECK(g.node("c_node").op == "conv2d");
  CHECK(g.node("y_node").op == "linear");
  CHECK(g.outputs.at("y") == "y");
  CHECK(g.outputs.at("logits") == "y");
  CHECK(g.taps.at("features") == "f");
  CHECK(g.classes() == 5);
  CHECK(g.metadata.at("source").as_string() == "onnx");
}

TEST_CASE("the batch is free: rows do not depend on how many there are") {
  const Graph g = import_model(small_net()).graph;
  const Tensor x = uniform({7, 2, 4, 4}, 9);
  const Tensor all = run(g, x, "logits", 7), few = run(g, x, "logits", 2);
  CHECK(largest_difference(all, few) == 0);
  for (const std::int64_t batch : {1, 2, 31, 64}) CHECK(g.shapes(batch).at("y").shape == Shape{batch, 5});
}

TEST_CASE("shape arithmetic on the batch becomes a reshape of what is left, an expansion over the rows") {
  Maker m({6});
  m.weight("zero", Tensor::i64({}, std::vector<std::int64_t>{0})).weight("axes", ints({0})).weight("tail", ints({2, 3}));
  m.weight("token", uniform({1, 1, 3}, 1)).weight("tail2", ints({1, 3}));
  m.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "zero"}, {"n"}).node("Unsqueeze", {"n", "axes"}, {"n1"});
  m.node("Concat", {"n1", "tail"}, {"target"}, {{"axis", integer(0)}}).node("Reshape", {"x", "target"}, {"rows"});
  m.node("Concat", {"n1", "tail2"}, {"target2"}, {{"axis", integer(0)}}).node("Expand", {"token", "target2"}, {"tokens"});
  m.node("Concat", {"tokens", "rows"}, {"y"}, {{"axis", integer(1)}});
  const Graph g = import_model(m.model).graph;
  CHECK(g.node("rows_node").attrs.ints("shape", {}) == Shape{-1, 2, 3});
  CHECK(g.node("tokens_node").op == "expand_rows");
  CHECK(g.parameters.at("token").value.shape() == Shape{1, 1, 3});
  const Tensor x = uniform({3, 6}, 2), y = run(g, x);
  REQUIRE(y.shape() == Shape{3, 3, 3});
  const std::vector<float> token = m.model.initializers["token"].to_f32(), in = x.to_f32(), out = y.to_f32();
  for (std::size_t n = 0; n < 3; ++n) {
    for (std::size_t i = 0; i < 9; ++i) CHECK(out[9 * n + i] == (i < 3 ? token[i] : in[6 * n + i - 3]));
  }
}

TEST_CASE("a file of fixed batch 1 serves every batch") {
  Maker m({2, 3});
  m.model.inputs[0].shape[0] = {1, ""};
  m.weight("flat", ints({1, -1})).weight("back", ints({1, 3, 2})).weight("w", uniform({6, 4}, 1)).weight("wide", ints({1, 6}));
  m.node("Reshape", {"x", "back"}, {"a"}).node("Reshape", {"a", "flat"}, {"b"}).node("Reshape", {"b", "wide"}, {"c"});
  m.node("MatMul", {"c", "w"}, {"y"});
  const Graph g = import_model(m.model).graph;
  CHECK(g.shapes(5).at("y").shape == Shape{5, 4});
  CHECK(g.nodes.back().op == "linear");
}

TEST_CASE("logits are taken before a final softmax, a bias behind a product joins its layer") {
  Maker m({3});
  m.weight("w", uniform({3, 4}, 1)).weight("bias", uniform({4}, 2));
  m.node("MatMul", {"x", "w"}, {"p"}).node("Add", {"bias", "p"}, {"z"}).node("Softmax", {"z"}, {"y"});
  const Imported made = import_model(m.model);
  CHECK(made.graph.outputs.at("logits") == "z");
  CHECK(made.graph.outputs.at("y") == "y");
  CHECK(made.graph.taps.at("features") == "x");
  REQUIRE(made.graph.nodes.size() == 2);
  CHECK(made.graph.nodes[0].inputs.size() == 3);
  const Tensor x = uniform({2, 3}, 3), z = run(made.graph, x, "logits");
  const std::vector<float> w = m.model.initializers["w"].to_f32(), b = m.model.initializers["bias"].to_f32(), in = x.to_f32();
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t k = 0; k < 4; ++k) {
      float sum = b[k];
      for (std::size_t i = 0; i < 3; ++i) sum += in[3 * n + i] * w[4 * i + k];
      CHECK(z.to_f32()[4 * n + k] == doctest::Approx(sum).epsilon(1e-5));
    }
  }
}

TEST_CASE("dropout of the file is a dropout of ours: active in training, off in evaluation") {
  Maker m({3});
  m.node("Dropout", {"x"}, {"d"}).node("Relu", {"d"}, {"y"});
  const Graph g = import_model(m.model).graph;
  REQUIRE(g.find_node("d_node") != nullptr);
  CHECK(g.node("d_node").op == "dropout");
  const Tensor x = uniform({4, 3}, 1, 0.1F, 1);
  CHECK(largest_difference(run(g, x), x) == 0);
}

TEST_CASE("a resize to sizes that a file computes from the shape keeps the batch free") {
  Maker m({1, 2, 3});
  m.weight("from", ints({0})).weight("to", ints({2})).weight("plane", ints({4, 6}));
  m.node("Shape", {"x"}, {"s"}).node("Slice", {"s", "from", "to"}, {"head"}).node("Concat", {"head", "plane"}, {"sizes"}, {{"axis", integer(0)}});
  m.node("Resize", {"x", "", "", "sizes"}, {"y"});
  const Graph g = import_model(m.model).graph;
  const Tensor x = uniform({3, 1, 2, 3}, 1), y = run(g, x, "y", 2);
  REQUIRE(y.shape() == Shape{3, 1, 4, 6});
  const std::vector<float> in = x.to_f32(), out = y.to_f32();
  for (std::size_t n = 0; n < 3; ++n) {
    for (std::size_t i = 0; i < 24; ++i) CHECK(out[24 * n + i] == in[6 * n + (i / 6 / 2) * 3 + i % 6 / 2]);
  }
}

TEST_CASE("what selects by value is taken where its operands are known, and refused with the reason where not") {
  Maker m({6});
  m.weight("mask", Tensor::f32({2, 3}, std::vector<float>{0, 2, 0, 0, 5, 1})).weight("labels", ints({7, 3, 3, 9, 7, 3}));
  m.weight("two", ints({2})).weight("flat", ints({-1}));
  m.node("NonZero", {"mask"}, {"where"});  // [[0, 1, 1], [1, 1, 2]]
  m.node("Gather", {"x", "where"}, {"picked"}, {{"axis", integer(1)}});
  m.node("Unique", {"labels"}, {"values", "first", "of", "counts"}, {{"sorted", integer(0)}});  // 7, 3, 9
  m.node("Gather", {"x", "counts"}, {"counted"}, {{"axis", integer(1)}});
  m.node("Gather", {"x", "of"}, {"owned"}, {{"axis", integer(1)}});
  m.node("Flatten", {"picked"}, {"p"}).node("Concat", {"p", "counted", "owned"}, {"y"}, {{"axis", integer(1)}});
  const Tensor x = uniform({2, 6}, 4);
  const std::vector<float> v = x.to_f32(), got = run(import_model(m.model).graph, x).to_f32();
  const std::vector<std::size_t> want = {0, 1, 1, 1, 1, 2, 2, 3, 1, 0, 1, 1, 2, 0, 1};
  REQUIRE(got.size() == 2 * want.size());
  for (std::size_t r = 0; r < 2; ++r) {
    for (std::size_t i = 0; i < want.size(); ++i) CHECK(got[r * want.size() + i] == v[r * 6 + want[i]]);
  }
  for (const char* op : {"NonZero", "Unique"}) {
    Maker unknown({6});
    unknown.node(op, {"x"}, {"y"});
    Fault fault{};
    CHECK(contains(message_of([&] { import_model(unknown.model); }, &fault), "the shape of its result depends on the data"));
    CHECK(fault == Fault::unsupported);
  }
}

TEST_CASE("boxes that are known are selected at import") {  // the numbers of ONNX's own suppress_by_IOU_and_scores
  Maker m({6});
  m.weight("boxes", Tensor::f32({1, 6, 4}, std::vector<float>{0, 0, 1, 1, 0, 0.1F, 1, 1.1F, 0, -0.1F, 1, 0.9F, 0, 10, 1, 11, 0, 10.1F, 1, 11.1F, 0, 100, 1, 101}));
  m.weight("scores", Tensor::f32({1, 1, 6}, std::vector<float>{0.9F, 0.75F, 0.6F, 0.95F, 0.5F, 0.3F}));
  m.weight("most", ints({3})).weight("iou", Tensor::f32({1}, std::vector<float>{0.5F})).weight("least", Tensor::f32({1}, std::vector<float>{0.4F}));
  m.weight("box", ints({2}));
  m.node("NonMaxSuppression", {"boxes", "scores", "most", "iou", "least"}, {"kept"});  // boxes 3 and 0
  m.node("Gather", {"kept", "box"}, {"index"}, {{"axis", integer(1)}}).node("Gather", {"x", "index"}, {"picked"}, {{"axis", integer(1)}});
  m.node("Flatten", {"picked"}, {"y"});
  const Tensor x = uniform({2, 6}, 4);
  const std::vector<float> v = x.to_f32();
  CHECK(run(import_model(m.model).graph, x).to_f32() == std::vector<float>{v[3], v[0], v[9], v[6]});
}

TEST_CASE("what is not supported is named: operator, node, opset, nearest operator") {
  Maker m({3}, 12);
  m.node("Sigmoyd", {"x"}, {"y"});
  Fault fault{};
  const std::string message = message_of([&] { import_model(m.model); }, &fault);
  CHECK(fault == Fault::unsupported);
  CHECK(contains(message, "node 'y_node' (Sigmoyd, opset 12)"));
  CHECK(contains(message, "did you mean 'Sigmoid'?"));
  Maker other({3});
  other.node("Relu", {"x"}, {"y"});
  other.model.nodes[0].domain = "com.microsoft";
  CHECK(contains(message_of([&] { import_model(other.model); }), "domain 'com.microsoft'"));
  Maker late({3}, 19);
  late.node("Relu", {"x"}, {"y"});
  CHECK(contains(message_of([&] { import_model(late.model); }), "opset 19: opsets 7 to 17 are read"));
}

TEST_CASE("broken graphs are explained") {
  const auto message = [](const Maker& m) { return message_of([&] { import_model(m.model); }); };
  Maker missing({3});
  missing.node("Add", {"x", "wieght"}, {"y"}).weight("weight", uniform({3}, 1));
  CHECK(contains(message(missing), "reads 'wieght'"));
  CHECK(contains(message(missing), "did you mean 'weight'?"));
  Maker cycle({3});
  cycle.node("Add", {"x", "b"}, {"a"}).node("Relu", {"a"}, {"b"}).node("Relu", {"b"}, {"y"});
  CHECK(contains(message(cycle), "reads 'b', which no earlier node"));
  Maker twice({3});
  twice.node("Relu", {"x"}, {"y"}).node("Relu", {"x"}, {"y"});
  CHECK(contains(message(twice), "defines 'y' a second time"));
  Maker shapes({3});
  shapes.node("MatMul", {"x", "w"}, {"y"}).weight("w", uniform({4, 2}, 1));
  CHECK(contains(message(shapes), "node 'y_node' (MatMul, opset 13)"));
  Maker nothing({3});
  nothing.node("Relu", {"x"}, {"z"});
  CHECK(contains(message(nothing), "output 'y' is made by no node"));
  Maker huge({3});
  huge.node("Expand", {"x", "to"}, {"y"}).weight("to", ints({std::int64_t{1} << 40, 1, 3}));
  CHECK(contains(message(huge), "too large"));
}

TEST_CASE("a value that the batch size went into is refused") {
  Maker m({3});
  m.node("Shape", {"x"}, {"s"}).node("Cast", {"s"}, {"f"}, {{"to", integer(1)}}).node("ReduceMax", {"f"}, {"top"}, {{"keepdims", integer(0)}});
  m.node("Mul", {"x", "top"}, {"y"});
  CHECK(contains(message_of([&] { import_model(m.model); }), "depends on the batch size"));
}
