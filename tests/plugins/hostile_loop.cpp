// An attack that loops for ever and never asks whether it is cancelled.
#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{
      .id = "hostile-loop", .version = "1.0.0", .summary = "never returns", .title = "", .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    volatile bool forever = true;
    while (forever) {
    }
    return batch.x;
  }
};

ASSAY_PLUGIN(Hostile)
