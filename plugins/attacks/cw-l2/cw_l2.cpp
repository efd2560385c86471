// Carlini & Wagner's L2 attack (S&P 2017, section 6): over w, with x' = lo + (hi - lo) (tanh w + 1) / 2, Adam lowers
//   ||x' - x||^2 + c * max(z_y - max_{j != y} z_j, -kappa)
// (targeted: max(max_{i != t} z_i - z_t, -kappa)), and c is searched for each sample by doubling and bisection.
#include "../common/ball.hpp"
#include "../common/query.hpp"

namespace {

using namespace attacks;

// The unknowns of one sample, Adam's moments, and the search for its constant.
struct Search {
  std::vector<double> w, first, second;
  double c = 0, low = 0, high = std::numeric_limits<double>::infinity();
  double last_loss = std::numeric_limits<double>::infinity(), nearest = std::numeric_limits<double>::infinity();
  bool success = false, stalled = false;
};

}  // namespace

struct CwL2 {
  std::int64_t steps, searches;
  double rate, constant, kappa, guard;
  bool minimal;

  static constexpr assay::Info info{.id = "cw-l2",
                                    .version = "1.1.0",
                                    .summary = "smallest L2 perturbation by Adam, with a searched constant",
                                    .title = "Towards Evaluating the Robustness of Neural Networks",
                                    .year = 2017,
                                    .arxiv = "1608.04644",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &CwL2::steps, {.fallback = 200, .min = 1, .max = 10000, .doc = "Adam steps a constant"}),
      assay::integer("searches", &CwL2::searches, {.fallback = 9, .min = 1, .max = 50, .doc = "constants tried"}),
      assay::real("rate", &CwL2::rate, {.fallback = 0.02, .min = 1e-5, .max = 1, .doc = "Adam's learning rate"}),
      assay::real("constant", &CwL2::constant, {.fallback = 1e-3, .min = 1e-6, .max = 1e6, .doc = "first c"}),
      assay::real("kappa", &CwL2::kappa, {.fallback = 0, .min = 0, .max = 100, .doc = "confidence", .unit = "logits"}),
      assay::real(
          "guard", &CwL2::guard,
          {.fallback = 0.999, .min = 0.9, .max = 0.999999, .doc = "start: the share of the range kept from its ends"}),
      assay::flag("minimal", &CwL2::minimal,
                  {.fallback = false, .doc = "go on after the first point within eps, for the nearest"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    Points found = problem.x;
    std::vector<Search> all(problem.count());
    const Scores clean = ask(problem, every(problem.count()), problem.x);
    Index rows;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].c = constant;
      if (reached(problem, i, clean.row(i))) {
        all[i].nearest = 0;  // the clean input is the answer
      } else {
        rows.push_back(i);
      }
    }
    for (std::int64_t search = 0; search < searches && !rows.empty(); ++search) {
      for (const std::size_t i : rows) restart(problem, i, all[i]);
      descend(problem, rows, all, found);
      for (const std::size_t i : rows) next_constant(all[i]);
      rows = open(problem, rows, all);
    }
    for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, found.row(i));
    return problem.tensor(found);
  }

  Index open(const Problem& problem, const Index& rows, const std::vector<Search>& all) const {
    Index left;
    for (const std::size_t i : rows) {
      if (minimal || all[i].nearest > problem.eps) left.push_back(i);
    }
    return left;
  }

  // At an end of the range tanh is flat, and Adam takes some 1 / rate steps for each unit of w: elements there start so
  // far inside that they can leave in a run of the default length.
  void restart(const Problem& problem, std::size_t i, Search& s) const {
    const ConstRow x = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
    s.w.resize(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double low = lo[j], width = static_cast<double>(hi[j]) - low;
      const double share = width > 0 ? 2 * (static_cast<double>(x[j]) - low) / width - 1 : 0;
      s.w[j] = std::atanh(std::min(std::max(share, -1.0), 1.0) * guard);
    }
    s.first.assign(x.size(), 0.0);
    s.second.assign(x.size(), 0.0);
    s.last_loss = std::numeric_limits<double>::infinity();
    s.success = s.stalled = false;
  }
  static void next_constant(Search& s) {
    (s.success ? s.high : s.low) = s.success ? std::min(s.high, s.c) : std::max(s.low, s.c);
    s.c = std::isfinite(s.high) ? 0.5 * (s.low + s.high) : 10 * s.c;
  }

  static void point(const Problem& problem, std::size_t i, const Search& s, Row out) {
    const ConstRow lo = problem.lo.row(i), hi = problem.hi.row(i);
    for (std::size_t j = 0; j < out.size(); ++j) {
      const double low = lo[j];
      out[j] = static_cast<float>(low + (static_cast<double>(hi[j]) - low) * 0.5 * (std::tanh(s.w[j]) + 1));
    }
    clip(lo, hi, out);
  }

  void descend(const Problem& problem, Index rows, std::vector<Search>& all, Points& found) const {
    const std::int64_t check = std::max<std::int64_t>(1, steps / 10);
    for (std::int64_t step = 1; step <= steps && !rows.empty(); ++step) {
      Points x(rows.size(), problem.x.size);
      for (std::size_t r = 0; r < rows.size(); ++r) point(problem, rows[r], all[rows[r]], x.row(r));
      // Raises max_{j != y} z_j - z_y, whose sign named_slope turns when y is a target.
      const Slope slope = named_slope(problem, "cw-margin", x, rows);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        Search& s = all[rows[r]];
        const double d = distance(Norm::l2, x.row(r), problem.x.row(rows[r]));
        const double lead = slope.loss[r];
        if (lead >= kappa && reached(problem, rows[r], slope.logits.row(r))) {
          s.success = true;
          if (d < s.nearest) {
            s.nearest = d;
            copy(x.row(r), found.row(rows[r]));
          }
        }
        const double loss = d * d + s.c * std::max(-lead, -kappa);
        if (step % check == 0) {  // no tenth of the steps without progress (the authors' early abort)
          s.stalled = loss > s.last_loss * 0.9999;
          s.last_loss = loss;
        }
        adam(problem, rows[r], {x.row(r), slope.grad.row(r), -lead > -kappa ? s.c : 0.0, step}, s);
      }
      Index left;
      for (const std::size_t i : open(problem, rows, all)) {
        if (!all[i].stalled) left.push_back(i);
      }
      rows = std::move(left);
    }
  }

  struct At {
    ConstRow x, rise;
    double c;
    std::int64_t step;
  };
  // Adam (Kingma & Ba 2015) with its usual constants, on d loss / d w = (2 (x' - x) - c * rise) * d x' / d w.
  void adam(const Problem& problem, std::size_t i, const At& at, Search& s) const {
    constexpr double b1 = 0.9, b2 = 0.999, tiny = 1e-8;
    const ConstRow clean = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
    const double n = static_cast<double>(at.step);
    const double length = rate * std::sqrt(1 - std::pow(b2, n)) / (1 - std::pow(b1, n));
    for (std::size_t j = 0; j < s.w.size(); ++j) {
      const double t = std::tanh(s.w[j]), width = static_cast<double>(hi[j]) - static_cast<double>(lo[j]);
      const double outer =
          2 * (static_cast<double>(at.x[j]) - static_cast<double>(clean[j])) - at.c * static_cast<double>(at.rise[j]);
      const double g = outer * 0.5 * width * (1 - t * t);
      s.first[j] = b1 * s.first[j] + (1 - b1) * g;
      s.second[j] = b2 * s.second[j] + (1 - b2) * g * g;
      s.w[j] -= length * s.first[j] / (std::sqrt(s.second[j]) + tiny);
    }
  }
};

ASSAY_PLUGIN(CwL2)
