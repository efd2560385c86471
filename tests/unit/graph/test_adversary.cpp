// The parts of adversarial training: balls, steps, losses against finite differences, what a step may see and counts.
#include "helpers.hpp"

#include "harness/engine/tape/eager.hpp"
#include "harness/graph/adversary.hpp"

namespace assay::graph {
namespace {

const NetCase net_case = {"", "all-conv", R"({"width": 8, "dropout": 0.2})", {1, 12, 12}};
Graph start_net() { return zoo::build(net_case.arch, Json::parse(net_case.params), net_case.input, 4, 1); }

Recipe robust_recipe(const std::string& adversary, const std::string& norm = "linf") {
  Recipe r;
  r.epochs = 1;
  r.batch = 16;
  r.lr = 0.02;
  r.adversary = adversary;
  r.adv_norm = norm;
  r.adv_eps = norm == "l2" ? Rational{1, 1} : Rational{1, 10};
  r.adv_step = norm == "l2" ? Rational{1, 2} : Rational{1, 20};
  r.adv_steps = 3;
  r.adv_replays = 4;
  return r;
}

double kl_of(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> unused(b.size());
  return kl_divergence(a, b, 3, 1.0, {}, unused);
}

Tensor softmax(const Tensor& z) { return engine::apply1("softmax", {z}); }

// The adversarial inputs of trades, by the executor, on the weights that the net has before its first step.
Tensor ascended(const Graph& graph, const EagerBatch& batch, const Recipe& r) {
  Executor net(std::make_shared<Graph>(graph), batch.inputs.dim(0));
  const std::vector<float> x = batch.inputs.to_f32();
  std::vector<float> d(x.size()), at(x.size());
  tiny_start(1, 0, batch.ids, d);
  for (std::size_t i = 0; i < x.size(); ++i) at[i] = x[i] + d[i];
  const Tensor p = softmax(net.logits(batch.inputs));
  const auto eps = static_cast<float>(r.adv_eps.value()), step = static_cast<float>(r.adv_step.value());
  for (std::int64_t k = 0; k < r.adv_steps; ++k) {
    const Tensor now = Tensor::f32(batch.inputs.shape(), at);
    const std::vector<float> g = net.input_vjp("logits", now, engine::apply1("sub", {softmax(net.logits(now)), p})).to_f32();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float moved = at[i] + (g[i] > 0 ? step : g[i] < 0 ? -step : 0.0F);
      at[i] = std::clamp(std::clamp(moved, x[i] - eps, x[i] + eps), 0.0F, 1.0F);
    }
  }
  return Tensor::f32(batch.inputs.shape(), at);
}

}  // namespace

TEST_CASE("losses with their cotangents agree with finite differences") {
  const std::vector<float> a = {0.3F, -1.0F, 2.0F, 0.0F, 0.5F, -0.5F}, b = {1.0F, 0.2F, 0.4F, -1.0F, 2.0F, 0.1F};
  std::vector<float> da(6, 0.0F), db(6, 0.0F);
  kl_divergence(a, b, 3, 2.0, da, db);
  const std::vector<float> t = {0.7F, 0.3F, 0.0F, 0.1F, 0.1F, 0.8F};
  std::vector<float> dz(6), unused(6);
  soft_cross_entropy(a, t, 3, dz);
  constexpr float h = 1.0F / 256;
  const auto moved = [](std::vector<float> v, std::size_t i, float by) {
    v[i] += by;
    return v;
  };
  for (std::size_t i = 0; i < 6; ++i) {
    const double wide = 2 * static_cast<double>(h);
    CHECK(static_cast<double>(da[i]) == doctest::Approx(2 * (kl_of(moved(a, i, h), b) - kl_of(moved(a, i, -h), b)) / wide).epsilon(1e-3));
    CHECK(static_cast<double>(db[i]) == doctest::Approx(2 * (kl_of(a, moved(b, i, h)) - kl_of(a, moved(b, i, -h))) / wide).epsilon(1e-3));
    const double up = soft_cross_entropy(moved(a, i, h), t, 3, unused), down = soft_cross_entropy(moved(a, i, -h), t, 3, unused);
    CHECK(static_cast<double>(dz[i]) == doctest::Approx((up - down) / wide).epsilon(1e-3));
  }
  CHECK(kl_of(a, a) == doctest::Approx(0).scale(1));
  std::vector<float> p(6);
  softmax_rows(a, 3, p);
  CHECK(static_cast<double>(p[0]) == doctest::Approx(std::exp(0.3) / (std::exp(0.3) + std::exp(-1.0) + std::exp(2.0))));
}

TEST_CASE("steps stay in the ball and in the range; a row without gradient stays where it is") {
  Ball ball;
  ball.eps = 0.25F;
  ball.step = 0.2F;
  ball.row = 2;
  std::vector<float> delta = {0.2F, -0.2F, 0.0F, 0.0F};
  const std::vector<float> gradient = {3.0F, -0.1F, 0.0F, 1e-20F};
  ascend(ball, gradient, delta);
  CHECK(delta == std::vector<float>{0.25F, -0.25F, 0.0F, 0.2F});
  const std::vector<float> x = {0.9F, 0.1F, 0.5F, 0.5F};
  std::vector<float> at(4);
  apply_delta(ball, x, delta, at);
  CHECK(at == std::vector<float>{1.0F, 0.0F, 0.5F, 0.7F});
  CHECK(delta[0] == at[0] - x[0]);
  ball.l2 = true;
  ball.eps = 1;
  ball.step = 0.5F;
  delta = {0.8F, 0.6F, 0.0F, 0.0F};
  ascend(ball, std::vector<float>{6.0F, 8.0F, 0.0F, 0.0F}, delta);
  CHECK(std::hypot(delta[0], delta[1]) == doctest::Approx(1));
  CHECK(delta[1] / delta[0] == doctest::Approx(1.0 / 1.1));
  CHECK(delta[2] == 0.0F);
}

