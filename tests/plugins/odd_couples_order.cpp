// Draws its start by the row's place in the batch, not by its id: any-batch-same-rows must see it (rule 8).
#include "assay/sdk.hpp"

namespace {
struct CouplesOrder {
  static constexpr assay::Info info{.id = "odd-couples-order",
                                    .version = "1.0.0",
                                    .summary = "a random start keyed by place",
                                    .title = "",
                                    .baseline = true};
  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const assay::Tensor start = run.uniform("start", batch.x.shape(), -1, 1) * batch.eps;
    return clamp(clamp(batch.x + start, batch.x - batch.eps, batch.x + batch.eps), batch.lo, batch.hi);
  }
};
}  // namespace

ASSAY_PLUGIN(CouplesOrder)
