// Compiled plans against eager evaluation, fused against unfused, independence of batch neighbours, steady steps.
#include "helpers.hpp"

#include "harness/engine/tape/eager.hpp"
#include "harness/graph/compiled.hpp"

namespace assay::graph {
namespace {

constexpr double kTolerance = 1e-5;
constexpr std::int64_t batch = 5;

CompiledPlan plan_for(const Graph& graph, Mode mode, bool optimize, bool params) {
  CompileOptions o;
  o.batch = batch;
  o.mode = mode;
  o.loss = "cross-entropy";
  o.input_grad = true;
  o.param_grads = params;
  o.optimize = optimize;
  return compile(graph, o);
}

// d sum(cross entropy) through the eager tape.
struct EagerGradients {
  Tensor logits, input;
  std::map<std::string, Tensor> parameters;
};

EagerGradients eager(const Graph& graph, const Tensor& x, const Tensor& y, const ForwardOptions& options) {
  Executor executor(std::make_shared<Graph>(graph), batch);
  const Tensor leaf = engine::watch(x);
  const RecordedForward made = executor.forward_recorded(leaf, {"logits"}, options, true);
  const Tensor loss = engine::apply1("reduce_sum", {engine::apply1("cross_entropy", {made.values[0], y})});
  std::vector<Tensor> inputs = {leaf};
  std::vector<std::string> names;
  for (const auto& [name, value] : made.parameters) {
    names.push_back(name);
    inputs.push_back(value);
  }
  const Tensor none;
  const std::vector<Tensor> grads = engine::grad({&loss, 1}, inputs, {&none, 1}, false);
  EagerGradients result{engine::detach(made.values[0]), grads[0], {}};
  for (std::size_t i = 0; i < names.size(); ++i) result.parameters[names[i]] = grads[i + 1];
  return result;
}

}  // namespace

TEST_CASE("a compiled plan gives the eager values and gradients, in every mode, for every net") {
  for (const NetCase& net : nets()) {
    for (const Mode mode : {Mode::eval, Mode::train, Mode::stochastic}) {
      CAPTURE(net.name);
      CAPTURE(static_cast<int>(mode));
      const Graph graph = build_net(net);
      const Tensor x = random_tensor(batch_shape(net, batch), 3), y = random_labels(batch, 10, 4);
      const auto ids = test_ids(batch);
      const EagerGradients want = eager(graph, x, y, {mode, 9, 2, ids});
      CompiledPlan plan = plan_for(graph, mode, true, true);
      const auto& out = plan.run({{"input", x}, {"labels", y}}, {9, 2, ids});
      const auto at = [&](const std::string& name) { return out[static_cast<std::size_t>(plan.output_index(name))]; };
      CHECK(difference(at("logits"), want.logits) < kTolerance);
      CHECK(relative_difference(at("grad:input"), want.input) < kTolerance);
      for (const auto& [name, grad] : want.parameters) {
        const std::string& parameter = name;  // a binding cannot be captured
        CAPTURE(parameter);
        CHECK(relative_difference(at("grad:" + name), grad) < 5 * kTolerance);
      }
    }
  }
}

TEST_CASE("folding and fusion change values and input gradients by less than 1e-5") {
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const Graph graph = build_net(net);
    const Tensor x = random_tensor(batch_shape(net, batch), 3), y = random_labels(batch, 10, 4);
    CompiledPlan fused = plan_for(graph, Mode::eval, true, false), plain = plan_for(graph, Mode::eval, false, false);
    const auto& a = fused.run({{"input", x}, {"labels", y}});
    const auto& b = plain.run({{"input", x}, {"labels", y}});
    REQUIRE(fused.output_names() == plain.output_names());
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(relative_difference(a[i], b[i]) < kTolerance);
    CHECK(fused.kernel_count() < plain.kernel_count());
  }
}

TEST_CASE("batch norm, relu and the residual sum leave no kernel of their own in an evaluation plan") {
  const Graph graph = build_net({"", "resnet8", R"({"width": 16})", {3, 16, 16}});
  CompileOptions o;
  o.batch = 2;
  const std::string text = compile(graph, o).to_text();
  for (const char* op : {"batch_norm", "relu", "add"}) CHECK(text.find(std::string(" ") + op + " ") == std::string::npos);
  CHECK(text.find("conv2d") != std::string::npos);
}

