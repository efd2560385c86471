// Forgets a handle on its way out of a failure.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{
      .id = "bad-fail-nth-call", .version = "1.0.0", .summary = "leaks on failure", .title = kTitle, .year = 2017};
  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    try {
      return msp(batch);
    } catch (const assay::Failure&) {
      run.api().object().retain(run.api().host(), batch.x.raw());
      throw;
    }
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
