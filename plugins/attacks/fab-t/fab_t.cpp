// FAB-T (Croce & Hein, ICML 2020): the fast adaptive boundary search towards one class at a time, z_t - z_y.
#include "../common/fab.hpp"

using namespace attacks;

struct FabT {
  std::int64_t steps, restarts, targets;
  double alpha_max, eta, beta;
  bool minimal;

  static constexpr assay::Info info{
      .id = "fab-t",
      .version = "1.1.1",
      .summary = "projections onto linearised boundaries, one target class at a time",
      .title = "Minimally distorted adversarial examples with a fast adaptive boundary attack",
      .year = 2020,
      .arxiv = "1907.02044",
      .needs_gradients = true,
      .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &FabT::steps, {.fallback = 100, .min = 1, .max = 10000, .doc = "iterations a target"}),
      assay::integer("restarts", &FabT::restarts, {.fallback = 1, .min = 1, .max = 100, .doc = "the first from clean"}),
      assay::integer("targets", &FabT::targets,
                     {.fallback = 0, .min = 0, .max = 1000, .doc = "classes aimed at; 0: nine, or all others"}),
      assay::real("alpha_max", &FabT::alpha_max,
                  {.fallback = 0.1, .min = 0, .max = 1, .doc = "largest bias towards the clean input"}),
      assay::real("eta", &FabT::eta, {.fallback = 1.05, .min = 1, .max = 1.3, .doc = "overshoot of both steps"}),
      assay::real("beta", &FabT::beta, {.fallback = 0.9, .min = 0, .max = 1, .doc = "kept of a found perturbation"}),
      assay::flag("minimal", &FabT::minimal,
                  {.fallback = false, .doc = "go on after the first point within eps, for the nearest"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf, Norm::l2, Norm::l1}, info.id);
    if (problem.eps <= 0) return batch.x;
    const Fab fab{steps, alpha_max, eta, beta, minimal};
    const Scores clean = ask(problem, every(problem.count()), problem.x);
    Closest found = Fab::begin(problem, clean);
    for (std::int64_t restart = 0; restart < restarts; ++restart) {
      for (const std::size_t rank : targets_of(problem, targets, info.id)) {
        const Index aims = ranked_rivals(problem, clean, rank);
        const Fab::Objective towards = [&](const Points& x, const Index& rows) {
          return slope_towards(problem, "logit-difference", x, rows, aims);
        };
        fab.search(problem, towards, static_cast<std::uint64_t>(restart), found);
      }
    }
    fab.refine(problem, found);
    for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, found.x.row(i));
    return problem.tensor(found.x);
  }
};

ASSAY_PLUGIN(FabT)
