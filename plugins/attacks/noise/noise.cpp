// Random noise at the border of the threat model: the trivial baseline of every attack suite (rule 4).
// L-inf: each value moves by +eps or -eps; L2: a Gaussian direction of length eps. Clipped to the valid range.
#include "assay/sdk.hpp"

struct Noise {
  static constexpr assay::Info info{.id = "noise",
                                    .version = "1.0.0",
                                    .summary = "uniform random corner of the ball (trivial baseline)",
                                    .title = "",
                                    .baseline = true};

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const assay::Shape shape = batch.x.shape();
    assay::Tensor delta = run.normal("noise", shape, 0, 1, {.ids = batch.ids});
    delta = batch.norm == "l2" ? delta / clamp(l2_norm(delta), 1e-12, 1e30) : sign(delta);
    assay::Tensor moved = clamp(batch.x + delta * batch.eps, batch.lo, batch.hi);
    if (batch.norm == "l2") return moved;
    return clamp(moved, batch.x - batch.eps, batch.x + batch.eps);
  }
};

ASSAY_PLUGIN(Noise)
