// Squared Euclidean distances between all points of two sets, and each point's nearest neighbour without the matrix of
// all distances. Sums of squares of differences, in the order of the coordinates' lanes: exact where |a|^2 - 2ab +
// |b|^2 would cancel.
#include <algorithm>
#include <cmath>

#include "harness/engine/ops/lanes.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kFlush = 512;  // lanes' partial sums of at most so many terms go into f64

ASSAY_WIDE void distances(const float* a, const float* b, std::int64_t points, std::int64_t axes, float* out) {
  for (std::int64_t j = 0; j < points; ++j, b += axes) {
    double total = 0;
    for (std::int64_t from = 0; from < axes; from += kFlush * kLanes) {
      const std::int64_t to = std::min(axes, from + kFlush * kLanes);
      Lanes sum = Lanes::all(0.0f);
      std::int64_t i = from;
      for (; i + kLanes <= to; i += kLanes) {
        const Lanes d = Lanes::load(a + i) - Lanes::load(b + i);
        sum += d * d;
      }
      if (i < to) {
        const Lanes d = load_part(a + i, to - i, 0.0f) - load_part(b + i, to - i, 0.0f);
        sum += d * d;
      }
      float lanes[kLanes];
      sum.store(lanes);
      for (const float v : lanes) total += static_cast<double>(v);
    }
    out[j] = static_cast<float>(total);
  }
}

struct Sets {
  Shape batch;
  std::int64_t m, n, axes;
};

// a [.., M, D], b [.., N, D], the same batch axes.
Sets sets_of(const char* op, Specs in) {
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  const Shape &a = in[0].shape, &b = in[1].shape;
  if (a.size() < 2 || a.size() != b.size() || a.back() != b.back() || !std::equal(a.begin(), a.end() - 2, b.begin())) {
    op_error(op, in, "takes points [.., M, D] and [.., N, D]");
  }
  return {Shape(a.begin(), a.end() - 2), a[a.size() - 2], b[b.size() - 2], a.back()};
}

Kernel prepare_pairwise(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec in[2] = {request.in[0].spec, request.in[1].spec};
  const Sets s = sets_of("pairwise_distance", in);
  kernel.run = [s, batches = element_count(s.batch)](const KernelArgs& args) {
    for (std::int64_t i = 0; i < batches * s.m; ++i) {
      distances(floats(args, 0) + i * s.axes, floats(args, 1) + i / s.m * s.n * s.axes, s.n, s.axes,
                floats_out(args, 0) + i * s.n);
    }
  };
  return kernel;
}

Value row_sums(Value g) { return call("reduce_sum", {g}, {{"axes", std::int64_t{-1}}, {"keepdims", std::int64_t{1}}}); }

Value matmul(Value a, Value b, std::int64_t transpose_a) {
  return call("matmul", {a, b}, {{"transpose_a", transpose_a}});
}

// d |a_i - b_j|^2: 2 (a_i sum_j g_ij - sum_j g_ij b_j), and the same for b.
std::vector<Value> pairwise_vjp(const VjpArgs& v) {
  const Value a = v.in[0], b = v.in[1], g = v.cotangents[0];
  std::vector<Value> grads(2);
  if (v.wanted[0]) grads[0] = (a * row_sums(g) - matmul(g, b, 0)) * 2.0;
  if (!v.wanted[1]) return grads;
  Shape columns = shape_of(b);
  columns.back() = 1;
  const Value sums = reshape(call("reduce_sum", {g}, {{"axes", std::int64_t{-2}}}), columns);
  grads[1] = (b * sums - matmul(g, a, 1)) * 2.0;
  return grads;
}

OpCost pair_cost(const Sets& s) {
  return {static_cast<double>(element_count(s.batch)) * static_cast<double>(s.m * s.n * s.axes), 0};
}

