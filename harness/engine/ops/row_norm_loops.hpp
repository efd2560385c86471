// Loops of layer and RMS normalisation over dense rows.
#pragma once

#include <cstdint>

namespace assay::engine {

struct RowNorm {
  std::int64_t rows = 0, n = 0;
  double eps = 0;
  bool centred = true;  // false: the mean is taken as 0 (RMS)
};

// y = (x - mean) inverse gamma + beta, with inverse = 1 / sqrt(mean((x - mean)^2) + eps). `mean` may be null when not
// centred.
struct RowNormForward {
  const float *x, *gamma, *beta;
  float *y, *mean, *inverse;
};
void row_norm_forward(const RowNorm& s, const RowNormForward& p);

// `dgamma` and `dbeta` are sums over the rows, or both null. `sums`: room for n f64 pairs, then n f32 pairs.
struct RowNormBackward {
  const float *x, *mean, *inverse, *g, *gamma;
  float *dx, *dgamma, *dbeta;
  double* sums;
};
void row_norm_backward(const RowNorm& s, const RowNormBackward& p);

}  // namespace assay::engine
