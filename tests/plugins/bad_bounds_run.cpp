// Breaks at the highest value that it allows.
#include <stdexcept>

#include "msp.hpp"

namespace {
struct Detector {
  double scale = 1;
  static constexpr assay::Info info{
      .id = "bad-bounds-run", .version = "1.0.0", .summary = "breaks at a bound", .title = kTitle, .year = 2017};
  static constexpr auto params =
      assay::params(assay::real("scale", &Detector::scale, {.fallback = 1, .min = 0.5, .max = 2, .doc = "factor"}));
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const {
    if (scale >= 2) throw std::out_of_range("table index 2");
    return msp(batch) * scale;
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
