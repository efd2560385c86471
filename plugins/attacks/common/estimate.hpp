// Gradients from scores alone, by differences along random directions; each value costs one forward pass of the sample.
#pragma once

#include "ball.hpp"
#include "query.hpp"

namespace attacks {

// What a score-based attack raises: the margin towards its aim, above 0 once it is reached.
inline double aim_of(const Problem& problem, std::size_t i, ConstRow z) {
  const double lead = margin(z, problem.y[i]);
  return problem.targeted ? -lead : lead;
}
// The samples of `rows` whose aim is not reached at these logits.
inline Index standing(const Problem& problem, const Index& rows, const Scores& logits) {
  Index left;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (!reached(problem, rows[r], logits.row(r))) left.push_back(rows[r]);
  }
  return left;
}

struct Differences {
  std::int64_t pairs;
  double reach;  // sigma, delta
  // Directions of the pair k for the samples given, a row each.
  std::function<Points(const Index& rows, std::int64_t k)> direction;

  // Row r: mean over k of (f(x + reach u_k) - f(x - reach u_k)) / (2 reach) * u_k, for the samples `rows` at `x`.
  Points gradient(const Problem& problem, const Index& rows, const Points& x) const {
    std::vector<double> total(x.values.size(), 0.0);
    const auto group = std::max<std::int64_t>(1, 64 / static_cast<std::int64_t>(2 * rows.size()));
    for (std::int64_t k = 0; k < pairs; k += group) {
      std::vector<Points> along;
      for (std::int64_t at = k; at < std::min(pairs, k + group); ++at) along.push_back(direction(rows, at));
      add(problem, rows, x, along, total);
    }
    Points out(x.count(), x.size);
    for (std::size_t j = 0; j < total.size(); ++j)
      out.values[j] = static_cast<float>(total[j] / static_cast<double>(pairs));
    return out;
  }

 private:
  void add(const Problem& problem, const Index& rows, const Points& x, const std::vector<Points>& along,
           std::vector<double>& total) const {
    Points asked(0, x.size);
    Index whose;
    for (const Points& u : along) {
      for (const double side : {reach, -reach}) {
        whose.insert(whose.end(), rows.begin(), rows.end());
        for (std::size_t j = 0; j < x.values.size(); ++j) {
          const double value = static_cast<double>(x.values[j]) + side * static_cast<double>(u.values[j]);
          asked.values.push_back(static_cast<float>(value));
        }
      }
    }
    const Scores logits = ask(problem, whose, asked);
    for (std::size_t k = 0; k < along.size(); ++k) {
      for (std::size_t r = 0; r < rows.size(); ++r) {
        const double plus = aim_of(problem, rows[r], logits.row(2 * k * rows.size() + r));
        const double minus = aim_of(problem, rows[r], logits.row((2 * k + 1) * rows.size() + r));
        const double slope = (plus - minus) / (2 * reach);
        const ConstRow u = along[k].row(r);
        for (std::size_t j = 0; j < x.size; ++j) total[r * x.size + j] += slope * static_cast<double>(u[j]);
      }
    }
  }
};

}  // namespace attacks