TEST_CASE("relu6 becomes part of what is before it, in every mode") {
  Graph graph = build_net({"", "resnet8", R"({"width": 8})", {3, 16, 16}});
  for (GraphNode& node : graph.nodes) {
    if (node.op != "relu") continue;
    node.op = "clamp";
    node.attrs = {{"min", 0.0}, {"max", 6.0}};
  }
  for (const Mode mode : {Mode::eval, Mode::train}) {
    CAPTURE(static_cast<int>(mode));
    const bool params = mode == Mode::train;  // else the weights are constants, and batch norm is folded
    CompiledPlan fused = plan_for(graph, mode, true, params), plain = plan_for(graph, mode, false, params);
    CHECK(fused.to_text().find("clamp") == std::string::npos);
    CHECK(plain.to_text().find("clamp") != std::string::npos);
    const std::map<std::string, Tensor> in = {{"input", random_tensor({batch, 3, 16, 16}, 1)}, {"labels", random_labels(batch, 10, 2)}};
    const auto &a = fused.run(in), &b = plain.run(in);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(relative_difference(a[i], b[i]) < 1e-3);
  }
}

TEST_CASE("an input gradient plan computes no weight gradient") {
  const Graph graph = build_net({"", "all-conv", R"({"width": 8})", {1, 16, 16}});
  CHECK(plan_for(graph, Mode::eval, true, false).to_text().find("bwd_weights") == std::string::npos);
  CHECK(plan_for(graph, Mode::eval, true, true).to_text().find("bwd_weights") != std::string::npos);
}

TEST_CASE("a sample's numbers do not depend on its batch neighbours or place, bit for bit [rule 8]") {
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const auto graph = std::make_shared<Graph>(build_net(net));
    Executor executor(graph, batch);
    const std::int64_t n = 2 * batch + 3;
    const Tensor x = random_tensor(batch_shape(net, n), 3), y = random_labels(n, 10, 4);
    const LossGrad all = executor.loss_and_input_grad("cross-entropy", x, y);
    const std::vector<float> rows = x.to_f32(), logits = all.logits.to_f32(), grads = all.grad.to_f32();
    const auto size = static_cast<std::size_t>(engine::element_count(net.input));
    for (const std::size_t i : {std::size_t{0}, std::size_t{4}, std::size_t{6}, std::size_t{12}}) {
      const Tensor alone = Tensor::f32(batch_shape(net, 1), std::span(rows).subspan(i * size, size));
      const LossGrad one = executor.loss_and_input_grad("cross-entropy", alone, Tensor::i64({1}, std::vector{y.to_i64()[i]}));
      CHECK(one.logits.to_f32() == std::vector<float>(logits.begin() + static_cast<long>(i * 10), logits.begin() + static_cast<long>(i * 10 + 10)));
      CHECK(one.grad.to_f32() == std::vector<float>(grads.begin() + static_cast<long>(i * size), grads.begin() + static_cast<long>(i * size + size)));
    }
  }
}

TEST_CASE("images go through a large compute batch in chunks, with the chunk's bits") {
  const auto graph = std::make_shared<Graph>(build_net({"", "resnet8", R"({"width": 16})", {3, 32, 32}}));
  const std::int64_t rows = 70;
  const Tensor x = random_tensor({rows, 3, 32, 32}, 3), y = random_labels(rows, 10, 4);
  Executor large(graph, 128), small(graph, 32);
  const LossGrad a = large.loss_and_input_grad("cross-entropy", x, y), b = small.loss_and_input_grad("cross-entropy", x, y);
  CHECK(a.logits.to_f32() == b.logits.to_f32());
  CHECK(a.grad.to_f32() == b.grad.to_f32());
  CompileOptions o;
  CHECK(large.plan(o).batch() == 32);
  o.mode = Mode::train;
  CHECK(large.plan(o).batch() == 128);  // batch statistics are of the whole batch
}

TEST_CASE("a steady step creates no primitive and allocates no tensor memory") {
  for (const bool params : {false, true}) {
    const Graph graph = build_net({"", "resnet8", R"({"width": 8, "dropout": 0.3})", {3, 16, 16}});
    CompiledPlan plan = plan_for(graph, params ? Mode::train : Mode::eval, true, params);
    const std::map<std::string, Tensor> in = {{"input", random_tensor({batch, 3, 16, 16}, 1)}, {"labels", random_labels(batch, 10, 2)}};
    const auto ids = test_ids(batch);
    plan.run(in, {1, 1, ids});
    const engine::EngineCounters before = engine::engine_counters();
    for (std::uint64_t i = 0; i < 3; ++i) plan.run(in, {1, i, ids});
    const engine::EngineCounters after = engine::engine_counters();
    CHECK(after.primitives_created == before.primitives_created);
    CHECK(after.allocations == before.allocations);
  }
}

