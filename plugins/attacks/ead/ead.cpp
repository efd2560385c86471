// EAD, elastic-net attack (Chen et al., AAAI 2018, section 4): FISTA lowers
//   c * max(z_y - max_{j != y} z_j, -kappa) + ||x' - x||_2^2 + beta ||x' - x||_1
// with the range as a constraint; c is searched as in Carlini & Wagner's attack. Of the points that reach the aim the
// one nearest in the threat's norm is kept.
#include "../common/ball.hpp"
#include "../common/query.hpp"

using namespace attacks;

struct Ead {
  std::int64_t steps, searches;
  double rate, constant, kappa, beta;
  bool minimal;

  static constexpr assay::Info info{
      .id = "ead",
      .version = "1.0.0",
      .summary = "elastic-net perturbations by FISTA, with a searched constant",
      .title = "EAD: Elastic-Net Attacks to Deep Neural Networks via Adversarial Examples",
      .year = 2018,
      .arxiv = "1709.04114",
      .needs_gradients = true,
      .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Ead::steps, {.fallback = 100, .min = 1, .max = 10000, .doc = "FISTA steps a constant"}),
      assay::integer("searches", &Ead::searches, {.fallback = 9, .min = 1, .max = 50, .doc = "constants tried"}),
      assay::real("rate", &Ead::rate, {.fallback = 0.01, .min = 1e-5, .max = 1, .doc = "first step length, alpha_0"}),
      assay::real("constant", &Ead::constant, {.fallback = 1e-3, .min = 1e-6, .max = 1e6, .doc = "first c"}),
      assay::real("kappa", &Ead::kappa, {.fallback = 0, .min = 0, .max = 100, .doc = "confidence", .unit = "logits"}),
      assay::real("beta", &Ead::beta, {.fallback = 1e-3, .min = 0, .max = 1, .doc = "weight of the L1 norm"}),
      assay::flag("minimal", &Ead::minimal,
                  {.fallback = false, .doc = "go on after the first point within eps, for the nearest"}));

  struct Search {
    double c, low = 0, high = std::numeric_limits<double>::infinity();
    double nearest = std::numeric_limits<double>::infinity();
    bool success = false;
  };

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::l1, Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    Points found = problem.x;
    std::vector<Search> all(problem.count(), Search{constant});
    const Scores clean = ask(problem, every(problem.count()), problem.x);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (reached(problem, i, clean.row(i))) all[i].nearest = 0;  // the clean input is the answer
    }
    for (std::int64_t search = 0; search < searches; ++search) {
      const Index rows = open(problem, all);
      if (rows.empty()) break;
      for (const std::size_t i : rows) all[i].success = false;
      descend(problem, rows, all, found);
      for (const std::size_t i : rows) {
        Search& s = all[i];
        (s.success ? s.high : s.low) = s.c;
        s.c = std::isfinite(s.high) ? 0.5 * (s.low + s.high) : 10 * s.c;
      }
    }
    for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, found.row(i));
    return problem.tensor(found);
  }

  Index open(const Problem& problem, const std::vector<Search>& all) const {
    Index rows;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].nearest > (minimal ? 0.0 : problem.eps)) rows.push_back(i);
    }
    return rows;
  }

  // x_{k+1} = S_beta(y_k - alpha_k grad g(y_k)), y_{k+1} = x_{k+1} + k / (k + 3) (x_{k+1} - x_k); alpha_k falls as the
  // square root of what is left of the steps (section 5.1).
  void descend(const Problem& problem, const Index& rows, std::vector<Search>& all, Points& found) const {
    Points x = take(problem.x, rows), y = x;
    Index live = every(rows.size());  // positions in `rows`
    for (std::int64_t k = 0; k < steps && !live.empty(); ++k) {
      const double alpha = rate * std::sqrt(1 - static_cast<double>(k) / static_cast<double>(steps));
      const Index samples = take(rows, live);
      const Slope slope = named_slope(problem, "cw-margin", take(y, live), samples);
      for (std::size_t r = 0; r < live.size(); ++r) {
        const double weight = slope.loss[r] < kappa ? all[samples[r]].c : 0.0;
        const double ahead = static_cast<double>(k) / static_cast<double>(k + 3);
        advance(problem, samples[r], {slope.grad.row(r), weight, alpha, ahead}, {x.row(live[r]), y.row(live[r])});
      }
      const Scores logits = ask(problem, samples, take(x, live));
      Index left;
      for (std::size_t r = 0; r < live.size(); ++r) {
        Search& search = all[samples[r]];
        const ConstRow point = x.row(live[r]);
        const double far = distance(problem.norm, point, problem.x.row(samples[r]));
        const double lead = problem.targeted ? -margin(logits.row(r), problem.y[samples[r]])
                                             : margin(logits.row(r), problem.y[samples[r]]);
        const bool aimed = lead >= kappa && reached(problem, samples[r], logits.row(r));
        search.success = search.success || aimed;
        if (aimed && far < search.nearest) {
          search.nearest = far;
          copy(point, found.row(samples[r]));
        }
        if (minimal || search.nearest > problem.eps) left.push_back(live[r]);
      }
      live = std::move(left);
    }
  }

  struct At {
    ConstRow rise;
    double weight, alpha, ahead;
  };
  struct Iterates {
    Row x, y;
  };
  // S_beta: towards the clean value by beta, onto it within beta, then cut to the range.
  void advance(const Problem& problem, std::size_t i, const At& at, const Iterates& now) const {
    const ConstRow clean = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
    for (std::size_t j = 0; j < clean.size(); ++j) {
      const double base = clean[j], y = now.y[j], before = now.x[j];
      const double z = y - at.alpha * (2 * (y - base) - at.weight * static_cast<double>(at.rise[j])), d = z - base;
      const double kept = d > beta ? z - beta : d < -beta ? z + beta : base;
      const double x = std::min(std::max(kept, static_cast<double>(lo[j])), static_cast<double>(hi[j]));
      now.x[j] = static_cast<float>(x);
      now.y[j] = static_cast<float>(x + at.ahead * (x - before));
    }
  }
};

ASSAY_PLUGIN(Ead)
