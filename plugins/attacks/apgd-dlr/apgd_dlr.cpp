// Auto-PGD (Croce & Hein, ICML 2020, algorithm 1) on
// the difference of logits ratio (eq. 7), which does not change when logits are shifted or scaled.
#include "../common/apgd.hpp"

struct ApgdDlr {
  std::int64_t steps, restarts, draws;
  double rho;
  bool random_start, wide;

  static constexpr assay::Info info{.id = "apgd-dlr",
                                    .version = "1.1.0",
                                    .summary = "Auto-PGD on the difference of logits ratio",
                                    .title =
                                        "Reliable evaluation of adversarial robustness with an ensemble of diverse "
                                        "parameter-free attacks",
                                    .year = 2020,
                                    .arxiv = "2003.01690",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &ApgdDlr::steps, {.fallback = 100, .min = 1, .max = 10000, .doc = "iterations N_iter"}),
      assay::integer("restarts", &ApgdDlr::restarts, {.fallback = 1, .min = 1, .max = 100, .doc = "random restarts"}),
      assay::real("rho", &ApgdDlr::rho,
                  {.fallback = 0.75, .min = 0, .max = 1, .doc = "share of steps that must raise the loss"}),
      assay::flag("random_start", &ApgdDlr::random_start,
                  {.fallback = true, .doc = "start on the sphere, not at clean"}),
      assay::flag("wide", &ApgdDlr::wide, {.fallback = true, .doc = "norm l1: first in balls of 3 eps and 2 eps"}),
      assay::integer("draws", &ApgdDlr::draws,
                     {.fallback = 1, .min = 1, .max = 1000, .doc = "draws of a random model averaged a step (EOT)"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using attacks::Norm;
    const attacks::Problem problem(run, batch, {Norm::linf, Norm::l2, Norm::l1}, info.id);
    if (problem.eps <= 0) return batch.x;
    return apgd_named(problem, "dlr", {steps, restarts, rho, random_start, wide, draws});
  }
};

ASSAY_PLUGIN(ApgdDlr)
