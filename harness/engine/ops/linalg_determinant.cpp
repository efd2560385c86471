// Functions of square matrices: slogdet, det, logdet, matrix_sqrt and the Lyapunov equation that its gradient solves.
#include <cmath>

#include "harness/engine/ops/linalg.hpp"

namespace assay::engine {

using namespace linalg;

namespace {

MatrixShape expect_square(const char* op, Specs in) {
  expect_count(op, in, 1, 1);
  return square_shape(op, in, 0);
}

// A kernel of one matrix operand and `results` numbers a matrix. The determinant of no elements is 1.
template <class Body>
Kernel prepare_numbers(const PrepareRequest& r, const char* op, std::size_t results, const Body& body) {
  const Spec& a = r.in[0].spec;
  const MatrixShape m = square_shape(op, std::span(&a, 1), 0);
  eigen::Problem p;
  p.rows = p.columns = m.rows;
  MatrixKernel k{op, "is not finite", {m.size()}, std::vector<std::int64_t>(results, 1), {all_of(m.count())}, {}};
  k.body = [body, p](std::span<const float* const> in, std::span<float* const> out) {
    float sign = 1, log_abs = 0;
    if (p.rows > 0 && !eigen::determinant(p, in[0], &sign, &log_abs)) return false;
    body(sign, log_abs, out);
    return true;
  };
  return batch_kernel(r, std::move(k));
}

// g A^-T, for the logarithm of |det A| (Giles 2008, section 2.2.4).
Value inverse_transposed(Value a, Value g) { return as_scalar_matrix(g) * transposed(call("inverse", {a})); }

OpCase conditioned(const char* name, Spec a) {
  OpCase c{.name = name, .in = {std::move(a)}};
  c.diagonal = 2;
  return c;
}

std::vector<OpCase> determinant_cases() {
  return {conditioned("matrix", make_spec({3, 3})), conditioned("batch", make_spec({2, 2, 4, 4})),
          conditioned("one", make_spec({2, 1, 1})), conditioned("of nothing", make_spec({2, 0, 0})),
          conditioned("no matrices", make_spec({0, 3, 3}))};
}

void add_slogdet(Registry& registry) {
  Op op;
  op.name = "slogdet";
  op.doc = "a [.., n, n] -> sign of its determinant [..] (0: singular), log |det| [..]; the gradient needs a regular a";
  op.infer = [](Specs in, const Attrs&) {
    const Spec out = f32_spec(expect_square("slogdet", in).batch);
    return std::vector<Spec>{out, out};
  };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_numbers(r, "slogdet", 2, [](float sign, float log_abs, std::span<float* const> out) {
      *out[0] = sign;
      *out[1] = log_abs;
    });
  };
  op.vjp = [](const VjpArgs& v) {
    if (!v.cotangents[1].defined()) return std::vector<Value>{{}};
    return std::vector<Value>{inverse_transposed(v.in[0], v.cotangents[1])};
  };
  op.cases = determinant_cases();
  registry.add(std::move(op));
}

void add_det(Registry& registry) {
  Op op;
  op.name = "det";
  op.onnx = "Det";
  op.doc = "a [.., n, n] -> its determinant [..]; the gradient needs a regular a";
  op.infer = [](Specs in, const Attrs&) { return one(f32_spec(expect_square("det", in).batch)); };
  op.prepare = [](const PrepareRequest& r) {
    return prepare_numbers(r, "det", 1, [](float sign, float log_abs, std::span<float* const> out) {
      *out[0] = sign == 0 ? 0.0f : static_cast<float>(sign * std::exp(static_cast<double>(log_abs)));
    });
  };
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{inverse_transposed(v.in[0], v.cotangents[0] * v.out[0])}; };
  op.cases = determinant_cases();
  registry.add(std::move(op));
}

void add_logdet(Registry& registry) {
  Op op;
  op.name = "logdet";
  op.doc = "a [.., n, n] with a positive determinant -> its logarithm [..] (of a negative one NaN)";
  op.infer = [](Specs in, const Attrs&) { return one(f32_spec(expect_square("logdet", in).batch)); };
  op.compose = [](Emitter& to, std::span<const Value> in, const Attrs&) {
    const std::vector<Value> parts = to.emit(Registry::get().id("slogdet"), in, {});
    const Value valid = call("greater_equal", {parts[0], to.constant(Tensor::scalar(0.0f))});
    return std::vector<Value>{call("where", {valid, parts[1], to.constant(Tensor::scalar(NAN))})};
  };
  op.cases = {conditioned("matrix", make_spec({3, 3})), conditioned("batch", make_spec({2, 4, 4}))};
  for (OpCase& c : op.cases) c.diagonal = 4;
  registry.add(std::move(op));
}

