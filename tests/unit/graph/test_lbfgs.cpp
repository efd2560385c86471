// L-BFGS on functions with known minima; logistic regression against scikit-learn (fixtures/make_training.py).
#include "helpers.hpp"

#include "harness/base/files.hpp"
#include "harness/graph/logistic.hpp"

namespace assay::graph {

TEST_CASE("L-BFGS finds the minima of Rosenbrock's function and of a badly scaled quadratic") {
  const auto rosenbrock = [](std::span<const double> x, std::span<double> g) {
    std::fill(g.begin(), g.end(), 0.0);
    double f = 0;
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
      f += 100 * a * a + b * b;
      g[i] += -400 * x[i] * a - 2 * b;
      g[i + 1] += 200 * a;
    }
    return f;
  };
  std::vector<double> x = {-1.2, 1, -0.5, 2, 0.3, 1.7};
  LbfgsResult result = minimize_lbfgs(rosenbrock, x);
  CHECK(result.end == LbfgsEnd::converged);
  CHECK(result.iterations < 100);
  for (const double v : x) CHECK(v == doctest::Approx(1).epsilon(1e-7));

  const auto quadratic = [](std::span<const double> v, std::span<double> g) {
    double f = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      const double scale = std::pow(10.0, static_cast<double>(i)), d = v[i] - static_cast<double>(i);
      f += 0.5 * scale * d * d;
      g[i] = scale * d;
    }
    return f;
  };
  std::vector<double> y(6, 10.0);
  result = minimize_lbfgs(quadratic, y);
  CHECK(result.end == LbfgsEnd::converged);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(static_cast<double>(i)).epsilon(1e-6));
}

TEST_CASE("L-BFGS ends where it must: at once, by its limits, on a kink, and never from a NaN") {
  const auto square = [](std::span<const double> x, std::span<double> g) {
    g[0] = 2 * x[0];
    return x[0] * x[0];
  };
  std::vector<double> x = {0};
  CHECK(minimize_lbfgs(square, x).iterations == 0);
  LbfgsOptions one;
  one.max_iterations = 1;
  x = {3};
  CHECK(minimize_lbfgs(square, x, one).iterations <= 1);
  const auto kink = [](std::span<const double> v, std::span<double> g) {
    g[0] = v[0] > 0 ? 1 : -1;
    return std::abs(v[0]);
  };
  x = {3.3};
  const LbfgsResult stuck = minimize_lbfgs(kink, x);
  CHECK(stuck.value < 1e-6);
  CHECK(stuck.iterations < 1000);
  const auto nan = [](std::span<const double>, std::span<double> g) {
    g[0] = 0;
    return std::nan("");
  };
  CHECK_MESSAGE_HAS(minimize_lbfgs(nan, x), "not finite");
}

TEST_CASE("logistic regression reaches scikit-learn's optimum") {
  const Json fixture = Json::parse(read_text(fs::path(ASSAY_SOURCE_DIR) / "tests/unit/graph/fixtures/logistic.json"));
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (const Json& v : fixture.at("x").as_array()) x.push_back(static_cast<float>(v.as_real()));
  for (const Json& v : fixture.at("y").as_array()) y.push_back(v.as_int());
  const LogisticHead head = fit_logistic(x, y, 3, fixture.at("l2").as_real());
  CHECK(head.fit.end == LbfgsEnd::converged);
  CHECK(head.fit.value == doctest::Approx(fixture.at("loss").as_real()).epsilon(1e-7));
  for (std::size_t i = 0; i < head.weights.size(); ++i) {
    CHECK(head.weights[i] == doctest::Approx(fixture.at("weights").at(i).as_real()).epsilon(1e-5));
  }
  for (std::size_t i = 0; i < head.bias.size(); ++i) {
    CHECK(head.bias[i] == doctest::Approx(fixture.at("bias").at(i).as_real()).epsilon(1e-5));
  }
  const std::vector<double> z = head.logits(x);
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) sum += std::exp(z[3 * i + c]);
    loss += std::log(sum) - z[3 * i + static_cast<std::size_t>(y[i])];
  }
  CHECK(loss / static_cast<double>(y.size()) < head.fit.value);  // the rest is the penalty
  y[3] = 3;
  CHECK_MESSAGE_HAS(fit_logistic(x, y, 3, 0.1), "label 3 is not in [0, 3)");
  CHECK_MESSAGE_HAS(fit_logistic(std::span(x).first(7), y, 4, 0.1), "7 values for 60 labels");
}

