// Decompositions: cholesky, eigh, svd, qr. Gradients are those of the cited papers, in registry ops; they do not exist
// where factors are not differentiable: eigenvectors of equal eigenvalues, singular vectors of equal or zero singular
// values, QR of rank-deficient leading columns. There a difference of 0 contributes nothing instead of infinity.
#include "harness/engine/ops/linalg.hpp"

namespace assay::engine {

using namespace linalg;

namespace {

eigen::Problem problem_of(const MatrixShape& m) {
  eigen::Problem p;
  p.rows = m.rows, p.columns = m.columns;
  return p;
}

// Kernel of an op of one operand.
template <class Body>
Kernel prepare_one(const PrepareRequest& r, const char* op, const char* complaint, const Body& body) {
  if (any_zero_extent(r)) return zero_fill_kernel(r);
  const Spec& a = r.in[0].spec;
  const MatrixShape m = matrix_shape(op, std::span(&a, 1), 0);
  MatrixKernel k{op, complaint, {m.size()}, {}, {all_of(m.count())}, {}};
  for (const Spec& out : r.out) k.out.push_back(out.count() / m.count());
  k.body = [body, p = problem_of(m)](std::span<const float* const> in, std::span<float* const> out) {
    return body(p, in[0], out);
  };
  return batch_kernel(r, std::move(k));
}

OpCase well_conditioned(const char* name, Spec a) {
  OpCase c{.name = name, .in = {std::move(a)}};
  c.diagonal = 3;
  return c;
}

// Murray, "Differentiation of the Cholesky decomposition", 2016 (arXiv:1602.07527), equation (10): the gradient is the
// symmetric part of L^-T Phi(L^T gL) L^-1, Phi taking the lower triangle with half the diagonal.
std::vector<Value> cholesky_vjp(const VjpArgs& v) {
  const Value lower = v.out[0];
  const std::int64_t n = shape_of(lower).back();
  const Value phi = lower_mask(lower, n, n, 0) - identity(lower, n) * 0.5;
  const Value inner = product_left_t(lower, v.cotangents[0]) * phi;
  const Attrs solve_t = {{"transpose", std::int64_t{1}}};
  const Value left = call("triangular_solve", {lower, inner}, solve_t);                         // L^-T inner
  const Value both = transposed(call("triangular_solve", {lower, transposed(left)}, solve_t));  // .. L^-1
  return {symmetric_part(both)};
}

void add_cholesky(Registry& registry) {
  Op op;
  op.name = "cholesky";
  op.doc = "a [.., n, n], of which the symmetric part is read and must be positive definite -> lower L, L L^T = a";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("cholesky", in, 1, 1);
    square_shape("cholesky", in, 0);
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_one(r, "cholesky", "is not positive definite",
                       [](const eigen::Problem& p, const float* a, std::span<float* const> out) {
                         return eigen::cholesky(p, a, out[0]);
                       });
  };
  op.vjp = cholesky_vjp;
  op.cases = {well_conditioned("matrix", make_spec({4, 4})), well_conditioned("batch", make_spec({2, 3, 3})),
              well_conditioned("one", make_spec({1, 1})), well_conditioned("nothing", make_spec({0, 3, 3}))};
  registry.add(std::move(op));
}

// Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation", 2008, section
// 3.1: V (diag(gw) + F o V^T gV) V^T with F_ij = 1 / (w_j - w_i), of which the symmetric part.
std::vector<Value> eigh_vjp(const VjpArgs& v) {
  const Value w = v.out[0], vectors = v.out[1];
  Value inner;
  if (v.cotangents[0].defined()) {
    inner = identity(w, shape_of(w).back()) * as_row(v.cotangents[0]);
  }
  if (v.cotangents[1].defined()) {
    const Value gaps = call("safe_reciprocal", {as_row(w) - as_column(w)});
    inner = plus(inner, product_left_t(vectors, v.cotangents[1]) * gaps);
  }
  return {symmetric_part(product_right_t(product(vectors, inner), vectors))};
}

void add_eigh(Registry& registry) {
  Op op;
  op.name = "eigh";
  op.doc =
      "a [.., n, n], of which the symmetric part is read -> rising eigenvalues [.., n], eigenvectors in columns [.., "
      "n, "
      "n], the largest component of each positive";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("eigh", in, 1, 1);
    const MatrixShape m = square_shape("eigh", in, 0);
    return std::vector<Spec>{f32_spec(joined(m.batch, {m.rows})), in[0]};
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_one(r, "eigh", "has no finite eigenvalues",
                       [](const eigen::Problem& p, const float* a, std::span<float* const> out) {
                         return eigen::eigh(p, a, out[0], out[1]);
                       });
  };
  op.vjp = eigh_vjp;
  op.cases = {{.name = "matrix", .in = {make_spec({4, 4})}, .lo = -2, .hi = 2},
              {.name = "batch", .in = {make_spec({2, 3, 3})}, .lo = -2, .hi = 2},
              {.name = "one", .in = {make_spec({1, 1})}},
              {.name = "nothing", .in = {make_spec({0, 3, 3})}}};
  registry.add(std::move(op));
}

