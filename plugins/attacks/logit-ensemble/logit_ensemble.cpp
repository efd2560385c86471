// Ensemble in logits (Dong et al., CVPR 2018, section 3.2, eq. 10): momentum iterative FGSM on the cross-entropy of the
// mean of the sources' logits, with equal weights.
#include "../common/momentum.hpp"

struct LogitEnsemble {
  std::int64_t steps;
  double decay;

  static constexpr assay::Info info{.id = "logit-ensemble",
                                    .version = "1.0.0",
                                    .summary = "momentum iterative FGSM on the mean logits of all sources",
                                    .title = "Boosting Adversarial Attacks with Momentum",
                                    .year = 2018,
                                    .arxiv = "1710.06081",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &LogitEnsemble::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &LogitEnsemble::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g, (void)t;
      return slope(problem, x);
    });
  }

  // d CE(mean_k z_k, y) / d x = mean_k J_k^T (softmax(mean z) - e_y)
  static attacks::Points slope(const attacks::Problem& problem, const attacks::Points& x) {
    using namespace attacks;
    const auto& sources = problem.batch.sources();
    const double share = 1 / static_cast<double>(sources.size());
    std::vector<Recorded> passes;
    std::vector<double> mean(x.count() * problem.classes, 0.0);
    for (const assay::Model& source : sources) {
      passes.emplace_back(problem, source, x);
      const Scores& z = passes.back().logits();
      for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += share * static_cast<double>(z.values[k]);
    }
    Scores towards(x.count(), problem.classes);
    for (std::size_t i = 0; i < x.count(); ++i) {
      const std::span<const double> z = std::span(mean).subspan(i * problem.classes, problem.classes);
      const double top = *std::max_element(z.begin(), z.end());
      double total = 0;
      for (const double value : z) total += std::exp(value - top);
      const double sign = problem.targeted ? -share : share;
      for (std::size_t k = 0; k < z.size(); ++k) {
        const double own = static_cast<std::int64_t>(k) == problem.y[i] ? 1 : 0;
        towards.row(i)[k] = static_cast<float>(sign * (std::exp(z[k] - top) / total - own));
      }
    }
    Points slope(x.count(), x.size);
    for (const Recorded& pass : passes) {
      const Points part = pass.pull(towards);
      for (std::size_t j = 0; j < slope.values.size(); ++j) slope.values[j] += part.values[j];
    }
    return slope;
  }
};

ASSAY_PLUGIN(LogitEnsemble)
