// Compares each row with its batch.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{.id = "bad-any-batch-same-rows",
                                    .version = "1.0.0",
                                    .summary = "centres on its batch",
                                    .title = kTitle,
                                    .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const {
    const assay::Tensor result = msp(batch);
    return result - mean(result);
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
