// Gives the inputs back and finds nothing.
#include "assay/sdk.hpp"

namespace {
struct Attack {
  static constexpr assay::Info info{.id = "bad-certificate-attack",
                                    .version = "1.0.0",
                                    .summary = "does not attack",
                                    .title = "Intriguing properties of neural networks",
                                    .year = 2014};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const { return batch.x; }
};
}  // namespace

ASSAY_PLUGIN(Attack)
