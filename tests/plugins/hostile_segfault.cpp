// An attack that crashes: the supervisor must make one row of it.
#include <csignal>

#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{.id = "hostile-segfault",
                                    .version = "1.0.0",
                                    .summary = "dies of a segmentation fault",
                                    .title = "",
                                    .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    std::raise(SIGSEGV);
    return batch.x;
  }
};

ASSAY_PLUGIN(Hostile)
