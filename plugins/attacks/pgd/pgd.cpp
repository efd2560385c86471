// Projected gradient descent (Madry et al., ICLR 2018, eq. 2.1 ff.): from a random point of the ball, `steps` steps of
// length `step` * eps along the sign of the loss gradient (L2: the normalised gradient), projected back each time.
// L1: steps along the signs of the steepest elements (Tramer & Boneh, NeurIPS 2019, section 4) and the exact projection
// onto ball and range. Of all restarts the point with the highest loss is kept, sample by sample.
#include "../common/ball.hpp"
#include "../common/query.hpp"

struct Pgd {
  std::int64_t steps, restarts, draws;
  double step, sparsity;
  bool random_start;
  std::string loss, schedule;

  static constexpr assay::Info info{.id = "pgd",
                                    .version = "1.3.0",
                                    .summary = "projected gradient descent with random start",
                                    .title = "Towards Deep Learning Models Resistant to Adversarial Attacks",
                                    .year = 2018,
                                    .arxiv = "1706.06083",
                                    .needs_gradients = true,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Pgd::steps, {.fallback = 20, .min = 1, .max = 10000, .doc = "gradient steps"}),
      assay::real("step", &Pgd::step,
                  {.fallback = 0.125, .min = 1e-4, .max = 2, .doc = "step length as a share of eps"}),
      assay::choice("schedule", &Pgd::schedule,
                    {.fallback = "constant",
                     .choices = {"constant", "cosine"},
                     .doc = "of the step length; cosine: half a turn, to 0"}),
      assay::integer("restarts", &Pgd::restarts, {.fallback = 1, .min = 1, .max = 100, .doc = "random restarts"}),
      assay::flag("random_start", &Pgd::random_start, {.fallback = true, .doc = "start at a random point of the ball"}),
      assay::choice("loss", &Pgd::loss,
                    {.fallback = "cross-entropy",
                     .choices = {"cross-entropy", "cw-margin", "dlr"},
                     .doc = "loss that is raised"}),
      assay::real(
          "sparsity", &Pgd::sparsity,
          {.fallback = 0.01, .min = 0, .max = 1, .doc = "norm l1: share of the elements moved a step, at least one"}),
      assay::integer("draws", &Pgd::draws,
                     {.fallback = 1, .min = 1, .max = 1000, .doc = "draws of a random model averaged a step (EOT)"}));

  assay::Tensor project(const assay::Batch& batch, const assay::Tensor& x) const {
    if (batch.norm != "l2") return clamp(clamp(x, batch.x - batch.eps, batch.x + batch.eps), batch.lo, batch.hi);
    const assay::Tensor delta = x - batch.x;
    const assay::Tensor scale = clamp(pow(clamp(l2_norm(delta), 1e-12, 1e30), -1) * batch.eps, 0, 1);
    return clamp(batch.x + delta * scale, batch.lo, batch.hi);
  }

  assay::Tensor start(assay::Run& run, const assay::Batch& batch, std::int64_t restart) const {
    // Norm L1: a step moves few elements, and from a random point most of the steps only undo the start.
    if (!random_start || (batch.norm == "l1" && restart == 0)) return batch.x;
    if (batch.norm == "l1") {
      const attacks::Problem problem(run, batch, {attacks::Norm::l1}, info.id);
      return problem.tensor(on_sphere(problem, attacks::every(problem.count()), static_cast<std::uint64_t>(restart)));
    }
    const assay::RandomOptions keyed{.ids = batch.ids, .index = static_cast<std::uint64_t>(restart)};
    if (batch.norm != "l2") {
      return project(batch, batch.x + run.uniform("start", batch.x.shape(), -1, 1, keyed) * batch.eps);
    }
    const assay::Tensor direction = run.normal("start", batch.x.shape(), 0, 1, keyed);
    return project(batch, batch.x + direction / clamp(l2_norm(direction), 1e-12, 1e30) * batch.eps);
  }

  // The sum over the draws of a random model, each a pass: its direction is that of the expectation (Athalye et al.,
  // ICML 2018, section 2).
  assay::Tensor slope(const assay::Batch& batch, const assay::Tensor& x) const {
    assay::Tensor total = batch.model.gradient(loss.c_str(), x, batch.y, {.ids = batch.ids});
    for (std::int64_t draw = 1; draw < draws; ++draw) {
      const auto which = static_cast<std::uint64_t>(draw);
      total = total + batch.model.gradient(loss.c_str(), x, batch.y, {.ids = batch.ids, .draw = which});
    }
    return total;
  }

  // Of step i, as a share of eps.
  double length(std::int64_t i) const {
    if (schedule == "constant") return step;
    return step * (1 + std::cos(3.14159265358979323846 * static_cast<double>(i) / static_cast<double>(steps))) / 2;
  }

  assay::Tensor climb(assay::Run& run, const assay::Batch& batch, assay::Tensor x) const {
    if (batch.norm == "l1") return climb_l1(run, batch, x);
    const double radius = batch.targeted ? -batch.eps : batch.eps;
    for (std::int64_t i = 0; i < steps; ++i) {
      run.check();
      const assay::Tensor gradient = slope(batch, x);
      const assay::Tensor ascent =
          batch.norm == "l2" ? gradient / clamp(l2_norm(gradient), 1e-12, 1e30) : sign(gradient);
      x = project(batch, x + ascent * (length(i) * radius));
    }
    return x;
  }

  assay::Tensor climb_l1(assay::Run& run, const assay::Batch& batch, const assay::Tensor& from) const {
    const attacks::Problem problem(run, batch, {attacks::Norm::l1}, info.id);
    attacks::Points x(from);
    for (std::int64_t i = 0; i < steps; ++i) {
      const attacks::Slope slope = named_slope(problem, loss.c_str(), x, attacks::every(x.count()), draws);
      for (std::size_t row = 0; row < x.count(); ++row) {
        steepest(problem, row, {slope.grad.row(row), length(i)}, x.row(row));
        attacks::project(problem, row, x.row(row));
      }
    }
    return problem.tensor(x);
  }
  // The elements of steepest ascent that have room to move share a step of L1 length `length` * eps.
  struct Ascent {
    attacks::ConstRow gradient;
    double length;
  };
  void steepest(const attacks::Problem& problem, std::size_t row, const Ascent& ascent, attacks::Row x) const {
    const attacks::ConstRow gradient = ascent.gradient;
    const attacks::ConstRow lo = problem.lo.row(row), hi = problem.hi.row(row);
    constexpr float room = 1e-6f;  // the projection may leave a rounding between an element and its bound
    attacks::Index open;
    for (std::size_t j = 0; j < x.size(); ++j) {
      if (gradient[j] > 0 ? x[j] < hi[j] - room : gradient[j] < 0 && x[j] > lo[j] + room) open.push_back(j);
    }
    const auto wanted = static_cast<std::size_t>(std::ceil(sparsity * static_cast<double>(x.size())));
    const std::size_t moved = std::min(std::max<std::size_t>(wanted, 1), open.size());
    std::stable_sort(open.begin(), open.end(),
                     [&](std::size_t a, std::size_t b) { return std::abs(gradient[a]) > std::abs(gradient[b]); });
    for (std::size_t k = 0; k < moved; ++k) {
      const auto share = static_cast<float>(ascent.length * problem.eps / static_cast<double>(moved));
      x[open[k]] += gradient[open[k]] > 0 ? share : -share;
    }
  }

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    if (batch.norm != "linf" && batch.norm != "l2" && batch.norm != "l1") {
      assay::fail(ASSAY_UNSUPPORTED, "pgd is not defined for norm " + batch.norm);
    }
    assay::Tensor best = climb(run, batch, start(run, batch, 0));
    if (restarts == 1) return best;
    assay::Tensor best_loss = batch.model.loss_grad(loss.c_str(), best, batch.y, {.ids = batch.ids}).loss;
    for (std::int64_t r = 1; r < restarts; ++r) {
      const assay::Tensor x = climb(run, batch, start(run, batch, r));
      const assay::Tensor value = batch.model.loss_grad(loss.c_str(), x, batch.y, {.ids = batch.ids}).loss;
      const assay::Tensor better = batch.targeted ? greater(best_loss, value) : greater(value, best_loss);
      best_loss = where(better, value, best_loss);
      best = where(per_sample(better, best), x, best);
    }
    return best;
  }

  // [n] -> [n, 1, ...], so that it broadcasts over a sample.
  static assay::Tensor per_sample(const assay::Tensor& values, const assay::Tensor& like) {
    assay::Shape shape(static_cast<std::size_t>(like.ndim()), 1);
    shape[0] = like.dim(0);
    return reshape(values, shape);
  }
};

ASSAY_PLUGIN(Pgd)
