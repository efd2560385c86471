// AdaEA, adaptive ensemble attack (Chen et al., ICCV 2023, section 3.2): the sources' logits are fused with weights
// that say how well one step along each source's own gradient fools the others (adaptive gradient modulation, AGM), and
// what the sources' gradients disagree on too much is left out (disparity-reduced filter, DRF). Weights and filter are
// a sample's own; the released code takes one weight a batch.
#include "../common/diverse.hpp"
#include "../common/smooth.hpp"
#include "../common/sources.hpp"

namespace {

using namespace attacks;

// Per pixel the mean over pairs of sources of the cosine, along the channels, of their gradients. `last` false: the row
// of the last source counts as 0.
std::vector<double> agreement(const Image& image, const std::vector<ConstRow>& grads, bool last) {
  const std::size_t plane = image.height * image.width, sources = grads.size();
  std::vector<double> mean(plane, 0.0);
  for (std::size_t at = 0; at < plane; ++at) {
    const auto dot = [&](ConstRow a, ConstRow b) {
      double total = 0;
      for (std::size_t c = 0; c < image.channels; ++c) {
        total += static_cast<double>(a[c * plane + at]) * static_cast<double>(b[c * plane + at]);
      }
      return total;
    };
    for (std::size_t i = 0; i < (last ? sources : sources - 1); ++i) {
      for (std::size_t j = 0; j < sources; ++j) {
        if (i == j) continue;
        const double size = std::sqrt(dot(grads[i], grads[i]) * dot(grads[j], grads[j]));
        const double cosine = size > 0 ? dot(grads[i], grads[j]) / size : 0;
        mean[at] += cosine / static_cast<double>(sources * (sources - 1));
      }
    }
  }
  return mean;
}

}  // namespace

struct AdaEa {
  std::int64_t steps;
  double decay, step, noise, beta, eta, probability, share;
  bool modulate, filter, drf_compat;

