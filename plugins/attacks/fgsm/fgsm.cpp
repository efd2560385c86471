// Fast gradient sign method (Goodfellow, Shlens, Szegedy; ICLR 2015, eq. in section 4): one step of length eps along the
// sign of the loss gradient. L2: along the normalised gradient.
#include "assay/sdk.hpp"

struct Fgsm {
  static constexpr assay::Info info{.id = "fgsm",
                                    .version = "1.1.0",
                                    .summary = "one gradient-sign step of length eps",
                                    .title = "Explaining and Harnessing Adversarial Examples",
                                    .year = 2015,
                                    .arxiv = "1412.6572",
                                    .needs_gradients = true};

  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    if (batch.norm != "linf" && batch.norm != "l2") {
      assay::fail(ASSAY_UNSUPPORTED, "fgsm is not defined for norm " + batch.norm);
    }
    const assay::Tensor gradient = batch.model.gradient("cross-entropy", batch.x, batch.y);
    const double length = batch.targeted ? -batch.eps : batch.eps;  // targeted: descend towards the target class
    const assay::Tensor step =
        batch.norm == "l2" ? gradient / clamp(l2_norm(gradient), 1e-12, 1e30) : sign(gradient);
    return clamp(batch.x + step * length, batch.lo, batch.hi);
  }
};

ASSAY_PLUGIN(Fgsm)
