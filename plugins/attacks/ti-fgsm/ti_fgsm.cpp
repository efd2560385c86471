// Translation-invariant attack (Dong et al., CVPR 2019, eq. 8): the gradient is convolved, channel by channel, with a
// Gaussian kernel of (2k + 1) x (2k + 1) elements and deviation k / sqrt(3), which stands for the mean over
// translations. The paper's k of 7 pixels belongs to images 299 wide: k is a share of the width.
#include "../common/momentum.hpp"
#include "../common/smooth.hpp"

struct TiFgsm {
  std::int64_t steps;
  double decay;
  double share;

  static constexpr assay::Info info{.id = "ti-fgsm",
                                    .version = "1.0.1",
                                    .summary = "momentum iterative FGSM on smoothed gradients",
                                    .title =
                                        "Evading Defenses to Transferable Adversarial Examples by "
                                        "Translation-Invariant Attacks",
                                    .year = 2019,
                                    .arxiv = "1904.02884",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &TiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &TiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("share", &TiFgsm::share,
                  {.fallback = 0.0234, .min = 0, .max = 0.5, .doc = "largest translation k, as a share of the width"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    const Image image(problem.shape);
    const std::int64_t k = std::llround(share * static_cast<double>(image.width));
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g, (void)t;
      Points slope = source_gradient(problem, x);
      for (std::size_t i = 0; i < slope.count(); ++i) smooth(image, k, slope.row(i));
      return slope;
    });
  }
};

ASSAY_PLUGIN(TiFgsm)
