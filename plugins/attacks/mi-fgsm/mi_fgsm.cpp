// Momentum iterative FGSM (Dong et al., CVPR 2018, algorithm 1): g_{t+1} = decay * g_t + grad / ||grad||_1 and a step of
// eps / steps along its sign, projected to the ball. Several sources: their gradients are averaged.
#include "assay/sdk.hpp"

struct MiFgsm {
  std::int64_t steps;
  double decay;

  static constexpr assay::Info info{.id = "mi-fgsm",
                                    .version = "1.0.0",
                                    .summary = "iterative FGSM with momentum",
                                    .title = "Boosting Adversarial Attacks with Momentum",
                                    .year = 2018,
                                    .arxiv = "1710.06081",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &MiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &MiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}));

  // The paper divides by the L1 norm; the mean absolute value differs by a constant factor, which leaves the
  // direction of the momentum unchanged.
  static assay::Tensor normalised(const assay::Tensor& gradient) {
    return gradient / clamp(l1_norm(gradient), 1e-12, 1e30);
  }

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    if (batch.norm != "linf") assay::fail(ASSAY_UNSUPPORTED, "mi-fgsm is defined for norm linf");
    const double length = (batch.targeted ? -batch.eps : batch.eps) / static_cast<double>(steps);
    assay::Tensor x = batch.x;
    assay::Tensor momentum = batch.x * 0.0;
    for (std::int64_t i = 0; i < steps; ++i) {
      run.check();
      assay::Tensor gradient = batch.sources().front().gradient("cross-entropy", x, batch.y);
      for (std::size_t s = 1; s < batch.sources().size(); ++s) {
        gradient = gradient + batch.sources()[s].gradient("cross-entropy", x, batch.y);
      }
      momentum = momentum * decay + normalised(gradient);
      x = clamp(x + sign(momentum) * length, batch.x - batch.eps, batch.x + batch.eps);
      x = clamp(x, batch.lo, batch.hi);
    }
    return x;
  }
};

ASSAY_PLUGIN(MiFgsm)
