// Scaled dot-product attention (Vaswani et al. 2017): softmax(q k^T scale + mask) v. Scores are made for so many
// queries at a time as stay in cache; the fused gradient makes them again instead of keeping them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/engine/ops/composite.hpp"
#include "harness/engine/ops/lanes.hpp"
#include "harness/engine/ops/softmax.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kScores = 65536;  // floats of a piece of the score matrix: 256 KB
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

Shape batch_of(const Shape& s) { return Shape(s.begin(), s.end() - 2); }

Shape joined(Shape batch, std::int64_t rows, std::int64_t columns) {
  batch.insert(batch.end(), {rows, columns});
  return batch;
}

// Offset, in matrices, of an operand for every matrix of `batch`.
std::vector<std::int64_t> broadcast_index(const Shape& operand, const Shape& batch) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(element_count(batch)), 0);
  const std::size_t lead = batch.size() - operand.size();
  for (std::size_t i = 0; i < index.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), step = 1;
    for (std::size_t a = batch.size(); a-- > lead;) {
      const std::int64_t at = rest % batch[a];
      rest /= batch[a];
      if (operand[a - lead] != 1) index[i] += at * step;
      step *= operand[a - lead];
    }
  }
  return index;
}

struct Problem {
  Shape batch;
  std::int64_t t = 0, s = 0, d = 0, e = 0;
  float scale = 1;
  bool causal = false, mask = false;
  std::int64_t mask_row = 0, mask_column = 0, mask_size = 0;  // steps within a mask matrix, and its elements
  std::vector<std::int64_t> q_at, k_at, v_at, mask_at;

  std::int64_t chunk() const { return std::min(t, std::max<std::int64_t>(16, kScores / std::max<std::int64_t>(1, s))); }
};

// `mask_input`: the index of the mask among the operands.
Problem attention_problem_of(std::string_view op, Specs in, const Attrs& attrs, std::size_t mask_input) {
  expect_f32(op, in);
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i].shape.size() < 2) op_error(op, in, "input " + std::to_string(i) + " must have at least 2 axes");
  }
  const Shape &q = in[0].shape, &k = in[1].shape, &v = in[2].shape;
  Problem p;
  p.t = q[q.size() - 2], p.d = q.back(), p.s = k[k.size() - 2], p.e = v.back();
  if (k.back() != p.d) op_error(op, in, "q and k must have equally long rows");
  if (v[v.size() - 2] != p.s) op_error(op, in, "k and v must have equally many rows");
  std::vector<Spec> batches = {f32_spec(batch_of(q)), f32_spec(batch_of(k)), f32_spec(batch_of(v))};
  p.mask = in.size() > mask_input;
  if (p.mask) batches.push_back(f32_spec(batch_of(in[mask_input].shape)));
  p.batch = broadcast_shape(op, batches);
  p.q_at = broadcast_index(batches[0].shape, p.batch);
  p.k_at = broadcast_index(batches[1].shape, p.batch);
  p.v_at = broadcast_index(batches[2].shape, p.batch);
  p.scale =
      static_cast<float>(attrs.real("scale", 1.0 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, p.d)))));
  p.causal = attrs.integer("causal", 0) != 0;
  if (!p.mask) return p;
  const Shape& m = in[mask_input].shape;
  const std::int64_t rows = m[m.size() - 2], columns = m.back();
  if ((rows != 1 && rows != p.t) || (columns != 1 && columns != p.s)) {
    op_error(op, in, "the mask must broadcast to [.., " + std::to_string(p.t) + ", " + std::to_string(p.s) + "]");
  }
  p.mask_at = broadcast_index(batches[3].shape, p.batch);
  p.mask_row = rows == 1 ? 0 : columns, p.mask_column = columns == 1 ? 0 : 1, p.mask_size = rows * columns;
  return p;
}

ASSAY_WIDE void scale_row(float* row, std::int64_t n, float scale) {
  for (std::int64_t i = 0; i < n; ++i) row[i] *= scale;
}

