// Variance tuning momentum iterative FGSM (Wang & He, CVPR 2021, algorithm 1): the gradient is corrected by the
// variance of the previous step, V(x) = mean over r of grad J(x + r) - grad J(x), r uniform in [-beta eps, beta eps].
#include "../common/momentum.hpp"

struct VmiFgsm {
  std::int64_t steps;
  double decay;
  double beta;
  std::int64_t samples;

  static constexpr assay::Info info{.id = "vmi-fgsm",
                                    .version = "1.0.0",
                                    .summary = "momentum iterative FGSM with variance tuning",
                                    .title =
                                        "Enhancing the Transferability of Adversarial Attacks through Variance "
                                        "Tuning",
                                    .year = 2021,
                                    .arxiv = "2103.15571",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &VmiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &VmiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("beta", &VmiFgsm::beta,
                  {.fallback = 1.5, .min = 0, .max = 10, .doc = "reach of the neighbourhood, in eps"}),
      assay::integer("samples", &VmiFgsm::samples,
                     {.fallback = 20, .min = 1, .max = 1000, .doc = "neighbours N a step"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    Points variance(problem.count(), problem.x.size);
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g;
      const Points slope = source_gradient(problem, x);
      Points corrected = slope;
      for (std::size_t j = 0; j < slope.values.size(); ++j) corrected.values[j] += variance.values[j];
      variance = around(problem, x, slope, t);
      return corrected;
    });
  }

  attacks::Points around(const attacks::Problem& problem, const attacks::Points& x, const attacks::Points& slope,
                         std::int64_t t) const {
    const attacks::Index rows = attacks::every(x.count());
    std::vector<double> total(x.values.size(), 0.0);
    for (std::int64_t n = 0; n < samples; ++n) {
      const auto draw = static_cast<std::uint64_t>(t * samples + n);
      attacks::Points near = problem.uniform("neighbour", rows, -beta * problem.eps, beta * problem.eps, draw);
      for (std::size_t j = 0; j < total.size(); ++j) near.values[j] += x.values[j];
      const attacks::Points there = source_gradient(problem, near);
      for (std::size_t j = 0; j < total.size(); ++j) total[j] += static_cast<double>(there.values[j]);
    }
    attacks::Points variance(x.count(), x.size);
    for (std::size_t j = 0; j < total.size(); ++j) {
      variance.values[j] =
          static_cast<float>(total[j] / static_cast<double>(samples) - static_cast<double>(slope.values[j]));
    }
    return variance;
  }
};

ASSAY_PLUGIN(VmiFgsm)
