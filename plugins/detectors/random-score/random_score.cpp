// A score that knows nothing: the trivial baseline of every detection suite (rule 4). AUROC 0.5 in expectation.
#include "assay/sdk.hpp"

struct RandomScore {
  static constexpr assay::Info info{.id = "random-score",
                                    .version = "1.0.0",
                                    .summary = "uniform random score (trivial baseline)",
                                    .title = "",
                                    .baseline = true};

  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    return run.uniform("score", {batch.size()}, 0, 1, {.ids = batch.ids});
  }
};

ASSAY_PLUGIN(RandomScore)
