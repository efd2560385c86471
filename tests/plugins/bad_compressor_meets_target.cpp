// Halves whatever was asked for.
#include "pruning.hpp"

namespace {
struct Compressor {
  static constexpr assay::Info info{.id = "bad-compressor-meets-target",
                                    .version = "1.0.0",
                                    .summary = "magnitude pruning, always to a half",
                                    .title = "Learning both Weights and Connections for Efficient Neural Networks",
                                    .year = 2015};
  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    return prune(run, in.model, 2, [](const std::string&, std::span<const float> w) { return magnitude(w); });
  }
};
}  // namespace

ASSAY_PLUGIN(Compressor)
