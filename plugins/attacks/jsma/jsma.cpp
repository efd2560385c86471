// JSMA, the Jacobian-based saliency map attack (Papernot et al., EuroS&P 2016, algorithms 2 and 3): pairs of elements
// that raise the target's logit and lower the sum of the others' are driven to the end of their range, two a step,
// until the target is predicted or eps elements have changed. Untargeted: one search for each of the likeliest other
// classes, left with the first misclassification.
#include "../common/ball.hpp"
#include "../common/query.hpp"

namespace {

using namespace attacks;

// What one element adds to the sums over a pair: of the target's slope and of all other classes' together.
struct Saliency {
  double target, others;
};
struct Pair {
  std::size_t first = 0, second = 0;
  double score = 0;
};

}  // namespace

struct Jsma {
  std::int64_t targets;
  double theta;
  bool falling;

  static constexpr assay::Info info{.id = "jsma",
                                    .version = "1.0.0",
                                    .summary = "changes few elements, by pairs of highest saliency",
                                    .title = "The Limitations of Deep Learning in Adversarial Settings",
                                    .year = 2016,
                                    .arxiv = "1511.07528",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("targets", &Jsma::targets,
                     {.fallback = 0, .min = 0, .max = 1000, .doc = "classes aimed at; 0: nine, or all others"}),
      assay::real(
          "theta", &Jsma::theta,
          {.fallback = 1, .min = 0.01, .max = 1, .doc = "change of an element a step, as a share of its range"}),
      assay::flag("falling", &Jsma::falling, {.fallback = true, .doc = "elements may also be lowered"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::l0}, info.id);
    if (problem.eps < 1) return batch.x;
    const Scores clean = ask(problem, every(problem.count()), problem.x);
    Points best = problem.x;
    if (problem.targeted) {
      Index aims;
      for (const std::int64_t y : problem.y) aims.push_back(static_cast<std::size_t>(y));
      search(problem, standing(problem, every(problem.count()), clean), aims, best);
      return problem.tensor(best);
    }
    Index rows = standing(problem, every(problem.count()), clean);
    for (const std::size_t rank : targets_of(problem, targets, info.id)) {
      rows = search(problem, rows, ranked_rivals(problem, clean, rank), best);
      if (rows.empty()) break;
    }
    return problem.tensor(best);
  }

  static Index standing(const Problem& problem, const Index& rows, const Scores& logits) {
    Index left;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (!reached(problem, rows[r], logits.row(r))) left.push_back(rows[r]);
    }
    return left;
  }

  // The samples that are still not broken. `best` takes the last point of each.
  Index search(const Problem& problem, const Index& rows, const Index& aims, Points& best) const {
    for (const std::size_t i : rows) copy(problem.x.row(i), best.row(i));
    Index live = rows, left;
    while (!live.empty()) {
      std::vector<Scores> ways(2, Scores(live.size(), problem.classes));
      for (std::size_t r = 0; r < live.size(); ++r) {
        for (std::size_t k = 0; k < problem.classes; ++k) ways[k == aims[live[r]] ? 0 : 1].row(r)[k] = 1;
      }
      const Pulls pulls = pull(problem, take(best, live), live, ways);
      Index moving;
      for (std::size_t r = 0; r < live.size(); ++r) {
        if (reached(problem, live[r], pulls.logits.row(r))) continue;
        const bool moved = drive(problem, live[r], {pulls.grads[0].row(r), pulls.grads[1].row(r)}, best.row(live[r]));
        (moved ? moving : left).push_back(live[r]);
      }
      live = std::move(moving);
    }
    std::sort(left.begin(), left.end());
    return left;
  }

  struct Slopes {
    ConstRow target, others;
  };
  // Drives the pair of highest saliency that the radius still allows; false when there is none. An element never turns
  // back, so that every search ends.
  bool drive(const Problem& problem, std::size_t i, const Slopes& slopes, Row x) const {
    const ConstRow clean = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
    const auto spent = static_cast<std::int64_t>(distance(Norm::l0, x, clean));
    const auto room = static_cast<std::int64_t>(problem.eps) - spent;
    Pair chosen;
    double change = 0;
    for (const double direction : {1.0, -1.0}) {
      if (direction < 0 && !falling) break;
      Index open;
      std::vector<Saliency> saliency;
      for (std::size_t j = 0; j < x.size(); ++j) {
        if (direction > 0 ? x[j] >= hi[j] || x[j] < clean[j] : x[j] <= lo[j] || x[j] > clean[j]) continue;
        if (x[j] == clean[j] && room < 1) continue;
        open.push_back(j);
        const double target = slopes.target[j], others = slopes.others[j];
        saliency.push_back({direction * target, direction * others});
      }
      const Pair found = steepest(saliency);
      if (found.score <= chosen.score) continue;
      chosen = {open[found.first], open[found.second], found.score};
      change = direction * theta;
    }
    if (chosen.score == 0) return false;
    std::int64_t left = room;
    for (const std::size_t j : {chosen.first, chosen.second}) {
      if (x[j] == clean[j] && left-- < 1) continue;  // an odd radius: the second of the pair stays
      const double low = lo[j], high = hi[j], moved = static_cast<double>(x[j]) + change * (high - low);
      x[j] = static_cast<float>(std::min(std::max(moved, low), high));
    }
    return true;
  }

  // The pair with the largest -alpha * beta, alpha > 0 the sum of the target's slopes, beta < 0 that of the others'.
  static Pair steepest(const std::vector<Saliency>& saliency) {
    Pair best;
    for (std::size_t a = 0; a < saliency.size(); ++a) {
      for (std::size_t b = a + 1; b < saliency.size(); ++b) {
        const double alpha = saliency[a].target + saliency[b].target, beta = saliency[a].others + saliency[b].others;
        if (alpha <= 0 || beta >= 0 || -alpha * beta <= best.score) continue;
        best = {a, b, -alpha * beta};
      }
    }
    return best;
  }
};

ASSAY_PLUGIN(Jsma)
