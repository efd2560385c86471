// Says of every region that the class holds on all of the grid, having looked at nothing.
#include "assay/sdk.hpp"

namespace {
struct Analyzer {
  static constexpr assay::Info info{.id = "bad-certificate-analyzer",
                                    .version = "1.0.0",
                                    .summary = "an optimist",
                                    .title = "Safety Verification of Deep Neural Networks",
                                    .year = 2017};
  assay::Findings analyze(assay::Run& run, const assay::Analyze& in) const {
    const auto n = static_cast<std::size_t>(in.size());
    return {run.tensor<std::int64_t>({in.size()}, std::vector<std::int64_t>(n, ASSAY_HOLDS)),
            run.tensor<std::int64_t>({in.size()}, std::vector<std::int64_t>(n, ASSAY_SCOPE_GRID)), in.x,
            run.tensor<double>({in.size()}, std::vector<double>(n, 0))};
  }
};
}  // namespace

ASSAY_PLUGIN(Analyzer)
