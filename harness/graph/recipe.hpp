// Recipe: how a net is trained, as a suite declares it; part of the protocol. README.md of suites/ explains every key.
// Value type, any thread.
#pragma once

#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"

namespace assay::graph {

struct Recipe {
  std::int64_t epochs = 5, batch = 128;
  std::string optimizer = "sgd";        // sgd | adamw | adam | rmsprop (optimizer.hpp), lbfgs (trainer_lbfgs.cpp)
  double lr = 0.1;                      // peak
  double momentum = 0.9;                // sgd, rmsprop
  bool nesterov = true;                 // sgd
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adam, adamw; eps of rmsprop too
  double rms_decay = 0.99;              // rmsprop: decay of the mean square
  double weight_decay = 5e-4;           // coupled (L2), but decoupled for adamw
  bool decay_bias_and_norm = false;     // false: only parameters of two or more axes decay
  std::vector<std::string> no_decay;    // parameters that do not decay: names, '*' stands for any text
  std::vector<std::string> frozen;      // parameters that are not trained

  std::string schedule = "cosine";      // cosine | step | constant | linear | one-cycle | plateau (schedule.hpp)
  std::string rate_at = "middle";       // where in a step its rate is read: middle | start (what torch does)
  std::vector<std::int64_t> milestones; // step: epochs after which lr is multiplied by gamma
  double gamma = 0.1;                   // step, plateau
  double warmup = 0;                    // epochs of linear warm-up, may be a fraction
  double warmup_from = 0;               // fraction of the rate at which warm-up begins
  double lr_end = 0;                    // cosine, linear: final rate; plateau: lowest; as a fraction of lr
  double cycle_peak = 0.3;              // one-cycle: where the peak is, as a fraction of the training
  double cycle_div = 25, cycle_final_div = 1e4;  // one-cycle: peak / first rate, first rate / last rate
  std::int64_t plateau_patience = 10;   // plateau: epochs without improvement that are borne
  double plateau_threshold = 1e-4;      // plateau: what counts as improvement, relative
  std::string monitor = "validation-loss";  // what plateau watches: validation-loss | train-loss
  std::int64_t patience = 0;            // early stopping: epochs without a better validation loss; 0: never

  double clip_norm = 0;                 // largest L2 norm of all gradients together; 0: any
  double clip_value = 0;                // largest magnitude of a gradient's element; 0: any
  std::int64_t accumulate = 1;          // batches whose mean gradient makes one step
  double ema = 0;                       // decay of the moving average of weights and statistics; 0: none
  std::int64_t swa_start = 0;           // epochs after which weights are averaged; 0: never
  double swa_lr = 0;                    // constant rate from then on; 0: the schedule goes on

  double label_smoothing = 0;           // [0, 1)
  bool flip = false;                    // random horizontal flip
  std::int64_t crop = 0;                // random crop after zero padding by this many pixels
  double erasing = 0;                   // probability of erasing a rectangle
  double jitter = 0;                    // strength of brightness, contrast and saturation changes
  double mixup = 0, cutmix = 0;         // alpha of the Beta distribution; 0: off; both: a fair coin for each sample
  double mix_probability = 1;           // of a sample being mixed
  std::string loss = "cross-entropy";

  std::string precision = "f32";        // f32 | bf16: products and storage of training passes; master weights stay f32

  std::string adversary = "none";       // none | fgsm | pgd | free | trades (adversary.hpp)
  std::string adv_norm = "linf";        // linf | l2
  Rational adv_eps{8, 255}, adv_step{2, 255};  // radius and step, in units of the input
  std::int64_t adv_steps = 7;           // pgd, trades
  std::int64_t adv_replays = 8;         // free: uses of one batch
  double adv_beta = 6;                  // trades: weight of the robust term

  Json to_json() const;
  // What identity hashes see. Fields that came after the first version are left out at their neutral values (those
  // written above), so that adding one leaves every older hash alone. Hence a neutral value never changes.
  Json canonical() const;
  // Unknown keys, wrong types and out-of-range values throw Error(bad_input): "recipe.lr: ...". Key "recipe" names one of
  // recipe_names(), whose values are the defaults.
  static Recipe from_json(const Json& json, const std::string& where = "recipe");
  void validate(const std::string& where = "recipe") const;
  double lr_at(double epoch) const;     // cosine, linear, step, constant with warm-up; epoch as a real, [0, epochs]
  bool mixes() const { return mixup > 0 || cutmix > 0; }
  bool adversarial() const { return adversary != "none"; }
  bool watches_validation() const;      // early stopping, or a plateau of the validation loss
};
std::vector<std::string> recipe_names();
Recipe recipe(const std::string& name);  // throws Error(bad_input) with the nearest name

// The schema: one row a field, for validation, for `assay-worker info recipes` and for the planner.
struct RecipeField {
  using Member = std::variant<std::int64_t Recipe::*, double Recipe::*, bool Recipe::*, std::string Recipe::*, Rational Recipe::*,
                              std::vector<std::int64_t> Recipe::*, std::vector<std::string> Recipe::*>;
  const char* name;
  Member member;
  const char* doc;
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();  // inclusive
  std::vector<std::string> choices = {};
  bool first_version = false;           // always part of the canonical form
};
const std::vector<RecipeField>& recipe_fields();
Json field_value(const Recipe& recipe, const RecipeField& field);

}  // namespace assay::graph
