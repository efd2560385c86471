// An attack that calls exit(0): a process that ended well is not a job that ended.
#include <cstdlib>

#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{.id = "hostile-exit",
                                    .version = "1.0.0",
                                    .summary = "ends the process as if all were well",
                                    .title = "",
                                    .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const { std::exit(batch.size() > 0 ? 0 : 1); }
};

ASSAY_PLUGIN(Hostile)
