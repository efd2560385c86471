// Leaves one record more than it was asked for.
#include "assay/sdk.hpp"

namespace {
struct Reducer {
  static constexpr assay::Info info{.id = "bad-reducer-set-is-adopted",
                                    .version = "1.0.0",
                                    .summary = "the first records, and one more",
                                    .title = "",
                                    .baseline = true};
  assay::Records reduce(assay::Run&, const assay::Reduce& in) const {
    return assay::Records::of(in.train.rows(0, std::min(in.train.size(), in.size + 1)).fields);
  }
};
}  // namespace

ASSAY_PLUGIN(Reducer)
