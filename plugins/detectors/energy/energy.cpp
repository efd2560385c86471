// Energy score (Liu et al., NeurIPS 2020, eq. 4): E(x) = -T log sum_k exp(z_k / T); higher energy is more anomalous.
#include <algorithm>

#include "assay/sdk.hpp"

struct Energy {
  double temperature;

  static constexpr assay::Info info{.id = "energy",
                                    .version = "1.0.0",
                                    .summary = "free energy of the logits",
                                    .title = "Energy-based Out-of-distribution Detection",
                                    .year = 2020,
                                    .arxiv = "2010.03759",
                                    .access = ASSAY_ACCESS_SCORES};
  static constexpr auto params = assay::params(assay::real(
      "temperature", &Energy::temperature, {.fallback = 1, .min = 0.01, .max = 1000, .doc = "T of equation 4"}));

  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    const assay::Tensor logits = batch.model(batch.x);
    const auto z = logits.floats();
    const auto k = static_cast<std::size_t>(logits.dim(1));
    std::vector<double> scores(static_cast<std::size_t>(batch.size()));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto row = z.subspan(i * k, k);
      const double top = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const float value : row) sum += std::exp((value - top) / temperature);
      scores[i] = -(top + temperature * std::log(sum));
    }
    return run.tensor<double>({batch.size()}, scores);
  }
};

ASSAY_PLUGIN(Energy)