ASSAY_WIDE void scale_and_mask_row(float* row, const float* mask, std::int64_t step, std::int64_t n, float scale) {
  for (std::int64_t i = 0; i < n; ++i) row[i] = row[i] * scale + mask[i * step];
}

// Probabilities of queries [from, from + rows) of one matrix.
void probabilities(const Problem& p, std::size_t b, std::int64_t from, std::int64_t rows, const float* const* in,
                   float* to) {
  const native::GemmProblem gemm{
      .m = rows, .n = p.s, .k = p.d, .lda = p.d, .ldb = p.d, .ldc = p.s, .transpose_b = true};
  native::gemm(gemm, in[0] + (p.q_at[b] * p.t + from) * p.d, in[1] + p.k_at[b] * p.s * p.d, to);
  for (std::int64_t r = 0; r < rows; ++r) {
    float* row = to + r * p.s;
    if (p.mask) {
      scale_and_mask_row(row, in[3] + p.mask_at[b] * p.mask_size + (from + r) * p.mask_row, p.mask_column, p.s,
                         p.scale);
    } else {
      scale_row(row, p.s, p.scale);
    }
    if (p.causal) std::fill(row + std::min(p.s, from + r + 1), row + p.s, kMinusInfinity);
  }
  softmax_rows(to, to, rows, p.s);
}

void forward(const Problem& p, const KernelArgs& args) {
  const float* in[4] = {floats(args, 0), floats(args, 1), floats(args, 2), p.mask ? floats(args, 3) : nullptr};
  auto* scores = static_cast<float*>(args.scratch);
  for (std::size_t b = 0; b < p.q_at.size(); ++b) {
    for (std::int64_t from = 0; from < p.t; from += p.chunk()) {
      const std::int64_t rows = std::min(p.chunk(), p.t - from);
      probabilities(p, b, from, rows, in, scores);
      const native::GemmProblem gemm{.m = rows, .n = p.e, .k = p.s, .lda = p.s, .ldb = p.e, .ldc = p.e};
      native::gemm(gemm, scores, in[2] + p.v_at[b] * p.s * p.e,
                   floats_out(args, 0) + (static_cast<std::int64_t>(b) * p.t + from) * p.e);
    }
  }
}

Kernel prepare_attention(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  std::vector<Spec> in;
  for (const MemDesc& m : request.in) in.push_back(m.spec);
  const Problem p = attention_problem_of("attention", in, request.attrs, 3);
  Kernel kernel = dense_kernel(request);
  kernel.scratch_bytes = static_cast<std::size_t>(p.chunk() * p.s) * sizeof(float);
  kernel.run = [p](const KernelArgs& args) { forward(p, args); };
  return kernel;
}

// ds = scale P (dP - sum(P dP)), in place of dp.
ASSAY_WIDE void softmax_backward_row(const float* probability, float* dp, std::int64_t n, float scale) {
  Lanes lanes = Lanes::all(0.0f);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) lanes += Lanes::load(probability + i) * Lanes::load(dp + i);
  if (i < n) lanes += load_part(probability + i, n - i, 0.0f) * load_part(dp + i, n - i, 0.0f);
  float values[kLanes];
  lanes.store(values);
  float sum = 0;
  for (const float v : values) sum += v;
  ASSAY_INDEPENDENT
  for (std::int64_t j = 0; j < n; ++j) dp[j] = probability[j] * (dp[j] - sum) * scale;
}

