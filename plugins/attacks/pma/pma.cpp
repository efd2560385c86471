// PMA, probability margin attack (Xie et al., CVPR 2025), and with margin = "logit" the margin decomposition attack, MD
// (Ma et al., arXiv:2006.13726), whose schedule it shares: signed gradient ascent in two halves, each with a cosine of
// steps from 2 eps down; the first half raises one side of the margin max_{j != y} p_j - p_y, the second the whole. Two
// runs a restart, the first against the true class, the second for the likeliest other one.
#include "../common/ball.hpp"
#include "../common/query.hpp"

namespace {

using namespace attacks;

enum class Side { own, rival, margin, up };

// d L / d z for L = p_m - p_y, m the likeliest other class, or for one of its sides, -p_y or p_m, each divided by a
// positive number of the row's own: signs of gradients do not feel it, and nothing underflows where p_y is 1 to the
// last bit. With q_j = p_j / p_m and S = sum_{j != y} q_j:
//   -p_y, over p_y p_m:   q_j for j != y;  -S for y
//   p_m, over p_m:        1 - p_m for m;   -p_j else
//   p_m - p_y, over p_m:  1 - p_m + p_y for m;  -p_y (1 + S) for y;  q_j (p_y - p_m) else
void probability_way(ConstRow z, std::size_t y, Side side, Row way) {
  const std::size_t m = rival(z, y);
  const auto over_rival = [&](std::size_t k) {
    return std::exp(static_cast<double>(z[k]) - static_cast<double>(z[m]));
  };
  double others = 0;
  for (std::size_t k = 0; k < z.size(); ++k) others += k == y ? 0.0 : over_rival(k);
  const double own_over = over_rival(y), p_m = 1 / (others + own_over), p_y = 1 / (1 + others / own_over);
  for (std::size_t k = 0; k < z.size(); ++k) {
    double value = 0;
    if (side == Side::rival) {
      value = k == m ? p_m * (others - 1) + p_y : k == y ? -p_y : -p_m * over_rival(k);
    } else if (side == Side::margin) {
      value = k == m ? p_m * (others - 1) + 2 * p_y : k == y ? -p_y * (1 + others) : over_rival(k) * (p_y - p_m);
    } else {
      value = (side == Side::up ? -1 : 1) * (k == y ? -others : over_rival(k));
    }
    way[k] = static_cast<float>(value);
  }
}

// The same of the logits: -z_y, z_m, z_m - z_y.
void logit_way(ConstRow z, std::size_t y, Side side, Row way) {
  std::fill(way.begin(), way.end(), 0.0f);
  if (side != Side::own && side != Side::up) way[rival(z, y)] = 1;
  if (side != Side::rival) way[y] = side == Side::up ? 1.0f : -1.0f;
}

}  // namespace

struct Pma {
  std::int64_t steps, restarts;
  bool staged, random_start, first_up;
  std::string margin;

