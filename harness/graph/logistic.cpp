#include "harness/graph/logistic.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

[[noreturn]] void bad_fit(const std::string& message) { bad_input_in("logistic regression", message); }

struct Problem {
  std::span<const float> x;
  std::span<const std::int64_t> y;
  std::size_t classes, features;
  double l2;

  // w: weights, then bias.
  double operator()(std::span<const double> w, std::span<double> gradient) const {
    const std::size_t n = y.size(), bias = classes * features;
    std::fill(gradient.begin(), gradient.end(), 0.0);
    std::vector<double> z(classes);
    double loss = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::span<const float> row = x.subspan(i * features, features);
      loss += softmax_loss(row, static_cast<std::size_t>(y[i]), w, z);
      for (std::size_t c = 0; c < classes; ++c) {
        const double slope = z[c] / static_cast<double>(n);
        for (std::size_t f = 0; f < features; ++f) gradient[c * features + f] += slope * static_cast<double>(row[f]);
        gradient[bias + c] += slope;
      }
    }
    loss /= static_cast<double>(n);
    for (std::size_t k = 0; k < bias; ++k) {
      loss += 0.5 * l2 * w[k] * w[k];
      gradient[k] += l2 * w[k];
    }
    return loss;
  }

  // The loss of one row; z becomes softmax - onehot.
  double softmax_loss(std::span<const float> row, std::size_t label, std::span<const double> w,
                      std::vector<double>& z) const {
    for (std::size_t c = 0; c < classes; ++c) {
      z[c] = w[classes * features + c];
      for (std::size_t f = 0; f < features; ++f) z[c] += w[c * features + f] * static_cast<double>(row[f]);
    }
    const double top = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (const double v : z) sum += std::exp(v - top);
    const double log_sum = std::log(sum) + top, loss = log_sum - z[label];
    for (double& v : z) v = std::exp(v - log_sum);
    z[label] -= 1;
    return loss;
  }
};

}  // namespace

std::vector<double> LogisticHead::logits(std::span<const float> x) const {
  const auto f = static_cast<std::size_t>(features), k = static_cast<std::size_t>(classes);
  if (f == 0 || x.size() % f != 0)
    bad_fit(std::to_string(x.size()) + " values are no rows of " + std::to_string(features) + " features");
  std::vector<double> z(x.size() / f * k);
  for (std::size_t i = 0; i < z.size(); ++i) {
    z[i] = bias[i % k];
    for (std::size_t j = 0; j < f; ++j) z[i] += weights[i % k * f + j] * static_cast<double>(x[i / k * f + j]);
  }
  return z;
}

LogisticHead fit_logistic(std::span<const float> x, std::span<const std::int64_t> y, std::int64_t classes, double l2,
                          const LbfgsOptions& options) {
  if (y.empty() || x.empty() || x.size() % y.size() != 0)
    bad_fit(std::to_string(x.size()) + " values for " + std::to_string(y.size()) + " labels");
  if (classes < 2) bad_fit("needs at least 2 classes, not " + std::to_string(classes));
  if (!(l2 >= 0) || !std::isfinite(l2)) bad_fit("l2 must be at least 0");
  for (const std::int64_t label : y) {
    if (label < 0 || label >= classes)
      bad_fit("label " + std::to_string(label) + " is not in [0, " + std::to_string(classes) + ")");
  }
  LogisticHead head;
  head.classes = classes;
  head.features = static_cast<std::int64_t>(x.size() / y.size());
  const auto size = static_cast<std::size_t>(classes * head.features);
  std::vector<double> w(size + static_cast<std::size_t>(classes), 0.0);
  const Problem problem{x, y, static_cast<std::size_t>(classes), static_cast<std::size_t>(head.features), l2};
  head.fit = minimize_lbfgs(problem, w, options);
  const auto cut = w.begin() + static_cast<std::ptrdiff_t>(size);
  head.weights.assign(w.begin(), cut);
  head.bias.assign(cut, w.end());
  double mean = 0;
  for (const double b : head.bias) mean += b / static_cast<double>(classes);
  for (double& b : head.bias) b -= mean;
  return head;
}

}  // namespace assay::graph
