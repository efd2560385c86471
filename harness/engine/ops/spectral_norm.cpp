// Spectral normalisation: the largest singular value by power iteration on a kept vector. Miyato et al., "Spectral
// normalization for generative adversarial networks", ICLR 2018, algorithm 1.
#include <algorithm>
#include <cmath>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

struct Matrix {
  std::int64_t rows, columns;
};

// w [O, ..] seen as a matrix of O rows, u [O].
Matrix matrix_of(const char* op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  const Shape& w = in[0].shape;
  if (w.empty() || in[1].shape != Shape{w[0]} || in[0].count() == 0)
    op_error(op, in, "takes w [O, ..], not empty, and u [O]");
  if (attrs.integer("steps", 1) < 1) op_error(op, in, "attribute steps must be positive");
  return {w[0], in[0].count() / w[0]};
}

void normalize(double* v, std::int64_t n) {
  double squares = 0;
  for (std::int64_t i = 0; i < n; ++i) squares += v[i] * v[i];
  const double factor = 1 / std::max(std::sqrt(squares), 1e-12);
  for (std::int64_t i = 0; i < n; ++i) v[i] *= factor;
}

void iterate(const Matrix& m, const float* w, double* u, double* v) {
  std::fill_n(v, m.columns, 0.0);
  for (std::int64_t r = 0; r < m.rows; ++r) {
    for (std::int64_t c = 0; c < m.columns; ++c) v[c] += static_cast<double>(w[r * m.columns + c]) * u[r];
  }
  normalize(v, m.columns);
  for (std::int64_t r = 0; r < m.rows; ++r) {
    u[r] = 0;
    for (std::int64_t c = 0; c < m.columns; ++c) u[r] += static_cast<double>(w[r * m.columns + c]) * v[c];
  }
  normalize(u, m.rows);
}

Kernel prepare_iteration(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec in[2] = {request.in[0].spec, request.in[1].spec};
  const Matrix m = matrix_of("power_iteration", in, request.attrs);
  kernel.scratch_bytes = static_cast<std::size_t>(m.rows + m.columns) * sizeof(double);
  kernel.run = [m, steps = request.attrs.integer("steps", 1)](const KernelArgs& args) {
    double* u = static_cast<double*>(args.scratch);
    double* v = u + m.rows;
    std::copy_n(floats(args, 1), m.rows, u);
    for (std::int64_t s = 0; s < steps; ++s) iterate(m, floats(args, 0), u, v);
    std::copy_n(u, m.rows, floats_out(args, 0));
    std::copy_n(v, m.columns, floats_out(args, 1));
  };
  return kernel;
}

std::vector<OpCase> spectral_norm_cases() {
  return {{.name = "matrix", .in = {make_spec({3, 5}), make_spec({3})}},
          {.name = "steps", .in = {make_spec({4, 2, 2, 2}), make_spec({4})}, .attrs = {{"steps", std::int64_t{3}}}},
          {.name = "one row", .in = {make_spec({1, 4}), make_spec({1})}}};
}

void add_iteration(Registry& registry) {
  Op op;
  op.name = "power_iteration";
  op.doc =
      "w [O, ..] as a matrix of O rows, u [O] -> u and v [rest], unit vectors after attribute steps (1) of v = w^T u, "
      "u = "
      "w v; constants for gradients";
  op.infer = [](Specs in, const Attrs& attrs) {
    const Matrix m = matrix_of("power_iteration", in, attrs);
    return std::vector<Spec>{f32_spec({m.rows}), f32_spec({m.columns})};
  };
  op.prepare = prepare_iteration;
  op.vjp = [](const VjpArgs&) { return std::vector<Value>(2); };
  op.cases = spectral_norm_cases();
  for (OpCase& c : op.cases) c.differentiable = {false, false};
  registry.add(std::move(op));
}

}  // namespace

void register_spectral_norm(Registry& registry) {
  add_iteration(registry);
  Op op;
  op.name = "spectral_norm";
  op.doc =
      "w [O, ..], u [O] the vector kept from the last call -> w / sigma, the next u; sigma = u^T w v after attribute "
      "steps "
      "(1) of power iteration, u and v constants for gradients";
  op.infer = [](Specs in, const Attrs& attrs) {
    matrix_of("spectral_norm", in, attrs);
    return std::vector<Spec>{in[0], in[1]};
  };
  op.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    const Spec specs[2] = {to.spec(in[0]), to.spec(in[1])};
    const Matrix m = matrix_of("spectral_norm", specs, attrs);
    const std::vector<Value> uv = to.emit(Registry::get().id("power_iteration"), in, attrs);
    const Value along = call("matmul", {reshape(in[0], {m.rows, m.columns}), reshape(uv[1], {m.columns, 1})});
    const Value sigma = call("matmul", {reshape(uv[0], {1, m.rows}), along});
    return std::vector<Value>{in[0] / reshape(sigma, {}), uv[0]};
  };
  op.cases = spectral_norm_cases();
  for (OpCase& c : op.cases) c.differentiable = {false, false};
  registry.add(std::move(op));
}

}  // namespace assay::engine
