// Square attack (Andriushchenko et al., ECCV 2020): random search with square-shaped updates, scores only. L-inf
// (algorithm 2): a window takes the values clean +- eps, one sign a channel. L2 (algorithm 3): a window's share of the
// perturbation is moved, with what is left of the budget, into another window along a bump of two signs. A candidate is
// kept when it lowers the margin; a sample stops asking when it is misclassified. Flat inputs count as images one row
// high.
#include "../common/ball.hpp"
#include "../common/query.hpp"
#include "bumps.hpp"

using namespace attacks;

struct Square {
  std::int64_t queries;
  double p;

  static constexpr assay::Info info{
      .id = "square",
      .version = "1.0.0",
      .summary = "random search with square-shaped updates, scores only",
      .title = "Square Attack: a query-efficient black-box adversarial attack via random search",
      .year = 2020,
      .arxiv = "1912.00049",
      .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("queries", &Square::queries,
                     {.fallback = 5000, .min = 1, .max = 1000000, .doc = "forward passes a sample"}),
      assay::real("p", &Square::p,
                  {.fallback = 0.8, .min = 1e-4, .max = 1, .doc = "share of the image changed by the first updates"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf, Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    const Image image(problem.shape);
    Points x = problem.x;
    Index rows = every(problem.count());
    for (const std::size_t i : rows) {
      Bits bits(draw(problem, i, 0));
      start(problem, image, i, bits, x.row(i));
    }
    std::vector<double> best(problem.count(), 0.0);
    Scores logits = ask(problem, rows, x);
    for (const std::size_t i : rows) best[i] = aim(problem, i, logits.row(i));
    drop(problem, logits, rows);
    for (std::int64_t query = 1; query < queries && !rows.empty(); ++query) {
      Points candidate = take(x, rows);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        Bits bits(draw(problem, rows[r], query));
        change(problem, image, rows[r], {share(query), &bits}, candidate.row(r));
      }
      logits = ask(problem, rows, candidate);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const double value = aim(problem, rows[r], logits.row(r));
        if (value <= best[rows[r]]) continue;
        best[rows[r]] = value;
        copy(candidate.row(r), x.row(rows[r]));
      }
      drop(problem, logits, rows);
    }
    return problem.tensor(x);
  }

  static std::uint64_t draw(const Problem& problem, std::size_t i, std::int64_t query) {
    return problem.run.random("square", static_cast<std::uint64_t>(problem.ids[i]), static_cast<std::uint64_t>(query));
  }
  // The margin towards the aim. It is above 0 exactly when a candidate that reaches the aim was found.
  static double aim(const Problem& problem, std::size_t i, ConstRow z) {
    const double lead = margin(z, problem.y[i]);
    return problem.targeted ? -lead : lead;
  }
  static void drop(const Problem& problem, const Scores& logits, Index& rows) {
    Index left;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (!reached(problem, rows[r], logits.row(r))) left.push_back(rows[r]);
    }
    rows = std::move(left);
  }

  // p is halved at these shares of the queries: 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 of 10,000 (section
  // 5).
  double share(std::int64_t query) const {
    double now = p;
    for (const double at : {0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8}) {
      if (static_cast<double>(query) > at * static_cast<double>(queries)) now /= 2;
    }
    return now;
  }

  struct Update {
    double share;
    Bits* bits;
  };

  // L-inf: vertical stripes; L2: a grid of bumps, five a side, scaled to length eps.
  static void start(const Problem& problem, const Image& image, std::size_t i, Bits& bits, Row x) {
    if (problem.norm == Norm::l2) {
      std::vector<double> delta = grid(image, bits);
      return place(problem, i, delta, x);
    }
    for (std::size_t c = 0; c < image.channels; ++c) {
      for (std::size_t column = 0; column < image.width; ++column) {
        fill(problem, image, i, {c, {0, column, image.height, 1}, bits.sign()}, x);
      }
    }
  }
  static void change(const Problem& problem, const Image& image, std::size_t i, const Update& update, Row x) {
    if (problem.norm == Norm::l2) return change_l2(problem, image, i, update, x);
    const Window window = image.random_window(image.side(update.share, 1), *update.bits);
    const std::vector<float> before(x.begin(), x.end());
    // Signs that leave every value as it is would waste a query; a window without room keeps its last draw.
    for (int draw = 0; draw < 16 && std::equal(x.begin(), x.end(), before.begin()); ++draw) {
      for (std::size_t c = 0; c < image.channels; ++c) {
        fill(problem, image, i, {c, window, update.bits->sign()}, x);
      }
    }
  }

  struct Patch {
    std::size_t channel;
    Window window;
    double sign;
  };
  static void fill(const Problem& problem, const Image& image, std::size_t i, const Patch& patch, Row x) {
    const ConstRow clean = problem.x.row(i), lo = problem.lo.row(i), hi = problem.hi.row(i);
    const auto move = static_cast<float>(patch.sign * problem.eps);
    image.each(patch.channel, patch.window,
               [&](std::size_t at, std::size_t) { x[at] = std::min(std::max(clean[at] + move, lo[at]), hi[at]); });
  }
  // x = clip(clean + eps * delta / ||delta||)
  static void place(const Problem& problem, std::size_t i, const std::vector<double>& delta, Row x) {
    double size = 0;
    for (const double d : delta) size += d * d;
    const double scale = problem.eps / std::max(std::sqrt(size), 1e-30);
    const ConstRow clean = problem.x.row(i);
    for (std::size_t j = 0; j < x.size(); ++j)
      x[j] = static_cast<float>(static_cast<double>(clean[j]) + scale * delta[j]);
    project(problem, i, x);
  }

  static void change_l2(const Problem& problem, const Image& image, std::size_t i, const Update& update, Row x) {
    const ConstRow clean = problem.x.row(i);
    std::vector<double> delta(x.size());
    double used = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      delta[j] = static_cast<double>(x[j]) - static_cast<double>(clean[j]);
      used += delta[j] * delta[j];
    }
    const std::size_t side = image.side(update.share, 3);
    const Window to = image.random_window(side, *update.bits), from = image.random_window(side, *update.bits);
    const std::vector<double> bump = two_signs(to.height, to.width, *update.bits);
    const double spare = std::max(problem.eps * problem.eps - used, 0.0) / static_cast<double>(image.channels);
    for (std::size_t c = 0; c < image.channels; ++c) {
      double in_to = 0, in_both = 0;
      image.each(c, to, [&](std::size_t at, std::size_t) { in_to += delta[at] * delta[at]; });
      std::vector<double> mixed(bump.size());
      const double sign = update.bits->sign();
      double size = 0;
      image.each(c, to, [&](std::size_t at, std::size_t k) {
        mixed[k] = sign * bump[k] + delta[at] / std::max(std::sqrt(in_to), 1e-12);
        size += mixed[k] * mixed[k];
      });
      in_both = in_to;
      image.each(c, from, [&](std::size_t at, std::size_t) {
        if (!image.inside(to, at)) in_both += delta[at] * delta[at];
        delta[at] = 0;
      });
      const double available = std::sqrt(in_both + spare) / std::max(std::sqrt(size), 1e-12);
      image.each(c, to, [&](std::size_t at, std::size_t k) { delta[at] = mixed[k] * available; });
    }
    place(problem, i, delta, x);
  }
};

ASSAY_PLUGIN(Square)
