// recipe.optimizer = "lbfgs": the mean loss over the whole training set, minimised by L-BFGS. The net is in evaluation
// mode, so that the loss is a smooth function of the trained weights: meant for heads on frozen features. One
// minimisation is one run_epoch(): there is no state between its iterations that a checkpoint could hold.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/lbfgs.hpp"
#include "harness/graph/mixing.hpp"
#include "harness/graph/trainer_impl.hpp"

namespace assay::graph {
namespace {

// Products are f32: gradients below this are rounding.
constexpr double kGradientTolerance = 1e-6, kValueTolerance = 1e-10;

using Parameters = std::vector<OptimizedParameter>;

std::vector<double> joined_weights(const Parameters& parameters) {
  std::vector<double> all;
  for (const OptimizedParameter& p : parameters) all.insert(all.end(), p.value.begin(), p.value.end());
  return all;
}

void set_weights(Parameters& parameters, std::span<const double> all) {
  std::size_t at = 0;
  for (OptimizedParameter& p : parameters) {
    for (float& w : p.value) w = static_cast<float>(all[at++]);
  }
}

// The L2 penalty joins the loss and its gradient; what a mask holds at 0 does not move.
double finish_gradient(const Parameters& parameters, std::span<const double> weights, std::span<double> gradient) {
  double penalty = 0;
  std::size_t at = 0;
  for (const OptimizedParameter& p : parameters) {
    for (std::size_t i = 0; i < p.value.size(); ++i, ++at) {
      penalty += 0.5 * static_cast<double>(p.decay) * weights[at] * weights[at];
      gradient[at] += static_cast<double>(p.decay) * weights[at];
      if (!p.mask.empty() && p.mask[i] == 0.0F) gradient[at] = 0;
    }
  }
  return penalty;
}

}  // namespace

// Mean loss of all rows, in order; the last batch is filled up with rows that do not count.
double Trainer::Impl::full_batch_loss(std::span<double> gradient) {
  NetPass& net = full_pass();
  const std::int64_t n = data.size(), classes = net.classes();
  std::fill(gradient.begin(), gradient.end(), 0.0);
  double loss = 0;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(batch));
  targets.resize(rows.size() * static_cast<std::size_t>(classes));
  for (std::int64_t first = 0; first < n; first += batch) {
    const std::int64_t fresh = std::min(batch, n - first);
    for (std::int64_t i = 0; i < batch; ++i) rows[static_cast<std::size_t>(i)] = first + (i < fresh ? i : 0);
    load_batch(rows);
    fill_targets(labels.values<std::int64_t>(), recipe.label_smoothing, targets);
    const std::span<const float> z = net.forward(inputs.tensor(), keys());
    const auto used = static_cast<std::size_t>(fresh * classes);
    const double share = static_cast<double>(fresh) / static_cast<double>(n);
    cotangent.assign(z.size(), 0.0F);
    loss += share * soft_cross_entropy(z.first(used), std::span<const float>(targets).first(used), classes,
                                       std::span(cotangent).first(used));
    net.backward(cotangent);
    std::size_t at = 0;
    for (const OptimizedParameter& p : optimizer.parameters()) {
      for (const float g : net.output("grad:" + p.name).f32s()) gradient[at++] += share * static_cast<double>(g);
    }
    count(static_cast<double>(fresh), 0, static_cast<double>(fresh));
  }
  return loss;
}

NetPass& Trainer::Impl::full_pass() {
  if (!full) full = make_pass({Mode::eval, false, true});
  return *full;
}

void Trainer::Impl::run_full_batch(const TrainHooks& hooks) {
  if (hooks.objective || hooks.eager_objective)
    bad_input("recipe.optimizer: 'lbfgs' minimises the recipe's own loss, not a trainer's objective");
  const std::vector<double> start = joined_weights(optimizer.parameters());
  std::int64_t evaluation = 0;
  const Objective loss_of = [&](std::span<const double> weights, std::span<double> gradient) {
    torn = true;
    set_weights(optimizer.parameters(), weights);
    const double loss = full_batch_loss(gradient);
    const double whole = loss + finish_gradient(optimizer.parameters(), weights, gradient);
    set_weights(optimizer.parameters(), start);  // what a checkpoint that the hook makes is to hold
    torn = false;
    if (hooks.progress && !hooks.progress({epoch, ++evaluation, recipe.epochs, loss, 1.0}))
      throw Error(Fault::cancelled, "training was cancelled after " + std::to_string(evaluation) + " evaluations");
    return whole;
  };
  LbfgsOptions options;
  options.max_iterations = recipe.epochs;
  options.gradient_tolerance = kGradientTolerance;
  options.value_tolerance = kValueTolerance;
  std::vector<double> weights = start;
  const LbfgsResult result = minimize_lbfgs(loss_of, weights, options);
  set_weights(optimizer.parameters(), weights);
  losses.push_back(result.value);
  epoch = recipe.epochs;
  if (hooks.epoch_end) hooks.epoch_end(epoch);
}

}  // namespace assay::graph
