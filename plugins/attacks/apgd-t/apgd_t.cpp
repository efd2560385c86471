// APGD-T (Croce & Hein, ICML 2020): Auto-PGD on the targeted difference of logits ratio (eq. 9), one run for each of
// the likeliest other classes of the clean input, in that order; a sample leaves with the first point that is
// misclassified.
#include "../common/apgd.hpp"

struct ApgdT {
  std::int64_t steps, targets;
  double rho;
  bool random_start, wide;

  static constexpr assay::Info info{.id = "apgd-t",
                                    .version = "1.1.0",
                                    .summary = "Auto-PGD on the targeted difference of logits ratio",
                                    .title =
                                        "Reliable evaluation of adversarial robustness with an ensemble of diverse "
                                        "parameter-free attacks",
                                    .year = 2020,
                                    .arxiv = "2003.01690",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &ApgdT::steps, {.fallback = 100, .min = 1, .max = 10000, .doc = "iterations a target"}),
      assay::integer("targets", &ApgdT::targets,
                     {.fallback = 0, .min = 0, .max = 1000, .doc = "classes aimed at; 0: nine, or all others"}),
      assay::real("rho", &ApgdT::rho,
                  {.fallback = 0.75, .min = 0, .max = 1, .doc = "share of steps that must raise the loss"}),
      assay::flag("random_start", &ApgdT::random_start, {.fallback = true, .doc = "start on the sphere, not at clean"}),
      assay::flag("wide", &ApgdT::wide, {.fallback = true, .doc = "norm l1: first in balls of 3 eps and 2 eps"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using attacks::Norm;
    const attacks::Problem problem(run, batch, {Norm::linf, Norm::l2, Norm::l1}, info.id);
    if (problem.eps <= 0) return batch.x;
    const attacks::Index ranks = attacks::targets_of(problem, targets, info.id);
    if (problem.classes < 4) assay::fail(ASSAY_UNSUPPORTED, "the targeted DLR loss needs at least four classes");
    if (problem.norm == Norm::l1) return climb(problem, ranks, attacks::ApgdL1(problem, steps, wide));
    return climb(problem, ranks, attacks::Apgd(problem, steps, rho));
  }

  template <class Search>
  assay::Tensor climb(const attacks::Problem& problem, const attacks::Index& ranks, Search search) const {
    attacks::Index rows = attacks::every(problem.count());
    const attacks::Scores clean = attacks::ask(problem, rows, problem.x);
    for (const std::size_t rank : ranks) {
      if (rows.empty()) break;
      const attacks::Index aims = attacks::ranked_rivals(problem, clean, rank);
      const auto objective = [&](const attacks::Points& x, const attacks::Index& which) {
        return attacks::slope_towards(problem, "dlr-targeted", x, which, aims);
      };
      // The objectives of two targets cannot be compared: the point of the last one is kept for samples that resist.
      std::fill(search.best.begin(), search.best.end(), -std::numeric_limits<float>::infinity());
      search.climb(rows, random_start ? on_sphere(problem, rows, rank) : take(problem.x, rows), objective);
      rows = search.still(rows);
    }
    return problem.tensor(search.result);
  }
};

ASSAY_PLUGIN(ApgdT)
