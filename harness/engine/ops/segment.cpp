// Reductions over segments: rows of x that carry the same id. And bincount.
#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

// x [N, ..], ids i64 [N] -> [segments, ..].
std::vector<Spec> infer_segments(const char* op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 2, 2);
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::i64);
  const std::int64_t segments = attrs.integer("segments", -1);
  if (in[0].shape.empty() || in[1].shape != Shape{in[0].shape[0]} || segments < 0) {
    op_error(op, in, "takes x [N, ..], ids [N] and the attribute segments, how many there are");
  }
  Shape out = in[0].shape;
  out[0] = segments;
  return one(f32_spec(out));
}

Value segment_sum(Value x, Value ids, std::int64_t segments) {
  return call("scatter_add", {x, ids}, {{"axis", std::int64_t{0}}, {"extent", segments}});
}

Value rows_of(Value segments, Value ids) { return call("gather", {segments, ids}, {{"axis", std::int64_t{0}}}); }

Value ones(Emitter& to, const Shape& shape) { return to.constant(Tensor::full(shape, 1.0f)); }

// How many rows each segment has, at least 1, shaped to divide a tensor of rank `rank`.
Value row_counts(Emitter& to, Value ids, std::int64_t segments, std::size_t rank) {
  Shape shape(rank, 1);
  shape[0] = segments;
  const Value counts = segment_sum(ones(to, to.spec(ids).shape), ids, segments);
  return reshape(call("maximum", {counts, ones(to, {})}), shape);
}

OpCase segment_case(const char* name, Spec x, std::int64_t rows, std::int64_t segments) {
  return {.name = name,
          .in = {std::move(x), make_spec({rows}, DType::i64)},
          .attrs = {{"segments", segments}},
          .integers_below = std::max<std::int64_t>(segments - 1, 1)};  // one segment stays empty
}

std::vector<OpCase> segment_cases() {
  return {segment_case("vectors", make_spec({7, 3}), 7, 4), segment_case("scalars", make_spec({5}), 5, 3),
          segment_case("one", make_spec({3, 2, 2}), 3, 1), segment_case("no rows", make_spec({0, 2}), 0, 3)};
}

void add_sums(Registry& registry) {
  Op sum;
  sum.name = "segment_sum";
  sum.doc = "x [N, ..], ids i64 [N] -> the sum of the rows of each id [segments, ..]; attribute segments";
  sum.infer = [](Specs in, const Attrs& attrs) { return infer_segments("segment_sum", in, attrs); };
  sum.compose = [](Emitter&, std::span<const Value> in, const Attrs& attrs) {
    return std::vector<Value>{segment_sum(in[0], in[1], attrs.integer("segments", 0))};
  };
  sum.cases = segment_cases();
  registry.add(std::move(sum));
  Op mean;
  mean.name = "segment_mean";
  mean.doc = "x [N, ..], ids i64 [N] -> the mean of the rows of each id, 0 where there is none; attribute segments";
  mean.infer = [](Specs in, const Attrs& attrs) { return infer_segments("segment_mean", in, attrs); };
  mean.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    const std::int64_t segments = attrs.integer("segments", 0);
    const std::size_t rank = to.spec(in[0]).shape.size();
    return std::vector<Value>{segment_sum(in[0], in[1], segments) / row_counts(to, in[1], segments, rank)};
  };
  mean.cases = segment_cases();
  registry.add(std::move(mean));
}

bool replaces(float a, float best, float sign) {
  return sign * a > sign * best || (std::isnan(a) && !std::isnan(best));
}