// One piece of one matrix; `first`: the sums over queries start here.
void backward_piece(const Problem& p, std::size_t b, std::int64_t from, std::int64_t rows, const KernelArgs& args) {
  const float* in[4] = {floats(args, 0), floats(args, 1), floats(args, 2), p.mask ? floats(args, 4) : nullptr};
  const auto matrix = static_cast<std::int64_t>(b);
  const float *q = in[0] + (p.q_at[b] * p.t + from) * p.d, *g = floats(args, 3) + (matrix * p.t + from) * p.e;
  const float *k = in[1] + p.k_at[b] * p.s * p.d, *v = in[2] + p.v_at[b] * p.s * p.e;
  float *probability = static_cast<float*>(args.scratch), *ds = probability + p.chunk() * p.s;
  const bool later = from > 0;
  probabilities(p, b, from, rows, in, probability);
  native::gemm(
      {.m = p.s, .n = p.e, .k = rows, .lda = p.s, .ldb = p.e, .ldc = p.e, .accumulate = later, .transpose_a = true},
      probability, g, floats_out(args, 2) + matrix * p.s * p.e);
  native::gemm({.m = rows, .n = p.s, .k = p.e, .lda = p.e, .ldb = p.e, .ldc = p.s, .transpose_b = true}, g, v, ds);
  for (std::int64_t r = 0; r < rows; ++r) softmax_backward_row(probability + r * p.s, ds + r * p.s, p.s, p.scale);
  native::gemm({.m = rows, .n = p.d, .k = p.s, .lda = p.s, .ldb = p.d, .ldc = p.d}, ds, k,
               floats_out(args, 0) + (matrix * p.t + from) * p.d);
  native::gemm(
      {.m = p.s, .n = p.d, .k = rows, .lda = p.s, .ldb = p.d, .ldc = p.d, .accumulate = later, .transpose_a = true}, ds,
      q, floats_out(args, 1) + matrix * p.s * p.d);
}

// in: q, k, v, g, mask?; out: dq, dk, dv with the batch axes of the result.
std::vector<Spec> infer_attention_grad(Specs in, const Attrs& attrs) {
  const char* op = "attention_grad";
  expect_count(op, in, 4, 5);
  const Problem p = attention_problem_of(op, in, attrs, 4);
  if (in[3].shape != joined(p.batch, p.t, p.e)) {
    op_error(op, in, "g must have shape " + shape_str(joined(p.batch, p.t, p.e)));
  }
  return {f32_spec(joined(p.batch, p.t, p.d)), f32_spec(joined(p.batch, p.s, p.d)),
          f32_spec(joined(p.batch, p.s, p.e))};
}

Kernel prepare_attention_grad(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  std::vector<Spec> in;
  for (const MemDesc& m : request.in) in.push_back(m.spec);
  const Problem p = attention_problem_of("attention_grad", in, request.attrs, 4);
  Kernel kernel = dense_kernel(request);
  kernel.scratch_bytes = 2 * static_cast<std::size_t>(p.chunk() * p.s) * sizeof(float);
  kernel.run = [p](const KernelArgs& args) {
    for (std::size_t b = 0; b < p.q_at.size(); ++b) {
      for (std::int64_t from = 0; from < p.t; from += p.chunk()) {
        backward_piece(p, b, from, std::min(p.chunk(), p.t - from), args);
      }
    }
  };
  return kernel;
}

std::vector<Value> compose_attention(Emitter& to, std::span<const Value> in, const Attrs& attrs) {
  const Shape q = shape_of(in[0]), k = shape_of(in[1]);
  const std::int64_t t = q[q.size() - 2], s = k[k.size() - 2];
  const double scale = attrs.real("scale", 1.0 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, q.back()))));
  Value scores = call("matmul", {in[0], in[1]}, {{"transpose_b", std::int64_t{1}}}) * scale;
  if (in.size() > 3) scores = scores + in[3];
  if (attrs.integer("causal", 0) != 0) {
    std::vector<float> later(static_cast<std::size_t>(t * s), 0.0f);
    for (std::int64_t r = 0; r < t; ++r)
      std::fill(&later[static_cast<std::size_t>(r * s)] + std::min(s, r + 1),
                &later[static_cast<std::size_t>(r * s)] + s, kMinusInfinity);
    scores = scores + to.constant(Tensor::f32({t, s}, later));
  }
  return {call("matmul", {call("softmax", {scores}), in[2]})};
}

