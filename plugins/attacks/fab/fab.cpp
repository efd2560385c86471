// FAB (Croce & Hein, ICML 2020, algorithm 1), untargeted: at each point the linearised boundary to the class that is
// nearest in the threat model's norm (eq. 7) is stepped onto. Gradients of all logits at every step.
#include "../common/fab.hpp"

using namespace attacks;

struct FabUntargeted {
  std::int64_t steps, restarts;
  double alpha_max, eta, beta;
  bool minimal;

  static constexpr assay::Info info{
      .id = "fab",
      .version = "1.0.0",
      .summary = "projections onto the nearest linearised boundary",
      .title = "Minimally distorted adversarial examples with a fast adaptive boundary attack",
      .year = 2020,
      .arxiv = "1907.02044",
      .needs_gradients = true,
      .iterative = true};
  static constexpr auto params =
      assay::params(assay::integer("steps", &FabUntargeted::steps,
                                   {.fallback = 100, .min = 1, .max = 10000, .doc = "iterations a restart"}),
                    assay::integer("restarts", &FabUntargeted::restarts,
                                   {.fallback = 5, .min = 1, .max = 100, .doc = "the first from clean"}),
                    assay::real("alpha_max", &FabUntargeted::alpha_max,
                                {.fallback = 0.1, .min = 0, .max = 1, .doc = "largest bias towards the clean input"}),
                    assay::real("eta", &FabUntargeted::eta,
                                {.fallback = 1.05, .min = 1, .max = 1.3, .doc = "overshoot of both steps"}),
                    assay::real("beta", &FabUntargeted::beta,
                                {.fallback = 0.9, .min = 0, .max = 1, .doc = "kept of a found perturbation"}),
                    assay::flag("minimal", &FabUntargeted::minimal,
                                {.fallback = false, .doc = "go on after the first point within eps, for the nearest"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf, Norm::l2, Norm::l1}, info.id);
    if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, "fab is defined for untargeted attacks");
    if (problem.eps <= 0) return batch.x;
    const Fab fab{steps, alpha_max, eta, beta, minimal};
    Closest found = Fab::begin(problem, ask(problem, every(problem.count()), problem.x));
    for (std::int64_t restart = 0; restart < restarts; ++restart) {
      const Fab::Objective nearest = [&](const Points& x, const Index& rows) {
        return nearest_boundary(problem, x, rows);
      };
      fab.search(problem, nearest, static_cast<std::uint64_t>(restart), found);
    }
    fab.refine(problem, found);
    for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, found.x.row(i));
    return problem.tensor(found.x);
  }

  // Of the classes l != y the one whose |z_l - z_y| / ||grad (z_l - z_y)||_q is least, q the dual of the norm's p.
  static Slope nearest_boundary(const Problem& problem, const Points& x, const Index& rows) {
    std::vector<Scores> each;
    for (std::size_t l = 0; l < problem.classes; ++l) {
      each.emplace_back(rows.size(), problem.classes);
      for (std::size_t r = 0; r < rows.size(); ++r) each.back().row(r)[l] = 1;
    }
    Pulls pulls = pull(problem, x, rows, each);
    const Norm dual = problem.norm == Norm::linf ? Norm::l1 : problem.norm == Norm::l1 ? Norm::linf : Norm::l2;
    Slope slope{std::vector<float>(rows.size(), 0.0f), Points(x.count(), x.size), pulls.logits};
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto y = static_cast<std::size_t>(problem.y[rows[r]]);
      double least = std::numeric_limits<double>::infinity();
      std::vector<float> way(x.size);
      for (std::size_t l = 0; l < problem.classes; ++l) {
        if (l == y) continue;
        for (std::size_t j = 0; j < x.size; ++j) way[j] = pulls.grads[l].row(r)[j] - pulls.grads[y].row(r)[j];
        const float lead = pulls.logits.row(r)[l] - pulls.logits.row(r)[y];
        const double distance = std::abs(static_cast<double>(lead)) / std::max(length(dual, way), 1e-30);
        if (distance >= least) continue;
        least = distance;
        slope.loss[r] = lead;
        copy(way, slope.grad.row(r));
      }
    }
    return slope;
  }
};

ASSAY_PLUGIN(FabUntargeted)