TEST_CASE("what an objective sees under pgd and fgsm is inside the ball, of higher loss, and keyed by the sample") {
  const TrainData data = blobs(32, net_case.input);
  for (const char* adversary : {"pgd", "fgsm"}) {
    for (const char* norm : {"linf", "l2"}) {
      CAPTURE(adversary);
      CAPTURE(norm);
      const Recipe r = robust_recipe(adversary, norm);
      Trainer trainer(start_net(), data, r, 1);
      TrainHooks hooks;
      double furthest = 0;
      hooks.objective = [&](const ObjectiveBatch& b) {
        const std::vector<float> seen = b.inputs.to_f32();
        for (std::size_t i = 0; i < b.ids.size(); ++i) {
          const std::size_t row = (b.ids[i] - 3) / 7;  // as blobs() numbers them
          double most = 0, squares = 0;
          for (std::size_t k = 0; k < 144; ++k) {
            CHECK(seen[i * 144 + k] >= 0.0F);
            CHECK(seen[i * 144 + k] <= 1.0F);
            const double d = static_cast<double>(seen[i * 144 + k]) - static_cast<double>(data.f32[row * 144 + k]);
            most = std::max(most, std::abs(d));
            squares += d * d;
          }
          const double size = r.adv_norm == "l2" ? std::sqrt(squares) : most;
          CHECK(size <= r.adv_eps.value() + 1e-6);
          furthest = std::max(furthest, size);
        }
        Tensor zero = Tensor::full(b.logits.shape(), 0.0F);
        return ObjectiveResult{zero, 1.0};
      };
      trainer.run(hooks);
      CHECK(furthest > 0.5 * r.adv_eps.value());
    }
  }
}

TEST_CASE("passes are counted as they are made") {
  const TrainData data = blobs(32, net_case.input);
  const auto counts = [&](const std::string& adversary) {
    Trainer trainer(start_net(), data, robust_recipe(adversary), 1);
    trainer.run();
    const PassCounts c = trainer.passes();
    return std::vector<double>{c.forward / 32, c.input_backward / 32, c.full_backward / 32};
  };
  CHECK(counts("none") == std::vector<double>{1, 0, 1});
  CHECK(counts("fgsm") == std::vector<double>{2, 1, 1});
  CHECK(counts("pgd") == std::vector<double>{4, 3, 1});
  CHECK(counts("free") == std::vector<double>{4, 0, 4});
  CHECK(counts("trades") == std::vector<double>{6, 3, 2});
}

TEST_CASE("trades without a robust term is plain training") {
  const TrainData data = blobs(16, net_case.input);
  const Json no_dropout = Json::parse(R"({"width": 8, "dropout": 0})");
  const Graph start = zoo::build("all-conv", no_dropout, net_case.input, 4, 1);
  Recipe r = robust_recipe("trades");
  r.adv_beta = 0;
  Trainer zero(start, data, r, 1);
  zero.run();
  r.adversary = "none";
  Trainer plain(start, data, r, 1);
  plain.run();
  for (const auto& [name, parameter] : plain.graph().parameters) {
    const std::string of = name;
    CAPTURE(of);
    CHECK(difference(parameter.value, zero.graph().parameters.at(name).value) < 1e-5);
  }
  // Statistics move with the adversarial pass too.
  bool moved = false;
  for (const auto& [name, buffer] : plain.graph().buffers) moved = moved || difference(buffer, zero.graph().buffers.at(name)) > 1e-4;
  CHECK(moved);
}

TEST_CASE("a step of trades is the step that the eager tape takes on its loss") {
  const TrainData data = blobs(16, net_case.input);
  const Graph start = zoo::build("all-conv", Json::parse(R"({"width": 8, "dropout": 0})"), net_case.input, 4, 1);
  Recipe r = robust_recipe("trades");
  Trainer compiled(start, data, r, 1);
  compiled.run();
  Recipe plain = r;
  plain.adversary = "none";
  Trainer eager(start, data, plain, 1);
  TrainHooks hooks;
  hooks.eager_objective = [&](const EagerBatch& b) {
    const Tensor z = b.forward(b.inputs, {"logits"})[0], z_adv = b.forward(ascended(start, b, r), {"logits"})[0];
    const Tensor log_p = engine::apply1("log_softmax", {z}), log_q = engine::apply1("log_softmax", {z_adv});
    const Tensor terms = engine::apply1("mul", {softmax(z), engine::apply1("sub", {log_p, log_q})});
    const Tensor kl = engine::apply1("affine", {engine::apply1("reduce_sum", {terms})}, {{"scale", r.adv_beta / 16}});
    return engine::apply1("add", {engine::apply1("reduce_mean", {engine::apply1("cross_entropy", {z, b.labels})}), kl});
  };
  eager.run(hooks);
  for (const auto& [name, parameter] : eager.graph().parameters) {
    const std::string of = name;
    CAPTURE(of);
    CHECK(difference(compiled.graph().parameters.at(name).value, parameter.value) < 1e-4);
    CHECK(difference(start.parameters.at(name).value, parameter.value) > 1e-4);
  }
}

}  // namespace assay::graph
