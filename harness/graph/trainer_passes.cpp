// How a batch becomes a loss and gradients: the built-in loss, soft targets, objectives, adversaries.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"
#include "harness/graph/mixing.hpp"
#include "harness/graph/trainer_impl.hpp"

namespace assay::graph {
namespace {

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return sum / static_cast<double>(values.size());
}

}  // namespace

// The training pass of a step has the step's number as its draw; the other passes have draws that no step reaches.
RandomKeys Trainer::Impl::keys(std::uint64_t of_pass) const {
  constexpr int beyond_any_step = 40;
  return {seed, static_cast<std::uint64_t>(epoch * steps_per_epoch() + step) + (of_pass << beyond_any_step), ids};
}

void Trainer::Impl::count(double forward, double input_backward, double full_backward) {
  passes.forward += forward;
  passes.input_backward += input_backward;
  passes.full_backward += full_backward;
}

std::unique_ptr<NetPass> Trainer::Impl::make_pass(const PassOptions& options) {
  auto made = std::make_unique<NetPass>(graph, batch, options);
  for (const OptimizedParameter& p : optimizer.parameters()) made->bind(p.name, p.value.data());
  if (options.mode != Mode::train) {
    for (const auto& [name, values] : statistics.values()) made->bind(name, values.data());
  }
  return made;
}

NetPass& Trainer::Impl::training_pass() {
  if (!pass) pass = make_pass({Mode::train, false, true, precision_from(recipe.precision)});
  return *pass;
}

NetPass& Trainer::Impl::second_pass() {
  if (!twin) twin = make_pass({Mode::train, false, true, precision_from(recipe.precision)});
  return *twin;
}

// TRADES attacks the net in evaluation mode, the others in training mode.
NetPass& Trainer::Impl::attack_pass() {
  const Mode mode = recipe.adversary == "trades" ? Mode::eval : Mode::train;
  if (!attack) attack = make_pass({mode, true, false, precision_from(recipe.precision)});
  return *attack;
}

// In f32 always: what is judged is the f32 net. Reads the running average where there is one; its memory may have moved
// since the last time.
NetPass& Trainer::Impl::eval_pass() {
  if (!eval) eval = make_pass({Mode::eval, false, false});
  const bool averaged = recipe.ema > 0 && average.started();
  for (std::size_t k = 0; k < optimizer.parameters().size(); ++k) {
    const OptimizedParameter& p = optimizer.parameters()[k];
    eval->bind(p.name, averaged ? average.weights()[k].data() : p.value.data());
  }
  for (const auto& [name, values] : averaged ? average.buffers() : statistics.values()) eval->bind(name, values.data());
  return *eval;
}

double Trainer::Impl::run_batch(const TrainHooks& hooks) {
  if (hooks.eager_objective) return run_eager(hooks);
  if (recipe.adversary == "free") return run_free();
  if (recipe.adversary == "trades") return run_trades();
  if (recipe.adversarial()) perturb_batch();
  if (hooks.objective) return run_objective(hooks);
  return recipe.mixes() ? run_soft() : run_plan();
}

void Trainer::Impl::take_outputs(const NetPass& net) {
  statistics.update([&](const std::string& name) { return net.output("stat:" + name); });
  gradients.clear();
  for (const OptimizedParameter& p : optimizer.parameters()) gradients.push_back(net.output("grad:" + p.name).f32s());
}

void Trainer::Impl::take_plan_outputs() {
  statistics.update([this](const std::string& name) { return output("stat:" + name); });
  gradients.clear();
  for (const std::size_t at : gradient_outputs) gradients.push_back((*results)[at].f32s());
}

double Trainer::Impl::run_plan() {
  results = &plan->run({{graph.inputs[0].name, inputs.tensor()}, {"labels", labels.tensor()}}, keys());
  take_plan_outputs();
  count(static_cast<double>(batch), 0, static_cast<double>(batch));
  return mean_of(output("loss").f32s());
}

double Trainer::Impl::run_soft() {
  NetPass& net = training_pass();
  const std::span<const float> logits = net.forward(inputs.tensor(), keys());
  cotangent.resize(logits.size());
  const double loss = soft_cross_entropy(logits, targets, net.classes(), cotangent);
  net.backward(cotangent);
  take_outputs(net);
  count(static_cast<double>(batch), 0, static_cast<double>(batch));
  return loss;
}

double Trainer::Impl::run_objective(const TrainHooks& hooks) {
  const std::string& input = graph.inputs[0].name;
  results = &plan->run_phase(0, {{input, inputs.tensor()}}, keys());
  const Tensor logits = output("logits");
  const ObjectiveResult answer = hooks.objective({ids, inputs.tensor(), logits, labels.tensor(), epoch, step});
  if (!answer.dlogits.defined() || !(answer.dlogits.spec() == logits.spec())) {
    bad_input("the objective must give dL/dlogits as " + logits.spec().str());
  }
  results = &plan->run_phase(1, {{input, inputs.tensor()}, {"cotangent", answer.dlogits.dense()}}, keys());
  take_plan_outputs();
  count(static_cast<double>(batch), 0, static_cast<double>(batch));
  return answer.loss;
}

