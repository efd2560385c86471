// SPSA (Uesato et al., ICML 2018, section 4.2): the margin's gradient is estimated from scores along random signs
// (Spall 1992) and raised by projected steps of Adam.
#include "../common/estimate.hpp"

struct Spsa {
  std::int64_t steps, samples;
  double delta, rate;

  static constexpr assay::Info info{.id = "spsa",
                                    .version = "1.0.0",
                                    .summary = "projected Adam on a gradient estimated along random signs",
                                    .title = "Adversarial Risk and the Dangers of Evaluating Against Weak Attacks",
                                    .year = 2018,
                                    .arxiv = "1802.05666",
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &Spsa::steps, {.fallback = 100, .min = 1, .max = 100000, .doc = "steps taken"}),
      assay::integer(
          "samples", &Spsa::samples,
          {.fallback = 128, .min = 2, .max = 10000, .doc = "passes an estimate, in pairs", .unit = "passes"}),
      assay::real("delta", &Spsa::delta, {.fallback = 0.01, .min = 1e-5, .max = 1, .doc = "reach of the directions"}),
      assay::real("rate", &Spsa::rate, {.fallback = 0.01, .min = 1e-5, .max = 1, .doc = "Adam's learning rate"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    using namespace attacks;
    const Problem problem(run, batch, {Norm::linf, Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    Points x = problem.x, first(x.count(), x.size), second(x.count(), x.size);
    Index rows = standing(problem, every(problem.count()), ask(problem, every(problem.count()), x));
    for (std::int64_t t = 0; t < steps && !rows.empty(); ++t) {
      const Differences estimate{samples / 2, delta, [&](const Index& which, std::int64_t k) {
                                   const auto draw = static_cast<std::uint64_t>(t * samples + k);
                                   Points u = problem.uniform("spsa", which, -1, 1, draw);
                                   for (float& value : u.values) value = value < 0 ? -1.0f : 1.0f;
                                   return u;
                                 }};
      const Points slope = estimate.gradient(problem, rows, take(x, rows));
      for (std::size_t r = 0; r < rows.size(); ++r) {
        adam(slope.row(r), first.row(rows[r]), second.row(rows[r]), {x.row(rows[r]), t + 1});
        project(problem, rows[r], x.row(rows[r]));
      }
      rows = standing(problem, rows, ask(problem, rows, take(x, rows)));
    }
    return problem.tensor(x);
  }

  struct Point {
    attacks::Row x;
    std::int64_t step;
  };
  void adam(attacks::ConstRow g, attacks::Row first, attacks::Row second, const Point& point) const {
    constexpr double b1 = 0.9, b2 = 0.999, tiny = 1e-8;
    const auto n = static_cast<double>(point.step);
    const double length = rate * std::sqrt(1 - std::pow(b2, n)) / (1 - std::pow(b1, n));
    for (std::size_t j = 0; j < g.size(); ++j) {
      const double slope = g[j];
      const double m = b1 * static_cast<double>(first[j]) + (1 - b1) * slope;
      const double v = b2 * static_cast<double>(second[j]) + (1 - b2) * slope * slope;
      first[j] = static_cast<float>(m);
      second[j] = static_cast<float>(v);
      point.x[j] = static_cast<float>(static_cast<double>(point.x[j]) + length * m / (std::sqrt(v) + tiny));
    }
  }
};

ASSAY_PLUGIN(Spsa)
