// Special functions from series and recurrences, searches and segments by going through everything.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Stirling's series where it is exact to f64, after moving the argument up by the recurrence.
double log_gamma(double x) {
  double shift = 0;
  while (x < 20) {
    shift -= std::log(std::fabs(x));
    x += 1;
  }
  const double i = 1 / (x * x);
  return shift + (x - 0.5) * std::log(x) - x + 0.5 * std::log(2 * M_PI) +
         (1.0 / 12 - i * (1.0 / 360 - i * (1.0 / 1260 - i / 1680))) / x;
}

// The sum over k of (-1)^(n + 1) n! / (x + k)^(n + 1), its tail by Euler and Maclaurin; of digamma, by the recurrence.
double polygamma(double x, std::int64_t n) {
  double sum = 0, factorial = 1;
  for (std::int64_t k = 2; k <= n; ++k) factorial *= static_cast<double>(k);
  const double sign = n % 2 == 0 ? -1 : 1, s = static_cast<double>(n) + 1;
  while (x < 30) {
    sum += sign * factorial * std::pow(x, -s);
    x += 1;
  }
  if (n == 0) {
    const double i = 1 / (x * x);
    return sum + std::log(x) - 0.5 / x - i * (1.0 / 12 - i * (1.0 / 120 - i / 252));
  }
  const double tail = std::pow(x, 1 - s) / (s - 1) + 0.5 * std::pow(x, -s) + s / 12 * std::pow(x, -s - 1) -
                      s * (s + 1) * (s + 2) / 720 * std::pow(x, -s - 3) +
                      s * (s + 1) * (s + 2) * (s + 3) * (s + 4) / 30240 * std::pow(x, -s - 5);
  return sum + sign * factorial * tail;
}

double inverse_erf(double x) {
  double low = -6, high = 6;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (std::erf(middle) < x ? low : high) = middle;
  }
  return (low + high) / 2;
}

Function each(const std::function<double(double, const Attrs&)>& f) {
  return [f](const Arrays& in, const Attrs& attrs) {
    Array out = in[0];
    for (double& v : out.v) v = f(v, attrs);
    return Arrays{out};
  };
}

Arrays atan2(const Arrays& in, const Attrs&) {
  const std::size_t rank = std::max(in[0].shape.size(), in[1].shape.size());
  Shape shape(rank, 1);
  for (const Array& a : in) {
    const std::size_t lead = rank - a.shape.size();
    for (std::size_t i = 0; i < a.shape.size(); ++i) shape[lead + i] = a.shape[i] == 1 ? shape[lead + i] : a.shape[i];
  }
  Array out(shape);
  for_each_index(shape, [&](const Shape& at) { out.ref(at) = std::atan2(in[0].at(at), in[1].at(at)); });
  return {out};
}

// How many sorted values of the row that belongs to index `at` are below x.
std::int64_t rank_of(const Array& sorted, Shape at, double x, bool right) {
  std::int64_t count = 0;
  if (sorted.rank() == 1) at = {0};
  for (at.back() = 0; at.back() < sorted.shape.back(); ++at.back()) {
    const double v = sorted.at(at);
    count += v < x || (right && v == x) ? 1 : 0;
  }
  return count;
}

Arrays searchsorted(const Arrays& in, const Attrs& attrs) {
  Array out(in[1].shape);
  const std::int64_t n = in[0].shape.back();
  for_each_index(out.shape, [&](const Shape& at) {
    const std::int64_t i = rank_of(in[0], at, in[1].at(at), attrs.integer("right", 0) != 0) + attrs.integer("shift", 0);
    out.ref(at) = static_cast<double>(std::clamp(i, attrs.integer("least", -n), attrs.integer("most", n)));
  });
  return {out};
}

double interpolated(const Array& knots, const Array& values, Shape row, double x) {
  const auto value = [&](std::int64_t i) {
    row.back() = i;
    return values.at(row);
  };
  const std::int64_t n = knots.shape[0];
  if (x <= knots.v.front()) return value(0);
  for (std::int64_t i = 1; i < n; ++i) {
    const double left = knots.at({i - 1}), right = knots.at({i});
    if (x <= right) return value(i - 1) + (value(i) - value(i - 1)) * (x - left) / (right - left);
  }
  return value(n - 1);
}

