// The schema of Recipe and the named recipes.
#include "harness/base/error.hpp"
#include "harness/graph/recipe.hpp"

namespace assay::graph {
namespace {

using R = Recipe;

// Fields of the first version: part of every canonical form.
std::vector<RecipeField> first_fields() {
  std::vector<RecipeField> table = {
      {"epochs", &R::epochs, "passes over the training set", 1, 100000},
      {"batch", &R::batch, "samples a batch", 1, 65536},
      {"optimizer", &R::optimizer, "update rule", 0, 0, {"sgd", "adamw", "adam", "rmsprop", "lbfgs"}},
      {"lr", &R::lr, "peak learning rate", 0, 1000},
      {"momentum", &R::momentum, "of sgd and rmsprop", 0, 0.9999},
      {"nesterov", &R::nesterov, "look-ahead momentum of sgd"},
      {"beta1", &R::beta1, "of adam and adamw", 0, 0.9999},
      {"beta2", &R::beta2, "of adam and adamw", 0, 0.999999},
      {"eps", &R::eps, "of adam, adamw and rmsprop", 1e-15, 1},
      {"weight_decay", &R::weight_decay, "L2 penalty; decoupled for adamw", 0, 100},
      {"decay_bias_and_norm", &R::decay_bias_and_norm, "decay parameters of one axis too"},
      {"schedule", &R::schedule, "learning rate over time", 0, 0, {"cosine", "step", "constant", "linear", "one-cycle", "plateau"}},
      {"milestones", &R::milestones, "epochs after which the rate is multiplied by gamma", 1, 100000},
      {"gamma", &R::gamma, "factor of schedules step and plateau", 0, 1},
      {"warmup", &R::warmup, "epochs of linear warm-up", 0, 100000},
      {"label_smoothing", &R::label_smoothing, "mass spread over all classes", 0, 0.999},
      {"flip", &R::flip, "random horizontal flip"},
      {"crop", &R::crop, "random crop after padding by this many pixels", 0, 64},
      {"loss", &R::loss, "training loss", 0, 0, {"cross-entropy"}},
  };
  for (RecipeField& field : table) field.first_version = true;
  return table;
}

const std::vector<RecipeField>& later_fields() {
  static const std::vector<RecipeField> table = {
      {"rms_decay", &R::rms_decay, "rmsprop: decay of the mean square", 0, 0.999999},
      {"no_decay", &R::no_decay, "parameters that do not decay, '*' stands for any text"},
      {"frozen", &R::frozen, "parameters that are not trained, '*' stands for any text"},
      {"rate_at", &R::rate_at, "where in a step its rate is read", 0, 0, {"middle", "start"}},
      {"warmup_from", &R::warmup_from, "fraction of the rate at which warm-up begins", 0, 1},
      {"lr_end", &R::lr_end, "last rate of cosine and linear, lowest of plateau, as a fraction of lr", 0, 1},
      {"cycle_peak", &R::cycle_peak, "one-cycle: where the peak is, as a fraction of the training", 0.001, 0.999},
      {"cycle_div", &R::cycle_div, "one-cycle: peak over first rate", 1, 1e9},
      {"cycle_final_div", &R::cycle_final_div, "one-cycle: first over last rate", 1, 1e12},
      {"plateau_patience", &R::plateau_patience, "plateau: epochs without improvement that are borne", 0, 100000},
      {"plateau_threshold", &R::plateau_threshold, "plateau: relative improvement that counts", 0, 1},
      {"monitor", &R::monitor, "what plateau watches", 0, 0, {"validation-loss", "train-loss"}},
      {"patience", &R::patience, "early stopping: epochs without a better validation loss; 0: never", 0, 100000},
      {"clip_norm", &R::clip_norm, "largest L2 norm of all gradients together; 0: any", 0, 1e9},
      {"clip_value", &R::clip_value, "largest magnitude of a gradient's element; 0: any", 0, 1e9},
      {"accumulate", &R::accumulate, "batches whose mean gradient makes one step", 1, 65536},
      {"ema", &R::ema, "decay of the moving average of weights and statistics; 0: none", 0, 0.9999999},
      {"swa_start", &R::swa_start, "epochs after which weights are averaged; 0: never", 0, 100000},
      {"swa_lr", &R::swa_lr, "constant rate from swa_start on; 0: the schedule goes on", 0, 1000},
      {"erasing", &R::erasing, "probability of erasing a rectangle", 0, 1},
      {"jitter", &R::jitter, "strength of brightness, contrast and saturation changes", 0, 1},
      {"mixup", &R::mixup, "alpha of mixup; 0: off", 0, 100},
      {"cutmix", &R::cutmix, "alpha of cutmix; 0: off", 0, 100},
      {"mix_probability", &R::mix_probability, "probability of a sample being mixed", 0, 1},
      {"precision", &R::precision, "products and storage of training passes", 0, 0, {"f32", "bf16"}},
      {"adversary", &R::adversary, "adversarial training", 0, 0, {"none", "fgsm", "pgd", "free", "trades"}},
      {"adv_norm", &R::adv_norm, "norm of the perturbation", 0, 0, {"linf", "l2"}},
      {"adv_eps", &R::adv_eps, "radius of the perturbation", 0, 1e6},
      {"adv_step", &R::adv_step, "step of the attack", 0, 1e6},
      {"adv_steps", &R::adv_steps, "steps of pgd and trades", 1, 1000},
      {"adv_replays", &R::adv_replays, "free: uses of one batch", 1, 1000},
      {"adv_beta", &R::adv_beta, "trades: weight of the robust term", 0, 1000},
  };
  return table;
}

// He et al. (CVPR 2016) as the field uses it on CIFAR, shortened, with cosine decay.
Recipe standard() {
  Recipe r;
  r.epochs = 30;
  r.crop = 4;
  r.flip = true;
  r.warmup = 1;
  return r;
}

Recipe quick() {
  Recipe r;
  r.epochs = 4;
  r.warmup = 0.5;
  return r;
}

// The adversarial recipes differ from standard in the adversary alone, so that they compare like with like.
// Radii and steps are those of the papers' CIFAR-10 experiments.
Recipe pgd_at() {  // Madry et al., ICLR 2018: 7 steps of 2/255 from a random start
  Recipe r = standard();
  r.adversary = "pgd";
  return r;
}

Recipe fast_at() {  // Wong et al., ICLR 2020: one step of 10/255 from a random start
  Recipe r = standard();
  r.adversary = "fgsm";
  r.adv_step = {10, 255};
  return r;
}

Recipe free_at() {  // Shafahi et al., NeurIPS 2019: each batch 8 times, so an eighth of the epochs
  Recipe r = standard();
  r.epochs = 4;
  r.warmup = 0.125;
  r.adversary = "free";
  r.adv_step = r.adv_eps;
  return r;
}

Recipe trades() {  // Zhang et al., ICML 2019: 10 steps of 2/255 (the paper: 0.007), 1 / lambda = 6
  Recipe r = standard();
  r.adversary = "trades";
  r.adv_steps = 10;
  return r;
}

struct Named {
  const char* name;
  Recipe (*make)();
};
constexpr Named named[] = {{"fast-at", fast_at}, {"free-at", free_at}, {"pgd-at", pgd_at},
                           {"quick", quick},     {"standard", standard}, {"trades", trades}};

}  // namespace

const std::vector<RecipeField>& recipe_fields() {
  static const std::vector<RecipeField> table = [] {
    std::vector<RecipeField> all = first_fields();
    all.insert(all.end(), later_fields().begin(), later_fields().end());
    return all;
  }();
  return table;
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const Named& one : named) names.emplace_back(one.name);
  return names;
}

Recipe recipe(const std::string& name) {
  for (const Named& one : named) {
    if (name == one.name) return one.make();
  }
  throw Error(Fault::bad_input, "unknown recipe '" + name + "'" + suggestion(name, recipe_names()));
}

}  // namespace assay::graph
