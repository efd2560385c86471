// An attack that leaves the eps ball but stays in the valid range.
#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{.id = "hostile-leave-ball",
                                    .version = "1.0.0",
                                    .summary = "moves further than eps",
                                    .title = "",
                                    .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    return clamp(batch.x + 2 * batch.eps, batch.lo, batch.hi);
  }
};

ASSAY_PLUGIN(Hostile)
