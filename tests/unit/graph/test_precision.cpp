// Plans in BF16 against plans in F32: values, gradients, bits, borders, steady steps, and what is said where the
// instruction set has no such products (the test runs a second time under DNNL_MAX_CPU_ISA=AVX2).
#include "helpers.hpp"

#include "harness/engine/tape/eager.hpp"
#include "harness/engine/tensor/bf16.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/graph/compiled.hpp"

namespace assay::graph {
namespace {

constexpr std::int64_t batch = 5;

bool available() { return unsupported_reason(Precision::bf16).empty(); }

CompileOptions options_for(Mode mode, Precision precision) {
  CompileOptions o;
  o.batch = batch;
  o.mode = mode;
  o.loss = "cross-entropy";
  o.input_grad = true;
  o.param_grads = mode == Mode::train;
  o.precision = precision;
  return o;
}

double cosine(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = a.to_f32(), y = b.to_f32();
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += static_cast<double>(x[i]) * y[i];
    xx += static_cast<double>(x[i]) * x[i];
    yy += static_cast<double>(y[i]) * y[i];
  }
  return xx == 0 && yy == 0 ? 1.0 : xy / std::sqrt(xx * yy);
}

struct Outcome {
  std::map<std::string, Tensor> values;
  std::string text;
};

Outcome run(const Graph& graph, const Tensor& x, const Tensor& y, const CompileOptions& o) {
  CompiledPlan plan = compile(graph, o);
  const auto ids = test_ids(o.batch);
  const auto& out = plan.run({{"input", x}, {"labels", y}}, {9, 2, ids});
  Outcome outcome;
  for (std::size_t i = 0; i < out.size(); ++i) outcome.values[plan.output_names()[i]] = out[i];
  outcome.text = plan.to_text();
  return outcome;
}

// The kernels of a plan whose operand or result is stored as BF16.
std::size_t narrow_steps(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = text.find("BF16["); at != std::string::npos; at = text.find("BF16[", at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("precision: a bf16 plan is within bf16's rounding of the f32 plan, for every net and mode") {
  if (!available()) return;
  for (const NetCase& net : nets()) {
    for (const Mode mode : {Mode::eval, Mode::train, Mode::stochastic}) {
      CAPTURE(net.name);
      CAPTURE(static_cast<int>(mode));
      const Graph graph = build_net(net);
      const Tensor x = random_tensor(batch_shape(net, batch), 3), y = random_labels(batch, 10, 4);
      const Outcome want = run(graph, x, y, options_for(mode, Precision::f32));
      const Outcome got = run(graph, x, y, options_for(mode, Precision::bf16));
      CHECK(narrow_steps(want.text) == 0);
      CHECK(narrow_steps(got.text) > 2);
      REQUIRE(got.values.size() == want.values.size());
      // Half a unit in the last place is 2^-9 of a value; a few layers add up to a few of them.
      CHECK(relative_difference(got.values.at("logits"), want.values.at("logits")) < 0.03);
      CHECK(got.values.at("logits").to_f32() != want.values.at("logits").to_f32());
      double sum = 0, gradients = 0;
      for (const auto& [name, value] : want.values) {
        const std::string& output = name;  // a binding cannot be captured
        CAPTURE(output);
        CHECK(got.values.at(name).spec() == value.spec());
        if (name.rfind("grad:", 0) != 0) continue;
        const double alike = cosine(got.values.at(name), value);
        CHECK(alike > 0.85);  // sums that nearly cancel, of five samples, lose most
        sum += alike;
        gradients += 1;
      }
      CHECK(sum / gradients > 0.95);
    }
  }
}

TEST_CASE("precision: bf16 plans give the same bits again, whatever the batch neighbours [rule 8]") {
  if (!available()) return;
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const Graph graph = build_net(net);
    CompileOptions o = options_for(Mode::eval, Precision::bf16);
    const Tensor x = random_tensor(batch_shape(net, batch), 3), y = random_labels(batch, 10, 4);
    const Outcome first = run(graph, x, y, o), again = run(graph, x, y, o);
    for (const auto& [name, value] : first.values) CHECK(same_bits(again.values.at(name), value));
    // The last sample alone among copies of itself, in every place.
    const std::vector<float> rows = x.to_f32();
    const auto size = static_cast<std::size_t>(engine::element_count(net.input));
    std::vector<float> copies;
    for (std::int64_t i = 0; i < batch; ++i) copies.insert(copies.end(), rows.end() - static_cast<long>(size), rows.end());
    const Tensor labels = Tensor::i64({batch}, std::vector<std::int64_t>(batch, y.to_i64().back()));
    const Outcome alone = run(graph, Tensor::f32(batch_shape(net, batch), copies), labels, o);
    for (const char* name : {"logits", "grad:input"}) {
      const std::vector<float> all = first.values.at(name).to_f32(), same = alone.values.at(name).to_f32();
      const std::size_t row = all.size() / batch;
      for (std::size_t place = 0; place < batch; ++place) {
        const bool equal = std::equal(all.end() - static_cast<long>(row), all.end(), same.begin() + static_cast<long>(place * row));
        CHECK(equal);
      }
    }
  }
}

TEST_CASE("precision: a steady bf16 step creates no primitive and allocates nothing") {
  if (!available()) return;
  for (const Mode mode : {Mode::eval, Mode::train}) {
    const NetCase& net = nets()[4];
    const Graph graph = build_net(net);
    const Tensor x = random_tensor(batch_shape(net, batch), 3), y = random_labels(batch, 10, 4);
    CompiledPlan plan = compile(graph, options_for(mode, Precision::bf16));
    plan.run({{"input", x}, {"labels", y}});
    const auto before = engine::engine_counters();
    for (int i = 0; i < 3; ++i) plan.run({{"input", x}, {"labels", y}});
    const auto after = engine::engine_counters();
    CHECK(after.primitives_created == before.primitives_created);
    CHECK(after.allocations == before.allocations);
    CHECK(after.bytes_allocated == before.bytes_allocated);
  }
}

TEST_CASE("precision: a second plan of a shape takes no memory from the system") {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    if (!unsupported_reason(precision).empty()) continue;
    const NetCase& net = nets()[4];
    const Graph graph = build_net(net);
    const Tensor x = random_tensor(batch_shape(net, batch), 3), y = random_labels(batch, 10, 4);
    const auto build_and_run = [&] { run(graph, x, y, options_for(Mode::train, precision)); };
    build_and_run();
    const auto before = engine::engine_counters();
    build_and_run();
    CHECK(engine::engine_counters().bytes_allocated == before.bytes_allocated);
  }
}

TEST_CASE("precision: constant weights are converted once, activations stay bf16 between convolutions") {
  if (!available()) return;
  const Graph graph = build_net({"", "resnet8", R"({"width": 16})", {3, 16, 16}});
  CompileOptions o;
  o.batch = 2;
  o.precision = Precision::bf16;
  const std::string text = compile(graph, o).to_text();
  std::size_t casts = 0;
  for (std::size_t at = text.find(" cast "); at != std::string::npos; at = text.find(" cast ", at + 1)) ++casts;
  CHECK(casts == 3);  // the image, the last feature map on its way into the pooling, and what that gives for the classifier
}

TEST_CASE("precision: an op without bf16 kernels stays f32 between bf16 ones") {
  if (!available()) return;
  Graph graph;
  graph.inputs.push_back({"input", {engine::DType::f32, {4, 6, 6}}});
  const auto weight = [&](const std::string& name, const Shape& shape) {
    graph.parameters[name].value = random_tensor(shape, std::hash<std::string>{}(name) % 100, -0.5F, 0.5F);
    return name;
  };
  std::string v = graph.add("a", "conv2d", {"input", weight("wa", {20, 4, 3, 3})});
  v = graph.add("s", "softmax", {v}, {{"axis", std::int64_t{1}}});
  v = graph.add("b", "conv2d", {v, weight("wb", {3, 20, 3, 3})});
  v = graph.add("f", "flatten", {v});
  graph.outputs["logits"] = v;
  const Tensor x = random_tensor({batch, 4, 6, 6}, 3), y = random_labels(batch, 12, 4);
  const Outcome want = run(graph, x, y, options_for(Mode::eval, Precision::f32));
  const Outcome got = run(graph, x, y, options_for(Mode::eval, Precision::bf16));
  CHECK(got.text.find("softmax F32") != std::string::npos);
  CHECK(relative_difference(got.values.at("logits"), want.values.at("logits")) < 0.02);
  CHECK(cosine(got.values.at("grad:input"), want.values.at("grad:input")) > 0.999);
}

TEST_CASE("precision: batch norm on bf16 storage is the f32 kernel rounded, padding of blocks stays zero") {
  if (!available()) return;
  const engine::Op& op = engine::Registry::get().op(engine::Registry::get().id("batch_norm_train"));
  for (const std::int64_t channels : {16, 17, 32, 3}) {
    CAPTURE(channels);
    const Shape shape = {3, channels, 5, 4};
    const Tensor x32 = random_tensor(shape, 1, -2, 3), c1 = random_tensor({channels}, 2, 0.5F, 2), c2 = random_tensor({channels}, 3, -1, 1);
    const Tensor x = engine::apply1("cast", {x32}, {{"to", std::string("BF16")}});
    const Tensor widened = engine::apply1("cast", {x}, {{"to", std::string("F32")}});
    const auto want = engine::apply(engine::Registry::get().id("batch_norm_train"), std::vector{widened, c1, c2, widened},
                                    {{"act", std::string("relu")}, {"residual", std::int64_t{1}}});
    const Attrs attrs = {{"act", std::string("relu")}, {"residual", std::int64_t{1}}};
    const std::vector<engine::MemDesc> in = {{x.spec(), x.layout()}, {c1.spec(), c1.layout()}, {c2.spec(), c2.layout()}, {x.spec(), x.layout()}};
    const std::vector<Spec> out = {x.spec(), c1.spec(), c1.spec()};
    const engine::Kernel kernel = op.prepare({attrs, in, out, true});
    const engine::Kernel reorder = engine::native::make_reorder({x.spec(), x.layout()}, kernel.in[0]);
    const auto memory = engine::Storage::allocate(kernel.in[0].bytes()), scratch = engine::Storage::allocate(kernel.scratch_bytes + reorder.scratch_bytes + 64);
    const auto made = engine::Storage::allocate(kernel.out[0].bytes());
    std::vector<float> mean(static_cast<std::size_t>(channels)), var(mean);
    const void* dense[] = {x.raw()};
    void* blocked[] = {memory->data()};
    reorder.run({dense, blocked, scratch->data()});
    const void* operands[] = {memory->data(), c1.raw(), c2.raw(), memory->data()};
    void* results[] = {made->data(), mean.data(), var.data()};
    kernel.run({operands, results, scratch->data()});
    const std::vector<float> got = Tensor(x.spec(), kernel.out[0], made).to_f32(), exact = want[0].to_f32();
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(exact[i]).epsilon(1.0 / 256));
    for (std::size_t i = 0; i < mean.size(); ++i) {
      CHECK(mean[i] == doctest::Approx(want[1].to_f32()[i]).epsilon(1e-5));
      CHECK(var[i] == doctest::Approx(want[2].to_f32()[i]).epsilon(1e-5));
    }
    // The padded lanes, found by what the logical elements do not cover.
    std::size_t nonzero = 0, nonzero_logical = 0;
    const auto* bits = reinterpret_cast<const std::uint16_t*>(made->data());
    for (std::size_t i = 0; i < kernel.out[0].bytes() / 2; ++i) nonzero += bits[i] != 0;
    for (const float v : got) nonzero_logical += v != 0.0F;
    CHECK(nonzero == nonzero_logical);
  }
}

