// Adaptive diversity promoting training (Pang et al., ICML 2019): members are trained together on the sum of their
// cross-entropies less alpha times the entropy of the mean prediction and beta times the log of the ensemble diversity,
// which is the squared volume that the members' predictions of the wrong classes span.
#include "../common/diversity.hpp"
#include "../common/joint.hpp"

struct Adp {
  std::int64_t epochs, batch;
  double alpha, beta, rate, weight_decay;
  std::string schedule;

  static constexpr assay::Info info{
      .id = "adp",
      .version = "1.0.0",
      .summary = "members trained together for diverse predictions of the wrong classes",
      .title = "Improving Adversarial Robustness via Promoting Ensemble Diversity",
      .year = 2019,
      .arxiv = "1901.08846",
      .access = ASSAY_ACCESS_SCORES | ASSAY_ACCESS_INPUT_GRADIENT | ASSAY_ACCESS_WEIGHTS | ASSAY_ACCESS_STOCHASTIC};
  static constexpr auto params = assay::params(
      assay::integer("epochs", &Adp::epochs,
                     {.fallback = 8, .min = 1, .max = 1000, .doc = "passes over the training set"}),
      assay::integer("batch", &Adp::batch, {.fallback = 128, .min = 2, .max = 4096, .doc = "samples a batch"}),
      assay::real("alpha", &Adp::alpha,
                  {.fallback = 2, .min = 0, .max = 100, .doc = "weight of the mean prediction's entropy"}),
      assay::real("beta", &Adp::beta, {.fallback = 0.5, .min = 0, .max = 100, .doc = "weight of the log diversity"}),
      assay::real("lr", &Adp::rate, {.fallback = 1e-3, .min = 1e-6, .max = 10, .doc = "learning rate of Adam"}),
      assay::real("weight_decay", &Adp::weight_decay, {.fallback = 0, .min = 0, .max = 1, .doc = "L2 penalty"}),
      assay::choice("schedule", &Adp::schedule,
                    {.fallback = "step",
                     .choices = {"step", "cosine"},
                     .doc = "of the rate; step: a tenth after half of the epochs and again after three quarters"}));
  static constexpr auto slots =
      assay::slots(assay::slot("combine", "train", ASSAY_RECORDS, {.doc = "training set of the members"}));

  assay::Model combine(assay::Run& run, const assay::Members& in) const {
    const ensembles::Rule rule{.adam = true, .weight_decay = weight_decay};
    const auto loss = [&](const assay::Rows& rows, std::vector<ensembles::Learner>& members) {
      std::vector<assay::Tensor> predictions;
      assay::Tensor total;
      for (ensembles::Learner& member : members) {
        const assay::Tensor logits = member.logits(rows.x(), rows.ids());
        const assay::Tensor one = assay::cross_entropy(logits, rows.y());
        total = total.defined() ? total + one : one;
        predictions.push_back(assay::softmax(logits));
      }
      const std::int64_t classes = predictions.front().dim(1);
      const assay::Tensor others = 1.0 - assay::one_hot(rows.y(), classes);
      if (alpha > 0) total = total - ensembles::mean_entropy(predictions) * alpha;
      if (beta > 0) total = total - ensembles::log_diversity(run, predictions, others) * beta;
      return assay::mean(total);
    };
    return ensembles::train_jointly(run, in, {epochs, batch, schedule, rate}, rule, loss);
  }
};

ASSAY_PLUGIN(Adp)
