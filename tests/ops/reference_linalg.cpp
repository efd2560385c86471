// Linear algebra by the plainest methods: Gauss with pivots, Gram-Schmidt, rotations of Jacobi and Hestenes.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<double> v;
  Matrix(std::size_t r, std::size_t c) : rows(r), columns(c), v(r * c, 0.0) {}
  double& operator()(std::size_t i, std::size_t j) { return v[i * columns + j]; }
  double operator()(std::size_t i, std::size_t j) const { return v[i * columns + j]; }
};

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix out(a.rows, b.columns);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < b.columns; ++j) {
      for (std::size_t k = 0; k < a.columns; ++k) out(i, j) += a(i, k) * b(k, j);
    }
  }
  return out;
}

Matrix transposed(const Matrix& a) {
  Matrix out(a.columns, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.columns; ++j) out(j, i) = a(i, j);
  }
  return out;
}

Matrix symmetric(const Matrix& a) {
  Matrix out = a;
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.rows; ++j) out(i, j) = (a(i, j) + a(j, i)) / 2;
  }
  return out;
}

Matrix identity(std::size_t n) {
  Matrix out(n, n);
  for (std::size_t i = 0; i < n; ++i) out(i, i) = 1;
  return out;
}

// Gauss-Jordan with row pivots; `determinant` of a when asked for.
Matrix solved(Matrix a, Matrix b, double* determinant = nullptr) {
  double det = 1;
  for (std::size_t k = 0; k < a.rows; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < a.rows; ++i) pivot = std::fabs(a(i, k)) > std::fabs(a(pivot, k)) ? i : pivot;
    for (std::size_t j = 0; j < a.columns; ++j) std::swap(a(k, j), a(pivot, j));
    for (std::size_t j = 0; j < b.columns; ++j) std::swap(b(k, j), b(pivot, j));
    det *= pivot == k ? a(k, k) : -a(k, k);
    for (std::size_t i = 0; i < a.rows; ++i) {
      const double factor = i == k ? 0 : a(i, k) / a(k, k);
      for (std::size_t j = 0; j < a.columns; ++j) a(i, j) -= factor * a(k, j);
      for (std::size_t j = 0; j < b.columns; ++j) b(i, j) -= factor * b(k, j);
    }
  }
  for (std::size_t i = 0; i < b.rows; ++i) {
    for (std::size_t j = 0; j < b.columns; ++j) b(i, j) /= a(i, i);
  }
  if (determinant) *determinant = det;
  return b;
}

double column_product(const Matrix& a, std::size_t i, std::size_t j) {
  double sum = 0;
  for (std::size_t k = 0; k < a.rows; ++k) sum += a(k, i) * a(k, j);
  return sum;
}

void rotate_columns(Matrix& a, std::size_t i, std::size_t j, double c, double s) {
  for (std::size_t k = 0; k < a.rows; ++k) {
    const double x = a(k, i), y = a(k, j);
    a(k, i) = c * x - s * y;
    a(k, j) = s * x + c * y;
  }
}

struct Svd {
  Matrix u, v;  // thin
  std::vector<double> s;
};

// The largest component of a column positive, in both factors.
void fix_sign(Matrix& leading, Matrix* other, std::size_t column) {
  double largest = 0;
  for (std::size_t i = 0; i < leading.rows; ++i) {
    if (std::fabs(leading(i, column)) > std::fabs(largest)) largest = leading(i, column);
  }
  for (std::size_t i = 0; largest < 0 && i < leading.rows; ++i) leading(i, column) *= -1;
  for (std::size_t i = 0; largest < 0 && other && i < other->rows; ++i) (*other)(i, column) *= -1;
}

Matrix sorted_columns(const Matrix& a, const std::vector<std::size_t>& order) {
  Matrix out(a.rows, order.size());
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) out(i, j) = a(i, order[j]);
  }
  return out;
}

// Hestenes: columns are rotated in pairs until all are orthogonal. For tall a.
Svd tall_svd(const Matrix& a) {
  Matrix u = a, v = identity(a.columns);
  for (int sweep = 0; sweep < 60; ++sweep) {
    for (std::size_t i = 0; i + 1 < a.columns; ++i) {
      for (std::size_t j = i + 1; j < a.columns; ++j) {
        const double p = column_product(u, i, j);
        if (p == 0) continue;
        const double tau = (column_product(u, j, j) - column_product(u, i, i)) / (2 * p);
        const double t = (tau >= 0 ? 1 : -1) / (std::fabs(tau) + std::sqrt(1 + tau * tau));
        const double c = 1 / std::sqrt(1 + t * t);
        rotate_columns(u, i, j, c, c * t);
        rotate_columns(v, i, j, c, c * t);
      }
    }
  }
  std::vector<double> s;
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < a.columns; ++j) {
    s.push_back(std::sqrt(column_product(u, j, j)));
    order.push_back(j);
    for (std::size_t i = 0; i < a.rows; ++i) u(i, j) /= s.back();
  }
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return s[i] > s[j]; });
  Svd out{sorted_columns(u, order), sorted_columns(v, order), {}};
  for (const std::size_t j : order) out.s.push_back(s[j]);
  return out;
}

