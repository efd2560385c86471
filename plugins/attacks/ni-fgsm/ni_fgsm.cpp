// Nesterov iterative FGSM (Lin et al., ICLR 2020, eqs. 6-8): momentum iterative FGSM whose gradient is taken at the
// point to which the momentum alone would lead.
#include "../common/momentum.hpp"

struct NiFgsm {
  std::int64_t steps;
  double decay;

  static constexpr assay::Info info{.id = "ni-fgsm",
                                    .version = "1.0.0",
                                    .summary = "momentum iterative FGSM with a look-ahead",
                                    .title =
                                        "Nesterov Accelerated Gradient and Scale Invariance for Adversarial "
                                        "Attacks",
                                    .year = 2020,
                                    .arxiv = "1908.06281",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &NiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &NiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)t;
      return source_gradient(problem, loop.ahead(problem, x, g));
    });
  }
};

ASSAY_PLUGIN(NiFgsm)
