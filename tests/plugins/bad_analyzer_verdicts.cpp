// Says of every region that it is violated, by the input itself.
#include "assay/sdk.hpp"

namespace {
struct Analyzer {
  static constexpr assay::Info info{
      .id = "bad-analyzer-verdicts", .version = "1.0.0", .summary = "cries wolf", .title = "", .baseline = true};
  assay::Findings analyze(assay::Run& run, const assay::Analyze& in) const {
    const auto n = static_cast<std::size_t>(in.size());
    return {run.tensor<std::int64_t>({in.size()}, std::vector<std::int64_t>(n, ASSAY_VIOLATED)),
            run.tensor<std::int64_t>({in.size()}, std::vector<std::int64_t>(n, ASSAY_SCOPE_PART)), in.x,
            run.tensor<double>({in.size()}, std::vector<double>(n, 1))};
  }
};
}  // namespace

ASSAY_PLUGIN(Analyzer)