// F o (U^T gU - gU^T U), F_ij = 1 / (s_j^2 - s_i^2).
Value rotation(Value u, Value gu, Value gaps) {
  const Value both = product_left_t(u, gu);
  return gaps * (both - transposed(both));
}

// Townsend, "Differentiating the singular value decomposition", 2016. With k = min(m, n):
// U (F o (U^T gU - gU^T U)) S V^T + (1 - U U^T) gU S^-1 V^T, the same for V, and U diag(gs) V^T.
std::vector<Value> svd_vjp(const VjpArgs& v) {
  const Value u = v.out[0], s = v.out[1], vt = v.out[2];
  const Value gaps = call("safe_reciprocal", {(as_row(s) - as_column(s)) * (as_row(s) + as_column(s))});
  const Value inverse = call("safe_reciprocal", {s});
  Value inner, grad;
  if (v.cotangents[1].defined()) inner = identity(s, shape_of(s).back()) * as_row(v.cotangents[1]);
  if (v.cotangents[0].defined()) {
    const Value gu = v.cotangents[0];
    inner = plus(inner, rotation(u, gu, gaps) * as_row(s));
    const Value outside = gu - product(u, product_left_t(u, gu));
    grad = product(outside * as_row(inverse), vt);
  }
  if (v.cotangents[2].defined()) {
    const Value gvt = v.cotangents[2];
    inner = plus(inner, as_column(s) * rotation(transposed(vt), transposed(gvt), gaps));
    const Value outside = gvt - product(product_right_t(gvt, vt), vt);
    grad = plus(grad, product(u, as_column(inverse) * outside));
  }
  return {plus(grad, product(product(u, inner), vt))};
}

void add_svd(Registry& registry) {
  Op op;
  op.name = "svd";
  op.doc =
      "a [.., m, n] -> thin U [.., m, k], falling singular values [.., k], V^T [.., k, n], k = min(m, n); the largest "
      "component of each column of U is positive";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("svd", in, 1, 1);
    const MatrixShape m = matrix_shape("svd", in, 0);
    const std::int64_t k = std::min(m.rows, m.columns);
    return std::vector<Spec>{f32_spec(joined(m.batch, {m.rows, k})), f32_spec(joined(m.batch, {k})),
                             f32_spec(joined(m.batch, {k, m.columns}))};
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_one(r, "svd", "has no finite singular values",
                       [](const eigen::Problem& p, const float* a, std::span<float* const> out) {
                         return eigen::svd(p, a, out[0], out[1], out[2]);
                       });
  };
  op.vjp = svd_vjp;
  op.cases = {{.name = "tall", .in = {make_spec({5, 3})}, .lo = -2, .hi = 2},
              {.name = "wide", .in = {make_spec({2, 2, 4})}, .lo = -2, .hi = 2},
              {.name = "square", .in = {make_spec({3, 3})}, .lo = -2, .hi = 2},
              {.name = "column", .in = {make_spec({4, 1})}},
              {.name = "nothing", .in = {make_spec({0, 2, 3})}}};
  registry.add(std::move(op));
}

