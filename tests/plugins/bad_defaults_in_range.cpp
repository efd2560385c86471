// A default that its own range excludes.
#include "msp.hpp"

namespace {
struct Detector {
  double scale = 1;
  static constexpr assay::Info info{.id = "bad-defaults-in-range",
                                    .version = "1.0.0",
                                    .summary = "default out of range",
                                    .title = kTitle,
                                    .year = 2017};
  static constexpr auto params =
      assay::params(assay::real("scale", &Detector::scale, {.fallback = 3, .min = 0.5, .max = 2, .doc = "factor"}));
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch) * scale; }
};
}  // namespace

ASSAY_PLUGIN(Detector)
