// Maximum softmax probability (Hendrycks and Gimpel, ICLR 2017): score = 1 - max_k softmax(z)_k.
#include <algorithm>

#include "assay/sdk.hpp"

struct Msp {
  static constexpr assay::Info info{
      .id = "msp",
      .version = "1.0.0",
      .summary = "one minus the maximum softmax probability",
      .title = "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks",
      .year = 2017,
      .arxiv = "1610.02136",
      .access = ASSAY_ACCESS_SCORES};

  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    const assay::Tensor logits = batch.model(batch.x);
    const auto z = logits.floats();
    const auto k = static_cast<std::size_t>(logits.dim(1));
    std::vector<double> scores(static_cast<std::size_t>(batch.size()));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto row = z.subspan(i * k, k);
      const double top = *std::max_element(row.begin(), row.end());
      double sum = 0;  // in double: confident nets differ from 1 by less than float32 resolves
      double others = 0;
      bool skipped = false;
      for (const float value : row) {
        const double e = std::exp(value - top);
        sum += e;
        if (!skipped && value == top) {
          skipped = true;
        } else {
          others += e;
        }
      }
      scores[i] = others / sum;
    }
    return run.tensor<double>({batch.size()}, scores);
  }
};

ASSAY_PLUGIN(Msp)