namespace {

// The fixture's rows as training data, and a linear net on them.
struct LinearProblem {
  Json fixture = Json::parse(read_text(fs::path(ASSAY_SOURCE_DIR) / "tests/unit/graph/fixtures/logistic.json"));
  TrainData data;
  Graph graph;
  Recipe recipe;
  LinearProblem() {
    data.sample_shape = {4};
    for (const Json& v : fixture.at("x").as_array()) data.f32.push_back(static_cast<float>(v.as_real()));
    for (const Json& v : fixture.at("y").as_array()) data.labels.push_back(v.as_int());
    for (std::size_t i = 0; i < data.labels.size(); ++i) data.ids.push_back(i);
    GraphBuilder b({{"input", {engine::DType::f32, {4}}}}, 5, Weights::initial);
    const std::string drop = b.dropout("drop", b.input(), 0.5);  // off: L-BFGS sees the net in evaluation mode
    graph = b.finish(b.linear("head", drop, 3), b.input(), Json::object({}));
    recipe.optimizer = "lbfgs";
    recipe.epochs = 200;
    recipe.batch = 16;  // 60 rows: the last batch is not full
    recipe.weight_decay = fixture.at("l2").as_real();
  }
};

}  // namespace

TEST_CASE("a recipe with L-BFGS trains a head to the optimum that scipy's L-BFGS finds through scikit-learn") {
  LinearProblem p;
  Trainer trainer(p.graph, p.data, p.recipe, 1);
  std::int64_t evaluations = 0;
  TrainHooks hooks;
  hooks.progress = [&](const TrainProgress&) { return ++evaluations > 0; };
  trainer.run(hooks);
  CHECK(trainer.finished());
  REQUIRE(trainer.epoch_losses().size() == 1);
  CHECK(trainer.epoch_losses()[0] == doctest::Approx(p.fixture.at("loss").as_real()).epsilon(1e-6));
  const Graph trained = trainer.graph();
  const std::vector<float> w = trained.parameters.at("head.weight").value.to_f32(), b = trained.parameters.at("head.bias").value.to_f32();
  for (std::size_t i = 0; i < w.size(); ++i) CHECK(static_cast<double>(w[i]) == doctest::Approx(p.fixture.at("weights").at(i).as_real()).epsilon(2e-3));
  const float mean = (b[0] + b[1] + b[2]) / 3;
  for (std::size_t i = 0; i < b.size(); ++i) CHECK(static_cast<double>(b[i] - mean) == doctest::Approx(p.fixture.at("bias").at(i).as_real()).epsilon(2e-3));
  CHECK(trainer.passes().forward == static_cast<double>(60 * evaluations));
  CHECK(evaluations < 200);
}

TEST_CASE("L-BFGS as a recipe: frozen and masked weights stay, a stopped run begins anew with the same bits") {
  LinearProblem p;
  p.graph.set_mask("head.weight", Tensor::f32({3, 4}, std::vector<float>{1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1}));
  p.recipe.frozen = {"head.bias"};
  Trainer whole(p.graph, p.data, p.recipe, 1), stopped(p.graph, p.data, p.recipe, 1), resumed(p.graph, p.data, p.recipe, 1);
  whole.run();
  const Graph trained = whole.graph();
  CHECK(same_bits(trained.parameters.at("head.bias").value, p.graph.parameters.at("head.bias").value));
  const std::vector<float> w = trained.parameters.at("head.weight").value.to_f32();
  CHECK(w[3] == 0);
  CHECK(w[5] == 0);
  CHECK(w[0] != p.graph.parameters.at("head.weight").value.to_f32()[0]);
  const fs::path file = fs::temp_directory_path() / "assay-lbfgs.ckpt";
  int calls = 0;
  TrainHooks stop;
  stop.progress = [&](const TrainProgress&) {
    if (++calls == 5) stopped.save_checkpoint(file);
    return calls < 5;
  };
  CHECK_MESSAGE_HAS(stopped.run(stop), "cancelled after 5 evaluations");
  resumed.restore_checkpoint(file);
  resumed.run();
  CHECK(same_bits(resumed.graph().parameters.at("head.weight").value, trained.parameters.at("head.weight").value));
  fs::remove(file);
}

TEST_CASE("what L-BFGS cannot take is refused by key") {
  LinearProblem p;
  Recipe r = p.recipe;
  r.flip = true;
  CHECK_MESSAGE_HAS(r.validate(), "recipe.flip: has no meaning with optimizer 'lbfgs'");
  r = p.recipe;
  r.adversary = "pgd";
  CHECK_MESSAGE_HAS(r.validate(), "recipe.adversary: has no meaning");
  Trainer trainer(p.graph, p.data, p.recipe, 1);
  TrainHooks hooks;
  hooks.objective = [](const ObjectiveBatch&) { return ObjectiveResult{}; };
  CHECK_MESSAGE_HAS(trainer.run(hooks), "not a trainer's objective");
}

}  // namespace assay::graph
