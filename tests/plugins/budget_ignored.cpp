// Attacks without a thought for its budget: the host's refusal goes through it, and its cell is rejected.
#include "assay/sdk.hpp"

struct Ignoring {
  static constexpr assay::Info info{.id = "budget-ignored",
                                    .version = "1.0.0",
                                    .summary = "a thousand steps along the sign of the gradient, whatever they cost",
                                    .title = "",
                                    .needs_gradients = true,
                                    .baseline = true};  // exempt from certificates: it is the host that is tested
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    assay::Tensor x = batch.x;
    for (int step = 0; step < 1000; ++step)
      x = clamp(x + sign(batch.model.gradient("cross-entropy", x, batch.y)) * (batch.eps / 1000), batch.lo, batch.hi);
    return x;
  }
};

ASSAY_PLUGIN(Ignoring)
