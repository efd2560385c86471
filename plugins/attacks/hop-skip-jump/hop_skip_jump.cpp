// HopSkipJumpAttack (Chen, Jordan, Wainwright; S&P 2020, algorithm 2): from a misclassified point, again and again: to
// the boundary by bisection, the boundary's normal estimated from labels along random directions, a step along it that
// is halved until the label is still wrong. Labels only.
#include "../common/decisions.hpp"

using namespace attacks;

struct HopSkipJump {
  std::int64_t steps, first, tries;
  bool minimal;

  static constexpr assay::Info info{.id = "hop-skip-jump",
                                    .version = "1.0.0",
                                    .summary = "walks along the decision boundary, labels only",
                                    .title = "HopSkipJumpAttack: A Query-Efficient Decision-Based Attack",
                                    .year = 2020,
                                    .arxiv = "1904.02144",
                                    .access = ASSAY_ACCESS_DECISION,
                                    .iterative = true};
  static constexpr auto params = assay::params(
      assay::integer("steps", &HopSkipJump::steps, {.fallback = 20, .min = 1, .max = 1000, .doc = "iterations"}),
      assay::integer("first", &HopSkipJump::first,
                     {.fallback = 100, .min = 2, .max = 10000, .doc = "directions of the first estimate, B_0"}),
      assay::integer("tries", &HopSkipJump::tries,
                     {.fallback = 100, .min = 1, .max = 10000, .doc = "random points tried for a start"}),
      assay::flag("minimal", &HopSkipJump::minimal,
                  {.fallback = false, .doc = "go on after the first point within eps, for the nearest"}));

  assay::Tensor attack(assay::Run& run, const assay::Batch& batch) const {
    const Problem problem(run, batch, {Norm::linf, Norm::l2}, info.id);
    if (problem.eps <= 0) return batch.x;
    if (problem.targeted) assay::fail(ASSAY_UNSUPPORTED, "hop-skip-jump has no start of a target class");
    const auto d = static_cast<double>(problem.x.size);
    const double theta = problem.norm == Norm::l2 ? 1 / (d * std::sqrt(d)) : 1 / (d * d);  // section 3.3
    Boundary at = start_anywhere(problem, tries);
    to_boundary(problem, far(problem, at, false), theta, at);
    for (std::int64_t t = 1; t <= steps; ++t) {
      const Index rows = far(problem, at, minimal);
      if (rows.empty()) break;
      std::vector<double> reach;
      for (const std::size_t i : rows) {
        const double scale = problem.norm == Norm::l2 ? std::sqrt(d) : d;
        reach.push_back(t == 1 ? 0.1 : std::max(scale * theta * at.distance(problem, i), 1e-6));
      }
      const Boundary before = at;
      jump(problem, rows, normals(problem, rows, at, {reach, t}), t, at);
      to_boundary(problem, rows, theta, at);
      for (const std::size_t i : rows) {  // a poor estimate must not lose ground
        if (before.distance(problem, i) < at.distance(problem, i)) copy(before.x.row(i), at.x.row(i));
      }
    }
    return within(problem, at);
  }

  struct Probe {
    const std::vector<double>& reach;
    std::int64_t step;
  };
  // Eq. 16: mean over b of (phi_b - mean phi) u_b, u_b uniform on the sphere, B = B_0 sqrt(t) of them.
  Points normals(const Problem& problem, const Index& rows, const Boundary& at, const Probe& probe) const {
    const auto count =
        static_cast<std::int64_t>(static_cast<double>(first) * std::sqrt(static_cast<double>(probe.step)));
    std::vector<double> by_label(rows.size() * at.x.size, 0.0), by_all = by_label, labels(rows.size(), 0.0);
    for (std::int64_t b = 0; b < count; ++b) {
      const Points u = problem.normal("hop", rows, static_cast<std::uint64_t>(probe.step * 1000000 + b));
      Points x(rows.size(), at.x.size), used = x;
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const double size = std::max(length(Norm::l2, u.row(r)), 1e-30);
        const ConstRow base = at.x.row(rows[r]);
        for (std::size_t j = 0; j < x.size; ++j) {
          x.row(r)[j] = static_cast<float>(static_cast<double>(base[j]) +
                                           probe.reach[r] * static_cast<double>(u.row(r)[j]) / size);
        }
        clip(problem.lo.row(rows[r]), problem.hi.row(rows[r]), x.row(r));
        for (std::size_t j = 0; j < x.size; ++j) {  // the direction that is left after the cut
          used.row(r)[j] =
              static_cast<float>((static_cast<double>(x.row(r)[j]) - static_cast<double>(base[j])) / probe.reach[r]);
        }
      }
      const std::vector<char> aims = decide(problem, rows, x);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const double phi = aims[r] ? 1 : -1;
        labels[r] += phi;
        for (std::size_t j = 0; j < x.size; ++j) {
          by_label[r * x.size + j] += phi * static_cast<double>(used.row(r)[j]);
          by_all[r * x.size + j] += static_cast<double>(used.row(r)[j]);
        }
      }
    }
    Points v(rows.size(), at.x.size);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const double mean = labels[r] / static_cast<double>(count);
      const bool same = std::abs(mean) == 1;  // one label only: the directions themselves, towards or away
      for (std::size_t j = 0; j < v.size; ++j) {
        const std::size_t k = r * v.size + j;
        v.row(r)[j] = static_cast<float>(same ? by_label[k] : by_label[k] - mean * by_all[k]);
      }
    }
    return v;
  }

  // xi = distance / sqrt(t), halved until x + xi v is misclassified; v is normalised, L-inf: its signs.
  void jump(const Problem& problem, Index rows, const Points& normal, std::int64_t t, Boundary& at) const {
    std::vector<double> step(problem.count(), 0.0);
    std::vector<std::size_t> place(problem.count(), 0);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      step[rows[r]] = at.distance(problem, rows[r]) / std::sqrt(static_cast<double>(t));
      place[rows[r]] = r;
    }
    for (int halving = 0; halving < 25 && !rows.empty(); ++halving) {
      Points x(rows.size(), at.x.size);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const std::size_t i = rows[r];
        const ConstRow v = normal.row(place[i]);
        const double size = std::max(length(Norm::l2, v), 1e-30);
        for (std::size_t j = 0; j < x.size; ++j) {
          const double sign = static_cast<double>(v[j] > 0) - static_cast<double>(v[j] < 0);
          const double along = problem.norm == Norm::l2 ? static_cast<double>(v[j]) / size : sign;
          x.row(r)[j] = static_cast<float>(static_cast<double>(at.x.row(i)[j]) + step[i] * along);
        }
        clip(problem.lo.row(i), problem.hi.row(i), x.row(r));
      }
      const std::vector<char> aims = decide(problem, rows, x);
      Index left;
      for (std::size_t r = 0; r < rows.size(); ++r) {
        if (aims[r]) {
          copy(x.row(r), at.x.row(rows[r]));
        } else {
          left.push_back(rows[r]);
          step[rows[r]] /= 2;
        }
      }
      rows = std::move(left);
    }
  }
};

ASSAY_PLUGIN(HopSkipJump)