TEST_CASE("a result that is kept is not overwritten by the next run") {
  const Graph graph = build_net({"", "mlp", R"({"hidden": [8]})", {1, 4, 4}});
  CompileOptions o;
  o.batch = 2;
  CompiledPlan plan = compile(graph, o);
  const Tensor first = plan.run({{"input", random_tensor({2, 1, 4, 4}, 1)}})[0];
  const std::vector<float> before = first.to_f32();
  const Tensor second = plan.run({{"input", random_tensor({2, 1, 4, 4}, 2)}})[0];
  CHECK(first.to_f32() == before);
  CHECK(second.to_f32() != before);
}

TEST_CASE("two plans of one graph give the same bits [rule 7]") {
  const Graph graph = build_net({"", "resnet8", R"({"width": 8})", {3, 16, 16}});
  const std::map<std::string, Tensor> in = {{"input", random_tensor({batch, 3, 16, 16}, 1)}, {"labels", random_labels(batch, 10, 2)}};
  CompiledPlan a = plan_for(graph, Mode::train, true, true), b = plan_for(graph, Mode::train, true, true);
  const auto &x = a.run(in), &y = b.run(in);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(same_bits(x[i], y[i]));
}

TEST_CASE("the arena is smaller than the sum of what it holds, and sharing keeps the values") {
  const Graph graph = build_net({"", "resnet20", R"({"width": 16})", {3, 16, 16}});
  CompileOptions shared;
  shared.batch = 4;
  CompileOptions plain = shared;
  plain.optimize = false;
  CHECK(compile(graph, shared).arena_bytes() < 4 * 4 * 16 * 16 * 16 * sizeof(float));  // at most 3 planes live at once, and a reorder
  CHECK(compile(graph, plain).arena_bytes() < 8 * 4 * 16 * 16 * 16 * sizeof(float));
}

TEST_CASE("taps and several outputs come in one run; a tap in front of a folded batch norm keeps its value") {
  Graph graph = build_net({"", "all-conv", R"({"width": 8})", {1, 16, 16}});
  graph.taps["raw"] = "conv2_1";
  Executor executor(std::make_shared<Graph>(graph), 4);
  const Tensor x = random_tensor({4, 1, 16, 16}, 1);
  const auto values = executor.forward(x, {"logits", "features", "stage1", "raw"});
  const auto recorded = executor.forward_recorded(x, {"logits", "features", "stage1", "raw"}).values;
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(difference(values[i], recorded[i]) < kTolerance);
  CHECK(values[1].shape() == Shape{4, 32});
  CHECK(values[2].shape() == Shape{4, 8, 8, 8});
}

TEST_CASE("input_vjp equals the loss gradient when its cotangent is the loss's") {
  const auto graph = std::make_shared<Graph>(build_net({"", "lenet", "{}", {1, 28, 28}}));
  Executor executor(graph, 4);
  const Tensor x = random_tensor({6, 1, 28, 28}, 1), y = random_labels(6, 10, 2);
  const LossGrad loss = executor.loss_and_input_grad("cross-entropy", x, y);
  const Tensor soft = engine::apply1("softmax", {loss.logits});
  const Tensor hot = engine::apply1("one_hot", {y}, {{"classes", std::int64_t{10}}});
  const Tensor grad = executor.input_vjp("logits", x, engine::apply1("sub", {soft, hot}));
  CHECK(relative_difference(grad, loss.grad) < kTolerance);
}

TEST_CASE("pull() gives what input_vjp gives, cotangent by cotangent, of one forward pass") {
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const auto graph = std::make_shared<Graph>(build_net(net));
    Executor executor(graph, batch);
    const std::int64_t n = 2 * batch + 1;
    const Tensor x = random_tensor(batch_shape(net, n), 3);
    const std::vector<Tensor> ways = {random_tensor({n, 10}, 4), random_tensor({n, 10}, 5), random_tensor({n, 10}, 4)};
    const Pulled pulled = executor.pull(x, ways);
    REQUIRE(pulled.grads.size() == 3);
    CHECK(relative_difference(pulled.logits, executor.logits(x)) < kTolerance);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(relative_difference(pulled.grads[k], executor.input_vjp("logits", x, ways[k])) < kTolerance);
    }
    CHECK(pulled.grads[0].to_f32() == pulled.grads[2].to_f32());  // the forward pass was still whole
  }
}

TEST_CASE("parameter gradients are means over all rows, whatever the compute batch") {
  const auto graph = std::make_shared<Graph>(build_net({"", "lenet", "{}", {1, 28, 28}}));
  const Tensor x = random_tensor({7, 1, 28, 28}, 1), y = random_labels(7, 10, 2);
  Executor small(graph, 3), large(graph, 7);
  const auto a = small.loss_and_param_grads("cross-entropy", x, y), b = large.loss_and_param_grads("cross-entropy", x, y);
  for (const auto& [name, grad] : a) CHECK(relative_difference(grad, b.at(name)) < kTolerance);
}

