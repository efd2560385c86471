// Momentum iterative FGSM (Dong et al., CVPR 2018, algorithm 1): g_{t+1} = decay * g_t + grad / ||grad||_1 and a step
// of eps / steps along its sign, projected to the ball. Several sources: their gradients are averaged. With a longer
// step, a random start and the margin as its loss it is the momentum PGD of transfer evaluations.
#include "assay/sdk.hpp"

struct MiFgsm {
  std::int64_t steps;
  double decay, step;
  bool random_start;
  std::string loss;

  static constexpr assay::Info info{.id = "mi-fgsm",
                                    .version = "1.1.0",
                                    .summary = "iterative FGSM with momentum",
                                    .title = "Boosting Adversarial Attacks with Momentum",
                                    .year = 2018,
                                    .arxiv = "1710.06081",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &MiFgsm::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "gradient steps"}),
      assay::real("decay", &MiFgsm::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "momentum factor mu"}),
      assay::real("step", &MiFgsm::step,
                  {.fallback = 0, .min = 0, .max = 2, .doc = "step length as a share of eps; 0: 1 / steps"}),
      assay::flag("random_start", &MiFgsm::random_start,
                  {.fallback = false, .doc = "start at a random point of the ball"}),
      assay::choice(
          "loss", &MiFgsm::loss,
          {.fallback = "cross-entropy", .choices = {"cross-entropy", "cw-margin"}, .doc = "loss that is raised"}));

  // The paper divides by the L1 norm; the mean absolute value differs by a constant factor, which leaves the
  // direction of the momentum unchanged.
  static assay::Tensor normalised(const assay::Tensor& gradient) {
    return gradient / clamp(l1_norm(gradient), 1e-12, 1e30);
  }

  static assay::Tensor project(const assay::Batch& batch, const assay::Tensor& x) {
    return clamp(clamp(x, batch.x - batch.eps, batch.x + batch.eps), batch.lo, batch.hi);
  }

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    if (batch.norm != "linf") assay::fail(ASSAY_UNSUPPORTED, "mi-fgsm is defined for norm linf");
    const double share = step > 0 ? step : 1 / static_cast<double>(steps);
    const double length = (batch.targeted ? -batch.eps : batch.eps) * share;
    assay::Tensor x = batch.x;
    if (random_start) {
      x = project(batch, x + run.uniform("start", x.shape(), -1, 1, {.ids = batch.ids}) * batch.eps);
    }
    assay::Tensor momentum = batch.x * 0.0;
    for (std::int64_t i = 0; i < steps; ++i) {
      run.check();
      assay::Tensor gradient = batch.sources().front().gradient(loss.c_str(), x, batch.y);
      for (std::size_t s = 1; s < batch.sources().size(); ++s) {
        gradient = gradient + batch.sources()[s].gradient(loss.c_str(), x, batch.y);
      }
      momentum = momentum * decay + normalised(gradient);
      x = project(batch, x + sign(momentum) * length);
    }
    return x;
  }
};

ASSAY_PLUGIN(MiFgsm)
