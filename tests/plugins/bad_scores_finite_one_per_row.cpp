// Takes the logarithm of darkness, which an all-bright image does not have.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{.id = "bad-scores-finite-one-per-row",
                                    .version = "1.0.0",
                                    .summary = "not finite on white",
                                    .title = kTitle,
                                    .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const {
    return msp(batch) + 0.0 * log(1.0 - mean(batch.x, {.axes = {1, 2, 3}}));
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
