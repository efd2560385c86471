// Every instance leaves 64 KiB behind.
#include "msp.hpp"

namespace {
std::vector<std::vector<char>> remains;

struct Detector {
  static constexpr assay::Info info{.id = "bad-create-destroy-1000",
                                    .version = "1.0.0",
                                    .summary = "grows with every instance",
                                    .title = kTitle,
                                    .year = 2017};
  Detector() { remains.emplace_back(64 * 1024, 'x'); }
  assay::Tensor score(assay::Run&, const assay::Batch& batch) const { return msp(batch); }
};
}  // namespace

ASSAY_PLUGIN(Detector)
