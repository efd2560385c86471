// SDK ops: typed names over apply(). Binary ops broadcast as NumPy does; a number on one side costs one affine op.
// Every op is differentiable where mathematics is, to any order, unless its line says otherwise.
#pragma once

#include "assay/sdk/model.hpp"

namespace assay {

inline Tensor operator+(const Tensor& a, const Tensor& b) { return apply1("add", {a, b}); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return apply1("sub", {a, b}); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return apply1("mul", {a, b}); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return apply1("div", {a, b}); }
inline Tensor affine(const Tensor& x, double scale, double shift) {  // scale * x + shift
  return apply1("affine", {x}, {{"scale", scale}, {"shift", shift}});
}
inline Tensor operator*(double s, const Tensor& x) { return affine(x, s, 0); }
inline Tensor operator*(const Tensor& x, double s) { return affine(x, s, 0); }
inline Tensor operator/(const Tensor& x, double s) { return affine(x, 1 / s, 0); }
inline Tensor operator+(const Tensor& x, double s) { return affine(x, 1, s); }
inline Tensor operator-(const Tensor& x, double s) { return affine(x, 1, -s); }
inline Tensor operator-(double s, const Tensor& x) { return affine(x, -1, s); }
inline Tensor operator-(const Tensor& x) { return apply1("neg", {x}); }
inline Tensor minimum(const Tensor& a, const Tensor& b) { return apply1("minimum", {a, b}); }
inline Tensor maximum(const Tensor& a, const Tensor& b) { return apply1("maximum", {a, b}); }
inline Tensor clamp(const Tensor& x, const Tensor& lo, const Tensor& hi) { return minimum(maximum(x, lo), hi); }
inline Tensor clamp(const Tensor& x, double lo, double hi) { return apply1("clamp", {x}, {{"min", lo}, {"max", hi}}); }

inline Tensor abs(const Tensor& x) { return apply1("abs", {x}); }
inline Tensor sign(const Tensor& x) { return apply1("sign", {x}); }    // gradient 0
inline Tensor step(const Tensor& x) { return apply1("step", {x}); }    // 1 where x > 0; gradient 0
inline Tensor round(const Tensor& x) { return apply1("round", {x}); }  // halves to even; gradient 0
inline Tensor square(const Tensor& x) { return apply1("square", {x}); }
inline Tensor sqrt(const Tensor& x) { return apply1("sqrt", {x}); }
inline Tensor exp(const Tensor& x) { return apply1("exp", {x}); }
inline Tensor log(const Tensor& x) { return apply1("log", {x}); }
inline Tensor pow(const Tensor& x, double exponent) { return apply1("pow", {x}, {{"exponent", exponent}}); }
inline Tensor relu(const Tensor& x) { return apply1("relu", {x}); }
inline Tensor sigmoid(const Tensor& x) { return apply1("sigmoid", {x}); }
inline Tensor tanh(const Tensor& x) { return apply1("tanh", {x}); }
inline Tensor gelu(const Tensor& x) { return apply1("gelu", {x}); }
inline Tensor softplus(const Tensor& x) { return apply1("softplus", {x}); }

// Reductions over `axes` (negative: from the end; empty: all).
struct ReduceOptions {
  Shape axes = {};
  bool keepdims = false;
};
namespace sdk {
inline Tensor reduce(const char* op, const Tensor& x, const ReduceOptions& o) {
  Attrs attrs{{"keepdims", o.keepdims ? 1 : 0}};
  if (!o.axes.empty()) attrs.emplace_back("axes", o.axes);
  return apply1(op, {x}, attrs);
}
}  // namespace sdk
inline Tensor sum(const Tensor& x, const ReduceOptions& o = {}) { return sdk::reduce("reduce_sum", x, o); }
inline Tensor mean(const Tensor& x, const ReduceOptions& o = {}) { return sdk::reduce("reduce_mean", x, o); }
inline Tensor max(const Tensor& x, const ReduceOptions& o = {}) { return sdk::reduce("reduce_max", x, o); }
inline Tensor min(const Tensor& x, const ReduceOptions& o = {}) { return sdk::reduce("reduce_min", x, o); }

// Norm of each sample: over all axes but the first, which stay as ones, so that the result broadcasts over x.
namespace sdk {
inline Tensor sample_norm(const char* op, const Tensor& x) {
  Shape axes;
  for (std::int32_t axis = 1; axis < x.ndim(); ++axis) axes.push_back(axis);
  return axes.empty() ? abs(x) : reduce(op, x, {.axes = axes, .keepdims = true});
}
}  // namespace sdk
inline Tensor l1_norm(const Tensor& x) { return sdk::sample_norm("reduce_l1", x); }
inline Tensor l2_norm(const Tensor& x) { return sdk::sample_norm("reduce_l2", x); }

inline Tensor greater(const Tensor& a, const Tensor& b) { return apply1("greater", {a, b}); }  // 1 or 0; no gradient
// a where condition is not 0, else b; all broadcast.
inline Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return apply1("where", {condition, a, b});
}

