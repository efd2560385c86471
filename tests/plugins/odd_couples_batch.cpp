// Divides its gradient by the batch's mean length, so that a sample's step depends on its neighbours:
// any-batch-same-rows must see it (rule 8).
#include "assay/sdk.hpp"

namespace {
struct CouplesBatch {
  static constexpr assay::Info info{.id = "odd-couples-batch",
                                    .version = "1.0.0",
                                    .summary = "a step in units of the batch's mean gradient",
                                    .title = "",
                                    .needs_gradients = true,
                                    .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    const assay::Tensor gradient = batch.model.gradient("cw-margin", batch.x, batch.y);
    const assay::Tensor step = gradient / mean(l1_norm(gradient)) * batch.eps;
    return clamp(clamp(batch.x + step, batch.x - batch.eps, batch.x + batch.eps), batch.lo, batch.hi);
  }
};
}  // namespace

ASSAY_PLUGIN(CouplesBatch)
