// Ensemble in logits (Dong et al., CVPR 2018, section 3.2, eq. 10): momentum iterative FGSM on the cross-entropy of the
// mean of the sources' logits, with equal weights.
#include "../common/momentum.hpp"
#include "../common/sources.hpp"

struct LogitEnsemble {
  std::int64_t steps;
  double decay, step;
  bool sum;

  static constexpr assay::Info info{.id = "logit-ensemble",
                                    .version = "1.1.0",
                                    .summary = "momentum iterative FGSM on the mean logits of all sources",
                                    .title = "Boosting Adversarial Attacks with Momentum",
                                    .year = 2018,
                                    .arxiv = "1710.06081",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &LogitEnsemble::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &LogitEnsemble::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("step", &LogitEnsemble::step,
                  {.fallback = 0, .min = 0, .max = 2, .doc = "step length as a share of eps; 0: 1 / steps"}),
      assay::flag("sum", &LogitEnsemble::sum, {.fallback = false, .doc = "the sum of the logits, not their mean"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const double share = sum ? 1.0 : 1 / static_cast<double>(batch.sources().size());
    const Momentum loop{steps, decay, step};
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g, (void)t;
      return mixed_gradient(problem, x, [share](std::size_t, std::size_t) { return share; });
    });
  }
};

ASSAY_PLUGIN(LogitEnsemble)
