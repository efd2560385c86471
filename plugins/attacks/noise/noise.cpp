// Random noise at the border of the threat model: the trivial baseline of every attack suite (rule 4).
// L-inf: each value moves by +eps or -eps; L2: a Gaussian direction of length eps; L1: uniform on the sphere of length
// eps, projected onto the range; L0: eps random elements, each at a random end of its range.
#include "../common/ball.hpp"

struct Noise {
  static constexpr assay::Info info{.id = "noise",
                                    .version = "1.1.0",
                                    .summary = "uniform random corner of the ball (trivial baseline)",
                                    .title = "",
                                    .baseline = true};

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    if (batch.norm == "l1" || batch.norm == "l0") return sparse(run, batch);
    const assay::Shape shape = batch.x.shape();
    assay::Tensor delta = run.normal("noise", shape, 0, 1, {.ids = batch.ids});
    delta = batch.norm == "l2" ? delta / clamp(l2_norm(delta), 1e-12, 1e30) : sign(delta);
    assay::Tensor moved = clamp(batch.x + delta * batch.eps, batch.lo, batch.hi);
    if (batch.norm == "l2") return moved;
    return clamp(moved, batch.x - batch.eps, batch.x + batch.eps);
  }

  static assay::Tensor sparse(assay::Run& run, const assay::Batch& batch) {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::l1, Norm::l0}, info.id);
    const Index rows = every(problem.count());
    if (problem.norm == Norm::l1) return problem.tensor(on_sphere(problem, rows, 0));
    const Points draw = problem.uniform("noise", rows, -1, 1, 0);
    Points x = problem.x;
    for (const std::size_t i : rows) {
      const ConstRow u = draw.row(i);
      Index order = every(x.size);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::size_t a, std::size_t b) { return std::abs(u[a]) > std::abs(u[b]); });
      order.resize(std::min(order.size(), static_cast<std::size_t>(std::max(problem.eps, 0.0))));
      for (const std::size_t j : order) x.row(i)[j] = u[j] > 0 ? problem.hi.row(i)[j] : problem.lo.row(i)[j];
    }
    return problem.tensor(x);
  }
};

ASSAY_PLUGIN(Noise)
