// Takes a missing service for a bug of its own and gives no reason.
#include <stdexcept>

#include "msp.hpp"

namespace {
struct Detector {
  static constexpr assay::Info info{.id = "bad-missing-service-reported",
                                    .version = "1.0.0",
                                    .summary = "fails without a reason",
                                    .title = kTitle,
                                    .year = 2017};
  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    const assay_host* host = run.api().host();
    if (host->service(host, ASSAY_RUN_SERVICE) == nullptr) throw std::runtime_error("");
    return msp(batch);
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