TEST_CASE("precision: rounding to bf16 is to nearest, ties to even, and keeps infinities and NaN") {
  const auto round = [](float v) { return engine::widened(engine::to_bf16(v)); };
  CHECK(round(1.0F) == 1.0F);
  CHECK(round(1.00390625F) == 1.0F);          // 1 + 2^-8: a tie, the even neighbour is below
  CHECK(round(1.01171875F) == 1.015625F);     // 1 + 3 * 2^-8: a tie, the even neighbour is above
  CHECK(round(1.00390637F) == 1.0078125F);    // just above the tie
  CHECK(round(-3.0e38F) == doctest::Approx(-3.0e38).epsilon(0.004));
  CHECK(std::isinf(round(3.4e38F)));
  CHECK(round(INFINITY) == INFINITY);
  CHECK(std::isnan(round(std::nanf("0x7fffff"))));
}

TEST_CASE("precision: where the instruction set has no bf16 products, planning says so and compiling throws unsupported") {
  const Graph graph = build_net(nets()[0]);
  CompileOptions o;
  o.precision = Precision::bf16;
  const std::string reason = unsupported_reason(Precision::bf16);
  CHECK(unsupported_reason(Precision::f32).empty());
  if (engine::native::effective_isa().rfind("avx512", 0) == 0) {
    CHECK(reason.empty());
    return;
  }
  CHECK(!unsupported_reason(Precision::int8).empty());
  CHECK(reason.find(engine::native::effective_isa()) != std::string::npos);
  try {
    (void)compile(graph, o);
    FAIL("compiled");
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::unsupported);
    CHECK(std::string(e.what()).find(reason) != std::string::npos);
  }
}

