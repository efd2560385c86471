// Training: it learns, repeats bit for bit, resumes bit for bit, honours masks; data are checked.
#include "helpers.hpp"

#include "harness/base/files.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/batches.hpp"
#include "harness/graph/optimizer.hpp"

namespace assay::graph {
namespace {

Recipe short_recipe() {
  Recipe r;
  r.epochs = 3;
  r.batch = 16;
  r.lr = 0.05;
  r.flip = true;
  r.crop = 1;
  r.warmup = 0.5;
  return r;
}

const NetCase small_net = {"", "all-conv", R"({"width": 8, "dropout": 0.2})", {1, 12, 12}};

Graph four_classes(const NetCase& net) { return zoo::build(net.arch, Json::parse(net.params), net.input, 4, 1); }

double accuracy(const Graph& graph, const TrainData& data) {
  Shape shape = data.sample_shape;
  shape.insert(shape.begin(), data.size());
  const std::vector<float> z = Executor(std::make_shared<Graph>(graph), 32).logits(Tensor::f32(shape, data.f32)).to_f32();
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto row = z.begin() + i * 4;
    right += std::max_element(row, row + 4) - row == data.labels[static_cast<std::size_t>(i)];
  }
  return static_cast<double>(right) / static_cast<double>(data.size());
}

}  // namespace

TEST_CASE("training reduces the loss and learns, for every net and both optimizers") {
  for (const NetCase& net : nets()) {
    for (const char* optimizer : {"sgd", "adamw"}) {
      CAPTURE(net.name);
      CAPTURE(optimizer);
      const TrainData data = blobs(128, net.input);
      Recipe r;
      r.epochs = 6;
      r.batch = 16;
      r.optimizer = optimizer;
      r.lr = r.optimizer == "sgd" ? 0.02 : 0.003;
      Trainer trainer(four_classes(net), data, r, 3);
      trainer.run();
      const auto losses = trainer.epoch_losses();
      CHECK(losses.size() == 6);
      CHECK(losses.back() < 0.8 * losses.front());
      CHECK(accuracy(trainer.graph(), data) > 0.5);
      CHECK(trainer.forward_samples() == 6 * 128);
    }
  }
}

TEST_CASE("equal seeds give equal bits, other seeds do not [rule 7]") {
  const TrainData data = blobs(64, small_net.input);
  const auto digest = [&](std::uint64_t seed) {
    Trainer trainer(four_classes(small_net), data, short_recipe(), seed);
    trainer.run();
    return weight_digest(trainer.graph());
  };
  CHECK(digest(1) == digest(1));
  CHECK(digest(1) != digest(2));
}

TEST_CASE("a restored trainer continues bit for bit [rule 9]") {
  TempDir dir;
  const TrainData data = blobs(70, small_net.input);
  for (const char* optimizer : {"sgd", "adamw"}) {
    Recipe r = short_recipe();
    r.optimizer = optimizer;
    Trainer whole(four_classes(small_net), data, r, 5);
    whole.run();
    Trainer first(four_classes(small_net), data, r, 5);
    first.run_epoch();
    first.save_checkpoint(dir.path() / "ckpt");
    Trainer second(four_classes(small_net), data, r, 5);
    second.restore_checkpoint(dir.path() / "ckpt");
    CHECK(second.epochs_done() == 1);
    second.run();
    CHECK(weight_digest(second.graph()) == weight_digest(whole.graph()));
    CHECK(second.epoch_losses() == whole.epoch_losses());
    CHECK(second.forward_samples() == whole.forward_samples());
    Trainer other(four_classes(small_net), data, r, 6);
    CHECK_MESSAGE_HAS(other.restore_checkpoint(dir.path() / "ckpt"), "another seed");
    const TrainData more = blobs(71, small_net.input);
    Trainer another(four_classes(small_net), more, r, 5);
    CHECK_MESSAGE_HAS(another.restore_checkpoint(dir.path() / "ckpt"), "another data");
  }
}

TEST_CASE("masked weights stay exactly 0 through training, the others move") {
  const TrainData data = blobs(64, small_net.input);
  for (const char* optimizer : {"sgd", "adamw"}) {
    Graph graph = four_classes(small_net);
    const std::string name = "conv2_1.weight";
    const Shape shape = graph.parameters[name].value.shape();
    std::vector<float> mask(static_cast<std::size_t>(engine::element_count(shape)));
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 4 == 0 ? 1.0F : 0.0F;
    graph.set_mask(name, Tensor::f32(shape, mask));
    Recipe r = short_recipe();
    r.optimizer = optimizer;
    Trainer trainer(graph, data, r, 1);
    trainer.run();
    const Graph after = trainer.graph();
    after.validate();
    const std::vector<float> values = after.parameters.at(name).value.to_f32();
    int moved = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (mask[i] == 0) CHECK(values[i] == 0.0F);
      moved += mask[i] != 0 && values[i] != graph.parameters[name].value.to_f32()[i];
    }
    CHECK(moved > 0);
  }
}

