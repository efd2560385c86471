// Fourier transforms as sums over all frequencies, correlations as sums over all shifts.
#include <cmath>
#include <complex>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

using Complex = std::complex<double>;

// A complex array: shape without the pairs.
struct Spectrum {
  Shape shape;
  std::vector<Complex> v;
};

Spectrum from_pairs(const Array& a) {
  Spectrum s{Shape(a.shape.begin(), a.shape.end() - 1), {}};
  for (std::size_t i = 0; i + 1 < a.v.size(); i += 2) s.v.emplace_back(a.v[i], a.v[i + 1]);
  return s;
}

Array to_pairs(const Spectrum& s) {
  Shape shape = s.shape;
  shape.push_back(2);
  Array a(shape);
  for (std::size_t i = 0; i < s.v.size(); ++i) a.v[2 * i] = s.v[i].real(), a.v[2 * i + 1] = s.v[i].imag();
  return a;
}

// Sum over j of x_j exp(sign 2 pi i j k / n) along one axis.
Spectrum transformed(const Spectrum& x, std::size_t a, double sign) {
  Spectrum out{x.shape, std::vector<Complex>(x.v.size())};
  std::size_t inner = 1;
  for (std::size_t i = a + 1; i < x.shape.size(); ++i) inner *= static_cast<std::size_t>(x.shape[i]);
  const auto n = static_cast<std::size_t>(x.shape[a]);
  for (std::size_t i = 0; i < x.v.size(); ++i) {
    const std::size_t k = i / inner % n, base = i - k * inner;
    for (std::size_t j = 0; j < n; ++j) {
      const double turn = sign * 2 * M_PI * static_cast<double>(j * k % n) / static_cast<double>(n);
      out.v[i] += x.v[base + j * inner] * std::polar(1.0, turn);
    }
  }
  return out;
}

double factor(const Attrs& attrs, bool inverse, const Shape& time) {
  double n = 1;
  for (std::size_t d = 0; d < static_cast<std::size_t>(attrs.integer("dims", 1)); ++d) {
    n *= static_cast<double>(time[time.size() - 1 - d]);
  }
  const std::string norm = attrs.text("norm", "backward");
  if (norm == "ortho") return 1 / std::sqrt(n);
  return (norm == "backward") == inverse ? 1 / n : 1;
}

Spectrum all_axes(Spectrum s, const Attrs& attrs, double sign) {
  for (std::size_t d = 0; d < static_cast<std::size_t>(attrs.integer("dims", 1)); ++d) {
    s = transformed(s, s.shape.size() - 1 - d, sign);
  }
  return s;
}

Arrays complex_transform(const Arrays& in, const Attrs& attrs, bool inverse) {
  Spectrum s = all_axes(from_pairs(in[0]), attrs, inverse ? 1 : -1);
  for (Complex& c : s.v) c *= factor(attrs, inverse, s.shape);
  return {to_pairs(s)};
}

// The whole spectrum, of which the first n / 2 + 1 columns are kept.
Arrays rfft(const Arrays& in, const Attrs& attrs) {
  Spectrum s{in[0].shape, {}};
  for (const double v : in[0].v) s.v.emplace_back(v, 0);
  s = all_axes(s, attrs, -1);
  const auto n = static_cast<std::size_t>(s.shape.back()), kept = n / 2 + 1;
  Spectrum half{s.shape, {}};
  half.shape.back() = static_cast<std::int64_t>(kept);
  for (std::size_t i = 0; i < s.v.size(); ++i) {
    if (i % n < kept) half.v.push_back(s.v[i] * factor(attrs, false, in[0].shape));
  }
  return {to_pairs(half)};
}

// Each row of the half is Re of the sum over its frequencies, those between the ends twice.
Arrays irfft(const Arrays& in, const Attrs& attrs) {
  Spectrum s = from_pairs(in[0]);
  for (std::size_t d = 1; d < static_cast<std::size_t>(attrs.integer("dims", 1)); ++d) {
    s = transformed(s, s.shape.size() - 1 - d, 1);
  }
  const std::int64_t m = s.shape.back(), n = attrs.integer("n", 2 * (m - 1));
  Shape shape = s.shape;
  shape.back() = n;
  Array out(shape);
  for (std::size_t i = 0; i < out.v.size(); ++i) {
    const auto j = static_cast<std::int64_t>(i) % n, row = static_cast<std::int64_t>(i) / n;
    for (std::int64_t k = 0; k < m; ++k) {
      const double weight = k == 0 || 2 * k == n ? 1 : 2;
      const Complex turn = std::polar(1.0, 2 * M_PI * static_cast<double>(j * k % n) / static_cast<double>(n));
      Complex value = s.v[static_cast<std::size_t>(row * m + k)];
      if (weight == 1) value = value.real();
      out.v[i] += weight * (value * turn).real() * factor(attrs, true, shape);
    }
  }
  return {out};
}