Kernel prepare_extreme(const PrepareRequest& request, const char* op, float sign) {
  Kernel kernel = dense_kernel(request);
  const std::int64_t rows = request.in[1].spec.count(), segments = request.out[0].shape[0];
  const std::int64_t width = rows == 0 ? 0 : request.in[0].spec.count() / rows;
  kernel.run = [op, sign, rows, segments, width, n = request.out[0].count()](const KernelArgs& args) {
    const auto* ids = static_cast<const std::int64_t*>(args.in[1]);
    float* out = floats_out(args, 0);
    std::fill_n(out, n, 0.0f);
    std::vector<bool> seen(static_cast<std::size_t>(segments), false);
    for (std::int64_t r = 0; r < rows; ++r) {
      if (ids[r] < 0 || ids[r] >= segments) {
        throw Error(Fault::bad_input, std::string(op) + ": id " + std::to_string(ids[r]) + " is outside [0, " +
                                          std::to_string(segments) + ")");
      }
      const bool first = !seen[static_cast<std::size_t>(ids[r])];
      seen[static_cast<std::size_t>(ids[r])] = true;
      for (std::int64_t i = 0; i < width; ++i) {
        const float a = floats(args, 0)[r * width + i];
        float& best = out[ids[r] * width + i];
        if (first || replaces(a, best, sign)) best = a;
      }
    }
  };
  return kernel;
}

// Equal elements share the gradient, as in reduce_max.
std::vector<Value> extreme_vjp(const VjpArgs& v) {
  std::vector<Value> grads(2);
  if (!v.wanted[0]) return grads;
  const Value x = v.in[0], ids = v.in[1];
  const std::int64_t segments = v.attrs.integer("segments", 0);
  const Value chosen = call("equal", {x, rows_of(v.out[0], ids)});
  const Value shares = call("maximum", {segment_sum(chosen, ids, segments), x.emitter->constant(Tensor::scalar(1.0f))});
  grads[0] = chosen * rows_of(v.cotangents[0] / shares, ids);
  return grads;
}

void add_extreme(Registry& registry, const char* name, const char* doc, float sign) {
  Op op;
  op.name = name;
  op.doc = doc;
  op.infer = [name](Specs in, const Attrs& attrs) { return infer_segments(name, in, attrs); };
  op.prepare = [name, sign](const PrepareRequest& r) { return prepare_extreme(r, name, sign); };
  op.vjp = extreme_vjp;
  op.cases = segment_cases();
  registry.add(std::move(op));
}

void add_bincount(Registry& registry) {
  Op op;
  op.name = "bincount";
  op.doc = "ids i64 [..], weights f32 of their shape (1s) -> the sum of the weights of each id [bins]; attribute bins";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("bincount", in, 1, 2);
    expect_dtype("bincount", in, 0, DType::i64);
    if (in.size() == 2) {
      expect_dtype("bincount", in, 1, DType::f32);
      if (in[1].shape != in[0].shape) op_error("bincount", in, "ids and weights must have one shape");
    }
    const std::int64_t bins = attrs.integer("bins", -1);
    if (bins < 0) op_error("bincount", in, "attribute bins must say how many ids there are");
    return one(f32_spec({bins}));
  };
  op.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    const Shape flat{to.spec(in[0]).count()};
    const Value weights = in.size() == 2 ? reshape(in[1], flat) : ones(to, flat);
    return std::vector<Value>{segment_sum(weights, reshape(in[0], flat), attrs.integer("bins", 0))};
  };
  const Attrs bins = {{"bins", std::int64_t{5}}};
  op.cases = {
      {.name = "counts", .in = {make_spec({2, 6}, DType::i64)}, .attrs = bins, .integers_below = 4},
      {.name = "weights", .in = {make_spec({7}, DType::i64), make_spec({7})}, .attrs = bins, .integers_below = 5},
      {.name = "nothing", .in = {make_spec({0}, DType::i64)}, .attrs = bins, .integers_below = 5}};
  registry.add(std::move(op));
}

}  // namespace

void register_segment(Registry& registry) {
  add_sums(registry);
  add_extreme(
      registry, "segment_max",
      "x [N, ..], ids i64 [N] -> the maximum over the rows of each id, 0 where there is none; attribute segments",
      1.0f);
  add_extreme(
      registry, "segment_min",
      "x [N, ..], ids i64 [N] -> the minimum over the rows of each id, 0 where there is none; attribute segments",
      -1.0f);
  add_bincount(registry);
}

}  // namespace assay::engine
