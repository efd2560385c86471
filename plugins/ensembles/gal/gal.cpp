// Gradient alignment loss (Kariyappa and Qureshi, 2019): members are trained together on the mean of their
// cross-entropies plus lambda times the coherence of their input gradients, log sum_{i<j} exp cos(grad_x CE_i, grad_x
// CE_j): a step that raises one member's loss should not raise another's. The gradient of the coherence is one of
// gradients.
#include "../common/diversity.hpp"
#include "../common/joint.hpp"

struct Gal {
  std::int64_t epochs, batch;
  double lambda, rate, weight_decay;
  std::string schedule;

  static constexpr assay::Info info{
      .id = "gal",
      .version = "1.0.0",
      .summary = "members trained together for input gradients that do not align",
      .title = "Improving Adversarial Robustness of Ensembles with Diversity Training",
      .year = 2019,
      .arxiv = "1901.09981",
      .access = ASSAY_ACCESS_SCORES | ASSAY_ACCESS_INPUT_GRADIENT | ASSAY_ACCESS_WEIGHTS | ASSAY_ACCESS_STOCHASTIC};
  static constexpr auto params = assay::params(
      assay::integer("epochs", &Gal::epochs,
                     {.fallback = 8, .min = 1, .max = 1000, .doc = "passes over the training set"}),
      assay::integer("batch", &Gal::batch, {.fallback = 128, .min = 2, .max = 4096, .doc = "samples a batch"}),
      assay::real("lambda", &Gal::lambda, {.fallback = 0.5, .min = 0, .max = 100, .doc = "weight of the coherence"}),
      assay::real("lr", &Gal::rate, {.fallback = 1e-3, .min = 1e-6, .max = 10, .doc = "learning rate of Adam"}),
      assay::real("weight_decay", &Gal::weight_decay, {.fallback = 0, .min = 0, .max = 1, .doc = "L2 penalty"}),
      assay::choice("schedule", &Gal::schedule,
                    {.fallback = "step",
                     .choices = {"step", "cosine"},
                     .doc = "of the rate; step: a tenth after half of the epochs and again after three quarters"}));
  static constexpr auto slots =
      assay::slots(assay::slot("combine", "train", ASSAY_RECORDS, {.doc = "training set of the members"}));

  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    const ensembles::Rule rule{.adam = true, .weight_decay = weight_decay};
    const auto loss = [&](const assay::Rows& rows, std::vector<ensembles::Learner>& members) {
      const assay::Tensor x = assay::watch(rows.x());
      std::vector<assay::Tensor> slopes;
      assay::Tensor total;
      for (ensembles::Learner& member : members) {
        const assay::Tensor losses = assay::cross_entropy(member.logits(x, rows.ids()), rows.y());
        total = total.defined() ? total + losses : losses;
        if (lambda > 0) slopes.push_back(assay::grad(assay::sum(losses), x, true));
      }
      total = total / static_cast<double>(members.size());
      if (lambda > 0) total = total + ensembles::coherence(slopes) * lambda;
      return assay::mean(total);
    };
    return ensembles::train_jointly(run, in, {epochs, batch, schedule, rate}, rule, loss);
  }
};

ASSAY_PLUGIN(Gal)
