// Sums along a row: 16 lanes of f32 over at most 512 terms each, then f64. Sums over rows: f32 over at most 64 rows,
// then f64. Both orders are given by the shape alone.
#include "harness/engine/ops/row_norm_loops.hpp"

#include <algorithm>
#include <cmath>

#include "harness/engine/ops/lanes.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kFlush = 512, kRows = 64;

ASSAY_INLINE double total(const Lanes& lanes) {
  float values[kLanes];
  lanes.store(values);
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v);
  return sum;
}

// Sum of term(offset, lanes or fewer) over a row; term gives 0 in lanes that are missing.
template <class Term>
ASSAY_INLINE double row_sum(std::int64_t n, const Term& term) {
  double sum = 0;
  for (std::int64_t from = 0; from < n; from += kFlush * kLanes) {
    const std::int64_t to = std::min(n, from + kFlush * kLanes);
    Lanes part = Lanes::all(0.0f);
    std::int64_t i = from;
    for (; i + kLanes <= to; i += kLanes) part += term(i, kLanes);
    if (i < to) part += term(i, to - i);
    sum += total(part);
  }
  return sum;
}

ASSAY_INLINE Lanes lanes_at(const float* p, std::int64_t count, float fill) {
  return count == kLanes ? Lanes::load(p) : load_part(p, count, fill);
}

ASSAY_WIDE double sum_of(const float* x, std::int64_t n) {
  return row_sum(n, [&](std::int64_t i, std::int64_t count) { return lanes_at(x + i, count, 0.0f); });
}

ASSAY_WIDE double squares_of(const float* x, std::int64_t n, float mean) {
  const Lanes centre = Lanes::all(mean);
  return row_sum(n, [&](std::int64_t i, std::int64_t count) {
    const Lanes d = lanes_at(x + i, count, mean) - centre;
    return d * d;
  });
}

ASSAY_WIDE void apply_row(const RowNorm& s, const RowNormForward& p, std::int64_t row, float mean, float inverse) {
  const float* x = p.x + row * s.n;
  float* y = p.y + row * s.n;
  ASSAY_INDEPENDENT
  for (std::int64_t i = 0; i < s.n; ++i) y[i] = (x[i] - mean) * inverse * p.gamma[i] + p.beta[i];
}

struct RowSums {
  double plain, weighted;
};

ASSAY_WIDE RowSums gradient_sums(const float* x, const float* g, const float* gamma, std::int64_t n, float mean) {
  const Lanes centre = Lanes::all(mean);
  const double plain = row_sum(n, [&](std::int64_t i, std::int64_t count) {
    return lanes_at(g + i, count, 0.0f) * lanes_at(gamma + i, count, 0.0f);
  });
  const double weighted = row_sum(n, [&](std::int64_t i, std::int64_t count) {
    return lanes_at(g + i, count, 0.0f) * lanes_at(gamma + i, count, 0.0f) * (lanes_at(x + i, count, mean) - centre);
  });
  return {plain, weighted};
}

struct RowCoefficients {
  float mean, inverse, shift, slope;
};

ASSAY_WIDE void backward_row(const RowNorm& s, const RowNormBackward& p, std::int64_t row, const RowCoefficients& c) {
  const float *x = p.x + row * s.n, *g = p.g + row * s.n;
  float* dx = p.dx + row * s.n;
  ASSAY_INDEPENDENT
  for (std::int64_t i = 0; i < s.n; ++i) {
    dx[i] = g[i] * p.gamma[i] * c.inverse + ((x[i] - c.mean) * c.slope + c.shift);
  }
}

ASSAY_WIDE void add_columns(const RowNorm& s, const RowNormBackward& p, std::int64_t row, float* dgamma, float* dbeta) {
  const float *x = p.x + row * s.n, *g = p.g + row * s.n;
  const float mean = s.centred ? p.mean[row] : 0.0f, inverse = p.inverse[row];
  ASSAY_INDEPENDENT
  for (std::int64_t i = 0; i < s.n; ++i) {
    dgamma[i] += g[i] * ((x[i] - mean) * inverse);
    dbeta[i] += g[i];
  }
}

void column_sums(const RowNorm& s, const RowNormBackward& p) {
  double *u = p.sums, *v = u + s.n;
  float *dgamma = reinterpret_cast<float*>(v + s.n), *dbeta = dgamma + s.n;
  std::fill_n(u, 2 * s.n, 0.0);
  for (std::int64_t from = 0; from < s.rows; from += kRows) {
    std::fill_n(dgamma, 2 * s.n, 0.0f);
    for (std::int64_t r = from; r < std::min(s.rows, from + kRows); ++r) add_columns(s, p, r, dgamma, dbeta);
    for (std::int64_t i = 0; i < s.n; ++i)
      u[i] += static_cast<double>(dgamma[i]), v[i] += static_cast<double>(dbeta[i]);
  }
  for (std::int64_t i = 0; i < s.n; ++i) {
    p.dgamma[i] = static_cast<float>(u[i]);
    if (p.dbeta) p.dbeta[i] = static_cast<float>(v[i]);
  }
}

}  // namespace

void row_norm_forward(const RowNorm& s, const RowNormForward& p) {
  const double count = static_cast<double>(s.n);
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const float* x = p.x + r * s.n;
    const float mean = s.centred ? static_cast<float>(sum_of(x, s.n) / count) : 0.0f;
    const auto inverse = static_cast<float>(1.0 / std::sqrt(squares_of(x, s.n, mean) / count + s.eps));
    if (s.centred) p.mean[r] = mean;
    p.inverse[r] = inverse;
    apply_row(s, p, r, mean, inverse);
  }
}

void row_norm_backward(const RowNorm& s, const RowNormBackward& p) {
  if (p.dgamma) column_sums(s, p);  // first: dx may be g's memory
  const double count = static_cast<double>(s.n);
  for (std::int64_t r = 0; r < s.rows; ++r) {
    const float mean = s.centred ? p.mean[r] : 0.0f;
    const RowSums sums = gradient_sums(p.x + r * s.n, p.g + r * s.n, p.gamma, s.n, mean);
    const double inverse = p.inverse[r];
    const double shift = s.centred ? -inverse * sums.plain / count : 0.0;
    const double slope = -inverse * inverse * inverse * sums.weighted / count;
    backward_row(s, p, r, {mean, p.inverse[r], static_cast<float>(shift), static_cast<float>(slope)});
  }
}

}  // namespace assay::engine
