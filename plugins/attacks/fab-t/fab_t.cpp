// FAB-T (Croce & Hein, ICML 2020, "Minimally distorted adversarial examples with a fast adaptive boundary attack",
// algorithm 1, towards one class at a time): from x, step onto the linearised boundary z_t = z_y within the box, biased
// towards the step from the clean input by alpha and overshot by eta; a misclassified point is drawn back by beta.
#include "../common/plane.hpp"
#include "../common/query.hpp"

namespace {

using namespace attacks;

struct Closest {
  Points x;
  std::vector<double> distance;
  void offer(const Problem& p, std::size_t i, ConstRow candidate) {
    const double d = attacks::distance(p.norm, candidate, p.x.row(i));
    if (d >= distance[i]) return;
    distance[i] = d;
    copy(candidate, x.row(i));
  }
};

}  // namespace

struct FabT {
  std::int64_t steps, restarts, targets;
  double alpha_max, eta, beta;
  bool minimal;

  static constexpr assay::Info info{
      .id = "fab-t",
      .version = "1.1.0",
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
    Closest found{problem.x, std::vector<double>(problem.count(), std::numeric_limits<double>::infinity())};
    const Scores clean = ask(problem, every(problem.count()), problem.x);
    for (std::size_t i = 0; i < problem.count(); ++i) {
      if (reached(problem, i, clean.row(i))) found.distance[i] = 0;  // nothing to do: `found` holds the clean input
    }
    for (std::int64_t restart = 0; restart < restarts; ++restart) {
      for (const std::size_t rank : targets_of(problem, targets, info.id)) {
        search(problem, ranked_rivals(problem, clean, rank), static_cast<std::uint64_t>(restart), found);
      }
    }
    refine(problem, found);
    for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, found.x.row(i));
    return problem.tensor(found.x);
  }

  Index unsolved(const Problem& problem, const Closest& found) const {
    Index rows;
    for (std::size_t i = 0; i < problem.count(); ++i) {
      if (found.distance[i] > (minimal ? 0.0 : problem.eps)) rows.push_back(i);
    }
    return rows;
  }

  // Later restarts begin at a random point of half the radius reached so far (section 3.1).
  Points start(const Problem& problem, const Closest& found, std::uint64_t restart) const {
    Points x = problem.x;
    if (restart == 0) return x;
    const Points corner = on_sphere(problem, every(problem.count()), restart);
    for (std::size_t i = 0; i < x.count(); ++i) {
      const double radius = problem.eps > 0 ? std::min(found.distance[i], problem.eps) / problem.eps / 2 : 0;
      blend(corner.row(i), problem.x.row(i), radius, x.row(i));
    }
    return x;
  }
  // share * a + (1 - share) * b
  static void blend(ConstRow a, ConstRow b, double share, Row out) {
    for (std::size_t j = 0; j < out.size(); ++j) {
      out[j] = static_cast<float>(share * static_cast<double>(a[j]) + (1 - share) * static_cast<double>(b[j]));
    }
  }

  void search(const Problem& problem, const Index& aims, std::uint64_t restart, Closest& found) const {
    Points x = start(problem, found, restart);
    for (std::int64_t step = 0; step < steps; ++step) {
      const Index rows = unsolved(problem, found);
      if (rows.empty()) return;
      const Slope slope = slope_towards(problem, "logit-difference", take(x, rows), rows, aims);
      Points moved(rows.size(), x.size);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        move(problem, rows[r], x.row(rows[r]), slope.grad.row(r), static_cast<double>(slope.loss[r]), moved.row(r));
      }
      const Scores logits = ask(problem, rows, moved);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::size_t i = rows[r];
        copy(moved.row(r), x.row(i));
        if (!reached(problem, i, logits.row(r))) continue;
        found.offer(problem, i, moved.row(r));
        blend(moved.row(r), problem.x.row(i), beta, x.row(i));
      }
    }
  }

  // x' = clip((1 - a)(x + eta d1) + a (clean + eta d2)), a = min(|d1| / (|d1| + |d2|), alpha_max)
  void move(const Problem& problem, std::size_t i, ConstRow x, ConstRow w, double lead, Row out) const {
    const ConstRow clean = problem.x.row(i);
    const Box box{problem.lo.row(i), problem.hi.row(i)};
    double at_clean = lead;
    for (std::size_t j = 0; j < x.size(); ++j) {
      at_clean += static_cast<double>(w[j]) * (static_cast<double>(clean[j]) - static_cast<double>(x[j]));
    }
    std::vector<float> from_x(x.size()), from_clean(x.size());
    onto_plane(problem.norm, x, box, w, lead, from_x);
    onto_plane(problem.norm, clean, box, w, at_clean, from_clean);
    const double d1 = distance(problem.norm, from_x, x), d2 = distance(problem.norm, from_clean, clean);
    const double a = d1 + d2 > 0 ? std::min(d1 / (d1 + d2), alpha_max) : 0.0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double base = x[j], origin = clean[j];
      const double one = base + eta * (static_cast<double>(from_x[j]) - base);
      const double two = origin + eta * (static_cast<double>(from_clean[j]) - origin);
      out[j] = static_cast<float>((1 - a) * one + a * two);
    }
    clip(box.lo, box.hi, out);
  }

  // Final search (section 3.1): three bisections of the line from the clean input to the nearest point found.
  void refine(const Problem& problem, Closest& found) const {
    Index rows = unsolved(problem, found);
    rows.erase(std::remove_if(rows.begin(), rows.end(), [&](auto i) { return !std::isfinite(found.distance[i]); }),
               rows.end());
    std::vector<double> low(problem.count(), 0.0), high(problem.count(), 1.0);
    const Points far = found.x;
    for (int round = 0; round < 3 && !rows.empty(); ++round) {
      Points x(rows.size(), far.size);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        blend(far.row(rows[r]), problem.x.row(rows[r]), 0.5 * (low[rows[r]] + high[rows[r]]), x.row(r));
      }
      const Scores logits = ask(problem, rows, x);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::size_t i = rows[r];
        const bool ok = reached(problem, i, logits.row(r));
        (ok ? high : low)[i] = 0.5 * (low[i] + high[i]);
        if (ok) found.offer(problem, i, x.row(r));
      }
    }
  }
};

ASSAY_PLUGIN(FabT)
