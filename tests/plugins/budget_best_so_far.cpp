// Attacks until its budget is gone, acts on the error, and returns the best that it has so far.
#include "assay/sdk.hpp"

struct BestSoFar {
  static constexpr assay::Info info{.id = "budget-best-so-far",
                                    .version = "1.0.0",
                                    .summary = "steps along the sign of the gradient until the budget is exhausted",
                                    .title = "",
                                    .needs_gradients = true,
                                    .baseline = true};  // exempt from certificates: it is the host that is tested
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    assay::Tensor x = batch.x;
    try {
      while (true) {
        const assay::Tensor step = sign(batch.model.gradient("cross-entropy", x, batch.y)) * (batch.eps / 4);
        const assay::Tensor moved = clamp(x + step - batch.x, -batch.eps, batch.eps);
        x = clamp(batch.x + moved, batch.lo, batch.hi);
      }
    } catch (const assay::Failure& failure) {
      if (failure.status() != ASSAY_BUDGET) throw;
    }
    return x;
  }
};

ASSAY_PLUGIN(BestSoFar)