inline Tensor reshape(const Tensor& x, const Shape& shape) { return apply1("reshape", {x}, {{"shape", shape}}); }
inline Tensor transpose(const Tensor& x, const Shape& perm) { return apply1("transpose", {x}, {{"perm", perm}}); }
inline Tensor concat(std::span<const Tensor> parts, std::int64_t axis) {
  return apply("concat", parts, {{"axis", axis}}, 1).front();
}

// a [.., m, k] times b [.., k, n]; the flags swap the last two axes of an operand first.
struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
};
inline Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& o = {}) {
  return apply1("matmul", {a, b}, {{"transpose_a", o.transpose_a ? 1 : 0}, {"transpose_b", o.transpose_b ? 1 : 0}});
}
// x [n, in] with weights [out, in] and, when defined, bias [out].
inline Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias = {}) {
  return bias.defined() ? apply1("linear", {x, w, bias}) : apply1("linear", {x, w});
}

struct Conv2dOptions {
  std::int64_t stride = 1, pad = 0, dilation = 1, groups = 1;
};
// x [n, c, h, w] with weights [out, c / groups, kh, kw].
inline Tensor conv2d(const Tensor& x, const Tensor& w, const Conv2dOptions& o = {}) {
  return apply1("conv2d", {x, w},
                {{"stride", o.stride}, {"pad", o.pad}, {"dilation", o.dilation}, {"groups", o.groups}});
}
struct Pool2dOptions {
  std::int64_t kernel = 2, stride = 2, pad = 0;
};
inline Tensor max_pool2d(const Tensor& x, const Pool2dOptions& o = {}) {
  return apply1("max_pool2d", {x}, {{"kernel", o.kernel}, {"stride", o.stride}, {"pad", o.pad}});
}
inline Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& o = {}) {
  return apply1("avg_pool2d", {x}, {{"kernel", o.kernel}, {"stride", o.stride}, {"pad", o.pad}});
}

// Part of x: `begin` (0) and `size` (-1: to the end), one value an axis.
inline Tensor slice(const Tensor& x, const Shape& begin, const Shape& size) {
  return apply1("slice", {x}, {{"begin", begin}, {"size", size}});
}
inline Tensor expand(const Tensor& x, const Shape& shape) { return apply1("expand", {x}, {{"shape", shape}}); }
// Slices of x along `axis` at i64 indices.
inline Tensor gather(const Tensor& x, const Tensor& indices, std::int64_t axis = 0) {
  return apply1("gather", {x, indices}, {{"axis", axis}});
}
// One element of x an index; shapes are equal but for `axis`.
inline Tensor take_along(const Tensor& x, const Tensor& indices, std::int64_t axis = -1) {
  return apply1("take_along", {x, indices}, {{"axis", axis}});
}
inline Tensor argmax(const Tensor& x, std::int64_t axis = -1) { return apply1("argmax", {x}, {{"axis", axis}}); }
inline Tensor one_hot(const Tensor& labels, std::int64_t classes) {
  return apply1("one_hot", {labels}, {{"classes", classes}});
}
// -log softmax(logits)[label] per row: logits [n, classes], labels i64 [n] -> [n].
inline Tensor cross_entropy(const Tensor& logits, const Tensor& labels) {
  return apply1("cross_entropy", {logits, labels});
}

inline Tensor softmax(const Tensor& x) { return apply1("softmax", {x}); }          // over the last axis
inline Tensor log_softmax(const Tensor& x) { return apply1("log_softmax", {x}); }  // over the last axis

}  // namespace assay
