// Gradient rules of the reductions.
#include <algorithm>

#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/ops/reduce.hpp"

namespace assay::engine {
namespace {

std::vector<std::size_t> reduced_axes(const VjpArgs& v) {
  const Spec spec{DType::f32, shape_of(v.in[0])};
  return axes_of("reduce", std::span(&spec, 1), v.attrs);
}

// Ties share the gradient equally.
Value extreme_of(Value x, Value y, Value g, const Attrs& attrs) {
  const Value mask = cast_like(call("equal", {x, y}), x);
  Attrs keep = attrs;
  keep.set("keepdims", std::int64_t{1});
  return mask * (g / call("reduce_sum", {mask}, keep));
}

// Columns [from, from + size) of a matrix.
Value columns(Value m, std::int64_t from, std::int64_t size) {
  return call("slice", {m}, {{"begin", Shape{0, from}}, {"size", Shape{shape_of(m)[0], size}}});
}

// One level of pairwise products: `width` columns, a column of ones added when that is odd.
struct Level {
  Value values;
  std::int64_t width, half;
};

std::vector<Level> product_tree(Value rows) {
  std::vector<Level> levels;
  Value values = rows;
  for (std::int64_t width = shape_of(rows)[1]; width > 1; width = levels.back().half) {
    if (width % 2 == 1) values = call("pad", {values}, {{"after", Shape{0, 1}}, {"value", 1.0}});
    levels.push_back({values, width, (width + 1) / 2});
    const std::int64_t half = levels.back().half;
    values = columns(values, 0, half) * columns(values, half, half);
  }
  return levels;
}

}  // namespace

Value with_kept_axes(const VjpArgs& v, Value value) {
  Shape shape = shape_of(v.in[0]);
  for (const std::size_t axis : reduced_axes(v)) shape[axis] = 1;
  return reshape(value, shape);
}

Value sum_vjp(const VjpArgs& v, Value g) { return call("expand", {g}, {{"shape", shape_of(v.in[0])}}); }

Value mean_vjp(const VjpArgs& v, Value g) {
  const double kept_count = static_cast<double>(element_count(shape_of(g)));
  const double count = static_cast<double>(element_count(shape_of(v.in[0])));
  return sum_vjp(v, g * (count > 0 ? kept_count / count : 0.0));
}

Value extreme_vjp(const VjpArgs& v, Value g) { return extreme_of(v.in[0], with_kept_axes(v, v.out[0]), g, v.attrs); }

Value l1_vjp(const VjpArgs& v, Value g) { return g * call("sign", {v.in[0]}); }

Value l2_vjp(const VjpArgs& v, Value g) {
  return v.in[0] * (g * call("safe_reciprocal", {with_kept_axes(v, v.out[0])}));
}

Value linf_vjp(const VjpArgs& v, Value g) {
  const Value x = v.in[0];
  return call("sign", {x}) * extreme_of(call("abs", {x}), with_kept_axes(v, v.out[0]), g, v.attrs);
}

Value sum_square_vjp(const VjpArgs& v, Value g) { return v.in[0] * (g * 2.0); }

Value log_sum_vjp(const VjpArgs& v, Value g) {
  return sum_vjp(v, g * call("exp", {-with_kept_axes(v, v.out[0])}));
}

// softmax, and 0 where the sum is over -inf alone.
Value log_sum_exp_vjp(const VjpArgs& v, Value g) {
  const Value y = with_kept_axes(v, v.out[0]);
  const Value shift = call("where", {call("isinf", {y}, {{"detect_positive", std::int64_t{0}}}), scalar_like(y, 0.0), y});
  return call("exp", {v.in[0] - shift}) * g;
}

// The product of all others, without division, so that zeros are no exception at any order: the tree of pairwise
// products is walked down, each half taking the product of the other.
Value product_vjp(const VjpArgs& v, Value g) {
  const Shape shape = shape_of(v.in[0]);
  if (element_count(shape) == 0) return v.in[0];
  const std::vector<std::size_t> reduced = reduced_axes(v);
  Shape perm, moved;
  std::int64_t width = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!std::binary_search(reduced.begin(), reduced.end(), i)) perm.push_back(static_cast<std::int64_t>(i));
  }
  for (const std::size_t i : reduced) {
    perm.push_back(static_cast<std::int64_t>(i));
    width *= shape[i];
  }
  for (const std::int64_t p : perm) moved.push_back(shape[static_cast<std::size_t>(p)]);
  const std::int64_t rows = element_count(shape) / width;
  const std::vector<Level> levels = product_tree(reshape(call("transpose", {v.in[0]}, {{"perm", perm}}), {rows, width}));
  Value grad = reshape(g, {rows, 1});
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    const Value left = columns(level->values, 0, level->half), right = columns(level->values, level->half, level->half);
    grad = call("concat", {grad * right, grad * left}, {{"axis", std::int64_t{1}}});
    grad = columns(grad, 0, level->width);
  }
  Shape inverse(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i) inverse[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  return call("transpose", {reshape(grad, moved)}, {{"perm", inverse}});
}

}  // namespace assay::engine
