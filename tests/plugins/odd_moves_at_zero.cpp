// Moves every input by less than the judge's tolerance whatever eps is: at eps = 0 nothing may move (rule 16).
#include "assay/sdk.hpp"

namespace {
struct MovesAtZero {
  static constexpr assay::Info info{
      .id = "odd-moves-at-zero", .version = "1.0.0", .summary = "moves at eps = 0", .title = "", .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    return clamp(batch.x + 5e-7, batch.lo, batch.hi);
  }
};
}  // namespace

ASSAY_PLUGIN(MovesAtZero)
