// Adversarial recipes on 1,000 images of Fashion-MNIST: under PGD, where a plainly trained net is helpless, nets of every
// recipe keep a large part of their accuracy. The attack here is written anew on the executor.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "harness/base/rng.hpp"
#include "harness/data/loaders/formats.hpp"
#include "harness/graph/train.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::graph {
namespace {

namespace fs = std::filesystem;

TrainData fashion(const std::string& split) {
  const fs::path folder = fs::path(ASSAY_SOURCE_DIR) / "tests/data";
  const Array images = data::read_idx(folder / ("fashion-" + split + "-images.gz"));
  const Array labels = data::read_idx(folder / ("fashion-" + split + "-labels.gz"));
  TrainData set;
  set.sample_shape = {1, 28, 28};
  set.u8.assign(images.as_u8().begin(), images.as_u8().end());
  for (const std::uint8_t y : labels.as_u8()) {
    set.labels.push_back(y);
    set.ids.push_back(set.ids.size());
  }
  return set;
}

struct Threat {
  bool l2;
  float eps, step;
};

float norm(const float* v, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(v[i]) * static_cast<double>(v[i]);
  return static_cast<float>(std::sqrt(sum));
}

// One step up the gradient from x', kept in the ball around x and in [0, 1].
void step_up(const Threat& threat, const std::vector<float>& x, const std::vector<float>& g, std::vector<float>& at) {
  constexpr std::size_t size = 28 * 28;
  for (std::size_t row = 0; row < x.size(); row += size) {
    std::vector<float> d(size);
    const float length = std::max(norm(g.data() + row, size), 1e-12F);
    for (std::size_t i = 0; i < size; ++i) {
      const float sign = g[row + i] > 0 ? 1.0F : g[row + i] < 0 ? -1.0F : 0.0F;
      d[i] = at[row + i] - x[row + i] + threat.step * (threat.l2 ? g[row + i] / length : sign);
    }
    const float shrink = threat.l2 ? std::min(1.0F, threat.eps / std::max(norm(d.data(), size), 1e-12F)) : 1.0F;
    for (std::size_t i = 0; i < size; ++i) {
      const float inside = threat.l2 ? d[i] * shrink : std::clamp(d[i], -threat.eps, threat.eps);
      at[row + i] = std::clamp(x[row + i] + inside, 0.0F, 1.0F);
    }
  }
}

struct Accuracy {
  double clean = 0, robust = 0;
};

double accuracy_of(const Tensor& logits, const TrainData& set) {
  const std::vector<float> z = logits.to_f32();
  double right = 0;
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    const auto row = z.begin() + static_cast<std::ptrdiff_t>(i * 10);
    right += std::max_element(row, row + 10) - row == set.labels[i];
  }
  return right / static_cast<double>(set.labels.size());
}

// PGD with 20 steps from a random start.
Accuracy judge(const Graph& graph, const TrainData& set, const Threat& threat) {
  const Shape shape = {set.size(), 1, 28, 28};
  std::vector<float> x;
  for (const std::uint8_t v : set.u8) x.push_back(static_cast<float>(v) / 255.0F);
  Executor net(std::make_shared<Graph>(graph), 50);
  const Tensor labels = Tensor::i64({set.size()}, set.labels);
  std::vector<float> at(x.size());
  Rng(9, "judge").fill_uniform(at, -threat.step, threat.step);
  for (std::size_t i = 0; i < x.size(); ++i) at[i] = std::clamp(x[i] + at[i], 0.0F, 1.0F);
  for (int k = 0; k < 20; ++k) {
    const LossGrad made = net.loss_and_input_grad("cross-entropy", Tensor::f32(shape, at), labels);
    step_up(threat, x, made.grad.to_f32(), at);
  }
  return {accuracy_of(net.logits(Tensor::f32(shape, x)), set), accuracy_of(net.logits(Tensor::f32(shape, at)), set)};
}

Accuracy trained(const std::string& name, const Threat& threat, const Rational& eps, const Rational& step) {
  static const TrainData train = fashion("train"), test = fashion("test");
  Recipe r = recipe(name);
  r.epochs = name == "free-at" ? 6 : 20;
  r.batch = 50;
  r.optimizer = "adamw";
  r.lr = 0.003;
  r.warmup = 0;
  r.crop = 0;
  r.adv_norm = threat.l2 ? "l2" : "linf";
  r.adv_eps = eps;
  r.adv_step = step;
  r.adv_steps = 5;
  r.adv_replays = 4;
  Trainer trainer(zoo::build("all-conv", Json::parse(R"({"width": 8, "dropout": 0})"), {1, 28, 28}, 10, 1), train, r, 1);
  trainer.run();
  const Accuracy result = judge(trainer.graph(), test, threat);
  MESSAGE(name << std::string(threat.l2 ? " l2" : " linf") << ": clean " << result.clean << ", robust " << result.robust);
  return result;
}

}  // namespace

TEST_CASE("linf: nets of the adversarial recipes withstand PGD, a plain one does not") {
  const Threat threat{false, 0.1F, 0.02F};
  const Accuracy plain = trained("standard", threat, {1, 10}, {1, 40});
  CHECK(plain.clean > 0.7);
  CHECK(plain.robust < 0.1);
  for (const char* name : {"pgd-at", "fast-at", "free-at", "trades"}) {
    const std::string of = name;
    CAPTURE(of);
    const Rational step = of == "fast-at" ? Rational{1, 8} : of == "free-at" ? Rational{1, 10} : Rational{1, 40};
    const Accuracy robust = trained(of, threat, {1, 10}, step);
    CHECK(robust.clean > 0.5);
    CHECK(robust.robust > plain.robust + 0.25);
  }
}

TEST_CASE("l2: so do those trained in the l2 ball") {
  const Threat threat{true, 1.5F, 0.3F};
  const Accuracy plain = trained("standard", threat, {3, 2}, {1, 2});
  CHECK(plain.robust < 0.2);
  for (const char* name : {"pgd-at", "trades"}) {
    const std::string of = name;
    CAPTURE(of);
    const Accuracy robust = trained(of, threat, {3, 2}, {1, 2});
    CHECK(robust.clean > 0.5);
    CHECK(robust.robust > plain.robust + 0.2);
  }
}

}  // namespace assay::graph
