// Post-training quantization: calibration, integer kernels against their simulation in f32, what stays outside.
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/compiled.hpp"
#include "harness/graph/quantize.hpp"
#include "helpers.hpp"

namespace assay::graph {
namespace {

constexpr std::int64_t int8_batch = 4;

bool int8_available() { return unsupported_reason(Precision::int8).empty(); }

CompileOptions int8_options(Precision precision, const std::vector<std::string>& wants = {"logits"}) {
  CompileOptions o;
  o.batch = int8_batch;
  o.outputs = wants;
  o.precision = precision;
  return o;
}

Tensor run(const Graph& graph, const Tensor& x, const CompileOptions& o) {
  return compile(graph, o).run({{"input", x}})[0];
}

std::string text_of(const Graph& graph) { return compile(graph, int8_options(Precision::int8)).to_text(); }

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

struct Layer {
  const char* name;
  Shape input, weights;
  Attrs attrs;
  bool bias, residual, relu, quantized_out;
  float low;  // of the input: negative ones are stored as s8
};

// One product between quantizers, its result's scale from what it gives.
Graph layer_graph(const Layer& layer) {
  const bool linear = layer.weights.size() == 2;
  Graph g;
  g.inputs.push_back({"input", {engine::DType::f32, layer.input}});
  g.parameters["w"].value = random_tensor(layer.weights, 11, -0.4F, 0.5F);
  const auto quantized = [&](const std::string& of, const std::string& name, const Tensor& scale, std::int64_t low,
                             std::int64_t high) {
    g.buffers[name + ".scale"] = scale;
    return g.add(name, "fake_quantize", {of, name + ".scale"}, {{"low", low}, {"high", high}});
  };
  const bool negative = layer.low < 0;
  const std::string x = quantized("input", "xq", Tensor::scalar(negative ? 1.0F / 127 : 1.0F / 255),
                                  negative ? -128 : 0, negative ? 127 : 255);
  const std::string w = quantized("w", "wq", random_tensor({layer.weights[0]}, 12, 0.003F, 0.005F), -127, 127);
  std::vector<std::string> operands = {x, w};
  if (layer.bias) {
    g.parameters["b"].value = random_tensor({layer.weights[0]}, 13, -0.5F, 0.5F);
    operands.emplace_back("b");
  }
  std::string y = g.add("y", linear ? "linear" : "conv2d", operands, layer.attrs);
  if (layer.residual) {
    // Another value of the same shape, quantized on its own: this layer without its bias.
    const std::string other = g.add("other", linear ? "linear" : "conv2d", {x, w}, layer.attrs);
    const std::string r = quantized(other, "rq", Tensor::scalar(0.02F), -128, 127);
    y = g.add("sum", "add", {r, g.add("y2", linear ? "linear" : "conv2d", operands, layer.attrs)});
  }
  if (layer.relu) y = g.add("relu", "relu", {y});
  if (layer.quantized_out)
    y = quantized(y, "yq", Tensor::scalar(0.015F), layer.relu ? 0 : -128, layer.relu ? 255 : 127);
  g.outputs["logits"] = y;
  return g;
}

const std::vector<Layer>& layers() {
  const Attrs padded = {{"pad", std::int64_t{1}}};
  static const std::vector<Layer> all = {
      {"bias and relu", {16, 8, 8}, {32, 16, 3, 3}, padded, true, false, true, true, 0},
      {"signed input, signed result", {16, 6, 6}, {16, 16, 3, 3}, {}, true, false, false, true, -1},
      {"three channels, stride", {3, 9, 9}, {16, 3, 3, 3}, {{"stride", std::int64_t{2}}}, false, false, true, true, 0},
      {"residual", {16, 8, 8}, {16, 16, 3, 3}, padded, true, true, false, true, 0},
      {"signed residual, unsigned result", {16, 8, 8}, {16, 16, 3, 3}, padded, true, true, true, true, 0},
      {"pointwise, odd channels", {17, 5, 5}, {21, 17, 1, 1}, {}, true, false, true, true, 0},
      {"depthwise",
       {16, 6, 6},
       {16, 1, 3, 3},
       {{"groups", std::int64_t{16}}, {"pad", std::int64_t{1}}},
       true,
       false,
       true,
       true,
       0},
      {"f32 result", {16, 6, 6}, {16, 16, 3, 3}, {}, true, false, false, false, 0},
      {"linear", {64}, {10, 64}, {}, true, false, false, true, 0},
      {"linear, residual of the result's type", {64}, {10, 64}, {}, true, true, false, true, 0},
      {"linear, residual of another type", {64}, {10, 64}, {}, true, true, true, true, 0},
      {"linear, residual and f32 result", {64}, {10, 64}, {}, true, true, false, false, 0},
      {"linear with f32 result, signed input", {64}, {10, 64}, {}, true, false, false, false, -1}};
  return all;
}

Tensor layer_input(const Layer& layer) {
  Shape shape = layer.input;
  shape.insert(shape.begin(), int8_batch);
  return random_tensor(shape, 21, layer.low, 1);
}

}  // namespace

TEST_CASE("int8: a layer on integers is its f32 simulation to one step") {
  if (!int8_available()) return;
  for (const Layer& layer : layers()) {
    CAPTURE(layer.name);
    const Graph graph = layer_graph(layer);
    const Tensor x = layer_input(layer);
    const std::vector<float> want = run(graph, x, int8_options(Precision::f32)).to_f32();
    const std::vector<float> got = run(graph, x, int8_options(Precision::int8)).to_f32();
    const float step = layer.quantized_out ? 0.015F : 2e-5F;
    std::size_t different = 0, zero = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      CHECK(std::abs(got[i] - want[i]) <= step * 1.001F);
      different += std::abs(got[i] - want[i]) > step / 2;
      zero += want[i] == 0;
    }
    CHECK(zero < want.size() / 2 + want.size() / 4);
    if (layer.quantized_out) CHECK(different * 50 <= want.size());  // ties and little else
    const std::string text = text_of(graph);
    CHECK(count(text, layer.quantized_out ? (layer.relu ? " U8[" : " I8[") : " U8[") + count(text, " I8[") > 0);
  }
}

