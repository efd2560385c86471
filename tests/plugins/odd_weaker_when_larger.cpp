// An iterative attack that works at small radii and gives up at large ones: the judge must call it suspect (rule 16).
#include "assay/sdk.hpp"

struct WeakerWhenLarger {
  static constexpr assay::Info info{.id = "odd-weaker-when-larger",
                                    .version = "1.0.0",
                                    .summary = "moves only while eps is below 0.15",
                                    .title = "",
                                    .needs_gradients = true,
                                    .baseline = true,  // exempt from certificates: it is the judge that is tested
                                    .iterative = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    if (batch.eps > 0.15) return batch.x;
    const assay::Tensor gradient = batch.model.gradient("cross-entropy", batch.x, batch.y);
    return clamp(batch.x + sign(gradient) * batch.eps, batch.lo, batch.hi);
  }
};

ASSAY_PLUGIN(WeakerWhenLarger)
