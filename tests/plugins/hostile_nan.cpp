// An attack whose outputs are not numbers.
#include <limits>

#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{
      .id = "hostile-nan", .version = "1.0.0", .summary = "returns NaN", .title = "", .baseline = true};
  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    return batch.x + run.full({1}, std::numeric_limits<float>::quiet_NaN());
  }
};

ASSAY_PLUGIN(Hostile)