  static constexpr assay::Info info{.id = "pma",
                                    .version = "1.0.0",
                                    .summary = "staged ascent of the margin between probabilities (or logits: MD)",
                                    .title =
                                        "Towards Million-Scale Adversarial Robustness Evaluation With Stronger "
                                        "Individual Attacks",
                                    .year = 2025,
                                    .arxiv = "2411.15210",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Pma::steps, {.fallback = 50, .min = 2, .max = 10000, .doc = "iterations N of a run"}),
      assay::integer("restarts", &Pma::restarts, {.fallback = 1, .min = 1, .max = 100, .doc = "of both runs"}),
      assay::choice("margin", &Pma::margin,
                    {.fallback = "probability", .choices = {"probability", "logit"}, .doc = "of what; logit: MD"}),
      assay::flag("staged", &Pma::staged,
                  {.fallback = true, .doc = "false: the whole margin throughout, one cosine, one run"}),
      assay::flag("random_start", &Pma::random_start, {.fallback = true, .doc = "uniform in the box, not clean"}),
      assay::flag("first_up", &Pma::first_up,
                  {.fallback = false, .doc = "the released code's first step, which raises p_y"}));

  struct Search {
    Points result;             // the first misclassified point, else that of the largest margin of logits
    std::vector<double> best;  // that margin
    std::vector<char> done;
    void offer(const Problem& problem, std::size_t i, ConstRow x, ConstRow z) {
      if (done[i]) return;
      const double value = attacks::margin(z, problem.y[i]);
      done[i] = reached(problem, i, z) ? 1 : 0;
      if (!done[i] && value <= best[i]) return;
      best[i] = value;
      copy(x, result.row(i));
    }
    Index still(const Index& rows) const {
      Index left;
      std::copy_if(rows.begin(), rows.end(), std::back_inserter(left), [&](std::size_t i) { return done[i] == 0; });
      return left;
    }
  };

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf}, info.id);
    if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, "pma is defined for untargeted attacks");
    if (problem.eps <= 0) return batch.x;
    Index rows = every(problem.count());
    Search search{problem.x, std::vector<double>(rows.size(), -std::numeric_limits<double>::infinity()),
                  std::vector<char>(rows.size(), 0)};
    const Scores clean = ask(problem, rows, problem.x);
    for (const std::size_t i : rows) search.offer(problem, i, problem.x.row(i), clean.row(i));
    for (std::int64_t r = 0; r < restarts * (staged ? 2 : 1); ++r) {
      rows = search.still(rows);
      if (rows.empty()) break;
      climb(problem, rows, r, search);
    }
    return problem.tensor(search.result);
  }

  Points start(const Problem& problem, const Index& rows, std::int64_t r) const {
    Points x = take(problem.x, rows);
    if (!random_start) return x;
    const Points moved = problem.uniform("start", rows, -problem.eps, problem.eps, static_cast<std::uint64_t>(r));
    detail::add(x.values, moved.values, 1);
    for (std::size_t k = 0; k < rows.size(); ++k) project(problem, rows[k], x.row(k));
    return x;
  }

  Side side(std::int64_t i, std::int64_t r) const {
    if (i == 0 && first_up) return Side::up;
    if (!staged || i >= steps / 2) return Side::margin;
    return r % 2 == 0 ? Side::own : Side::rival;
  }
  // eps (1 + cos(pi (i - 1) / N')), begun again with the second half.
  double length(const Problem& problem, std::int64_t i) const {
    const std::int64_t half = staged ? steps / 2 : steps, within = i < half ? i : i - half;
    const double turn = static_cast<double>(within - 1) / static_cast<double>(half);
    return problem.eps * (1 + std::cos(3.14159265358979323846 * turn));
  }

  void climb(const Problem& problem, Index rows, std::int64_t r, Search& search) const {
    Points x = start(problem, rows, r);
    for (std::int64_t i = 0; i <= steps; ++i) {
      const Scores z = ask(problem, rows, x);
      Index here, left;  // what is not broken yet: places in x, and samples
      for (std::size_t k = 0; k < rows.size(); ++k) {
        search.offer(problem, rows[k], x.row(k), z.row(k));
        if (search.done[rows[k]]) continue;
        here.push_back(k);
        left.push_back(rows[k]);
      }
      if (left.empty() || i == steps) return;
      x = take(x, here);
      rows = left;
      const Points grad = slope(problem, {x, take(z, here)}, rows, side(i, r));
      for (std::size_t k = 0; k < rows.size(); ++k) {
        const Row point = x.row(k);
        for (std::size_t j = 0; j < x.size; ++j) {
          const float g = grad.row(k)[j];
          const double sign = static_cast<double>(g > 0) - static_cast<double>(g < 0);
          point[j] = static_cast<float>(static_cast<double>(point[j]) + length(problem, i) * sign);
        }
        project(problem, rows[k], point);
      }
    }
  }

  struct Seen {
    const Points& x;
    const Scores z;
  };
  Points slope(const Problem& problem, const Seen& at, const Index& rows, Side side) const {
    Scores way(rows.size(), problem.classes);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const auto y = static_cast<std::size_t>(problem.y[rows[k]]);
      (margin == "logit" ? logit_way : probability_way)(at.z.row(k), y, side, way.row(k));
    }
    return std::move(pull(problem, at.x, rows, {way}).grads.front());
  }
};

ASSAY_PLUGIN(Pma)
