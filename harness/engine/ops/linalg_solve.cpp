// Linear systems: solve, triangular_solve, inverse, pinv, lstsq.
#include <algorithm>

#include "harness/engine/ops/linalg.hpp"

namespace assay::engine {

using namespace linalg;

namespace {

bool flag(const Attrs& attrs, const char* key) { return attrs.integer(key, 0) != 0; }

struct System {
  MatrixShape a, b;
  Shape batch;  // of both, broadcast
};

// a [.., m, n], b [.., m, k] with batch axes that broadcast.
System system_of(const char* op, Specs in, bool square) {
  expect_count(op, in, 2, 2);
  System s{square ? square_shape(op, in, 0) : matrix_shape(op, in, 0), matrix_shape(op, in, 1), {}};
  if (s.a.rows != s.b.rows) op_error(op, in, "the matrices and right sides have different heights");
  const Spec batches[2] = {f32_spec(s.a.batch), f32_spec(s.b.batch)};
  s.batch = broadcast_shape(op, batches);
  return s;
}

using SystemFn = bool (*)(const eigen::Problem&, const float*, const float*, float*);

Kernel prepare_system(const PrepareRequest& r, const char* op, const char* complaint, SystemFn solve) {
  if (any_zero_extent(r)) return zero_fill_kernel(r);
  const Spec in[2] = {r.in[0].spec, r.in[1].spec};
  const System s = system_of(op, in, false);
  eigen::Problem p;
  p.rows = s.a.rows, p.columns = s.a.columns, p.right_sides = s.b.columns;
  p.transpose = flag(r.attrs, "transpose"), p.upper = flag(r.attrs, "upper");
  p.unit_diagonal = flag(r.attrs, "unit_diagonal");
  p.cutoff = r.attrs.real("rcond", static_cast<double>(std::max(p.rows, p.columns)) * 1.19e-7);
  MatrixKernel k{op, complaint, {s.a.size(), s.b.size()}, {s.a.columns * s.b.columns}, {}, {}};
  k.which = {broadcast_of(s.a.batch, s.batch), broadcast_of(s.b.batch, s.batch)};
  k.body = [p, solve](std::span<const float* const> ab, std::span<float* const> out) {
    return solve(p, ab[0], ab[1], out[0]);
  };
  return batch_kernel(r, std::move(k));
}

Attrs opposite(const Attrs& attrs) {
  Attrs other = attrs;
  other.set("transpose", std::int64_t{flag(attrs, "transpose") ? 0 : 1});
  return other;
}

// Giles 2008, section 2.2.3: gB = A^-T gX, gA = -gB X^T. For A^T x = b: gA = -X gB^T.
std::vector<Value> solve_vjp_by(const char* op, const VjpArgs& v, bool triangle) {
  const Value a = v.in[0], b = v.in[1], x = v.out[0];
  const Value right = call(op, {a, v.cotangents[0]}, opposite(v.attrs));
  std::vector<Value> grads(2);
  if (v.wanted[1]) grads[1] = reduce_to(right, shape_of(b));
  if (!v.wanted[0]) return grads;
  Value ga = -(flag(v.attrs, "transpose") ? product_right_t(x, right) : product_right_t(right, x));
  if (triangle) {
    const std::int64_t n = shape_of(a).back();
    const std::int64_t skipped = flag(v.attrs, "unit_diagonal") ? 1 : 0;
    const Value mask = lower_mask(a, n, n, -skipped);
    ga = ga * (flag(v.attrs, "upper") ? transposed(mask) : mask);
  }
  grads[0] = reduce_to(ga, shape_of(a));
  return grads;
}

OpCase system_case(const char* name, Spec a, Spec b, Attrs attrs = {}) {
  OpCase c{.name = name, .in = {std::move(a), std::move(b)}, .attrs = std::move(attrs)};
  c.diagonal = 3;
  return c;
}

void add_solve(Registry& registry) {
  Op op;
  op.name = "solve";
  op.doc = "a [.., n, n], b [.., n, k] -> x with a x = b, or a^T x = b with attribute transpose (0)";
  op.infer = [](Specs in, const Attrs&) {
    const System s = system_of("solve", in, true);
    return one(f32_spec(joined(s.batch, {s.a.rows, s.b.columns})));
  };
  op.prepare = [](const PrepareRequest& r) { return prepare_system(r, "solve", "is singular", eigen::solve); };
  op.vjp = [](const VjpArgs& v) { return solve_vjp_by("solve", v, false); };
  op.cost = [](Specs in, Specs, const Attrs&) {
    const System s = system_of("solve", in, true);
    const auto n = static_cast<double>(s.a.rows), k = static_cast<double>(s.b.columns);
    return OpCost{static_cast<double>(element_count(s.batch)) * (n * n * n / 3 + n * n * k), 0};
  };
  const Attrs transpose = {{"transpose", std::int64_t{1}}};
  op.cases = {system_case("matrix", make_spec({3, 3}), make_spec({3, 2})),
              system_case("transpose", make_spec({2, 3, 3}), make_spec({2, 3, 1}), transpose),
              system_case("one matrix for all", make_spec({3, 3}), make_spec({2, 3, 2})),
              system_case("one right side for all", make_spec({2, 1, 3, 3}), make_spec({2, 3, 1})),
              system_case("one", make_spec({1, 1}), make_spec({1, 3})),
              system_case("no matrices", make_spec({0, 3, 3}), make_spec({0, 3, 2})),
              system_case("no right sides", make_spec({3, 3}), make_spec({3, 0}))};
  registry.add(std::move(op));
}

void add_triangular_solve(Registry& registry) {
  Op op;
  op.name = "triangular_solve";
  op.doc =
      "a [.., n, n], b [.., n, k] -> x with t x = b, t the lower triangle of a; attributes upper (0: the upper "
      "triangle), "
      "transpose (0: t^T x = b), unit_diagonal (0: ones are read on the diagonal)";
  op.infer = [](Specs in, const Attrs&) {
    const System s = system_of("triangular_solve", in, true);
    return one(f32_spec(joined(s.batch, {s.a.rows, s.b.columns})));
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_system(r, "triangular_solve", "has a 0 on its diagonal", eigen::triangular_solve);
  };
  op.vjp = [](const VjpArgs& v) { return solve_vjp_by("triangular_solve", v, true); };
  op.cost = [](Specs in, Specs, const Attrs&) {
    const System s = system_of("triangular_solve", in, true);
    const auto n = static_cast<double>(s.a.rows), k = static_cast<double>(s.b.columns);
    return OpCost{static_cast<double>(element_count(s.batch)) * n * n * k / 2, 0};
  };
  const Attrs upper = {{"upper", std::int64_t{1}}}, both = {{"upper", std::int64_t{1}}, {"transpose", std::int64_t{1}}};
  const Attrs unit = {{"unit_diagonal", std::int64_t{1}}, {"transpose", std::int64_t{1}}};
  op.cases = {system_case("lower", make_spec({3, 3}), make_spec({3, 2})),
              system_case("upper", make_spec({2, 3, 3}), make_spec({2, 3, 1}), upper),
              system_case("upper transposed", make_spec({3, 3}), make_spec({2, 3, 2}), both),
              system_case("unit diagonal", make_spec({4, 4}), make_spec({4, 2}), unit),
              system_case("nothing", make_spec({0, 3, 3}), make_spec({0, 3, 2}))};
  registry.add(std::move(op));
}

// Kernel of an op of one operand whose matrices map to matrices.
Kernel prepare_inverse(const PrepareRequest& r, const char* op, const char* complaint,
                       bool (*body)(const eigen::Problem&, const float*, float*)) {
  if (any_zero_extent(r)) return zero_fill_kernel(r);
  const Spec& a = r.in[0].spec;
  const MatrixShape m = matrix_shape(op, std::span(&a, 1), 0);
  eigen::Problem p;
  p.rows = m.rows, p.columns = m.columns;
  p.cutoff = r.attrs.real("rcond", static_cast<double>(std::max(p.rows, p.columns)) * 1.19e-7);
  MatrixKernel k{op, complaint, {m.size()}, {m.size()}, {all_of(m.count())}, {}};
  k.body = [p, body](std::span<const float* const> in, std::span<float* const> out) { return body(p, in[0], out[0]); };
  return batch_kernel(r, std::move(k));
}

void add_inverse(Registry& registry) {
  Op op;
  op.name = "inverse";
  op.doc = "a [.., n, n] -> a^-1";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("inverse", in, 1, 1);
    square_shape("inverse", in, 0);
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& r) { return prepare_inverse(r, "inverse", "is singular", eigen::inverse); };
  op.vjp = [](const VjpArgs& v) {  // Giles 2008, section 2.2.3: -A^-T gC A^-T
    return std::vector<Value>{-product_right_t(product_left_t(v.out[0], v.cotangents[0]), v.out[0])};
  };
  op.cases = {system_case("matrix", make_spec({4, 4}), {}), system_case("batch", make_spec({2, 3, 3}), {}),
              system_case("one", make_spec({1, 1}), {}), system_case("nothing", make_spec({0, 3, 3}), {})};
  for (OpCase& c : op.cases) c.in.pop_back();
  registry.add(std::move(op));
}

// The gradient for A of <g, A^+>: Golub & Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares
// problems whose variables separate", 1973, equation (4.12), transposed. Exists where the rank is constant.
Value pinv_gradient(Value a, Value p, Value g) {
  const Value gp = product_right_t(g, p);                    // g P^T
  const Value pg = product_left_t(p, g);                     // P^T g
  const Value first = -product_right_t(pg, p);               // -P^T g P^T
  const Value t = product_left_t(g, product_right_t(p, p));  // g^T P P^T
  const Value second = t - product(a, product(p, t));        // (1 - A P) g^T P P^T
  const Value u = product_right_t(transposed(p), gp);        // P^T (g P^T)^T = P^T P g^T
  return first + second + (u - product(product(u, p), a));   // .. + P^T P g^T (1 - P A)
}

void add_pinv(Registry& registry) {
  Op op;
  op.name = "pinv";
  op.doc =
      "a [.., m, n] -> its Moore-Penrose inverse [.., n, m]; attribute rcond (max(m, n) times f32's epsilon): singular "
      "values below rcond times the largest count as 0";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("pinv", in, 1, 1);
    const MatrixShape m = matrix_shape("pinv", in, 0);
    return one(f32_spec(joined(m.batch, {m.columns, m.rows})));
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_inverse(r, "pinv", "is not finite", eigen::pseudo_inverse);
  };
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{pinv_gradient(v.in[0], v.out[0], v.cotangents[0])}; };
  op.cases = {system_case("square", make_spec({3, 3}), {}), system_case("tall", make_spec({2, 4, 2}), {}),
              system_case("wide", make_spec({2, 3}), {}), system_case("nothing", make_spec({0, 2, 3}), {})};
  for (OpCase& c : op.cases) c.in.pop_back(), c.lo = -2, c.hi = 2;
  registry.add(std::move(op));
}