double Trainer::Impl::run_eager(const TrainHooks& hooks) {
  std::map<std::string, Tensor> watched_parameters;
  std::vector<Tensor> leaves;
  for (const OptimizedParameter& p : optimizer.parameters()) {
    leaves.push_back(watched_parameters[p.name] = engine::watch(Tensor::f32(p.shape, p.value)));
  }
  bool first = true;
  const auto forward = [&](const Tensor& x, const std::vector<std::string>& wants) {
    const RandomKeys k = keys();
    RecordedForward made =
        record_forward(graph, x, wants, watched_parameters, {Mode::train, k.seed, k.draw, k.sample_ids});
    if (first) statistics.update([&](const std::string& name) { return made.statistics.at(name).dense(); });
    first = false;
    return std::move(made.values);
  };
  const Tensor loss = hooks.eager_objective({ids, inputs.tensor(), labels.tensor(), epoch, step, forward});
  if (!loss.defined() || loss.count() != 1) bad_input("the objective must give a scalar loss");
  const Tensor one;
  eager_gradients = engine::grad({&loss, 1}, leaves, {&one, 1}, false);
  gradients.clear();
  for (Tensor& g : eager_gradients) {
    g = g.dense();
    gradients.push_back(g.f32s());
  }
  count(static_cast<double>(batch), 0, static_cast<double>(batch));
  return static_cast<double>(loss.item());
}

void Trainer::Impl::perturb_batch() {
  NetPass& net = attack_pass();
  const std::span<const float> x = inputs.values<float>();
  delta.resize(x.size());
  random_start(ball, seed, epoch, ids, delta);
  std::span<float> at = attacked.renew<float>();
  apply_delta(ball, x, delta, at);
  if (!recipe.mixes()) {
    targets.resize(ids.size() * static_cast<std::size_t>(net.classes()));
    fill_targets(labels.values<std::int64_t>(), 0, targets);
  }
  const std::int64_t steps = recipe.adversary == "fgsm" ? 1 : recipe.adv_steps;
  for (std::int64_t k = 0; k < steps; ++k) {
    const std::span<const float> logits = net.forward(attacked.tensor(), keys(static_cast<std::uint64_t>(k + 1)));
    cotangent.resize(logits.size());
    soft_cross_entropy(logits, targets, net.classes(), cotangent);
    net.backward(cotangent);
    statistics.update([&](const std::string& name) { return net.output("stat:" + name); });
    ascend(ball, net.input_gradient(), delta);
    apply_delta(ball, x, delta, at);
    count(static_cast<double>(batch), static_cast<double>(batch), 0);
  }
  std::copy(at.begin(), at.end(), inputs.values<float>().begin());
}

// The clamp into the input's range has no gradient outside of it.
double Trainer::Impl::free_use() {
  const std::span<const float> x = inputs.values<float>();
  const std::span<float> at = attacked.renew<float>();
  for (std::size_t i = 0; i < x.size(); ++i) at[i] = std::clamp(x[i] + noise[i], ball.lo, ball.hi);
  results = &plan->run({{graph.inputs[0].name, attacked.tensor()}, {"labels", labels.tensor()}}, keys());
  take_plan_outputs();
  const std::span<const float> g = output("grad:" + graph.inputs[0].name).f32s();
  delta.assign(g.begin(), g.end());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] + noise[i] < ball.lo || x[i] + noise[i] > ball.hi) delta[i] = 0.0F;
  }
  ascend(ball, delta, noise);
  count(static_cast<double>(batch), 0, static_cast<double>(batch));
  return mean_of(output("loss").f32s());
}

double Trainer::Impl::run_free() {
  double loss = 0;
  for (std::int64_t k = 0; k < recipe.adv_replays; ++k) {
    loss += free_use() / static_cast<double>(recipe.adv_replays);
    apply_gradients();
  }
  return loss;
}

// Ascends KL(p(x) || p(x + delta)) with p(x) fixed; leaves x + delta in `attacked`.
void Trainer::Impl::perturb_by_kl(std::span<const float> x) {
  NetPass& net = attack_pass();
  const std::span<const float> clean = net.forward(inputs.tensor(), keys(1));
  const std::vector<float> natural(clean.begin(), clean.end());
  count(static_cast<double>(batch), 0, 0);
  delta.resize(x.size());
  tiny_start(seed, epoch, ids, delta);
  const std::span<float> at = attacked.renew<float>();
  for (std::size_t i = 0; i < x.size(); ++i) at[i] = x[i] + delta[i];
  for (std::int64_t k = 0; k < recipe.adv_steps; ++k) {
    const std::span<const float> logits = net.forward(attacked.tensor(), keys(static_cast<std::uint64_t>(k + 2)));
    cotangent.assign(logits.size(), 0.0F);
    kl_divergence(natural, logits, net.classes(), 1.0, {}, cotangent);
    net.backward(cotangent);
    ascend(ball, net.input_gradient(), delta);
    apply_delta(ball, x, delta, at);
    count(static_cast<double>(batch), static_cast<double>(batch), 0);
  }
}

double Trainer::Impl::run_trades() {
  perturb_by_kl(inputs.values<float>());
  constexpr std::uint64_t adversarial_draw = 1U << 20U;
  NetPass &natural = training_pass(), &adversarial = second_pass();
  const std::span<const float> z = natural.forward(inputs.tensor(), keys());
  const std::span<const float> z_adv = adversarial.forward(attacked.tensor(), keys(adversarial_draw));
  cotangent.resize(z.size());
  std::vector<float> adv_cotangent(z.size(), 0.0F);
  double loss = soft_cross_entropy(z, targets, natural.classes(), cotangent);
  loss += recipe.adv_beta * kl_divergence(z, z_adv, natural.classes(), recipe.adv_beta, cotangent, adv_cotangent);
  natural.backward(cotangent);
  adversarial.backward(adv_cotangent);
  take_outputs(natural);
  const GradientViews first = gradients;
  take_outputs(adversarial);
  both.clear();
  both.add(first);
  both.add(gradients);
  gradients = both.views();
  count(2 * static_cast<double>(batch), 0, 2 * static_cast<double>(batch));
  return loss;
}

}  // namespace assay::graph
