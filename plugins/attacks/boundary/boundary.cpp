// Boundary attack (Brendel, Rauber, Bethge; ICLR 2018, algorithm 1), L2: a random walk that stays misclassified. Each
// proposal is a random step on the sphere around the clean input, then a step towards it; both lengths follow the share
// of proposals that stay misclassified. Labels only.
#include "../common/decisions.hpp"

using namespace attacks;

struct BoundaryWalk {
  std::int64_t steps, tries;
  double spherical, source;
  bool minimal;

  static constexpr assay::Info info{.id = "boundary",
                                    .version = "1.0.0",
                                    .summary = "random walk along the decision boundary, labels only",
                                    .title =
                                        "Decision-Based Adversarial Attacks: Reliable Attacks Against Black-Box "
                                        "Machine Learning Models",
                                    .year = 2018,
                                    .arxiv = "1712.04248",
                                    .access = ASSAY_ACCESS_DECISION,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &BoundaryWalk::steps,
                     {.fallback = 2000, .min = 1, .max = 1000000, .doc = "proposals, two forward passes each"}),
      assay::integer("tries", &BoundaryWalk::tries,
                     {.fallback = 100, .min = 1, .max = 10000, .doc = "random points tried for a start"}),
      assay::real(
          "spherical", &BoundaryWalk::spherical,
          {.fallback = 0.01, .min = 1e-6, .max = 1, .doc = "first orthogonal step, delta, as a share of the distance"}),
      assay::real(
          "source", &BoundaryWalk::source,
          {.fallback = 0.01, .min = 1e-6, .max = 1, .doc = "first step towards the input, epsilon, as a share"}),
      assay::flag("minimal", &BoundaryWalk::minimal,
                  {.fallback = false, .doc = "go on after the first point within eps, for the nearest"}));

  // What a sample's walk has learnt of its surroundings.
  struct Walk {
    double delta, epsilon;
    int on_sphere = 0, both = 0, proposals = 0;
  };

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, "boundary has no start of a target class");
    Boundary at = start_anywhere(problem, tries);
    to_boundary(problem, far(problem, at, false), 1e-3, at);
    std::vector<Walk> walks(problem.count(), {spherical, source});
    for (std::int64_t t = 0; t < steps; ++t) {
      const Index rows = far(problem, at, minimal);
      if (rows.empty()) break;
      propose(problem, rows, static_cast<std::uint64_t>(t), walks, at);
    }
    return within(problem, at);
  }

  void propose(const Problem& problem, const Index& rows, std::uint64_t t, std::vector<Walk>& walks,
               Boundary& at) const {
    const Points noise = problem.normal("boundary", rows, t);
    Points sphere(rows.size(), at.x.size), nearer = sphere;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t i = rows[r];
      around(problem, i, at.x.row(i), {noise.row(r), walks[i].delta}, sphere.row(r));
      const ConstRow clean = problem.x.row(i);
      for (std::size_t j = 0; j < at.x.size; ++j) {
        const double base = clean[j], d = static_cast<double>(sphere.row(r)[j]) - base;
        nearer.row(r)[j] = static_cast<float>(base + (1 - walks[i].epsilon) * d);
      }
      clip(problem.lo.row(i), problem.hi.row(i), sphere.row(r));
      clip(problem.lo.row(i), problem.hi.row(i), nearer.row(r));
    }
    const std::vector<char> stays = decide(problem, rows, sphere), falls = decide(problem, rows, nearer);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t i = rows[r];
      if (falls[r] && distance(Norm::l2, nearer.row(r), problem.x.row(i)) < at.distance(problem, i)) {
        copy(nearer.row(r), at.x.row(i));
      }
      adapt(walks[i], stays[r] != 0, falls[r] != 0);
    }
  }

  struct Step {
    ConstRow noise;
    double delta;
  };
  // A step of delta times the distance, orthogonal to the way to the clean input, drawn back onto the sphere (figure
  // 2).
  static void around(const Problem& problem, std::size_t i, ConstRow x, const Step& step, Row out) {
    const ConstRow clean = problem.x.row(i);
    double radius = 0, along = 0, size = 0;
    std::vector<double> d(x.size()), u(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) {
      d[j] = static_cast<double>(x[j]) - static_cast<double>(clean[j]);
      radius += d[j] * d[j];
      along += d[j] * static_cast<double>(step.noise[j]);
    }
    for (std::size_t j = 0; j < x.size(); ++j) {
      u[j] = static_cast<double>(step.noise[j]) - along / std::max(radius, 1e-30) * d[j];
      size += u[j] * u[j];
    }
    const double scale = step.delta * std::sqrt(radius) / std::max(std::sqrt(size), 1e-30);
    const double back = 1 / std::sqrt(1 + step.delta * step.delta);
    for (std::size_t j = 0; j < x.size(); ++j) {
      out[j] = static_cast<float>(static_cast<double>(clean[j]) + back * (d[j] + scale * u[j]));
    }
  }

  // Every thirty proposals: about half of the steps on the sphere should stay misclassified, and a quarter of both.
  static void adapt(Walk& walk, bool stays, bool falls) {
    walk.on_sphere += stays ? 1 : 0;
    walk.both += stays && falls ? 1 : 0;
    if (++walk.proposals < 30) return;
    const double share = static_cast<double>(walk.on_sphere) / walk.proposals;
    const double both = walk.on_sphere > 0 ? static_cast<double>(walk.both) / walk.on_sphere : 0;
    walk.delta = std::min(walk.delta * (share > 0.5 ? 1.5 : share < 0.2 ? 1 / 1.5 : 1), 1.0);
    walk.epsilon = std::min(walk.epsilon * (both > 0.25 ? 1.5 : both < 0.1 ? 1 / 1.5 : 1), 0.5);
    walk.on_sphere = walk.both = walk.proposals = 0;
  }
};

ASSAY_PLUGIN(BoundaryWalk)
