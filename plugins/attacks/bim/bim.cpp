// Basic iterative method (Kurakin, Goodfellow, Bengio; ICLR workshop 2017, section 2.1): fast gradient sign steps of a
// fixed length from the clean input, cut to the ball and the range after each.
#include "assay/sdk.hpp"

struct Bim {
  std::int64_t steps;
  double step;

  static constexpr assay::Info info{.id = "bim",
                                    .version = "1.0.0",
                                    .summary = "iterated gradient-sign steps from the clean input",
                                    .title = "Adversarial examples in the physical world",
                                    .year = 2017,
                                    .arxiv = "1607.02533",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Bim::steps, {.fallback = 10, .min = 1, .max = 10000, .doc = "gradient steps"}),
      assay::real("step", &Bim::step,
                  {.fallback = 0.125, .min = 1e-4, .max = 2, .doc = "step length alpha as a share of eps"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    if (batch.norm != "linf") assay::fail(ASSAY_UNSUPPORTED, "bim is defined for norm linf");
    const double length = (batch.targeted ? -step : step) * batch.eps;
    const assay::Tensor low = maximum(batch.x - batch.eps, batch.lo), high = minimum(batch.x + batch.eps, batch.hi);
    assay::Tensor x = batch.x;
    for (std::int64_t i = 0; i < steps; ++i) {
      run.check();
      x = clamp(x + sign(batch.model.gradient("cross-entropy", x, batch.y)) * length, low, high);
    }
    return x;
  }
};

ASSAY_PLUGIN(Bim)
