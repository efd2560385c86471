// Works while it is loaded.
#include <unistd.h>

#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{
      .id = "bad-scan-time", .version = "1.0.0", .summary = "sleeps when it is loaded", .title = kTitle, .year = 2017};
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch); }
};
const int slept = usleep(1'200'000);
}  // namespace

ASSAY_PLUGIN(Detector)