TEST_CASE("frozen parameters stay as they are") {
  const TrainData data = blobs(32, small_net.input);
  Graph graph = four_classes(small_net);
  graph.parameters["conv1_1.weight"].trainable = false;
  Trainer trainer(graph, data, short_recipe(), 1);
  trainer.run_epoch();
  CHECK(same_bits(trainer.graph().parameters.at("conv1_1.weight").value, graph.parameters["conv1_1.weight"].value));
  CHECK_FALSE(same_bits(trainer.graph().parameters.at("conv1_2.weight").value, graph.parameters["conv1_2.weight"].value));
}

TEST_CASE("an objective that gives softmax - onehot trains like the built-in loss") {
  const TrainData data = blobs(64, small_net.input);
  const auto run = [&](bool objective) {
    Trainer trainer(four_classes(small_net), data, short_recipe(), 1);
    TrainHooks hooks;
    std::vector<std::uint64_t> seen;
    if (objective) {
      hooks.objective = [&](const ObjectiveBatch& b) {
        seen.insert(seen.end(), b.ids.begin(), b.ids.end());
        const Tensor soft = engine::apply1("softmax", {b.logits}), hot = engine::apply1("one_hot", {b.labels}, {{"classes", std::int64_t{4}}});
        const Tensor grad = engine::apply1("affine", {engine::apply1("sub", {soft, hot})}, {{"scale", 1.0 / 16}});
        return ObjectiveResult{grad, 1.0};
      };
    }
    trainer.run(hooks);
    if (objective) CHECK(seen.size() == 3 * 64);
    return trainer.graph();
  };
  const Graph a = run(false), b = run(true);
  for (const auto& [name, parameter] : a.parameters) {
    const std::string& of = name;  // a binding cannot be captured
    CAPTURE(of);
    CHECK(difference(parameter.value, b.parameters.at(name).value) < 1e-4);
  }
}

TEST_CASE("an eager objective trains like the built-in loss, and may look at taps") {
  const TrainData data = blobs(48, small_net.input);
  const auto run = [&](bool eager) {
    Trainer trainer(four_classes(small_net), data, short_recipe(), 1);
    TrainHooks hooks;
    if (eager) {
      hooks.eager_objective = [](const EagerBatch& b) {
        const auto values = b.forward(b.inputs, {"logits", "features"});
        CHECK(values[1].dim(1) == 32);
        return engine::apply1("reduce_mean", {engine::apply1("cross_entropy", {values[0], b.labels})});
      };
    }
    trainer.run(hooks);
    return trainer.graph();
  };
  const Graph a = run(false), b = run(true);
  for (const auto& [name, parameter] : a.parameters) {
    const std::string& of = name;  // a binding cannot be captured
    CAPTURE(of);
    CHECK(difference(parameter.value, b.parameters.at(name).value) < 1e-4);
  }
  for (const auto& [name, buffer] : a.buffers) CHECK(difference(buffer, b.buffers.at(name)) < 1e-4);
}

TEST_CASE("hooks: progress cancels, epochs end once, divergence is named") {
  const TrainData data = blobs(64, small_net.input);
  Trainer trainer(four_classes(small_net), data, short_recipe(), 1);
  std::vector<std::int64_t> ends;
  std::int64_t steps = 0;
  TrainHooks hooks;
  hooks.epoch_end = [&](std::int64_t done) { ends.push_back(done); };
  hooks.progress = [&](const TrainProgress& p) {
    CHECK(p.steps_per_epoch == 4);
    return ++steps < 10;
  };
  CHECK(message_of([&] { trainer.run(hooks); }).find("cancelled") != std::string::npos);
  CHECK(ends == std::vector<std::int64_t>{1, 2});
  trainer.run();  // a cancelled trainer stands between two steps and goes on
  Trainer whole(four_classes(small_net), data, short_recipe(), 1);
  whole.run();
  CHECK(weight_digest(trainer.graph()) == weight_digest(whole.graph()));
  Trainer broken(four_classes(small_net), data, short_recipe(), 1);
  TrainHooks failing;
  failing.objective = [](const ObjectiveBatch&) -> ObjectiveResult { throw Error(Fault::constraint, "no"); };
  CHECK_MESSAGE_HAS(broken.run(failing), "no");
  CHECK_MESSAGE_HAS(broken.save_checkpoint("/nonexistent/file"), "within a step");
  CHECK_MESSAGE_HAS(broken.run(), "within a step");
  Recipe wild = short_recipe();
  wild.lr = 1000;
  wild.warmup = 0;
  Trainer diverging(zoo::build("mlp", Json::parse(R"({"hidden": [32, 32]})"), small_net.input, 4, 1), data, wild, 1);
  CHECK_MESSAGE_HAS(diverging.run(), "diverged");
}