// S X + X S = G: gG = Y with S Y + Y S = gX, and gS the symmetric part of -(Y X^T + Y^T X).
std::vector<Value> lyapunov_vjp(const VjpArgs& v) {
  const Value y = call("lyapunov", {v.in[0], v.cotangents[0]}), x = v.out[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = -symmetric_part(product_right_t(y, x) + product_left_t(x, y));
  if (v.wanted[1]) grads[1] = y;
  return grads;
}

void add_lyapunov(Registry& registry) {
  Op op;
  op.name = "lyapunov";
  op.doc =
      "s [.., n, n], of which the symmetric part is read, g [.., n, n] -> x with s x + x s = g; where two eigenvalues "
      "of s "
      "add up to 0 that part of x is 0";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("lyapunov", in, 2, 2);
    square_shape("lyapunov", in, 0);
    square_shape("lyapunov", in, 1);
    if (in[0].shape != in[1].shape) op_error("lyapunov", in, "the operands must have one shape");
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& r) {
    if (any_zero_extent(r)) return zero_fill_kernel(r);
    const Spec in[2] = {r.in[0].spec, r.in[1].spec};
    const MatrixShape m = square_shape("lyapunov", in, 0);
    eigen::Problem p;
    p.rows = p.columns = m.rows;
    const auto all = all_of(m.count());
    MatrixKernel k{"lyapunov", "is not finite", {m.size(), m.size()}, {m.size()}, {all, all}, {}};
    k.body = [p](std::span<const float* const> sg, std::span<float* const> out) {
      return eigen::lyapunov(p, sg[0], sg[1], out[0]);
    };
    return batch_kernel(r, std::move(k));
  };
  op.vjp = lyapunov_vjp;
  OpCase matrix{.name = "matrix", .in = {make_spec({3, 3}), make_spec({3, 3})}};
  OpCase batch{.name = "batch", .in = {make_spec({2, 2, 2}), make_spec({2, 2, 2})}};
  OpCase none{.name = "nothing", .in = {make_spec({0, 2, 2}), make_spec({0, 2, 2})}};
  matrix.diagonal = batch.diagonal = none.diagonal = 3;
  op.cases = {matrix, batch, none};
  registry.add(std::move(op));
}

// R R = A, so R gA + gA R = gR: a Lyapunov equation, which has no gaps between eigenvalues to divide by.
void add_matrix_sqrt(Registry& registry) {
  Op op;
  op.name = "matrix_sqrt";
  op.doc =
      "a [.., n, n], of which the symmetric part is read and must be positive semi-definite -> its symmetric square "
      "root; "
      "the gradient exists where a is definite";
  op.infer = [](Specs in, const Attrs&) {
    expect_square("matrix_sqrt", in);
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& r) {
    if (any_zero_extent(r)) return zero_fill_kernel(r);
    const Spec& a = r.in[0].spec;
    const MatrixShape m = square_shape("matrix_sqrt", std::span(&a, 1), 0);
    eigen::Problem p;
    p.rows = p.columns = m.rows;
    MatrixKernel k{"matrix_sqrt", "is not positive semi-definite", {m.size()}, {m.size()}, {all_of(m.count())}, {}};
    k.body = [p](std::span<const float* const> in, std::span<float* const> out) {
      return eigen::square_root(p, in[0], out[0]);
    };
    return batch_kernel(r, std::move(k));
  };
  op.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{symmetric_part(call("lyapunov", {v.out[0], v.cotangents[0]}))};
  };
  op.cases = {conditioned("matrix", make_spec({4, 4})), conditioned("batch", make_spec({2, 3, 3})),
              conditioned("nothing", make_spec({0, 3, 3}))};
  for (OpCase& c : op.cases) c.diagonal = 4;
  registry.add(std::move(op));
}

}  // namespace

void register_linalg_determinant(Registry& registry) {
  add_slogdet(registry);
  add_det(registry);
  add_logdet(registry);
  add_lyapunov(registry);
  add_matrix_sqrt(registry);
}

}  // namespace assay::engine
