// A uniform choice of records: the baseline of every reduced set (rule 39). It changes neither a record nor their order, so
// that at ratio 1 it is the full set.
#include "../common/subset.hpp"

struct RandomSubset {
  static constexpr assay::Info info{.id = "random-subset",
                                    .version = "1.0.0",
                                    .summary = "records chosen at random, as they are (trivial baseline)",
                                    .title = "",
                                    .baseline = true};

  assay::Records reduce(assay::Run& run, const assay::Reduce& in) const {
    return assay::Records::of(in.train.rows(reducers::choose(run, in.train.size(), in.size)).fields);
  }
};

ASSAY_PLUGIN(RandomSubset)
