// The smallest step onto a hyperplane that stays in a box (Croce & Hein, ICML 2020 "Minimally distorted", section 3.1):
// argmin ||d||_p subject to f + <w, d> = 0 and lo <= x + d <= hi; when the box does not reach the plane, the corner of
// the box nearest to it. Exact; linear time (L1: by sorting).
#pragma once

#include "ball.hpp"

namespace attacks {
namespace detail {

struct Rise {  // grows by `slope` up to `top`
  double slope, top;
};

// The level t at which sum_i slope_i min(t, top_i) = amount; infinity when the sum never gets there. By halving: of the
// elements that are not known to lie below or above t the middle one tells for half of them. Reorders the elements.
inline double level(std::vector<Rise>& rises, double amount) {
  auto first = rises.begin(), last = rises.end();
  double filled = 0, slope = 0;  // sums of slope top of those below t, of slope of those above
  while (first != last) {
    const auto middle = first + (last - first) / 2;
    std::nth_element(first, middle, last, [](const Rise& a, const Rise& b) { return a.top < b.top; });
    double lower = 0, upper = 0;
    for (auto i = first; i != middle; ++i) lower += i->slope * i->top;
    for (auto i = middle; i != last; ++i) upper += i->slope;
    if (filled + lower + (upper + slope) * middle->top >= amount) {
      slope += upper;
      last = middle;
    } else {
      filled += lower + middle->slope * middle->top;
      first = middle + 1;
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
    std::vector<detail::Rise> rises(w.size());
    for (std::size_t j = 0; j < w.size(); ++j) {
      rises[j] = {slope[j], room[j]};
      if (norm == Norm::l2) rises[j] = {slope[j] * slope[j], slope[j] > 0 ? room[j] / slope[j] : 0};
    }
    const double t = detail::level(rises, amount);
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