Arrays circular_correlation(const Arrays& in, const Attrs&) {
  const std::size_t rank = std::max(in[0].shape.size(), in[1].shape.size());
  Shape shape(rank, 1);
  for (const Array& a : in) {
    const std::size_t lead = rank - a.shape.size();
    for (std::size_t i = 0; i < a.shape.size(); ++i) shape[lead + i] = std::max(shape[lead + i], a.shape[i]);
  }
  Array out(shape);
  const std::int64_t n = shape.back();
  for_each_index(shape, [&](const Shape& at) {
    for (std::int64_t i = 0; i < n; ++i) {
      Shape first = at, second = at;
      first.back() = i;
      second.back() = (i + at.back()) % n;
      out.ref(at) += in[0].at(first) * in[1].at(second);
    }
  });
  return {out};
}

Arrays cost_volume(const Arrays& in, const Attrs& attrs) {
  const Shape& x = in[0].shape;
  const std::int64_t r = attrs.integer("displacement", 1), side = 2 * r + 1;
  Array out(Shape{x[0], side * side, x[2], x[3]});
  for_each_index(out.shape, [&](const Shape& at) {
    const std::int64_t row = at[2] + at[1] / side - r, column = at[3] + at[1] % side - r;
    if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) return;
    for (std::int64_t c = 0; c < x[1]; ++c) {
      out.ref(at) += in[0].at({at[0], c, at[2], at[3]}) * in[1].at({at[0], c, row, column}) / static_cast<double>(x[1]);
    }
  });
  return {out};
}

// w as rows of the first axis, times v or its transpose times u, as a unit vector.
std::vector<double> unit_product(const Array& w, const std::vector<double>& by, bool transpose) {
  const auto rows = static_cast<std::size_t>(w.shape[0]), columns = w.v.size() / rows;
  std::vector<double> out(transpose ? columns : rows, 0.0);
  for (std::size_t i = 0; i < w.v.size(); ++i) {
    out[transpose ? i % columns : i / columns] += w.v[i] * by[transpose ? i / columns : i % columns];
  }
  double squares = 0;
  for (const double v : out) squares += v * v;
  for (double& v : out) v /= std::sqrt(squares);
  return out;
}

Arrays power_iteration(const Arrays& in, const Attrs& attrs) {
  Array u = in[1], v;
  for (std::int64_t s = 0; s < attrs.integer("steps", 1); ++s) {
    v.v = unit_product(in[0], u.v, true);
    u.v = unit_product(in[0], v.v, false);
  }
  v.shape = {static_cast<std::int64_t>(v.v.size())};
  return {u, v};
}

Arrays spectral_norm(const Arrays& in, const Attrs& attrs) {
  const Arrays uv = power_iteration(in, attrs);
  const std::size_t columns = uv[1].v.size();
  double sigma = 0;
  for (std::size_t i = 0; i < in[0].v.size(); ++i) sigma += uv[0].v[i / columns] * in[0].v[i] * uv[1].v[i % columns];
  Array out = in[0];
  for (double& v : out.v) v /= sigma;
  return {out, uv[0]};
}

}  // namespace

void add_spectral(Table& t) {
  t["fft"] = [](const Arrays& in, const Attrs& attrs) { return complex_transform(in, attrs, false); };
  t["ifft"] = [](const Arrays& in, const Attrs& attrs) { return complex_transform(in, attrs, true); };
  t["rfft"] = rfft;
  t["irfft"] = irfft;
  t["power_iteration"] = power_iteration;
  t["spectral_norm"] = spectral_norm;
  t["circular_correlation"] = circular_correlation;
  t["cost_volume"] = cost_volume;
}

}  // namespace assay::engine::reference
