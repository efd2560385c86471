// The sign is wrong: certain inputs get the high scores.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{.id = "bad-certificate-detector",
                                    .version = "1.0.0",
                                    .summary = "the wrong way round",
                                    .title = kTitle,
                                    .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return -msp(batch); }
};
}  // namespace

ASSAY_PLUGIN(Detector)