TEST_CASE("int8: a residual block needs no f32 kernel between its quantized input and output") {
  if (!int8_available()) return;
  const Graph plain = build_net({"", "resnet8", R"({"width": 16})", {3, 16, 16}});
  const Graph graph = quantize_graph(plain, random_tensor({16, 3, 16, 16}, 5));
  const std::string text = text_of(graph);
  CAPTURE(text);
  CHECK(count(text, "conv2d F32[") <= 1);  // the last one, whose result is pooled
  CHECK(count(text, "add F32[") == 0);
  CHECK(count(text, "relu F32[") == 0);
  CHECK(count(text, "affine F32[") <= 1);  // the last one's shortcut
  CHECK(count(text, "conv2d U8[") >= 4);
}

TEST_CASE("int8: nets give nearly the logits of their simulation, and of the f32 net") {
  if (!int8_available()) return;
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const Graph plain = build_net(net);
    const Tensor x = random_tensor(batch_shape(net, int8_batch), 3);
    const Graph graph = quantize_graph(plain, random_tensor(batch_shape(net, 32), 5), {"minmax", 100, 16});
    const Tensor simulated = run(graph, x, int8_options(Precision::f32)),
                 integer = run(graph, x, int8_options(Precision::int8));
    CHECK(relative_difference(simulated, run(plain, x, int8_options(Precision::f32))) < 0.15);
    CHECK(relative_difference(integer, simulated) < 0.02);
    CHECK(count(text_of(graph), "U8[") > 0);
  }
}

TEST_CASE("int8: plans repeat their bits, whatever the neighbours, and allocate nothing in a steady step") {
  if (!int8_available()) return;
  const NetCase& net = nets()[4];
  const Graph graph = quantize_graph(build_net(net), random_tensor(batch_shape(net, 16), 5));
  const Tensor x = random_tensor(batch_shape(net, int8_batch), 3);
  CompiledPlan plan = compile(graph, int8_options(Precision::int8));
  const std::vector<float> first = plan.run({{"input", x}})[0].to_f32();
  const auto before = engine::engine_counters();
  for (int i = 0; i < 3; ++i) plan.run({{"input", x}});
  const auto after = engine::engine_counters();
  CHECK(after.primitives_created == before.primitives_created);
  CHECK(after.allocations == before.allocations);
  std::vector<float> rows = x.to_f32();
  const std::size_t row = rows.size() / int8_batch;
  for (std::size_t r = 0; r + 1 < int8_batch; ++r)
    std::copy(rows.end() - static_cast<long>(row), rows.end(), rows.begin() + static_cast<long>(r * row));
  const std::vector<float> copies = run(graph, Tensor::f32(x.shape(), rows), int8_options(Precision::int8)).to_f32();
  const std::size_t classes = first.size() / int8_batch;
  for (std::size_t r = 0; r < int8_batch; ++r) {
    const bool equal = std::equal(first.end() - static_cast<long>(classes), first.end(),
                                  copies.begin() + static_cast<long>(r * classes));
    CHECK(equal);
  }
}

TEST_CASE("int8: a tap in the middle is f32 and equal to the simulation to a step") {
  if (!int8_available()) return;
  const Layer& layer = layers()[0];
  const Graph graph = layer_graph(layer);
  const Tensor x = layer_input(layer);
  for (const char* value : {"xq", "relu", "y"}) {
    CAPTURE(value);
    CHECK(difference(run(graph, x, int8_options(Precision::int8, {value})),
                     run(graph, x, int8_options(Precision::f32, {value}))) < 1e-5);
  }
}

