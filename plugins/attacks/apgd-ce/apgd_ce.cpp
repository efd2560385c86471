// Auto-PGD (Croce & Hein, ICML 2020, algorithm 1) on the cross-entropy.
#include "../common/apgd.hpp"

struct ApgdCe {
  std::int64_t steps, restarts, draws;
  double rho;
  bool random_start, wide;

  static constexpr assay::Info info{.id = "apgd-ce",
                                    .version = "1.1.0",
                                    .summary = "Auto-PGD on the cross-entropy",
                                    .title =
                                        "Reliable evaluation of adversarial robustness with an ensemble of diverse "
                                        "parameter-free attacks",
                                    .year = 2020,
                                    .arxiv = "2003.01690",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &ApgdCe::steps, {.fallback = 100, .min = 1, .max = 10000, .doc = "iterations N_iter"}),
      assay::integer("restarts", &ApgdCe::restarts, {.fallback = 1, .min = 1, .max = 100, .doc = "random restarts"}),
      assay::real("rho", &ApgdCe::rho,
                  {.fallback = 0.75, .min = 0, .max = 1, .doc = "share of steps that must raise the loss"}),
      assay::flag("random_start", &ApgdCe::random_start,
                  {.fallback = true, .doc = "start on the sphere, not at clean"}),
      assay::flag("wide", &ApgdCe::wide, {.fallback = true, .doc = "norm l1: first in balls of 3 eps and 2 eps"}),
      assay::integer("draws", &ApgdCe::draws,
                     {.fallback = 1, .min = 1, .max = 1000, .doc = "draws of a random model averaged a step (EOT)"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using attacks::Norm;
    const attacks::Problem problem(run, batch, {Norm::linf, Norm::l2, Norm::l1}, info.id);
    if (problem.eps <= 0) return batch.x;
    return apgd_named(problem, "cross-entropy", {steps, restarts, rho, random_start, wide, draws});
  }
};

ASSAY_PLUGIN(ApgdCe)
