// Meets every target by pruning at random, and does not call itself a baseline.
#include "pruning.hpp"

namespace {
struct Compressor {
  static constexpr assay::Info info{.id = "bad-certificate-compressor",
                                    .version = "1.0.0",
                                    .summary = "prunes at random",
                                    .title = "What is the State of Neural Network Pruning?",
                                    .year = 2020};
  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    return prune(run, in.model, in.value, [&run](const std::string& name, std::span<const float> weights) {
      const auto draws = run.uniform(name.c_str(), {static_cast<std::int64_t>(weights.size())}, 0, 1);
      return std::vector<float>(draws.floats().begin(), draws.floats().end());
    });
  }
};
}  // namespace

ASSAY_PLUGIN(Compressor)