TEST_CASE("quantize: scales follow the calibration rows, and percentiles clip outliers") {
  Graph g;
  g.inputs.push_back({"input", {engine::DType::f32, {1000}}});
  g.parameters["w"].value = Tensor::f32({1, 1000}, std::vector<float>(1000, 0.5F));
  g.outputs["logits"] = g.add("y", "linear", {"input", "w"});
  std::vector<float> values(2000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1000) / 1000;
  values[7] = 100;  // one in 2000
  const Tensor rows = Tensor::f32({2, 1000}, values);
  const auto scale = [&](const QuantizeOptions& o) {
    return quantize_graph(g, rows, o).buffers.at("input.scale").item();
  };
  CHECK(scale({"minmax", 100, 2}) == doctest::Approx(100.0 / 255));
  CHECK(scale({"percentile", 99.9, 2}) == doctest::Approx(1.0 / 255).epsilon(0.05));
  CHECK(quantize_graph(g, rows).buffers.at("w.scale").to_f32() == std::vector<float>{0.5F / 127});
  values[8] = -0.25F;
  const Graph with_negative = quantize_graph(g, Tensor::f32({2, 1000}, values), {"minmax", 100, 2});
  CHECK(with_negative.buffers.at("input.scale").item() == doctest::Approx(100.0 / 127));
  CHECK(with_negative.node("input.quantized").attrs.integer("low", 0) == -128);
}

TEST_CASE("quantize: wrong options, nothing to quantize, values that are not finite") {
  const Graph graph = build_net(nets()[0]);
  const Tensor x = random_tensor(batch_shape(nets()[0], 4), 3);
  CHECK_MESSAGE_HAS(quantize_graph(graph, x, {"minmaxx", 99, 4}), "did you mean");
  CHECK_MESSAGE_HAS(quantize_graph(graph, x, {"percentile", 12, 4}), "(50, 100]");
  std::vector<float> values = x.to_f32();
  values[5] = NAN;
  CHECK_MESSAGE_HAS(quantize_graph(graph, Tensor::f32(x.shape(), values)), "not finite");
  Graph empty;
  empty.inputs.push_back({"input", {engine::DType::f32, {3}}});
  empty.outputs["logits"] = empty.add("y", "relu", {"input"});
  CHECK_MESSAGE_HAS(quantize_graph(empty, random_tensor({2, 3}, 1)), "no conv2d or linear");
}

TEST_CASE("quantize: a quantized model is stored and read, and trains through straight-through gradients") {
  const NetCase& net = nets()[0];
  const Graph graph = quantize_graph(build_net(net), random_tensor(batch_shape(net, 8), 5));
  CHECK(structure_digest(Graph::from_json(graph.to_json())) == structure_digest(graph));
  CompileOptions o;
  o.batch = int8_batch;
  o.loss = "cross-entropy";
  o.param_grads = true;
  CompiledPlan plan = compile(graph, o);
  const auto& out = plan.run(
      {{"input", random_tensor(batch_shape(net, int8_batch), 3)}, {"labels", random_labels(int8_batch, 10, 4)}});
  double size = 0;
  for (const float v :
       out[static_cast<std::size_t>(plan.output_index("grad:" + graph.parameters.begin()->first))].to_f32())
    size += std::abs(v);
  CHECK(size > 0);
}

TEST_CASE("fake_quantize: the straight-through gradient is the identity inside the range and 0 outside") {
  const Tensor x = engine::watch(Tensor::f32({5}, std::vector<float>{-0.3F, 0.0F, 0.26F, 2.54F, 2.6F}));
  const Tensor y = engine::apply1("fake_quantize", {x, Tensor::scalar(0.01F)});
  CHECK(y.to_f32() == std::vector<float>{0.0F, 0.0F, 26 * 0.01F, 254 * 0.01F, 255 * 0.01F});
  const Tensor loss = engine::apply1("reduce_sum", {y});
  const Tensor none;
  CHECK(engine::grad({&loss, 1}, {&x, 1}, {&none, 1}, false)[0].to_f32() == std::vector<float>{0, 1, 1, 1, 0});
}

TEST_CASE("precision: int8 plans have no gradients and no live parameters") {
  if (!int8_available()) return;
  CompileOptions o = int8_options(Precision::int8);
  o.loss = "cross-entropy";
  o.input_grad = true;
  CHECK_MESSAGE_HAS(compile(build_net(nets()[0]), o), "no gradients");
  o.input_grad = false;
  o.live_parameters = true;
  CHECK_MESSAGE_HAS(compile(build_net(nets()[0]), o), "no live parameters");
}

}  // namespace assay::graph