void add_pairwise(Registry& registry) {
  Op op;
  op.name = "pairwise_distance";
  op.doc = "a [.., M, D], b [.., N, D] -> squared Euclidean distances [.., M, N]";
  op.infer = [](Specs in, const Attrs&) {
    const Sets s = sets_of("pairwise_distance", in);
    Shape out = s.batch;
    out.insert(out.end(), {s.m, s.n});
    return one(f32_spec(out));
  };
  op.prepare = prepare_pairwise;
  op.vjp = pairwise_vjp;
  op.cost = [](Specs in, Specs, const Attrs&) { return pair_cost(sets_of("pairwise_distance", in)); };
  op.cases = {{.name = "points", .in = {make_spec({4, 3}), make_spec({5, 3})}},
              {.name = "batch", .in = {make_spec({2, 3, 19}), make_spec({2, 2, 19})}},
              {.name = "no points", .in = {make_spec({0, 3}), make_spec({5, 3})}},
              {.name = "no axes", .in = {make_spec({2, 0}), make_spec({3, 0})}}};
  registry.add(std::move(op));
}

Kernel prepare_nearest(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec in[2] = {request.in[0].spec, request.in[1].spec};
  const Sets s = sets_of("nearest_neighbor", in);
  kernel.scratch_bytes = static_cast<std::size_t>(s.n) * sizeof(float);
  kernel.run = [s](const KernelArgs& args) {
    float* row = static_cast<float*>(args.scratch);
    for (std::int64_t i = 0; i < s.m; ++i) {
      distances(floats(args, 0) + i * s.axes, floats(args, 1), s.n, s.axes, row);
      std::int64_t best = 0;
      for (std::int64_t j = 1; j < s.n; ++j) {
        if (row[j] < row[best] || (std::isnan(row[best]) && !std::isnan(row[j]))) best = j;
      }
      floats_out(args, 0)[i] = row[best];
      static_cast<std::int64_t*>(args.out[1])[i] = best;
    }
  };
  return kernel;
}

// The gradient goes to the pair that was chosen.
std::vector<Value> nearest_vjp(const VjpArgs& v) {
  std::vector<Value> grads(2);
  if (!v.cotangents[0].defined()) return grads;
  const Value a = v.in[0], b = v.in[1], which = v.out[1];
  const Shape points = shape_of(a);
  const Value chosen = call("gather", {b, which}, {{"axis", std::int64_t{0}}});
  const Value along = (a - chosen) * reshape(v.cotangents[0], {points[0], 1}) * 2.0;
  if (v.wanted[0]) grads[0] = along;
  if (v.wanted[1]) {
    grads[1] = -call("scatter_add", {along, which}, {{"axis", std::int64_t{0}}, {"extent", shape_of(b)[0]}});
  }
  return grads;
}

void add_nearest(Registry& registry) {
  Op op;
  op.name = "nearest_neighbor";
  op.doc =
      "a [M, D], b [N, D] -> squared distance of each a to its nearest b [M], the index of that b i64 [M] (the first "
      "of "
      "equals)";
  op.infer = [](Specs in, const Attrs&) {
    const Sets s = sets_of("nearest_neighbor", in);
    if (!s.batch.empty() || s.n == 0) op_error("nearest_neighbor", in, "takes points [M, D] and [N, D] with N > 0");
    return std::vector<Spec>{f32_spec({s.m}), {DType::i64, {s.m}}};
  };
  op.prepare = prepare_nearest;
  op.vjp = nearest_vjp;
  op.cost = [](Specs in, Specs, const Attrs&) { return pair_cost(sets_of("nearest_neighbor", in)); };
  op.cases = {{.name = "points", .in = {make_spec({6, 3}), make_spec({5, 3})}},
              {.name = "one", .in = {make_spec({3, 20}), make_spec({1, 20})}},
              {.name = "no points", .in = {make_spec({0, 3}), make_spec({5, 3})}}};
  registry.add(std::move(op));
}

}  // namespace

void register_distance(Registry& registry) {
  add_pairwise(registry);
  add_nearest(registry);
}

}  // namespace assay::engine
