// softmax, log_softmax and log_sum_exp along one axis. The row is walked in order with 16 lanes joined in order, so the
// bits do not depend on the width of vectors.
#include "harness/engine/ops/softmax.hpp"

#include <algorithm>
#include <cmath>

#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kLanes = 16;

struct Axis {
  std::int64_t outer, extent, inner;
};

// What a row is shifted by, and the log of the sum of its shifted exponentials.
struct Row {
  float shift, log_sum;
};

// The maximum; a row of -inf stays without shift, so that log_sum_exp gives -inf and not NaN.
ASSAY_INLINE float row_shift(const float* x, std::int64_t n, std::int64_t stride) {
  float max = -INFINITY;
  for (std::int64_t i = 0; i < n; ++i) {
    const float v = x[i * stride];
    const bool larger = (v > max) | (v != v);
    max = larger ? v : max;
  }
  return max == -INFINITY ? 0.0f : max;
}

// Sum of map(element) with lane i % 16 for element i, lanes joined in order.
template <class Map>
ASSAY_INLINE float lane_sum(std::int64_t n, const Map& map) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += map(i + l);
  }
  for (std::int64_t l = 0; i + l < n; ++l) lanes[l] += map(i + l);
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  return sum;
}

ASSAY_INLINE Row row_stats(const float* x, std::int64_t n, std::int64_t stride) {
  const float shift = row_shift(x, n, stride);
  return {shift, vm::log(lane_sum(n, [&](std::int64_t i) { return vm::exp(x[i * stride] - shift); }))};
}

ASSAY_WIDE void softmax_loop(const float* x, float* y, const Axis& a) {
  for (std::int64_t o = 0; o < a.outer; ++o) {
    for (std::int64_t i = 0; i < a.inner; ++i) {
      const float* from = x + o * a.extent * a.inner + i;
      float* to = y + o * a.extent * a.inner + i;
      const float shift = row_shift(from, a.extent, a.inner);
      if (a.inner == 1) {
        ASSAY_INDEPENDENT
        for (std::int64_t k = 0; k < a.extent; ++k) to[k] = vm::exp(from[k] - shift);
      } else {
        for (std::int64_t k = 0; k < a.extent; ++k) to[k * a.inner] = vm::exp(from[k * a.inner] - shift);
      }
      const float sum = lane_sum(a.extent, [&](std::int64_t k) { return to[k * a.inner]; });
      for (std::int64_t k = 0; k < a.extent; ++k) to[k * a.inner] /= sum;
    }
  }
}

ASSAY_WIDE void log_softmax_loop(const float* x, float* y, const Axis& a) {
  for (std::int64_t o = 0; o < a.outer; ++o) {
    for (std::int64_t i = 0; i < a.inner; ++i) {
      const std::int64_t at = o * a.extent * a.inner + i;
      const Row row = row_stats(x + at, a.extent, a.inner);
      for (std::int64_t k = 0; k < a.extent; ++k) y[at + k * a.inner] = (x[at + k * a.inner] - row.shift) - row.log_sum;
    }
  }
}

ASSAY_WIDE void log_sum_exp_loop(const float* x, float* y, const Axis& a) {
  for (std::int64_t o = 0; o < a.outer; ++o) {
    for (std::int64_t i = 0; i < a.inner; ++i) {
      const Row row = row_stats(x + o * a.extent * a.inner + i, a.extent, a.inner);
      y[o * a.inner + i] = row.shift + row.log_sum;
    }
  }
}

using Loop = void (*)(const float*, float*, const Axis&);

// ONNX before opset 13: all axes from the given one on are one row.
bool is_flat(const Attrs& attrs) { return attrs.integer("flat", 0) != 0; }

Axis axis_at(std::string_view op, Specs in, const Attrs& attrs) {
  const Shape& s = in[0].shape;
  const std::size_t axis = axis_of(op, in, attrs.integer("axis", -1), s.size());
  Axis a{1, s[axis], 1};
  for (std::size_t i = 0; i < axis; ++i) a.outer *= s[i];
  for (std::size_t i = axis + 1; i < s.size(); ++i) a.inner *= s[i];
  if (is_flat(attrs)) a = {a.outer, a.extent * a.inner, 1};
  return a;
}

PrepareFn prepare_with(const char* name, Loop loop, bool in_place) {
  return [name, loop, in_place](const PrepareRequest& request) {
    if (any_zero_extent(request)) return zero_fill_kernel(request);
    const Spec in = request.in[0].spec;
    const Axis axis = axis_at(name, std::span(&in, 1), request.attrs);
    Kernel kernel = dense_kernel(request);
    kernel.in_place = {in_place ? 0 : -1};
    kernel.run = [loop, axis](const KernelArgs& args) { loop(floats(args, 0), floats_out(args, 0), axis); };
    return kernel;
  };
}

