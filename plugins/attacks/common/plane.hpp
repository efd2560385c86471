// The smallest step onto a hyperplane that stays in a box (Croce & Hein, ICML 2020 "Minimally distorted", section 3.1):
// argmin ||d||_p subject to f + <w, d> = 0 and lo <= x + d <= hi; when the box does not reach the plane, the corner of
// the box nearest to it. Exact; linear time (L1: by sorting).
#pragma once

#include "ball.hpp"

namespace attacks {
namespace detail {

// The level t at which sum_i a_i min(t, b_i) = amount; infinity when the sum never gets there. By halving: of the
// elements that are not known to lie below or above t the middle one tells for half of them.
inline double level(const std::vector<double>& a, const std::vector<double>& b, double amount) {
  Index rest = every(a.size());
  double filled = 0, slope = 0;  // sums of a b of those below t, of a of those above
  while (!rest.empty()) {
    const auto middle = rest.begin() + static_cast<std::ptrdiff_t>(rest.size() / 2);
    std::nth_element(rest.begin(), middle, rest.end(), [&](std::size_t i, std::size_t j) { return b[i] < b[j]; });
    double lower = 0, upper = 0;
    for (auto i = rest.begin(); i != middle; ++i) lower += a[*i] * b[*i];
    for (auto i = middle; i != rest.end(); ++i) upper += a[*i];
    if (filled + lower + (upper + slope) * b[*middle] >= amount) {
      slope += upper;
      rest.erase(middle, rest.end());
    } else {
      filled += lower + a[*middle] * b[*middle];
      rest.erase(rest.begin(), middle + 1);
    }
  }
  return slope > 0 ? (amount - filled) / slope : std::numeric_limits<double>::infinity();
}

}  // namespace detail

struct Box {
  ConstRow lo, hi;
};

// Writes x + d to `out`, which may be x.
inline void onto_plane(Norm norm, ConstRow x, const Box& box, ConstRow w, double f, Row out) {
  const double side = f > 0 ? -1.0 : 1.0, amount = std::abs(f);
  std::vector<double> slope(w.size()), room(w.size()), step(w.size(), 0.0);
  for (std::size_t j = 0; j < w.size(); ++j) {
    const double direction = side * static_cast<double>(w[j]);
    slope[j] = std::abs(direction);
    room[j] = direction > 0 ? static_cast<double>(box.hi[j]) - static_cast<double>(x[j])
                            : static_cast<double>(x[j]) - static_cast<double>(box.lo[j]);
    if (slope[j] == 0) room[j] = 0;  // moving there gains nothing
  }
  if (norm == Norm::l1) {  // the steepest elements first, each as far as it goes
    Index order = every(w.size());
    std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return slope[i] > slope[j]; });
    double left = amount;
    for (const std::size_t j : order) {
      if (left <= 0 || slope[j] == 0) break;
      step[j] = std::min(room[j], left / slope[j]);
      left -= step[j] * slope[j];
    }
  } else {
    std::vector<double> weight = slope, cap = room;
    for (std::size_t j = 0; j < w.size() && norm == Norm::l2; ++j) {
      weight[j] = slope[j] * slope[j];
      cap[j] = slope[j] > 0 ? room[j] / slope[j] : 0;
    }
    const double t = detail::level(weight, cap, amount);
    for (std::size_t j = 0; j < w.size(); ++j) {
      step[j] = norm == Norm::l2 ? std::min(t * slope[j], room[j]) : std::min(t, room[j]);
      if (slope[j] == 0) step[j] = 0;
    }
  }
  for (std::size_t j = 0; j < w.size(); ++j) {
    const double sign = side * static_cast<double>(w[j]) > 0 ? 1.0 : -1.0;
    out[j] = static_cast<float>(static_cast<double>(x[j]) + sign * step[j]);
  }
  clip(box.lo, box.hi, out);
}

}  // namespace attacks
