// Cites nothing though it is no baseline.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{.id = "bad-descriptor-complete", .version = "1.0.0", .summary = "cites nothing"};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch); }
};
}  // namespace

ASSAY_PLUGIN(Detector)
