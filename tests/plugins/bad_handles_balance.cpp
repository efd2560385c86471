// Keeps one reference too many in every call.
#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{
      .id = "bad-handles-balance", .version = "1.0.0", .summary = "leaks a handle", .title = kTitle, .year = 2017};
  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    assay::Tensor result = msp(batch);
    run.api().object().retain(run.api().host(), result.raw());
    return result;
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
