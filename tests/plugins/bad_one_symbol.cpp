// Exports a second symbol.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{
      .id = "bad-one-symbol", .version = "1.0.0", .summary = "exports a helper", .title = kTitle, .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch); }
};
}  // namespace

extern "C" ASSAY_EXPORT int helper() { return 1; }

ASSAY_PLUGIN(Detector)