std::vector<Value> attention_vjp(const VjpArgs& v) {
  const bool mask = v.in.size() > 3;
  if (v.create_graph || (mask && v.wanted[3])) return composite_vjp(compose_attention, v);
  std::vector<Value> operands = {v.in[0], v.in[1], v.in[2], v.cotangents[0]};
  if (mask) operands.push_back(v.in[3]);
  std::vector<Value> grads = v.in[0].emitter->emit(Registry::get().id("attention_grad"), operands, v.attrs);
  for (std::size_t i = 0; i < 3; ++i) grads[i] = v.wanted[i] ? reduce_to(grads[i], shape_of(v.in[i])) : Value{};
  grads.resize(v.in.size());
  return grads;
}

double macs(const Problem& p, std::int64_t products_d, std::int64_t products_e) {
  const double scores = static_cast<double>(element_count(p.batch)) * static_cast<double>(p.t * p.s);
  return scores * static_cast<double>(products_d * p.d + products_e * p.e);
}

std::vector<OpCase> attention_cases(bool grad) {
  const Attrs causal = {{"causal", std::int64_t{1}}}, scaled = {{"scale", 0.7}};
  const auto shapes = [](const Shape& q, const Shape& k, const Shape& v) {
    return std::vector<Spec>{f32_spec(q), f32_spec(k), f32_spec(v)};
  };
  std::vector<OpCase> all = {
      {.name = "heads", .in = shapes({2, 3, 5, 4}, {2, 3, 7, 4}, {2, 3, 7, 6}), .attrs = {}},
      {.name = "causal", .in = shapes({2, 5, 3}, {2, 5, 3}, {2, 5, 3}), .attrs = causal},
      {.name = "one key head for all", .in = shapes({2, 3, 4, 3}, {2, 1, 5, 3}, {1, 5, 2}), .attrs = scaled},
      {.name = "one matrix", .in = shapes({4, 17}, {19, 17}, {19, 1}), .attrs = {}},
      {.name = "pieces", .in = shapes({17, 1}, {4001, 1}, {4001, 1}), .attrs = {}},
      {.name = "no queries", .in = shapes({2, 0, 3}, {2, 5, 3}, {2, 5, 3}), .attrs = {}}};
  for (OpCase& c : all) {
    const Problem p = attention_problem_of("attention", c.in, c.attrs, 3);
    if (grad) c.in.push_back(f32_spec(joined(p.batch, p.t, p.e)));
  }
  OpCase masked = all[0];
  masked.name = "mask of keys";
  masked.in.push_back(make_spec({2, 1, 1, 7}));
  all.push_back(masked);
  masked.name = "mask of pairs";
  masked.in.back() = make_spec({5, 7});
  masked.attrs = causal;
  all.push_back(masked);
  return all;
}

}  // namespace

void register_attention(Registry& registry) {
  Op op;
  op.name = "attention";
  op.doc =
      "q [.., T, D], k [.., S, D], v [.., S, E], mask? (added to the scores, broadcasts to [.., T, S]) -> [.., T, E]; "
      "attributes scale (1 / sqrt(D)), causal (0: a query sees every key; 1: those up to its own position)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("attention", in, 3, 4);
    const Problem p = attention_problem_of("attention", in, attrs, 3);
    return one(f32_spec(joined(p.batch, p.t, p.e)));
  };
  op.prepare = prepare_attention;
  op.vjp = attention_vjp;
  op.cost = [](Specs in, Specs, const Attrs& attrs) {
    return OpCost{macs(attention_problem_of("attention", in, attrs, 3), 1, 1), 0};
  };
  op.cases = attention_cases(false);
  registry.add(std::move(op));
  Op grad;
  grad.name = "attention_grad";
  grad.doc =
      "q, k, v, g, mask? -> dq, dk, dv, with the batch axes of g: attention's fused gradient, itself without one";
  grad.infer = infer_attention_grad;
  grad.prepare = prepare_attention_grad;
  grad.cost = [](Specs in, Specs, const Attrs& attrs) {
    return OpCost{macs(attention_problem_of("attention_grad", in, attrs, 4), 3, 2), 0};
  };
  grad.cases = attention_cases(true);
  registry.add(std::move(grad));
}

}  // namespace assay::engine
