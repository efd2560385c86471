// Label smoothing (Szegedy et al., CVPR 2016, section 7) as an objective inside the host's loop:
// the target is (1 - smoothing) * one-hot + smoothing / K; the gradient of the mean loss is (softmax - target) / n.
#include <algorithm>

#include "assay/sdk.hpp"

struct LabelSmoothing {
  double smoothing;

  static constexpr assay::Info info{.id = "label-smoothing",
                                    .version = "1.0.0",
                                    .summary = "cross-entropy with smoothed targets",
                                    .title = "Rethinking the Inception Architecture for Computer Vision",
                                    .year = 2016,
                                    .arxiv = "1512.00567"};
  static constexpr auto params = assay::params(assay::real(
      "smoothing", &LabelSmoothing::smoothing, {.fallback = 0.1, .min = 0, .max = 0.9, .doc = "mass spread over all classes"}));

  assay::Tensor objective(assay::Run& run, const assay::Step& step) const {
    const assay::Shape shape = step.logits.shape();
    const auto n = static_cast<std::size_t>(shape[0]), k = static_cast<std::size_t>(shape[1]);
    const assay::Tensor probabilities = softmax(detach(step.logits));
    const auto p = probabilities.floats();
    const auto y = step.y.ints();
    std::vector<float> gradient(n * k);
    const double spread = smoothing / static_cast<double>(k);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < k; ++j) {
        const double target = spread + (static_cast<std::size_t>(y[i]) == j ? 1 - smoothing : 0);
        gradient[i * k + j] = static_cast<float>((p[i * k + j] - target) / static_cast<double>(n));
      }
    }
    return run.tensor<float>(shape, gradient);
  }
};

ASSAY_PLUGIN(LabelSmoothing)