Svd svd_of(const Matrix& a) {
  Svd out = tall_svd(a.rows >= a.columns ? a : transposed(a));
  if (a.rows < a.columns) std::swap(out.u, out.v);
  for (std::size_t j = 0; j < out.s.size(); ++j) fix_sign(out.u, &out.v, j);
  return out;
}

struct Eigen {
  Matrix vectors;
  std::vector<double> values;
};

// Jacobi's rotations on the symmetric part, rising.
Eigen eigen_of(const Matrix& raw) {
  Matrix a = symmetric(raw), v = identity(raw.rows);
  const std::size_t n = a.rows;
  for (int sweep = 0; sweep < 60; ++sweep) {
    for (std::size_t i = 0; i + 1 < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        if (a(i, j) == 0) continue;
        const double tau = (a(j, j) - a(i, i)) / (2 * a(i, j));
        const double t = (tau >= 0 ? 1 : -1) / (std::fabs(tau) + std::sqrt(1 + tau * tau));
        const double c = 1 / std::sqrt(1 + t * t);
        rotate_columns(a, i, j, c, c * t);
        a = transposed(a);
        rotate_columns(a, i, j, c, c * t);
        a = transposed(a);
        rotate_columns(v, i, j, c, c * t);
      }
    }
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < n; ++i) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a(i, i) < a(j, j); });
  Eigen out{sorted_columns(v, order), {}};
  for (const std::size_t i : order) out.values.push_back(a(i, i));
  for (std::size_t j = 0; j < n; ++j) fix_sign(out.vectors, nullptr, j);
  return out;
}

Matrix cholesky_of(const Matrix& raw) {
  const Matrix a = symmetric(raw);
  Matrix l(a.rows, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= l(i, k) * l(j, k);
      l(i, j) = i == j ? std::sqrt(sum) : sum / l(j, j);
    }
  }
  return l;
}

// Gram-Schmidt, twice a column.
std::pair<Matrix, Matrix> qr_of(const Matrix& a) {
  const std::size_t k = std::min(a.rows, a.columns);
  Matrix q(a.rows, k);
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t i = 0; i < a.rows; ++i) q(i, j) = a(i, j);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t p = 0; p < j; ++p) {
        const double along = column_product(q, p, j);
        for (std::size_t i = 0; i < a.rows; ++i) q(i, j) -= along * q(i, p);
      }
    }
    const double length = std::sqrt(column_product(q, j, j));
    for (std::size_t i = 0; i < a.rows; ++i) q(i, j) /= length;
  }
  Matrix r = transposed(q) * a;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < i; ++j) r(i, j) = 0;
  }
  return {q, r};
}

Matrix pinv_of(const Matrix& a) {
  const Svd d = svd_of(a);
  Matrix scaled = d.v;
  for (std::size_t i = 0; i < scaled.rows; ++i) {
    for (std::size_t j = 0; j < scaled.columns; ++j) scaled(i, j) /= d.s[j];
  }
  return scaled * transposed(d.u);
}

Matrix sqrt_of(const Matrix& a) {
  const Eigen e = eigen_of(a);
  Matrix scaled = e.vectors;
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.rows; ++j) scaled(i, j) *= std::sqrt(e.values[j]);
  }
  return scaled * transposed(e.vectors);
}

// The n^2 equations sum_k s_ik x_kj + x_ik s_kj = g_ij at once.
Matrix lyapunov_of(const Matrix& raw, const Matrix& g) {
  const Matrix s = symmetric(raw);
  const std::size_t n = s.rows;
  Matrix system(n * n, n * n), right(n * n, 1);
  right.v = g.v;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < n; ++k) {
        system(i * n + j, k * n + j) += s(i, k);
        system(i * n + j, i * n + k) += s(k, j);
      }
    }
  }
  Matrix x(n, n);
  x.v = solved(system, right).v;
  return x;
}

Matrix triangle_of(const Matrix& a, const Attrs& attrs) {
  const bool upper = attrs.integer("upper", 0) != 0;
  Matrix t(a.rows, a.rows);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.rows; ++j) t(i, j) = (upper ? j >= i : j <= i) ? a(i, j) : 0;
    if (attrs.integer("unit_diagonal", 0) != 0) t(i, i) = 1;
  }
  return attrs.integer("transpose", 0) != 0 ? transposed(t) : t;
}

