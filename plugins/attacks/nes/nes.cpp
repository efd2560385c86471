// NES (Ilyas et al., ICML 2018, algorithm 1): the gradient is estimated from scores by antithetic Gaussian directions
// and raised by projected steps with momentum; L-inf: along its signs, L2: along its direction. The paper raises the
// likelihood of a target; here it is the margin, which does not vanish in float32 where the net is sure.
#include "../common/estimate.hpp"

struct Nes {
  std::int64_t steps, samples;
  double sigma, step, momentum;

  static constexpr assay::Info info{.id = "nes",
                                    .version = "1.0.0",
                                    .summary = "projected steps along a gradient estimated from scores",
                                    .title = "Black-box Adversarial Attacks with Limited Queries and Information",
                                    .year = 2018,
                                    .arxiv = "1804.08598",
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Nes::steps, {.fallback = 100, .min = 1, .max = 100000, .doc = "steps taken"}),
      assay::integer("samples", &Nes::samples,
                     {.fallback = 50, .min = 2, .max = 10000, .doc = "passes an estimate, in pairs", .unit = "passes"}),
      assay::real("sigma", &Nes::sigma, {.fallback = 0.001, .min = 1e-5, .max = 1, .doc = "reach of the directions"}),
      assay::real("step", &Nes::step, {.fallback = 0.2, .min = 1e-4, .max = 2, .doc = "step length as a share of eps"}),
      assay::real("momentum", &Nes::momentum, {.fallback = 0.9, .min = 0, .max = 1, .doc = "of the estimates"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf, Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    Points x = problem.x, g(x.count(), x.size);
    Index rows = standing(problem, every(problem.count()), ask(problem, every(problem.count()), x));
    for (std::int64_t t = 0; t < steps && !rows.empty(); ++t) {
      const Differences estimate{samples / 2, sigma, [&](const Index& which, std::int64_t k) {
                                   return problem.normal("nes", which, static_cast<std::uint64_t>(t * samples + k));
                                 }};
      const Points slope = estimate.gradient(problem, rows, take(x, rows));
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const Row mean = g.row(rows[r]), point = x.row(rows[r]);
        for (std::size_t j = 0; j < x.size; ++j) {
          mean[j] = static_cast<float>(momentum * static_cast<double>(mean[j]) +
                                       (1 - momentum) * static_cast<double>(slope.row(r)[j]));
        }
        climb(problem, mean, point);
        project(problem, rows[r], point);
      }
      rows = standing(problem, rows, ask(problem, rows, take(x, rows)));
    }
    return problem.tensor(x);
  }

  void climb(const attacks::Problem& problem, attacks::ConstRow g, attacks::Row x) const {
    const double size = std::max(length(attacks::Norm::l2, g), 1e-30);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double sign = static_cast<double>(g[j] > 0) - static_cast<double>(g[j] < 0);
      const double direction = problem.norm == attacks::Norm::l2 ? static_cast<double>(g[j]) / size : sign;
      x[j] = static_cast<float>(static_cast<double>(x[j]) + step * problem.eps * direction);
    }
  }
};

ASSAY_PLUGIN(Nes)