Value sum_kept(Value v, const Attrs& attrs) {
  const Spec spec = f32_spec(shape_of(v));
  const std::size_t axis = axis_of("softmax", std::span(&spec, 1), attrs.integer("axis", -1), spec.shape.size());
  Shape axes = {static_cast<std::int64_t>(axis)};
  for (std::size_t i = axis + 1; is_flat(attrs) && i < spec.shape.size(); ++i)
    axes.push_back(static_cast<std::int64_t>(i));
  return call("reduce_sum", {v}, {{"axes", axes}, {"keepdims", std::int64_t{1}}});
}

std::vector<Value> softmax_vjp(const VjpArgs& v) {
  const Value y = v.out[0], weighted = v.cotangents[0] * y;
  return {weighted - y * sum_kept(weighted, v.attrs)};
}

std::vector<Value> log_softmax_vjp(const VjpArgs& v) {
  const Value g = v.cotangents[0];
  return {g - call("exp", {v.out[0]}) * sum_kept(g, v.attrs)};
}

std::vector<Value> lse_vjp(const VjpArgs& v) {
  Shape kept = shape_of(v.in[0]);
  const Spec spec = f32_spec(kept);
  kept[axis_of("log_sum_exp", std::span(&spec, 1), v.attrs.integer("axis", -1), kept.size())] = 1;
  const Value softmax = call("softmax", {v.in[0]}, {{"axis", v.attrs.integer("axis", -1)}});
  return {softmax * reshape(v.cotangents[0], kept)};
}

std::vector<OpCase> axis_cases() {
  const Attrs first = {{"axis", std::int64_t{1}}};
  return {{.name = "last axis", .in = {make_spec({5, 37})}, .attrs = {}, .lo = -3, .hi = 3},
          {.name = "inner axis", .in = {make_spec({2, 3, 5})}, .attrs = first},
          {.name = "large values", .in = {make_spec({3, 4})}, .attrs = {}, .lo = -90, .hi = 90},
          {.name = "no rows", .in = {make_spec({0, 4})}, .attrs = {}}};
}

Op axis_op(const char* name, const char* onnx, const char* doc) {
  Op op;
  op.name = name;
  op.onnx = onnx;
  op.doc = doc;
  op.cases = axis_cases();
  op.infer = [name](Specs in, const Attrs& attrs) {
    expect_count(name, in, 1, 1);
    expect_f32(name, in);
    axis_of(name, in, attrs.integer("axis", -1), in[0].shape.size());
    return one(in[0]);
  };
  return op;
}

}  // namespace

void softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t n) { softmax_loop(x, y, {rows, n, 1}); }

void register_softmax(Registry& registry) {
  const char* const flat_doc = "; attribute flat (0; 1: all axes from axis on are one row)";
  OpCase flat{
      .name = "flat", .in = {make_spec({2, 3, 5})}, .attrs = {{"axis", std::int64_t{1}}, {"flat", std::int64_t{1}}}};
  Op softmax = axis_op("softmax", "Softmax", "e^x / sum(e^x) along attribute axis (-1)");
  softmax.doc += flat_doc;
  softmax.cases.push_back(flat);
  softmax.prepare = prepare_with("softmax", softmax_loop, true);
  softmax.vjp = softmax_vjp;
  registry.add(std::move(softmax));
  Op log_softmax = axis_op("log_softmax", "LogSoftmax", "log of softmax along attribute axis (-1)");
  log_softmax.doc += flat_doc;
  log_softmax.cases.push_back(flat);
  log_softmax.prepare = prepare_with("log_softmax", log_softmax_loop, true);
  log_softmax.vjp = log_softmax_vjp;
  registry.add(std::move(log_softmax));
  Op lse = axis_op("log_sum_exp", "", "log(sum(e^x)) over attribute axis (-1); attribute keepdims (0)");
  lse.infer = [](Specs in, const Attrs& attrs) {
    expect_count("log_sum_exp", in, 1, 1);
    expect_f32("log_sum_exp", in);
    Shape shape = in[0].shape;
    const std::size_t axis = axis_of("log_sum_exp", in, attrs.integer("axis", -1), shape.size());
    shape[axis] = 1;
    if (attrs.integer("keepdims", 0) == 0) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    return one(f32_spec(shape));
  };
  lse.prepare = prepare_with("log_sum_exp", log_sum_exp_loop, false);
  lse.vjp = lse_vjp;
  registry.add(std::move(lse));
}

}  // namespace assay::engine
