// Common Weakness Attack, MI-CWA (Chen et al., ICLR 2024, algorithm 1): each iteration goes down the loss of the summed
// logits first (the reverse step of sharpness-aware minimisation, eq. 5), then up the loss of one source after the
// other along normalised gradients with a momentum of their own (the cosine similarity encourager, eq. 8), and takes
// the way made as the update of a momentum step from where it began.
#include "../common/sources.hpp"

struct Cwa {
  std::int64_t steps;
  double decay, reverse, step, reach;
  bool encourage;

  static constexpr assay::Info info{.id = "cwa",
                                    .version = "1.0.0",
                                    .summary = "common weakness attack: flat and close to every source's optimum",
                                    .title = "Rethinking Model Ensemble in Transfer-based Adversarial Attacks",
                                    .year = 2024,
                                    .arxiv = "2303.09105",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Cwa::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "iterations T"}),
      assay::real("decay", &Cwa::decay, {.fallback = 1.0, .min = 0, .max = 2, .doc = "factor mu of both momenta"}),
      assay::real("reverse", &Cwa::reverse,
                  {.fallback = 1.0 / 15, .min = 0, .max = 1, .doc = "reverse step r as a share of eps; 0: none"}),
      assay::real("step", &Cwa::step,
                  {.fallback = 0.2, .min = 1e-4, .max = 2, .doc = "outer step alpha as a share of eps"}),
      assay::real("reach", &Cwa::reach,
                  {.fallback = 0.644,
                   .min = 1e-6,
                   .max = 1e4,
                   .doc = "inner step beta / sqrt(elements): root mean square of one normalised step"}),
      assay::flag("encourage", &Cwa::encourage,
                  {.fallback = true, .doc = "false: no inner loop, the gradient behind the reverse step (MI-SAM)"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf}, info.id);
    const SourceWeights sum = [](std::size_t, std::size_t) { return 1.0; };
    Points x = problem.x, outer(x.count(), x.size), inner(x.count(), x.size);
    for (std::int64_t t = 0; t < steps; ++t) {
      const Points before = x;
      if (reverse > 0) step_along_signs(problem, mixed_gradient(problem, x, sum), -reverse * problem.eps, x);
      Points way(x.count(), x.size);
      if (encourage) {
        for (const assay::Model& source : batch.sources()) climb(problem, source, inner, x);
        for (std::size_t j = 0; j < way.values.size(); ++j) way.values[j] = x.values[j] - before.values[j];
      } else {
        way = mixed_gradient(problem, x, sum);
      }
      remember(decay, Norm::l1, way, outer);
      x = before;
      step_along_signs(problem, outer, step * problem.eps, x);
    }
    return problem.tensor(x);
  }

  // m = mu m + g / ||g||_2; x = clip(x + beta m)
  void climb(const attacks::Problem& problem, const assay::Model& source, attacks::Points& momentum,
             attacks::Points& x) const {
    using namespace attacks;
    remember(decay, Norm::l2, source_slope(problem, source, x).grad, momentum);
    const double beta = reach * std::sqrt(static_cast<double>(x.size));
    for (std::size_t i = 0; i < x.count(); ++i) {
      const Row point = x.row(i);
      for (std::size_t j = 0; j < x.size; ++j) {
        point[j] = static_cast<float>(static_cast<double>(point[j]) + beta * static_cast<double>(momentum.row(i)[j]));
      }
      project(problem, i, point);
    }
  }
};

ASSAY_PLUGIN(Cwa)
