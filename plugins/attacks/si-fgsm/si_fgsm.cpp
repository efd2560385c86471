// Scale-invariant attack (Lin et al., ICLR 2020, algorithm 1): the gradient in x of the mean loss of the copies
// x / 2^i, i = 0 .. copies - 1, with or without Nesterov's look-ahead.
#include "../common/momentum.hpp"

struct SiFgsm {
  std::int64_t steps;
  double decay;
  std::int64_t copies;
  bool nesterov;

  static constexpr assay::Info info{.id = "si-fgsm",
                                    .version = "1.0.0",
                                    .summary = "gradients averaged over scaled copies of the input",
                                    .title =
                                        "Nesterov Accelerated Gradient and Scale Invariance for Adversarial "
                                        "Attacks",
                                    .year = 2020,
                                    .arxiv = "1908.06281",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &SiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &SiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::integer("copies", &SiFgsm::copies, {.fallback = 5, .min = 1, .max = 20, .doc = "scaled copies m"}),
      assay::flag("nesterov", &SiFgsm::nesterov,
                  {.fallback = true, .doc = "gradients at the look-ahead (SI-NI-FGSM)"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)t;
      const Points at = nesterov ? loop.ahead(problem, x, g) : x;
      Points total(x.count(), x.size);
      double scale = 1;
      for (std::int64_t i = 0; i < copies; ++i, scale /= 2) {
        Points copy = at;
        for (float& value : copy.values) value = static_cast<float>(static_cast<double>(value) * scale);
        const Points slope = source_gradient(problem, copy);
        const double weight = scale / static_cast<double>(copies);  // d (x / 2^i) / d x, and the mean
        for (std::size_t j = 0; j < total.values.size(); ++j) {
          total.values[j] += static_cast<float>(weight * static_cast<double>(slope.values[j]));
        }
      }
      return total;
    });
  }
};

ASSAY_PLUGIN(SiFgsm)