Arrays interp1d(const Arrays& in, const Attrs&) {
  Shape shape(in[2].shape.begin(), in[2].shape.end() - 1);
  const std::size_t lead = shape.size();
  shape.insert(shape.end(), in[0].shape.begin(), in[0].shape.end());
  Array out(shape);
  for_each_index(shape, [&](const Shape& at) {
    const auto split = at.begin() + static_cast<std::ptrdiff_t>(lead);
    Shape row(at.begin(), split);
    row.push_back(0);
    out.ref(at) = interpolated(in[1], in[2], row, in[0].at(Shape(split, at.end())));
  });
  return {out};
}

// Folds the rows of each id; `finish` gets the fold and the number of rows.
Arrays segments(const Arrays& in, const Attrs& attrs, double start, const std::function<double(double, double)>& fold,
                const std::function<double(double, double)>& finish) {
  Shape shape = in[0].shape;
  shape[0] = attrs.integer("segments", 0);
  Array out(shape), rows(shape);
  std::fill(out.v.begin(), out.v.end(), start);
  for_each_index(in[0].shape, [&](const Shape& from) {
    Shape to = from;
    to[0] = static_cast<std::int64_t>(in[1].at({from[0]}));
    out.ref(to) = fold(out.at(to), in[0].at(from));
    rows.ref(to) += 1;
  });
  for (std::size_t i = 0; i < out.v.size(); ++i) out.v[i] = rows.v[i] == 0 ? 0 : finish(out.v[i], rows.v[i]);
  return {out};
}

Function segment_fold(double start, const std::function<double(double, double)>& fold, bool mean) {
  return [=](const Arrays& in, const Attrs& attrs) {
    return segments(in, attrs, start, fold, [mean](double v, double n) { return mean ? v / n : v; });
  };
}

Arrays bincount(const Arrays& in, const Attrs& attrs) {
  Array out(Shape{attrs.integer("bins", 0)});
  for (std::size_t i = 0; i < in[0].v.size(); ++i) {
    out.v.at(static_cast<std::size_t>(in[0].v[i])) += in.size() == 2 ? in[1].v[i] : 1;
  }
  return {out};
}

Arrays pairwise_distance(const Arrays& in, const Attrs&) {
  Shape shape = in[0].shape;
  shape.back() = in[1].shape[in[1].shape.size() - 2];
  Array out(shape);
  for_each_index(shape, [&](const Shape& at) {
    Shape a = at, b = at;
    b[b.size() - 2] = at.back();
    for (std::int64_t d = 0; d < in[0].shape.back(); ++d) {
      a.back() = b.back() = d;
      out.ref(at) += std::pow(in[0].at(a) - in[1].at(b), 2);
    }
  });
  return {out};
}

Arrays nearest_neighbor(const Arrays& in, const Attrs& attrs) {
  const Array all = pairwise_distance(in, attrs)[0];
  Array best(Shape{all.shape[0]}), which(Shape{all.shape[0]});
  for_each_index(all.shape, [&](const Shape& at) {
    if (at[1] > 0 && all.at(at) >= best.at({at[0]})) return;
    best.ref({at[0]}) = all.at(at);
    which.ref({at[0]}) = static_cast<double>(at[1]);
  });
  return {best, which};
}

}  // namespace

void add_special(Table& t) {
  t["lgamma"] = each([](double x, const Attrs&) { return log_gamma(x); });
  t["digamma"] = each([](double x, const Attrs&) { return polygamma(x, 0); });
  t["polygamma"] = each([](double x, const Attrs& a) { return polygamma(x, a.integer("n", 0)); });
  t["erfc"] = each([](double x, const Attrs&) { return 1 - std::erf(x); });
  t["erfinv"] = each([](double x, const Attrs&) { return inverse_erf(x); });
  t["atan2"] = atan2;
  t["searchsorted"] = searchsorted;
  t["interp1d"] = interp1d;
  t["segment_sum"] = segment_fold(
      0, [](double a, double b) { return a + b; }, false);
  t["segment_mean"] = segment_fold(
      0, [](double a, double b) { return a + b; }, true);
  t["segment_max"] = segment_fold(
      -INFINITY, [](double a, double b) { return std::max(a, b); }, false);
  t["segment_min"] = segment_fold(
      INFINITY, [](double a, double b) { return std::min(a, b); }, false);
  t["bincount"] = bincount;
  t["pairwise_distance"] = pairwise_distance;
  t["nearest_neighbor"] = nearest_neighbor;
}

}  // namespace assay::engine::reference
