#include "harness/graph/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include "harness/base/error.hpp"

namespace assay::graph {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(Vector& to, double factor, const Vector& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

double largest(const Vector& v) {
  double most = 0;
  for (const double x : v) most = x != x ? x : std::max(most, std::abs(x));
  return most;
}

struct Pair {
  Vector s, y;  // steps of x and of the gradient
  double rho = 0;
};

// -H g, H the inverse Hessian that the pairs stand for.
Vector direction_of(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector q = gradient;
  std::vector<double> alpha(pairs.size());
  for (std::size_t k = pairs.size(); k-- > 0;) {
    alpha[k] = pairs[k].rho * dot(pairs[k].s, q);
    add_scaled(q, -alpha[k], pairs[k].y);
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    const double gamma = dot(last.s, last.y) / dot(last.y, last.y);
    for (double& v : q) v *= gamma;
  }
  for (std::size_t k = 0; k < pairs.size(); ++k)
    add_scaled(q, alpha[k] - pairs[k].rho * dot(pairs[k].y, q), pairs[k].s);
  for (double& v : q) v = -v;
  return q;
}

// A point along the search direction: step, value, slope, and where it is.
struct Point {
  double step = 0, value = 0, slope = 0;
  Vector x, gradient;
};

// Minimiser of the cubic through two points with slopes, kept well inside; the middle where there is none.
double cubic_minimum(const Point& a, const Point& b) {
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step);
  const double inside = d1 * d1 - a.slope * b.slope;
  const double low = std::min(a.step, b.step), width = std::abs(b.step - a.step);
  if (!(inside >= 0)) return low + 0.5 * width;
  const double d2 = std::copysign(std::sqrt(inside), b.step - a.step);
  const double at = b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  constexpr double inset = 0.1;
  return std::isfinite(at) ? std::clamp(at, low + inset * width, low + (1 - inset) * width) : low + 0.5 * width;
}

class LineSearch {
 public:
  LineSearch(const Objective& f, const LbfgsOptions& options, const Point& start, const Vector& direction)
      : f_(f), options_(options), start_(start), direction_(direction) {}

  // A point that meets the strong Wolfe conditions; where rounding hides them, the lowest one met.
  Point find(double step) {
    constexpr int most = 30;
    Point before = start_;
    for (int k = 0; k < most; ++k) {
      Point at = evaluate(step);
      if (too_high(at) || (k > 0 && at.value >= before.value)) return zoom(before, at);
      if (flat(at)) return at;
      if (at.slope >= 0) return zoom(at, before);
      before = std::move(at);
      step *= 2;
    }
    return before;
  }
  std::int64_t evaluations() const { return evaluations_; }

 private:
  Point evaluate(double step) {
    Point at;
    at.step = step;
    at.x = start_.x;
    at.gradient.resize(at.x.size());
    add_scaled(at.x, step, direction_);
    at.value = f_(at.x, at.gradient);
    at.slope = dot(at.gradient, direction_);
    ++evaluations_;
    return at;
  }
  bool too_high(const Point& at) const {
    return !(at.value <= start_.value + options_.armijo * at.step * start_.slope);
  }
  bool flat(const Point& at) const { return std::abs(at.slope) <= -options_.curvature * start_.slope; }

  Point zoom(Point low, Point high) {
    constexpr int most = 40;
    for (int k = 0; k < most && std::abs(high.step - low.step) > 1e-16 * std::max(1.0, low.step); ++k) {
      Point at = evaluate(std::isfinite(high.value) ? cubic_minimum(low, high) : 0.5 * (low.step + high.step));
      if (too_high(at) || at.value >= low.value) {
        high = std::move(at);
        continue;
      }
      if (flat(at)) return at;
      if (at.slope * (high.step - low.step) >= 0) high = low;
      low = std::move(at);
    }
    return low;
  }

  const Objective& f_;
  const LbfgsOptions& options_;
  const Point& start_;
  const Vector& direction_;
  std::int64_t evaluations_ = 0;
};

void remember(std::deque<Pair>& pairs, const Point& from, const Point& to, std::size_t memory) {
  Pair pair{to.x, to.gradient, 0};
  add_scaled(pair.s, -1, from.x);
  add_scaled(pair.y, -1, from.gradient);
  const double sy = dot(pair.s, pair.y);
  if (!(sy > 1e-14 * dot(pair.y, pair.y))) return;  // no curvature: the matrix would lose its sign
  pair.rho = 1 / sy;
  pairs.push_back(std::move(pair));
  if (pairs.size() > memory) pairs.pop_front();
}

}  // namespace

LbfgsResult minimize_lbfgs(const Objective& f, std::vector<double>& x, const LbfgsOptions& options) {
  LbfgsResult result;
  Point at;
  at.x = x;
  at.gradient.resize(x.size());
  at.value = f(at.x, at.gradient);
  result.evaluations = 1;
  if (!std::isfinite(at.value) || !std::isfinite(largest(at.gradient))) {
    throw Error(Fault::bad_input, "the function to minimise is not finite where the search begins");
  }
  std::deque<Pair> pairs;
  for (;; ++result.iterations) {
    if (largest(at.gradient) <= options.gradient_tolerance) {
      result.end = LbfgsEnd::converged;
      break;
    }
    if (result.iterations >= options.max_iterations) break;
    Vector direction = direction_of(pairs, at.gradient);
    at.slope = dot(direction, at.gradient);
    at.step = 0;
    LineSearch search(f, options, at, direction);
    Point next = search.find(pairs.empty() ? std::min(1.0, 1.0 / std::sqrt(dot(at.gradient, at.gradient))) : 1.0);
    result.evaluations += search.evaluations();
    if (next.step == 0 || !(next.value <= at.value)) {  // the direction gives nothing that rounding does not hide
      result.end = LbfgsEnd::no_progress;
      if (pairs.empty()) break;
      pairs.clear();  // once more, straight down
      continue;
    }
    const double change = at.value - next.value;
    remember(pairs, at, next, options.memory);
    at = std::move(next);
    if (options.value_tolerance > 0 && change <= options.value_tolerance * std::max(1.0, std::abs(at.value))) {
      result.end = LbfgsEnd::small_change;
      ++result.iterations;
      break;
    }
    result.end = LbfgsEnd::iterations;
  }
  x = at.x;
  result.value = at.value;
  result.gradient_norm = largest(at.gradient);
  return result;
}

}  // namespace assay::graph