// Rule 8. ResNet's products of 1, 5 and 33 rows take different kernels.
TEST_CASE("a recorded row and its gradient have the same bits whatever rows are recorded with it") {
  const auto graph = std::make_shared<Graph>(build_net({"", "resnet20", R"({"width": 16})", {3, 16, 16}}));
  Executor executor(graph, 64);
  const Tensor all = random_tensor({33, 3, 16, 16}, 1);
  const auto first_rows = [&](std::int64_t n) {
    const Tensor part = engine::apply1("slice", {all}, {{"begin", Shape{0, 0, 0, 0}}, {"size", Shape{n, 3, 16, 16}}});
    const Tensor x = engine::watch(engine::detach(part)), none;
    const Tensor z = executor.forward_recorded(x).values[0];
    const Tensor sum = engine::apply1("reduce_sum", {engine::apply1("square", {z})});
    const Tensor grad = engine::grad({&sum, 1}, {&x, 1}, {&none, 1}, false)[0];
    std::vector<float> row = z.to_f32(), slope = grad.to_f32();
    CHECK(z.shape() == Shape{n, 10});
    row.resize(10);
    row.insert(row.end(), slope.begin(), slope.begin() + 3 * 16 * 16);
    return row;
  };
  const std::vector<float> alone = first_rows(1);
  for (const std::int64_t n : {5, 16, 33}) CHECK(first_rows(n) == alone);
}

TEST_CASE("gradients of gradients reach a recorded model's input") {
  const auto graph = std::make_shared<Graph>(build_net({"", "all-conv", R"({"width": 4})", {1, 8, 8}}));
  Executor executor(graph, 2);
  const auto penalty = [&](const Tensor& at) {  // |d sum(logits^2) / dx|^2
    const Tensor z = executor.forward_recorded(at).values[0];
    const Tensor s = engine::apply1("reduce_sum", {engine::apply1("square", {z})}), none;
    const Tensor g = engine::grad({&s, 1}, {&at, 1}, {&none, 1}, true)[0];
    return engine::apply1("reduce_sum", {engine::apply1("square", {g})});
  };
  const Tensor x = engine::watch(random_tensor({2, 1, 8, 8}, 1)), value = penalty(x), none;
  const std::vector<float> slope = engine::grad({&value, 1}, {&x, 1}, {&none, 1}, false)[0].to_f32();
  std::vector<float> up = x.to_f32(), down = up;
  const double h = 1e-3;
  double expected = 0;
  for (std::size_t i = 0; i < up.size(); ++i) {
    const float d = i % 2 == 0 ? 1.0F : -1.0F;
    expected += static_cast<double>(slope[i]) * static_cast<double>(d);
    up[i] += static_cast<float>(h) * d;
    down[i] -= static_cast<float>(h) * d;
  }
  const auto at = [&](const std::vector<float>& v) { return static_cast<double>(penalty(engine::watch(Tensor::f32({2, 1, 8, 8}, v))).item()); };
  const double measured = (at(up) - at(down)) / (2 * h);
  CHECK(measured == doctest::Approx(expected).epsilon(0.03));
}

TEST_CASE("misuse of a plan or an executor is named") {
  const Graph graph = build_net({"", "all-conv", R"({"width": 4, "dropout": 0.5})", {1, 16, 16}});
  Executor executor(std::make_shared<Graph>(graph), 4);
  const Tensor x = random_tensor({2, 1, 16, 16}, 1);
  CHECK_MESSAGE_HAS(executor.forward(x, {"logit"}), "did you mean 'logits'");
  CHECK_MESSAGE_HAS(executor.logits(random_tensor({2, 1, 8, 8}, 1)), "[1, 16, 16]");
  CHECK_MESSAGE_HAS(executor.logits(x, {Mode::stochastic}), "sample id");
  CHECK_MESSAGE_HAS(executor.loss_and_input_grad("cross-entropi", x, random_labels(2, 10, 1)), "did you mean 'cross-entropy'");
  CHECK_MESSAGE_HAS(executor.loss_and_input_grad("cross-entropy", x, random_labels(3, 10, 1)), "labels must be I64[2]");
  CompileOptions o;
  o.input_grad = true;
  CHECK_MESSAGE_HAS(compile(graph, o), "need a loss or a cotangent");
  CompileOptions two;
  two.batch = 2;
  CompiledPlan plan = compile(graph, two);
  CHECK_MESSAGE_HAS(plan.run({{"imput", x}}), "plan needs the input 'input'");
  CHECK_MESSAGE_HAS(plan.run({{"input", random_tensor({3, 1, 16, 16}, 1)}}), "the plan takes F32[2, 1, 16, 16]");
}

}  // namespace assay::graph
