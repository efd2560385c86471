// Never asks whether it was cancelled.
#include <unistd.h>

#include "msp.hpp"

namespace {
struct Detector {
  std::int64_t rounds = 1;
  static constexpr assay::Info info{
      .id = "bad-cancel-within-1s", .version = "1.0.0", .summary = "does not listen", .title = kTitle, .year = 2017};
  static constexpr auto params = assay::params(assay::integer(
      "rounds", &Detector::rounds, {.fallback = 1, .min = 1, .max = 250, .doc = "hundredths of a second"}));
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const {
    for (std::int64_t i = 0; i < rounds; ++i) usleep(10'000);
    return msp(batch);
  }
};
}  // namespace

ASSAY_PLUGIN(Detector)
