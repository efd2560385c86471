// DeepFool (Moosavi-Dezfooli, Fawzi, Frossard; CVPR 2016, algorithm 2; section 3.3 for L-inf): steps onto the nearest
// of the linearised boundaries between the sample's class and the others, until the label changes; then an overshoot.
#include "../common/ball.hpp"
#include "../common/query.hpp"

namespace {

using namespace attacks;

// The nearest linearised boundary of each row so far.
struct Nearest {
  std::vector<double> distance, lead;
  Points slope;
};

}  // namespace

struct DeepFool {
  std::int64_t steps, candidates;
  double overshoot;

  static constexpr assay::Info info{.id = "deepfool",
                                    .version = "1.1.0",
                                    .summary = "steps onto the nearest linearised decision boundary",
                                    .title = "DeepFool: a simple and accurate method to fool deep neural networks",
                                    .year = 2016,
                                    .arxiv = "1511.04599",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &DeepFool::steps, {.fallback = 50, .min = 1, .max = 10000, .doc = "iterations"}),
      assay::integer("candidates", &DeepFool::candidates,
                     {.fallback = 10, .min = 2, .max = 1000, .doc = "likeliest classes considered, with its own"}),
      assay::real("overshoot", &DeepFool::overshoot, {.fallback = 0.02, .min = 0, .max = 1, .doc = "eta"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf, Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, "deepfool has no targeted form");
    const std::size_t rivals = std::min(static_cast<std::size_t>(candidates), problem.classes) - 1;
    Points x = problem.x;
    std::vector<double> moved(x.values.size(), 0.0);  // the sum of the steps, without the overshoot
    const Scores clean = ask(problem, every(problem.count()), problem.x);
    std::vector<Index> aims;  // [rank][sample]
    for (std::size_t rank = 0; rank < rivals; ++rank) aims.push_back(ranked_rivals(problem, clean, rank));
    Index rows = standing(problem, every(problem.count()), clean);
    for (std::int64_t step = 0; step < steps && !rows.empty(); ++step) {
      const Nearest nearest = boundaries(problem, rows, take(x, rows), aims);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::span<double> sum = std::span(moved).subspan(rows[r] * x.size, x.size);
        advance(problem, rows[r], nearest, r, sum, x.row(rows[r]));
      }
      rows = standing(problem, rows, ask(problem, rows, take(x, rows)));
    }
    for (std::size_t i = 0; i < problem.count(); ++i) project(problem, i, x.row(i));
    return problem.tensor(x);
  }

  static Index standing(const Problem& problem, const Index& rows, const Scores& logits) {
    Index left;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (!reached(problem, rows[r], logits.row(r))) left.push_back(rows[r]);
    }
    return left;
  }

  // |z_k - z_y| / ||grad (z_k - z_y)||_q, the smallest over k; q = 2 for L2 and 1 for L-inf.
  static Nearest boundaries(const Problem& problem, const Index& rows, const Points& x,
                            const std::vector<Index>& aims) {
    Nearest nearest{std::vector<double>(rows.size(), std::numeric_limits<double>::infinity()),
                    std::vector<double>(rows.size(), 0.0), Points(rows.size(), problem.x.size)};
    const Norm dual = problem.norm == Norm::l2 ? Norm::l2 : Norm::l1;
    std::vector<Scores> towards;
    for (const Index& aim : aims) {
      Scores way(rows.size(), problem.classes);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        way.row(r)[aim[rows[r]]] = 1;
        way.row(r)[static_cast<std::size_t>(problem.y[rows[r]])] = -1;
      }
      towards.push_back(std::move(way));
    }
    const Pulls pulls = pull(problem, x, rows, towards);
    for (std::size_t k = 0; k < aims.size(); ++k) {
      const Index& aim = aims[k];
      const Points& slope = pulls.grads[k];
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const ConstRow z = pulls.logits.row(r);
        const double lead = std::abs(static_cast<double>(z[aim[rows[r]]]) -
                                     static_cast<double>(z[static_cast<std::size_t>(problem.y[rows[r]])]));
        const double d = lead / std::max(length(dual, slope.row(r)), 1e-30);
        if (d >= nearest.distance[r]) continue;
        nearest.distance[r] = d;
        nearest.lead[r] = lead;
        copy(slope.row(r), nearest.slope.row(r));
      }
    }
    return nearest;
  }

  // r = lead / ||w||_q^q * |w|^(q-1) sign(w); x = clip(clean + (1 + overshoot) sum of r)
  void advance(const Problem& problem, std::size_t i, const Nearest& nearest, std::size_t r, std::span<double> sum,
               Row x) const {
    const ConstRow w = nearest.slope.row(r), clean = problem.x.row(i);
    const double size = length(problem.norm == Norm::l2 ? Norm::l2 : Norm::l1, w);
    if (!(size > 0)) return;
    for (std::size_t j = 0; j < w.size(); ++j) {
      const double slope = w[j];
      const double along = problem.norm == Norm::l2 ? slope / size : static_cast<double>((slope > 0) - (slope < 0));
      sum[j] += nearest.distance[r] * along;
      x[j] = static_cast<float>(static_cast<double>(clean[j]) + (1 + overshoot) * sum[j]);
    }
    clip(problem.lo.row(i), problem.hi.row(i), x);
  }
};

ASSAY_PLUGIN(DeepFool)
