// Forgets the valid range.
#include "assay/sdk.hpp"

namespace {
struct Attack {
  static constexpr assay::Info info{.id = "bad-attack-stays-in-threat-model",
                                    .version = "1.0.0",
                                    .summary = "one signed step, not clipped to the range",
                                    .title = "Explaining and Harnessing Adversarial Examples",
                                    .year = 2015,
                                    .arxiv = "1412.6572",
                                    .needs_gradients = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    if (batch.norm != "linf") assay::fail(ASSAY_UNSUPPORTED, "only linf");
    const assay::Tensor moved = batch.x + batch.eps * sign(batch.model.gradient("cross-entropy", batch.x, batch.y));
    return clamp(moved, batch.x - batch.eps, batch.x + batch.eps);
  }
};
}  // namespace

ASSAY_PLUGIN(Attack)
