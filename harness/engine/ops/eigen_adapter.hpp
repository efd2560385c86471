// Decompositions of one matrix: with eigen_adapter.cpp the only place that knows Eigen. Matrices are dense row-major
// f32 outside and f64 inside. A function that gives false found no result (singular, not definite, not finite); its
// outputs are then unspecified. Bits depend on the matrix alone. Thread-safe.
#pragma once

#include <cstdint>

namespace assay::engine::eigen {

struct Problem {
  std::int64_t rows = 0, columns = 0, right_sides = 0;
  bool transpose = false, upper = false, unit_diagonal = false;
  double cutoff = 0;  // singular values below cutoff times the largest count as 0
};

// Symmetric problems read (a + a^T) / 2.
bool cholesky(const Problem& p, const float* a, float* lower);
// Rising eigenvalues, eigenvectors in columns, each with its largest component (the first of equals) positive.
bool eigh(const Problem& p, const float* a, float* values, float* vectors);
// Thin: u [m, k], s [k] falling, vt [k, n]; the largest component of each column of u is positive.
bool svd(const Problem& p, const float* a, float* u, float* s, float* vt);
// Thin: q [m, k], r [k, n] with a diagonal that is not negative.
bool qr(const Problem& p, const float* a, float* q, float* r);
bool solve(const Problem& p, const float* a, const float* b, float* x);
bool triangular_solve(const Problem& p, const float* a, const float* b, float* x);
bool inverse(const Problem& p, const float* a, float* out);
// sign 0 and log -inf for a singular matrix.
bool determinant(const Problem& p, const float* a, float* sign, float* log_abs);
bool pseudo_inverse(const Problem& p, const float* a, float* out);
bool least_squares(const Problem& p, const float* a, const float* b, float* x);  // of minimal norm
bool square_root(const Problem& p, const float* a, float* out);                  // of a positive semi-definite matrix
// x with s x + x s = g; where two eigenvalues of s add up to 0 the component is left out.
bool lyapunov(const Problem& p, const float* s, const float* g, float* x);

}  // namespace assay::engine::eigen
