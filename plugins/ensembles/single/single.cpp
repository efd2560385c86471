// The first member alone: the trivial baseline of every ensemble suite (rule 4).
#include "assay/sdk.hpp"

struct Single {
  static constexpr assay::Info info{.id = "single",
                                    .version = "1.0.0",
                                    .summary = "the first member alone (trivial baseline)",
                                    .title = "",
                                    .baseline = true};

  assay::Model combine(assay::Run&, const assay::Members& in) const {
    if (in.members.empty()) assay::fail(ASSAY_INVALID, "the host passed no members");
    return in.members.front();
  }
};

ASSAY_PLUGIN(Single)
