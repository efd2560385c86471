#include "harness/engine/ops/eigen_adapter.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::engine::eigen {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix load(const float* a, std::int64_t rows, std::int64_t columns) {
  return Eigen::Map<const RowMajor>(a, rows, columns).cast<double>();
}

template <class M>
bool store(const M& m, float* to) {
  Eigen::Map<RowMajor>(to, m.rows(), m.cols()) = m.template cast<float>();
  return m.allFinite();
}

Matrix symmetric_part(const float* a, std::int64_t n) {
  const Matrix m = load(a, n, n);
  return (m + m.transpose()) / 2;
}

// Whether a column's largest component, the first of equals, is negative.
bool points_down(const Eigen::Ref<const Vector>& column) {
  Eigen::Index largest = 0;
  column.cwiseAbs().maxCoeff(&largest);
  return column(largest) < 0;
}

// Singular: a pivot of the decomposition is 0 or no number.
template <class Lu>
bool is_regular(const Lu& lu) {
  const Vector pivots = lu.matrixLU().diagonal();
  return pivots.allFinite() && (pivots.array() != 0).all();
}

struct Thin {
  Matrix u, v;
  Vector s;
  bool found;
};

Thin thin_svd(const Matrix& a) {
  if (!a.allFinite()) return {{}, {}, {}, false};
  const Eigen::BDCSVD<Matrix> svd(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
  return {svd.matrixU(), svd.matrixV(), svd.singularValues(), svd.info() == Eigen::Success};
}

// 1 / s where s is not cut off.
Vector inverted(const Vector& s, double cutoff) {
  Vector out = s;
  for (Eigen::Index i = 0; i < s.size(); ++i) out(i) = s(i) > cutoff * s(0) ? 1 / s(i) : 0;
  return out;
}

}  // namespace

bool cholesky(const Problem& p, const float* a, float* lower) {
  const Eigen::LLT<Matrix> llt(symmetric_part(a, p.rows));
  return llt.info() == Eigen::Success && store(Matrix(llt.matrixL()), lower);
}

bool eigh(const Problem& p, const float* a, float* values, float* vectors) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric_part(a, p.rows));
  if (solver.info() != Eigen::Success) return false;
  Matrix v = solver.eigenvectors();
  for (Eigen::Index i = 0; i < v.cols(); ++i) {
    if (points_down(v.col(i))) v.col(i) = -v.col(i);
  }
  return store(solver.eigenvalues(), values) && store(v, vectors);
}

bool svd(const Problem& p, const float* a, float* u, float* s, float* vt) {
  Thin t = thin_svd(load(a, p.rows, p.columns));
  if (!t.found) return false;
  for (Eigen::Index i = 0; i < t.s.size(); ++i) {
    if (!points_down(t.u.col(i))) continue;
    t.u.col(i) = -t.u.col(i);
    t.v.col(i) = -t.v.col(i);
  }
  return store(t.u, u) && store(t.s, s) && store(Matrix(t.v.transpose()), vt);
}

bool qr(const Problem& p, const float* a, float* q, float* r) {
  const Matrix m = load(a, p.rows, p.columns);
  const Eigen::Index k = std::min(m.rows(), m.cols());
  const Eigen::HouseholderQR<Matrix> decomposition(m);
  Matrix thin = decomposition.householderQ() * Matrix::Identity(m.rows(), k);
  Matrix upper = decomposition.matrixQR().topRows(k).triangularView<Eigen::Upper>();
  for (Eigen::Index i = 0; i < k; ++i) {
    if (upper(i, i) >= 0) continue;
    upper.row(i) = -upper.row(i);
    thin.col(i) = -thin.col(i);
  }
  return store(thin, q) && store(upper, r);
}

bool solve(const Problem& p, const float* a, const float* b, float* x) {
  Matrix m = load(a, p.rows, p.rows);
  if (p.transpose) m.transposeInPlace();
  const Eigen::PartialPivLU<Matrix> lu(m);
  return is_regular(lu) && store(Matrix(lu.solve(load(b, p.rows, p.right_sides))), x);
}

bool triangular_solve(const Problem& p, const float* a, const float* b, float* x) {
  Matrix m = load(a, p.rows, p.rows);
  if (p.transpose) m.transposeInPlace();
  if (p.unit_diagonal) m.diagonal().setOnes();
  if ((m.diagonal().array() == 0).any()) return false;
  const Matrix right = load(b, p.rows, p.right_sides);
  if (p.upper != p.transpose) return store(Matrix(m.triangularView<Eigen::Upper>().solve(right)), x);
  return store(Matrix(m.triangularView<Eigen::Lower>().solve(right)), x);
}

bool inverse(const Problem& p, const float* a, float* out) {
  const Eigen::PartialPivLU<Matrix> lu(load(a, p.rows, p.rows));
  return is_regular(lu) && store(Matrix(lu.inverse()), out);
}

bool determinant(const Problem& p, const float* a, float* sign, float* log_abs) {
  const Eigen::PartialPivLU<Matrix> lu(load(a, p.rows, p.rows));
  const Vector pivots = lu.matrixLU().diagonal();
  double s = static_cast<double>(lu.permutationP().determinant()), log = 0;
  for (Eigen::Index i = 0; i < pivots.size(); ++i) {
    s *= pivots(i) > 0 ? 1 : (pivots(i) < 0 ? -1 : 0);
    log += std::log(std::fabs(pivots(i)));
  }
  *sign = static_cast<float>(s);
  *log_abs = static_cast<float>(s == 0 ? -std::numeric_limits<double>::infinity() : log);
  return !std::isnan(log);
}

bool pseudo_inverse(const Problem& p, const float* a, float* out) {
  const Thin t = thin_svd(load(a, p.rows, p.columns));
  return t.found && store(Matrix(t.v * inverted(t.s, p.cutoff).asDiagonal() * t.u.transpose()), out);
}

bool least_squares(const Problem& p, const float* a, const float* b, float* x) {
  const Thin t = thin_svd(load(a, p.rows, p.columns));
  if (!t.found) return false;
  const Matrix projected = t.u.transpose() * load(b, p.rows, p.right_sides);
  return store(Matrix(t.v * (inverted(t.s, p.cutoff).asDiagonal() * projected)), x);
}

bool square_root(const Problem& p, const float* a, float* out) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric_part(a, p.rows));
  if (solver.info() != Eigen::Success) return false;
  const Vector& w = solver.eigenvalues();
  // Rounding may leave zero eigenvalues a little below zero.
  const double tolerance = 1e-6 * w.cwiseAbs().maxCoeff();
  if ((w.array() < -tolerance).any()) return false;
  const Vector root = w.cwiseMax(0).cwiseSqrt();
  return store(Matrix(solver.eigenvectors() * root.asDiagonal() * solver.eigenvectors().transpose()), out);
}

bool lyapunov(const Problem& p, const float* s, const float* g, float* x) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric_part(s, p.rows));
  if (solver.info() != Eigen::Success) return false;
  const Matrix& v = solver.eigenvectors();
  const Vector& w = solver.eigenvalues();
  Matrix inner = v.transpose() * load(g, p.rows, p.rows) * v;
  const double tolerance = 1e-12 * w.cwiseAbs().maxCoeff();
  for (Eigen::Index i = 0; i < inner.rows(); ++i) {
    for (Eigen::Index j = 0; j < inner.cols(); ++j) {
      const double sum = w(i) + w(j);
      inner(i, j) = std::fabs(sum) > tolerance ? inner(i, j) / sum : 0;
    }
  }
  return store(Matrix(v * inner * v.transpose()), x);
}

}  // namespace assay::engine::eigen