// The matrix of `a` that belongs to index `batch`, batch axes of 1 repeating.
Matrix matrix_at(const Array& a, const Shape& batch) {
  const auto rows = static_cast<std::size_t>(a.shape[a.shape.size() - 2]);
  Matrix m(rows, static_cast<std::size_t>(a.shape.back()));
  Shape index = batch;
  index.insert(index.end(), {0, 0});
  for (std::size_t i = 0; i < m.v.size(); ++i) {
    index[batch.size()] = static_cast<std::int64_t>(i / m.columns);
    index[batch.size() + 1] = static_cast<std::int64_t>(i % m.columns);
    m.v[i] = a.at(index);
  }
  return m;
}

struct Result {
  Shape shape;  // without the batch
  std::vector<double> v;
  Result(const Matrix& m) : shape{static_cast<std::int64_t>(m.rows), static_cast<std::int64_t>(m.columns)}, v(m.v) {}
  Result(Shape s, std::vector<double> values) : shape(std::move(s)), v(std::move(values)) {}
};

using Body = std::function<std::vector<Result>(const std::vector<Matrix>& in, const Attrs& attrs)>;

// One matrix of each operand at a time, over batch axes that broadcast.
Function batched(const Body& body) {
  return [body](const Arrays& in, const Attrs& attrs) {
    Shape batch;
    for (const Array& a : in) {
      const Shape own(a.shape.begin(), a.shape.end() - 2);
      if (own.size() > batch.size()) batch.insert(batch.begin(), own.size() - batch.size(), 1);
      for (std::size_t i = 0; i < own.size(); ++i) {
        std::int64_t& extent = batch[batch.size() - own.size() + i];
        extent = own[i] == 1 ? extent : own[i];
      }
    }
    Arrays out;
    for_each_index(batch, [&](const Shape& at) {
      std::vector<Matrix> matrices;
      for (const Array& a : in) matrices.push_back(matrix_at(a, at));
      const std::vector<Result> results = body(matrices, attrs);
      for (std::size_t k = 0; k < results.size(); ++k) {
        if (out.size() == k) {
          out.emplace_back();
          out[k].shape = batch;
          out[k].shape.insert(out[k].shape.end(), results[k].shape.begin(), results[k].shape.end());
        }
        out[k].v.insert(out[k].v.end(), results[k].v.begin(), results[k].v.end());
      }
    });
    return out;
  };
}

std::vector<Result> svd(const std::vector<Matrix>& in, const Attrs&) {
  const Svd d = svd_of(in[0]);
  return {d.u, Result({static_cast<std::int64_t>(d.s.size())}, d.s), transposed(d.v)};
}

std::vector<Result> eigh(const std::vector<Matrix>& in, const Attrs&) {
  const Eigen e = eigen_of(in[0]);
  return {Result({static_cast<std::int64_t>(e.values.size())}, e.values), e.vectors};
}

double determinant(const Matrix& a) {
  double det = 1;
  solved(a, identity(a.rows), &det);
  return det;
}

}  // namespace

void add_linalg(Table& t) {
  using In = std::vector<Matrix>;
  using Out = std::vector<Result>;
  t["svd"] = batched(svd);
  t["eigh"] = batched(eigh);
  t["cholesky"] = batched([](const In& in, const Attrs&) { return Out{cholesky_of(in[0])}; });
  t["qr"] = batched([](const In& in, const Attrs&) {
    const auto [q, r] = qr_of(in[0]);
    return Out{q, r};
  });
  t["solve"] = batched([](const In& in, const Attrs& attrs) {
    return Out{solved(attrs.integer("transpose", 0) != 0 ? transposed(in[0]) : in[0], in[1])};
  });
  t["triangular_solve"] =
      batched([](const In& in, const Attrs& attrs) { return Out{solved(triangle_of(in[0], attrs), in[1])}; });
  t["inverse"] = batched([](const In& in, const Attrs&) { return Out{solved(in[0], identity(in[0].rows))}; });
  t["pinv"] = batched([](const In& in, const Attrs&) { return Out{pinv_of(in[0])}; });
  t["lstsq"] = batched([](const In& in, const Attrs&) { return Out{pinv_of(in[0]) * in[1]}; });
  t["det"] = batched([](const In& in, const Attrs&) { return Out{Result({}, {determinant(in[0])})}; });
  t["logdet"] = batched([](const In& in, const Attrs&) { return Out{Result({}, {std::log(determinant(in[0]))})}; });
  t["slogdet"] = batched([](const In& in, const Attrs&) {
    const double det = determinant(in[0]);
    return Out{Result({}, {det > 0 ? 1.0 : -1.0}), Result({}, {std::log(std::fabs(det))})};
  });
  t["matrix_sqrt"] = batched([](const In& in, const Attrs&) { return Out{sqrt_of(in[0])}; });
  t["lyapunov"] = batched([](const In& in, const Attrs&) { return Out{lyapunov_of(in[0], in[1])}; });
}

}  // namespace assay::engine::reference