  static constexpr assay::Info info{.id = "adaea",
                                    .version = "1.0.0",
                                    .summary = "ensemble attack with adaptive weights and a disparity filter",
                                    .title =
                                        "An Adaptive Model Ensemble Adversarial Attack for Boosting Adversarial "
                                        "Transferability",
                                    .year = 2023,
                                    .arxiv = "2308.02897",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &AdaEa::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "iterations T"}),
      assay::real("step", &AdaEa::step, {.fallback = 0.25, .min = 1e-4, .max = 2, .doc = "step as a share of eps"}),
      assay::real("decay", &AdaEa::decay,
                  {.fallback = 0.9, .min = 0, .max = 2, .doc = "momentum factor mu; 0: without momentum"}),
      assay::real("noise", &AdaEa::noise,
                  {.fallback = 0.001, .min = 0, .max = 1, .doc = "deviation of the normal start"}),
      assay::flag("modulate", &AdaEa::modulate, {.fallback = true, .doc = "AGM; false: equal weights"}),
      assay::real("beta", &AdaEa::beta, {.fallback = 10, .min = 0, .max = 1000, .doc = "sharpness of the weights"}),
      assay::flag("filter", &AdaEa::filter, {.fallback = true, .doc = "DRF"}),
      assay::real("eta", &AdaEa::eta,
                  {.fallback = -0.3, .min = -1, .max = 1, .doc = "least mean cosine of pixels that are kept"}),
      assay::flag("drf_compat", &AdaEa::drf_compat,
                  {.fallback = false, .doc = "the released code's map: the last source's row is 0"}),
      assay::real("probability", &AdaEa::probability,
                  {.fallback = 0, .min = 0, .max = 1, .doc = "of a random resize (DI) a step"}),
      assay::real(
          "share", &AdaEa::share,
          {.fallback = 0, .min = 0, .max = 0.5, .doc = "reach of the smoothing (TI), as a share of the width"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf}, info.id);
    if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, "adaea is defined for untargeted attacks");
    const Image image(problem.shape);
    const std::int64_t k = std::llround(share * static_cast<double>(image.width));
    Points x = start(problem), momentum(x.count(), x.size);
    for (std::int64_t t = 0; t < steps; ++t) {
      const Diverse diverse(problem, probability, 0.9, t);
      const Points moved = diverse.moved(x);
      std::vector<Points> slopes;
      std::vector<Scores> logits;
      for (const assay::Model& source : batch.sources()) {
        SourceSlope slope = source_slope(problem, source, moved);
        slopes.push_back(diverse.back(slope.grad));
        logits.push_back(std::move(slope.logits));
      }
      const std::vector<double> weights = weigh(problem, x, slopes);
      const std::size_t sources = slopes.size();
      Points way = diverse.back(mixed_gradient(problem, moved, logits,
                                               [&](std::size_t i, std::size_t s) { return weights[i * sources + s]; }));
      if (filter && sources > 1) cut(image, slopes, way);
      for (std::size_t i = 0; i < way.count(); ++i) smooth(image, k, way.row(i));
      remember(decay, Norm::l1, way, momentum);
      step_along_signs(problem, momentum, step * problem.eps, x);
    }
    return problem.tensor(x);
  }

  Points start(const Problem& problem) const {
    Points x = problem.normal("start", every(problem.count()), 0);
    for (std::size_t j = 0; j < x.values.size(); ++j) {
      x.values[j] =
          static_cast<float>(static_cast<double>(problem.x.values[j]) + noise * static_cast<double>(x.values[j]));
    }
    for (std::size_t i = 0; i < x.count(); ++i) project(problem, i, x.row(i));
    return x;
  }

  // AGM: softmax over k of beta sum_{i != k} L_i(a_k) / L_k(a_k), where a_k is one step along source k's own signs and
  // L_i source i's cross-entropy. [count, sources]
  std::vector<double> weigh(const Problem& problem, const Points& x, const std::vector<Points>& slopes) const {
    const auto& sources = problem.batch.sources();
    std::vector<double> weights(x.count() * sources.size(), 1 / static_cast<double>(sources.size()));
    if (!modulate || sources.size() == 1) return weights;
    for (std::size_t k = 0; k < sources.size(); ++k) {
      Points trial = x;
      step_along_signs(problem, slopes[k], step * problem.eps, trial);
      std::vector<Scores> logits;
      logits.reserve(sources.size());
      for (const assay::Model& source : sources) logits.push_back(scores_of(problem, source, trial));
      for (std::size_t i = 0; i < x.count(); ++i) {
        double others = 0;
        for (std::size_t s = 0; s < sources.size(); ++s) {
          if (s != k) others += cross_entropy(logits[s].row(i), problem.y[i]);
        }
        weights[i * sources.size() + k] = beta * others / (cross_entropy(logits[k].row(i), problem.y[i]) + 1e-12);
      }
    }
    for (std::size_t i = 0; i < x.count(); ++i) soften(std::span(weights).subspan(i * sources.size(), sources.size()));
    return weights;
  }
  static void soften(std::span<double> w) {
    const double top = *std::max_element(w.begin(), w.end());
    double total = 0;
    for (double& value : w) total += value = std::exp(value - top);
    for (double& value : w) value /= total;
  }

  // DRF: pixels on which the sources agree less than eta are not moved.
  void cut(const Image& image, const std::vector<Points>& slopes, Points& way) const {
    const std::size_t plane = image.height * image.width;
    for (std::size_t i = 0; i < way.count(); ++i) {
      std::vector<ConstRow> grads;
      grads.reserve(slopes.size());
      for (const Points& slope : slopes) grads.push_back(slope.row(i));
      const std::vector<double> mean = agreement(image, grads, !drf_compat);
      for (std::size_t j = 0; j < way.size; ++j) {
        if (mean[j % plane] < eta) way.row(i)[j] = 0;
      }
    }
  }
};

ASSAY_PLUGIN(AdaEa)