// X = P B: gB = P^T gX, and gP = gX B^T.
std::vector<Value> lstsq_vjp(const VjpArgs& v) {
  const Value a = v.in[0], b = v.in[1], g = v.cotangents[0];
  const Value p = call("pinv", {a}, v.attrs);
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = reduce_to(pinv_gradient(a, p, product_right_t(g, b)), shape_of(a));
  if (v.wanted[1]) grads[1] = reduce_to(product_left_t(p, g), shape_of(b));
  return grads;
}

void add_lstsq(Registry& registry) {
  Op op;
  op.name = "lstsq";
  op.doc = "a [.., m, n], b [.., m, k] -> the x of least norm that minimises |a x - b|; attribute rcond as pinv's";
  op.infer = [](Specs in, const Attrs&) {
    const System s = system_of("lstsq", in, false);
    return one(f32_spec(joined(s.batch, {s.a.columns, s.b.columns})));
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_system(r, "lstsq", "is not finite", eigen::least_squares);
  };
  op.vjp = lstsq_vjp;
  op.cases = {system_case("square", make_spec({3, 3}), make_spec({3, 2})),
              system_case("tall", make_spec({2, 4, 2}), make_spec({2, 4, 1})),
              system_case("wide", make_spec({2, 3}), make_spec({2, 2, 2})),
              system_case("nothing", make_spec({0, 4, 2}), make_spec({0, 4, 1}))};
  for (OpCase& c : op.cases) c.lo = -2, c.hi = 2;
  registry.add(std::move(op));
}

}  // namespace

void register_linalg_solve(Registry& registry) {
  add_solve(registry);
  add_triangular_solve(registry);
  add_inverse(registry);
  add_pinv(registry);
  add_lstsq(registry);
}

}  // namespace assay::engine
