// Says that it poisons, and leaves the set as it is.
#include "assay/sdk.hpp"

namespace {
struct Reducer {
  static constexpr assay::Info info{.id = "bad-certificate-reducer",
                                    .version = "1.0.0",
                                    .summary = "a poison that harms nobody",
                                    .title = "CUDA: Convolution-based Unlearnable Datasets",
                                    .year = 2023,
                                    .poison = true};
  assay::Records reduce(assay::Run&, const assay::Reduce& in) const {
    return assay::Records::of(in.train.rows(0, std::min(in.train.size(), in.size)).fields);
  }
};
}  // namespace

ASSAY_PLUGIN(Reducer)
