// Mahalanobis distance in feature space (Lee et al., NeurIPS 2018, section 2.1): class-conditional Gaussians with one
// shared covariance fitted to the penultimate features; score = min_c (f - mu_c)^T Sigma^-1 (f - mu_c).
// Left out of the paper's full method: the input pre-processing and the logistic regression over layers, which is
// fitted on OOD samples (rule 32 denies these).
#include <algorithm>
#include <limits>

#include "assay/sdk.hpp"

struct Mahalanobis {
  double ridge;
  std::int64_t dim = 0, classes = 0;
  std::vector<double> means, factor;  // [classes, dim]; lower Cholesky factor of the covariance [dim, dim]

  static constexpr assay::Info info{
      .id = "mahalanobis",
      .version = "1.0.0",
      .summary = "distance to the nearest class mean under a shared covariance of the features",
      .title = "A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks",
      .year = 2018,
      .arxiv = "1807.03888",
      .access = ASSAY_ACCESS_SCORES | ASSAY_ACCESS_TAPS};
  static constexpr auto params = assay::params(
      assay::real("ridge", &Mahalanobis::ridge,
                  {.fallback = 1e-6, .min = 0, .max = 1, .doc = "added to the diagonal, as a share of its mean"}));

  static constexpr std::int64_t kBatch = 64;

  static assay::Tensor features(const assay::Model& model, const assay::Tensor& x) {
    const assay::Tensor tap = model.forward(x, {.taps = {"features"}, .logits = false}).taps[0];
    return tap.ndim() == 2 ? tap : reshape(tap, {tap.dim(0), tap.count() / tap.dim(0)});
  }

  void fit(assay::Run& run, const assay::Fit& fit) {
    classes = fit.classes;
    std::vector<float> all;
    std::vector<std::int64_t> labels;
    fit.train.each(kBatch, [&](const assay::Rows& rows) {
      run.check();
      const assay::Tensor f = features(fit.model, rows.x());
      dim = f.dim(1);
      all.insert(all.end(), f.floats().begin(), f.floats().end());
      const assay::Tensor y = rows.y();
      labels.insert(labels.end(), y.ints().begin(), y.ints().end());
    });
    if (labels.empty()) assay::fail(ASSAY_INVALID, "mahalanobis needs training samples to fit");
    fit_means(all, labels);
    factor = covariance(all, labels);
    decompose();
  }

  void fit_means(const std::vector<float>& all, const std::vector<std::int64_t>& labels) {
    const auto d = static_cast<std::size_t>(dim);
    means.assign(static_cast<std::size_t>(classes) * d, 0);
    std::vector<double> count(static_cast<std::size_t>(classes), 0);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto c = static_cast<std::size_t>(labels[i]);
      count[c] += 1;
      for (std::size_t j = 0; j < d; ++j) means[c * d + j] += all[i * d + j];
    }
    for (std::size_t c = 0; c < count.size(); ++c) {
      for (std::size_t j = 0; j < d; ++j) means[c * d + j] /= std::max(count[c], 1.0);
    }
  }

  std::vector<double> covariance(const std::vector<float>& all, const std::vector<std::int64_t>& labels) const {
    const auto d = static_cast<std::size_t>(dim);
    std::vector<double> sigma(d * d, 0), centred(d);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const double* mean = &means[static_cast<std::size_t>(labels[i]) * d];
      for (std::size_t j = 0; j < d; ++j) centred[j] = all[i * d + j] - mean[j];
      for (std::size_t a = 0; a < d; ++a) {
        for (std::size_t b = 0; b <= a; ++b) sigma[a * d + b] += centred[a] * centred[b];
      }
    }
    double trace = 0;
    for (double& value : sigma) value /= static_cast<double>(labels.size());
    for (std::size_t j = 0; j < d; ++j) trace += sigma[j * d + j];
    // Dead features have no variance at all: the ridge keeps the factor defined.
    for (std::size_t j = 0; j < d; ++j) sigma[j * d + j] += ridge * trace / static_cast<double>(d) + 1e-12;
    return sigma;
  }

  void decompose() {  // Cholesky, in place, lower triangle
    const auto d = static_cast<std::size_t>(dim);
    for (std::size_t a = 0; a < d; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        double sum = factor[a * d + b];
        for (std::size_t j = 0; j < b; ++j) sum -= factor[a * d + j] * factor[b * d + j];
        if (a != b) {
          factor[a * d + b] = sum / factor[b * d + b];
        } else if (sum > 0) {
          factor[a * d + a] = std::sqrt(sum);
        } else {
          assay::fail(ASSAY_NUMERIC, "the feature covariance is singular; raise 'ridge'");
        }
      }
    }
  }

  double distance(std::span<const float> f, std::size_t c, std::vector<double>& work) const {
    const auto d = static_cast<std::size_t>(dim);
    double total = 0;
    for (std::size_t a = 0; a < d; ++a) {  // forward substitution: L z = f - mu
      double sum = f[a] - means[c * d + a];
      for (std::size_t b = 0; b < a; ++b) sum -= factor[a * d + b] * work[b];
      work[a] = sum / factor[a * d + a];
      total += work[a] * work[a];
    }
    return total;
  }

  assay::Tensor score(assay::Run& run, const assay::Batch& batch) const {
    const assay::Tensor f = features(batch.model, batch.x);
    std::vector<double> scores(static_cast<std::size_t>(batch.size())), work(static_cast<std::size_t>(dim));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto row = f.floats().subspan(i * work.size(), work.size());
      scores[i] = std::numeric_limits<double>::infinity();
      for (std::size_t c = 0; c < static_cast<std::size_t>(classes); ++c) {
        scores[i] = std::min(scores[i], distance(row, c, work));
      }
    }
    return run.tensor<double>({batch.size()}, scores);
  }
};

ASSAY_PLUGIN(Mahalanobis)