TEST_CASE("one step of each optimizer equals the published update, computed here") {
  Graph graph;
  graph.parameters["w"].value = Tensor::f32({1, 2}, std::vector<float>{1.0F, -2.0F});
  graph.parameters["b"].value = Tensor::f32({1}, std::vector<float>{0.5F});
  const std::vector<float> gw = {0.3F, -0.1F}, gb = {0.2F};
  Recipe r;
  r.weight_decay = 0.1;
  for (const bool nesterov : {false, true}) {
    r.nesterov = nesterov;
    Optimizer sgd(graph, r);
    double w = 1.0, v = 0, b = 0.5, vb = 0;
    for (int step = 0; step < 3; ++step) {
      sgd.step({gb, gw}, 0.1);  // in name order: b, w
      const double g = 0.3 + 0.1 * w;
      v = 0.9 * v + g;
      w -= 0.1 * (nesterov ? g + 0.9 * v : v);
      vb = 0.9 * vb + 0.2;  // a bias does not decay
      b -= 0.1 * (nesterov ? 0.2 + 0.9 * vb : vb);
    }
    CHECK(static_cast<double>(sgd.parameters()[1].value[0]) == doctest::Approx(w).epsilon(1e-6));
    CHECK(static_cast<double>(sgd.parameters()[0].value[0]) == doctest::Approx(b).epsilon(1e-6));
  }
  r.optimizer = "adamw";
  Optimizer adamw(graph, r);
  double w = -2.0, m = 0, v = 0;
  for (int t = 1; t <= 4; ++t) {
    adamw.step({gb, gw}, 0.01);
    m = 0.9 * m + 0.1 * -0.1;
    v = 0.999 * v + 0.001 * 0.01;
    w -= 0.01 * 0.1 * w;
    w -= 0.01 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
  }
  CHECK(static_cast<double>(adamw.parameters()[1].value[1]) == doctest::Approx(w).epsilon(1e-5));
}

TEST_CASE("augmentation and order are functions of seed, sample id and epoch") {
  TrainData data = blobs(8, {1, 4, 4});
  const auto fill = [&](std::vector<std::int64_t> rows, std::int64_t epoch, std::uint64_t seed = 1) {
    std::vector<float> out(rows.size() * 16);
    fill_batch(data, {rows, seed, epoch, true, 1}, out);
    return out;
  };
  const auto a = fill({2, 5}, 0), b = fill({5, 2}, 0);
  CHECK(std::vector<float>(a.begin(), a.begin() + 16) == std::vector<float>(b.begin() + 16, b.end()));
  std::vector<std::int64_t> all = {0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(fill(all, 0) != fill(all, 1));
  CHECK(fill(all, 0) != fill(all, 0, 2));
  CHECK(epoch_order(50, 1, 0) == epoch_order(50, 1, 0));
  CHECK(epoch_order(50, 1, 0) != epoch_order(50, 1, 1));
  // A flip without crop mirrors the columns; somebody must be flipped and somebody not.
  int flipped = 0;
  for (std::int64_t i = 0; i < 8; ++i) {
    std::vector<float> out(16);
    const std::vector<std::int64_t> row = {i};
    fill_batch(data, {row, 1, 0, true, 0}, out);
    const float* from = data.f32.data() + i * 16;
    const bool same = std::equal(out.begin(), out.end(), from);
    flipped += !same;
    for (std::size_t k = 0; k < 16 && !same; ++k) CHECK(out[k] == from[k / 4 * 4 + 3 - k % 4]);
  }
  CHECK(flipped > 0);
  CHECK(flipped < 8);
}

TEST_CASE("u8 samples are scaled to [0, 1]") {
  TrainData data;
  data.sample_shape = {1, 1, 2};
  data.u8 = {0, 255, 51, 102};
  data.labels = {0, 1};
  data.ids = {1, 2};
  std::vector<float> out(4);
  const std::vector<std::int64_t> rows = {1, 0};
  fill_batch(data, {rows, 0, 0, false, 0}, out);
  CHECK(out[0] == doctest::Approx(0.2));
  CHECK(out[1] == doctest::Approx(0.4));
  CHECK(out[2] == 0.0F);
  CHECK(out[3] == doctest::Approx(1.0));
}

TEST_CASE("training data that do not fit are refused") {
  const TrainData good = blobs(32, small_net.input);
  const Graph graph = four_classes(small_net);
  const auto broken = [&](auto&& change) {
    TrainData data = good;
    change(data);
    return message_of([&] { Trainer(graph, data, short_recipe(), 1); });
  };
  const auto has = [](const std::string& got, const std::string& text) { CHECK_MESSAGE(got.find(text) != std::string::npos, "message: " << got); };
  has(broken([](TrainData& d) { d.labels[3] = 4; }), "label 4 of row 3");
  has(broken([](TrainData& d) { d.ids.pop_back(); }), "sample ids");
  has(broken([](TrainData& d) { d.f32.pop_back(); }), "input values");
  has(broken([](TrainData& d) { d.u8.push_back(1); }), "exactly one");
  has(broken([](TrainData& d) { d.sample_shape = {1, 6, 24}; }), "do not fit");
}

}  // namespace assay::graph
