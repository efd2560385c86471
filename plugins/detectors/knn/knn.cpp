// Deep nearest neighbours (Sun et al., ICML 2022, section 3): penultimate features on the unit sphere; score = distance
// to the k-th nearest training feature.
#include <algorithm>

#include "assay/sdk.hpp"

struct Knn {
  std::int64_t k;
  std::int64_t dim = 0, count = 0;
  assay::Tensor bank;  // unit features of the training set [count, dim]

  static constexpr assay::Info info{.id = "knn",
                                    .version = "1.0.0",
                                    .summary = "distance to the k-th nearest training feature on the unit sphere",
                                    .title = "Out-of-Distribution Detection with Deep Nearest Neighbors",
                                    .year = 2022,
                                    .arxiv = "2204.06507",
                                    .access = ASSAY_ACCESS_SCORES | ASSAY_ACCESS_TAPS};
  static constexpr auto params = assay::params(
      assay::integer("k", &Knn::k, {.fallback = 50, .min = 1, .max = 100000, .doc = "which neighbour"}));

  static constexpr std::int64_t kBatch = 64;

  static std::vector<float> features(const assay::Model& model, const assay::Tensor& x) {
    const assay::Tensor tap = model.forward(x, {.taps = {"features"}, .logits = false}).taps[0];
    const auto f = tap.floats();
    const std::size_t n = static_cast<std::size_t>(tap.dim(0)), d = f.size() / n;
    std::vector<float> unit(f.begin(), f.end());
    for (std::size_t i = 0; i < n; ++i) {
      double norm = 0;
      for (std::size_t j = 0; j < d; ++j) norm += static_cast<double>(f[i * d + j]) * f[i * d + j];
      const double scale = 1 / std::max(std::sqrt(norm), 1e-10);
      for (std::size_t j = 0; j < d; ++j) unit[i * d + j] = static_cast<float>(f[i * d + j] * scale);
    }
    return unit;
  }

  void fit(assay::Run& run, const assay::Fit& fit) {
    std::vector<float> all;
    count = fit.train.size();
    fit.train.each(kBatch, [&](const assay::Rows& rows) {
      run.check();
      const std::vector<float> f = features(fit.model, rows.x());
      all.insert(all.end(), f.begin(), f.end());
    });
    if (count < k) assay::fail(ASSAY_INVALID, "k exceeds the number of training samples");
    dim = static_cast<std::int64_t>(all.size()) / count;
    bank = run.tensor<float>({count, dim}, all);
  }

  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    const std::int64_t n = batch.size();
    const assay::Tensor query = run.tensor<float>({n, dim}, features(batch.model, batch.x));
    const assay::Tensor cosine = linear(query, bank);  // query times bank transposed: [n, count]
    const auto c = cosine.floats();
    std::vector<double> scores(static_cast<std::size_t>(n));
    std::vector<float> row(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      std::copy_n(c.begin() + static_cast<std::ptrdiff_t>(i * row.size()), row.size(), row.begin());
      std::nth_element(row.begin(), row.begin() + (k - 1), row.end(), std::greater<>());
      // |a - b|^2 = 2 - 2 cos for unit vectors
      scores[i] = std::sqrt(std::max(0.0, 2 - 2 * static_cast<double>(row[static_cast<std::size_t>(k - 1)])));
    }
    return run.tensor<double>({n}, scores);
  }
};

ASSAY_PLUGIN(Knn)
