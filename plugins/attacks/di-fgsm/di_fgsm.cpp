// Diverse inputs, M-DI2-FGSM (Xie et al., CVPR 2019, eq. 3-5): with probability p the input is resized to a random
// smaller size (nearest neighbour) and padded with zeros at a random place before the gradient is taken. The paper
// enlarges 299 pixels to at most 330; a net of fixed input size gets the same ratio by shrinking to at least 0.9 and
// padding back.
#include "../common/diverse.hpp"
#include "../common/momentum.hpp"

struct DiFgsm {
  std::int64_t steps;
  double decay;
  double probability, least;

  static constexpr assay::Info info{.id = "di-fgsm",
                                    .version = "1.0.1",
                                    .summary = "momentum iterative FGSM on randomly resized and padded inputs",
                                    .title = "Improving Transferability of Adversarial Examples with Input Diversity",
                                    .year = 2019,
                                    .arxiv = "1803.06978",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &DiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &DiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("probability", &DiFgsm::probability,
                  {.fallback = 0.5, .min = 0, .max = 1, .doc = "share of steps transformed, p"}),
      assay::real("least", &DiFgsm::least,
                  {.fallback = 0.9, .min = 0.1, .max = 1, .doc = "smallest size, as a share"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const Momentum loop{steps, decay};
    return loop.run(problem, [&](const Points& x, const Points& g, std::int64_t t) {
      (void)g;
      const Diverse diverse(problem, probability, least, t);
      return diverse.back(source_gradient(problem, diverse.moved(x)));
    });
  }
};

ASSAY_PLUGIN(DiFgsm)
