// Trainer: the loop. What a batch becomes is trainer_passes.cpp, checkpoints are trainer_state.cpp.
#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/graph/mixing.hpp"
#include "harness/graph/trainer_impl.hpp"

namespace assay::graph {
namespace {

Spec batch_spec(const Graph& graph, std::int64_t batch) {
  Spec spec{engine::DType::f32, {batch}};
  const Shape& sample = graph.inputs[0].spec.shape;
  spec.shape.insert(spec.shape.end(), sample.begin(), sample.end());
  return spec;
}

CompileOptions plan_options(const Recipe& recipe, std::int64_t batch, bool objective) {
  CompileOptions o;
  o.batch = batch;
  o.mode = Mode::train;
  o.param_grads = true;
  o.precision = precision_from(recipe.precision);
  o.input_grad = recipe.adversary == "free";
  if (objective) {
    o.cotangent_of = "logits";
    return o;
  }
  o.outputs = {};
  o.loss = recipe.loss;
  o.label_smoothing = recipe.label_smoothing;
  o.mean_loss = true;
  return o;
}

// What the recipe asks of the samples.
void check_samples(const Recipe& r, const Shape& sample) {
  const bool image = sample.size() == 3;
  if ((r.flip || r.crop > 0) && !image) bad_input("recipe.flip and recipe.crop need image samples [C, H, W]");
  if ((r.erasing > 0 || r.cutmix > 0) && !image)
    bad_input("recipe.erasing and recipe.cutmix need image samples [C, H, W]");
  if (r.jitter > 0 && (!image || (sample[0] != 1 && sample[0] != 3)))
    bad_input("recipe.jitter needs image samples [C, H, W] with 1 or 3 channels");
}

void check_fit(const Graph& graph, const TrainData& data, const char* what) {
  data.validate(graph.classes());
  if (graph.inputs.size() == 1 && graph.inputs[0].spec.shape == data.sample_shape) return;
  bad_input(std::string(what) + " data of shape " + engine::shape_str(data.sample_shape) +
            " do not fit the model's input " + (graph.inputs.empty() ? "" : graph.inputs[0].spec.str()));
}

void check_hooks(const TrainHooks& hooks, const Recipe& recipe) {
  if (!hooks.objective && !hooks.eager_objective) return;
  const bool other_loss = recipe.adversary == "free" || recipe.adversary == "trades" || recipe.mixes();
  if (other_loss || (hooks.eager_objective && recipe.adversarial())) {
    bad_input("a trainer's objective replaces the loss that the recipe's " +
              std::string(recipe.mixes() ? "mixup or cutmix" : "adversary") + " needs; expected a recipe without it");
  }
}

}  // namespace

Trainer::Impl::Impl(Graph g, const TrainData& d, const Recipe& r, std::uint64_t s, const TrainData* v)
    : graph(checked(std::move(g), d, r)),
      frozen(freeze(graph, r)),
      data(d),
      validation(v),
      recipe(r),
      seed(s),
      batch(std::min(r.batch, d.size())),
      optimizer(graph, r),
      statistics(graph, batch),
      schedule(r, std::max<std::int64_t>(1, steps_per_epoch())),
      ball(ball_of(r, graph)),
      inputs(batch_spec(graph, batch)),
      labels({engine::DType::i64, {batch}}),
      attacked(batch_spec(graph, batch)) {
  if (steps_per_epoch() == 0) {
    bad_input("recipe.accumulate: " + std::to_string(recipe.accumulate) + " batches of " + std::to_string(batch) +
              " are more than the " + std::to_string(data.size()) + " training samples");
  }
  check_validation();
  if (recipe.adversary == "free") noise.assign(inputs.renew<float>().size(), 0.0F);
}

Graph Trainer::Impl::checked(Graph g, const TrainData& d, const Recipe& r) {
  r.validate();
  g.validate();
  check_fit(g, d, "training");
  check_samples(r, d.sample_shape);
  return g;
}

void Trainer::Impl::check_validation() const {
  if (!recipe.watches_validation()) return;
  if (!validation)
    bad_input(std::string(recipe.patience > 0 ? "recipe.patience" : "recipe.monitor") + ": needs a validation list");
  check_fit(graph, *validation, "validation");
}

void Trainer::Impl::prepare(const TrainHooks& hooks) {
  check_hooks(hooks, recipe);
  if (hooks.eager_objective || recipe.mixes() || recipe.adversary == "trades") return;
  const bool objective = static_cast<bool>(hooks.objective);
  if (plan && with_objective == objective) return;
  plan = std::make_unique<CompiledPlan>(compile(graph, plan_options(recipe, batch, objective)));
  with_objective = objective;
  gradient_outputs.clear();
  for (OptimizedParameter& p : optimizer.parameters()) {
    plan->bind(p.name, p.value.data());
    gradient_outputs.push_back(static_cast<std::size_t>(plan->output_index("grad:" + p.name)));
  }
}

void Trainer::Impl::load_batch(std::span<const std::int64_t> rows) {
  const BatchRequest request{rows,           seed,          epoch,   recipe.flip, recipe.crop,
                             recipe.erasing, recipe.jitter, ball.lo, ball.hi};
  const auto y = labels.renew<std::int64_t>();
  ids.resize(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    y[i] = data.labels[static_cast<std::size_t>(rows[i])];
    ids[i] = data.ids[static_cast<std::size_t>(rows[i])];
  }
  if (recipe.mixes() || recipe.adversary == "trades")
    targets.resize(rows.size() * static_cast<std::size_t>(graph.classes()));
  if (recipe.mixes()) return fill_mixed_batch(data, request, recipe, inputs.renew<float>(), targets);
  fill_batch(data, request, inputs.renew<float>());
  if (recipe.adversary == "trades") fill_targets(y, recipe.label_smoothing, targets);
}

// The gradients of a step: those of its one batch as they lie in the plan, or the mean over its batches, clipped.
void Trainer::Impl::apply_gradients() {
  const bool touch = recipe.accumulate > 1 || recipe.clip_norm > 0 || recipe.clip_value > 0;
  if (!touch) return optimizer.step(gradients, rate);
  if (recipe.accumulate == 1) {
    sum.clear();
    sum.add(gradients);
  } else {
    sum.scale(1.0F / static_cast<float>(recipe.accumulate));
  }
  if (recipe.clip_value > 0) sum.clip_value(static_cast<float>(recipe.clip_value));
  if (recipe.clip_norm > 0) sum.clip_norm(recipe.clip_norm);
  optimizer.step(sum.views(), rate);
}

double Trainer::Impl::run_step(const TrainHooks& hooks, std::span<const std::int64_t> rows) {
  rate = schedule.rate(epoch, step);
  double loss = 0;
  if (recipe.accumulate > 1) sum.clear();
  for (std::int64_t part = 0; part < recipe.accumulate; ++part) {
    load_batch(rows.subspan(static_cast<std::size_t>(part * batch), static_cast<std::size_t>(batch)));
    loss += run_batch(hooks) / static_cast<double>(recipe.accumulate);
    if (recipe.accumulate > 1) sum.add(gradients);
  }
  if (!std::isfinite(loss)) {
    throw Error(Fault::constraint, "training diverged: loss " + std::to_string(loss) + " at epoch " +
                                       std::to_string(epoch + 1) + ", step " + std::to_string(step + 1));
  }
  if (recipe.adversary != "free") apply_gradients();  // free steps after every use of a batch
  if (recipe.ema > 0) average.decay_towards(optimizer.parameters(), statistics.values(), recipe.ema);
  return loss;
}

void Trainer::Impl::run_epoch(const TrainHooks& hooks) {
  if (torn) bad_input("training was stopped within a step; restore a checkpoint to go on");
  if (recipe.optimizer == "lbfgs") return run_full_batch(hooks);
  prepare(hooks);
  const std::vector<std::int64_t> order = epoch_order(data.size(), seed, epoch);
  const std::int64_t steps = steps_per_epoch(), rows = batch * recipe.accumulate;
  while (step < steps) {
    torn = true;
    const double loss = run_step(
        hooks, std::span(order).subspan(static_cast<std::size_t>(step * rows), static_cast<std::size_t>(rows)));
    total += loss;
    ++step;
    torn = false;
    if (hooks.progress && !hooks.progress({epoch, step, steps, loss, rate})) {
      throw Error(Fault::cancelled, "training was cancelled at epoch " + std::to_string(epoch + 1));
    }
  }
  finish_epoch(hooks);
}

void Trainer::Impl::finish_epoch(const TrainHooks& hooks) {
  torn = true;
  losses.push_back(total / static_cast<double>(steps_per_epoch()));
  total = 0;
  step = 0;
  ++epoch;
  if (recipe.swa_start > 0 && epoch > recipe.swa_start) average.include(optimizer.parameters());
  if (recipe.watches_validation()) watch();
  if (recipe.monitor == "train-loss") schedule.epoch_done(losses.back());
  torn = false;
  if (hooks.epoch_end) hooks.epoch_end(epoch);
}

void Trainer::Impl::watch() {
  watched.push_back(validation_loss());
  if (recipe.monitor == "validation-loss") schedule.epoch_done(watched.back());
  if (recipe.patience == 0 || !(watched.back() < best)) return;
  best = watched.back();
  best_epoch = epoch;
  keep_best();
}

// Mean cross-entropy of the net that would be given now, in evaluation mode.
double Trainer::Impl::validation_loss() {
  NetPass& net = eval_pass();
  const std::int64_t n = validation->size(), classes = graph.classes();
  std::vector<std::int64_t> rows(static_cast<std::size_t>(batch));
  std::vector<float> want(rows.size() * static_cast<std::size_t>(classes)), unused(want.size());
  std::vector<std::uint64_t> row_ids(rows.size());
  double sum_of_losses = 0;
  for (std::int64_t first = 0; first < n; first += batch) {
    const std::int64_t fresh = std::min(batch, n - first);  // the rest repeats the first row
    std::vector<std::int64_t> y(rows.size());
    for (std::int64_t i = 0; i < batch; ++i) {
      const auto at = static_cast<std::size_t>(i);
      rows[at] = first + (i < fresh ? i : 0);
      y[at] = validation->labels[static_cast<std::size_t>(rows[at])];
      row_ids[at] = validation->ids[static_cast<std::size_t>(rows[at])];
    }
    fill_batch(*validation, {rows, seed}, inputs.renew<float>());
    fill_targets(y, 0, want);
    const std::span<const float> z = net.forward(inputs.tensor(), {seed, 0, row_ids});
    const auto used = static_cast<std::size_t>(fresh * classes);
    sum_of_losses += static_cast<double>(fresh) *
                     soft_cross_entropy(z.first(used), std::span<const float>(want).first(used), classes, unused);
    count(static_cast<double>(fresh), 0, 0);
  }
  return sum_of_losses / static_cast<double>(n);
}

Trainer::Trainer(Graph graph, const TrainData& data, const Recipe& recipe, std::uint64_t seed,
                 const TrainData* validation)
    : impl_(std::make_unique<Impl>(std::move(graph), data, recipe, seed, validation)) {}
Trainer::~Trainer() = default;

bool Trainer::finished() const {
  const Impl& i = *impl_;
  return i.epoch >= i.recipe.epochs || (i.recipe.patience > 0 && i.epoch - i.best_epoch >= i.recipe.patience);
}

void Trainer::run(const TrainHooks& hooks) {
  while (!finished()) impl_->run_epoch(hooks);
}

void Trainer::run_epoch(const TrainHooks& hooks) { impl_->run_epoch(hooks); }
std::int64_t Trainer::epochs_done() const { return impl_->epoch; }
std::int64_t Trainer::steps_done() const { return impl_->step; }
std::vector<double> Trainer::epoch_losses() const { return impl_->losses; }
std::vector<double> Trainer::validation_losses() const { return impl_->watched; }
PassCounts Trainer::passes() const { return impl_->passes; }
Graph Trainer::graph() const { return impl_->result(); }
void Trainer::save_checkpoint(const std::filesystem::path& file) const { impl_->save(file); }
void Trainer::restore_checkpoint(const std::filesystem::path& file) { impl_->restore(file); }

}  // namespace assay::graph