// Of a full-rank tall matrix: Walter & Lehmann, "Algorithmic differentiation of linear algebra functions", 2010: (gQ +
// Q copyltu(M)) R^-T with M = R gR^T - gQ^T Q, copyltu(M) its lower triangle made symmetric.
Value tall_gradient(Value q, Value r, Value gq, Value gr) {
  Value m;
  if (gr.defined()) m = product_right_t(r, gr);
  if (gq.defined()) m = plus(m, -product_left_t(gq, q));
  const std::int64_t n = shape_of(r).back();
  const Value strict = m * lower_mask(r, n, n, -1);
  const Value symmetric = m * lower_mask(r, n, n, 0) + transposed(strict);
  const Value right = plus(gq, product(q, symmetric));
  // X = right R^-T, so X^T = R^-1 right^T.
  return transposed(call("triangular_solve", {r, transposed(right)}, {{"upper", std::int64_t{1}}}));
}

Value columns(Value a, std::int64_t from, std::int64_t count) {
  Shape size = shape_of(a), begin(size.size(), 0);
  begin.back() = from;
  size.back() = count;
  return call("slice", {a}, {{"begin", begin}, {"size", size}});
}

// A wide matrix is [X Y] with X = Q R1 and R = [R1 Q^T Y].
std::vector<Value> qr_vjp(const VjpArgs& v) {
  const Value a = v.in[0], q = v.out[0], r = v.out[1];
  Value gq = v.cotangents[0], gr = v.cotangents[1];
  const Shape shape = shape_of(a);
  const std::int64_t m = shape[shape.size() - 2], n = shape.back();
  if (m >= n) return {tall_gradient(q, r, gq, gr)};
  Value gy;
  if (gr.defined()) {
    const Value gr2 = columns(gr, m, n - m);
    gq = plus(gq, product_right_t(columns(a, m, n - m), gr2));
    gy = product(q, gr2);
    gr = columns(gr, 0, m);
  }
  const Value gx = tall_gradient(q, columns(r, 0, m), gq, gr);
  if (!gy.defined()) gy = columns(a, m, n - m) * 0.0;
  return {call("concat", {gx, gy}, {{"axis", std::int64_t{-1}}})};
}

void add_qr(Registry& registry) {
  Op op;
  op.name = "qr";
  op.doc = "a [.., m, n] -> thin Q [.., m, k], upper R [.., k, n] with a diagonal >= 0, k = min(m, n)";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("qr", in, 1, 1);
    const MatrixShape m = matrix_shape("qr", in, 0);
    const std::int64_t k = std::min(m.rows, m.columns);
    return std::vector<Spec>{f32_spec(joined(m.batch, {m.rows, k})), f32_spec(joined(m.batch, {k, m.columns}))};
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_one(r, "qr", "is not finite",
                       [](const eigen::Problem& p, const float* a, std::span<float* const> out) {
                         return eigen::qr(p, a, out[0], out[1]);
                       });
  };
  op.vjp = qr_vjp;
  op.cases = {well_conditioned("square", make_spec({3, 3})),
              {.name = "tall", .in = {make_spec({2, 5, 3})}, .lo = -2, .hi = 2},
              {.name = "wide", .in = {make_spec({3, 5})}, .lo = -2, .hi = 2},
              {.name = "column", .in = {make_spec({4, 1})}},
              {.name = "nothing", .in = {make_spec({0, 2, 3})}}};
  registry.add(std::move(op));
}

}  // namespace

void register_linalg_factor(Registry& registry) {
  add_cholesky(registry);
  add_eigh(registry);
  add_svd(registry);
  add_qr(registry);
}

}  // namespace assay::engine
