// Projected gradient descent in the L-inf ball (Madry et al., 2018), the model answer of an attack plugin.
#include "assay/sdk.hpp"

namespace {

struct GoodAttack {
  double step = 0;
  std::int64_t steps = 0;

  static constexpr assay::Info info{.id = "good-attack",
                                    .version = "1.0.0",
                                    .summary = "projected gradient descent in the L-inf ball",
                                    .title = "Towards Deep Learning Models Resistant to Adversarial Attacks",
                                    .year = 2018,
                                    .arxiv = "1706.06083",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::real("step", &GoodAttack::step,
                  {.fallback = 0.25, .min = 0.001, .max = 1, .doc = "step length", .unit = "eps"}),
      assay::integer("steps", &GoodAttack::steps, {.fallback = 10, .min = 1, .max = 100, .doc = "steps taken"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    if (batch.norm != "linf") assay::fail(ASSAY_UNSUPPORTED, "only the L-inf norm is supported, not " + batch.norm);
    const double direction = batch.targeted ? -1 : 1;
    const assay::Tensor lo = maximum(batch.x - batch.eps, batch.lo), hi = minimum(batch.x + batch.eps, batch.hi);
    assay::Tensor x = batch.x;
    for (std::int64_t i = 0; i < steps; ++i) {
      run.check();
      const assay::Tensor gradient = batch.model.gradient("cw-margin", x, batch.y);
      x = clamp(x + direction * step * batch.eps * sign(gradient), lo, hi);
    }
    return x;
  }
};

}  // namespace

ASSAY_PLUGIN(GoodAttack)
