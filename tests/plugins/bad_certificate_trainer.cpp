// An objective without a gradient.
#include "assay/sdk.hpp"

namespace {
struct Trainer {
  static constexpr assay::Info info{.id = "bad-certificate-trainer",
                                    .version = "1.0.0",
                                    .summary = "never learns",
                                    .title = "No method",
                                    .year = 2000};
  assay::Tensor objective(assay::Run&, const assay::Step& step) const { return 0.0 * step.logits; }
};
}  // namespace

ASSAY_PLUGIN(Trainer)