TEST_CASE("precision: training in bf16 learns like f32, repeats its bits and keeps f32 master weights") {
  if (!available()) return;
  const NetCase net = {"", "resnet8", R"({"width": 8})", {1, 12, 12}};
  const TrainData data = blobs(128, net.input);
  Recipe r;
  r.epochs = 6;
  r.batch = 16;
  r.lr = 0.02;
  const auto train = [&](const char* precision, double lr) {
    Recipe changed = r;
    changed.precision = precision;
    changed.lr = lr;
    Trainer trainer(zoo::build(net.arch, Json::parse(net.params), net.input, 4, 1), data, changed, 3);
    trainer.run();
    return std::pair(trainer.graph(), trainer.epoch_losses());
  };
  const auto [f32, f32_losses] = train("f32", 0.02);
  const auto [bf16, losses] = train("bf16", 0.02);
  CHECK(losses.back() < 0.8 * losses.front());
  CHECK(std::abs(losses.back() - f32_losses.back()) < 0.1 * f32_losses.front());
  CHECK(weight_digest(bf16) != weight_digest(f32));
  CHECK(weight_digest(train("bf16", 0.02).first) == weight_digest(bf16));
  // Steps far below half a bf16 unit of the weights would be lost if the masters were bf16.
  const Graph slow = train("bf16", 1e-6).first, start = zoo::build(net.arch, Json::parse(net.params), net.input, 4, 1);
  std::size_t moved = 0, all = 0;
  for (const auto& [name, parameter] : start.parameters) {
    const std::vector<float> before = parameter.value.to_f32(), after = slow.parameters.at(name).value.to_f32();
    for (std::size_t i = 0; i < before.size(); ++i) {
      ++all;
      moved += before[i] != after[i];
      CHECK(std::abs(after[i] - before[i]) < 1e-3F * (std::abs(before[i]) + 1));
    }
  }
  CHECK(moved * 10 > all * 9);
}

TEST_CASE("precision: names") {
  CHECK(precision_from("bf16") == Precision::bf16);
  CHECK(precision_from(precision_name(Precision::f32)) == Precision::f32);
  CHECK_MESSAGE_HAS(precision_from("bf61"), "bf16");
}

}  // namespace assay::graph
