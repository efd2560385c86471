// Normalisation, softmax and its kin, dropout.
#include <fmt/format.h>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

const std::int64_t kKeep = 1;

Operand mean_over(Call& call, const Operand& x, const Shape& axes) {
  return call.emit("reduce_mean", {x}, {{"axes", axes}, {"keepdims", kKeep}});
}

Shape axes_from(std::int64_t first, std::int64_t rank) {
  Shape axes;
  for (std::int64_t a = first; a < rank; ++a) axes.push_back(a);
  return axes;
}

// [N, C, ...] as [N, C, H, W], which batch norm takes.
Shape image_shape(const Operand& x) {
  const Shape& s = x.shape();
  if (x.rank() == 3) return {s[0], s[1], s[2], 1};
  std::int64_t rest = 1;
  for (std::size_t i = 3; i < s.size(); ++i) rest *= s[i];
  return {s[0], s[1], s[2], rest};
}

Operands batch_norm(Call& call) {
  const Operand& x = call.in(0);
  if (call.integer("training_mode", 0) != 0 || call.wants(1)) call.unsupported("training mode: a file holds a net for inference");
  if (x.rank() < 2) call.bad("takes a value [N, C, ...]");
  const bool image = x.rank() == 2 || x.rank() == 4;
  const Operand in = image ? x : call.reshape(x, image_shape(x));
  const Operands operands = {in, Call::as(call.in(1), Role::weight), Call::as(call.in(2), Role::weight),
                             Call::as(call.in(3), Role::statistic), Call::as(call.in(4), Role::statistic)};
  Attrs attrs = {{"eps", call.real("epsilon", 1e-5)}};
  if (call.given("momentum")) attrs.set("momentum", 1 - call.real("momentum", 0.9));  // ONNX keeps, we replace
  return {call.reshape(call.emit("batch_norm", operands, attrs), x.shape())};
}

Operands instance_norm(Call& call) {
  return {call.emit("instance_norm", {call.in(0), Call::as(call.in(1), Role::weight), Call::as(call.in(2), Role::weight)},
                    {{"eps", call.real("epsilon", 1e-5)}})};
}

Operands layer_norm(Call& call) {
  const Operand& x = call.in(0);
  const std::int64_t axis = call.axis(call.integer("axis", -1), x.rank());
  const double eps = call.real("epsilon", 1e-5);
  Operands operands = {x, Call::as(call.in(1), Role::weight)};
  if (call.has(2)) operands.push_back(Call::as(call.in(2), Role::weight));
  Operands made = {call.emit("layer_norm", operands, {{"axis", axis}, {"eps", eps}})};
  if (!call.wants(1) && !call.wants(2)) return made;
  const Shape axes = axes_from(axis, x.rank());
  const Operand mean = mean_over(call, x, axes);
  const Operand variance = mean_over(call, call.emit("square", {call.emit("sub", {x, mean})}), axes);
  made.push_back(mean);
  made.push_back(call.emit("rsqrt", {call.emit("affine", {variance}, {{"shift", eps}})}));
  return made;
}

Operands lrn(Call& call) {
  if (!call.given("size")) call.bad("attribute size is missing");
  return {call.emit("lrn", {call.in(0)}, {{"size", call.integer("size", 1)},
                                          {"alpha", call.real("alpha", 1e-4)},
                                          {"beta", call.real("beta", 0.75)},
                                          {"bias", call.real("bias", 1)}})};
}

// (x - mean) / sqrt(var + 1e-9) over the axes.
Operands mean_variance(Call& call) {
  const Operand& x = call.in(0);
  const Shape axes = call.ints("axes", {0, 2, 3});
  const Operand centred = call.emit("sub", {x, mean_over(call, x, axes)});
  const Operand deviation = call.emit("sqrt", {mean_over(call, call.emit("square", {centred}), axes)});
  return {call.emit("div", {centred, call.emit("affine", {deviation}, {{"shift", 1e-9}})})};
}

// Before opset 13 softmax was over everything from the axis on, as one.
Operands over_axis(Call& call, const char* op) {
  const Operand& x = call.in(0);
  const bool flat = call.opset < 13;
  const std::int64_t axis = call.axis(call.integer("axis", flat ? 1 : -1), x.rank());
  if (!flat || axis + 1 == x.rank()) return {call.emit(op, {x}, {{"axis", axis}})};
  std::int64_t outer = 1;
  for (std::int64_t a = 0; a < axis; ++a) outer *= x.shape()[static_cast<std::size_t>(a)];
  const Operand rows = call.reshape(x, {outer, outer == 0 ? 0 : x.spec.count() / outer});
  return {call.reshape(call.emit(op, {rows}, {{"axis", std::int64_t{-1}}}), x.shape())};
}

Operands softmax(Call& call) { return over_axis(call, "softmax"); }
Operands log_softmax(Call& call) { return over_axis(call, "log_softmax"); }

// 1 at the first maximum, 0 elsewhere.
Operands hardmax(Call& call) { return over_axis(call, "hardmax"); }

// Active in training and stochastic mode, as a dropout of ours. In files of before opset 12 the ratio is an attribute.
Operands dropout(Call& call) {
  const Operand& x = call.in(0);
  double p = call.opset < 12 ? call.real("ratio", 0.5) : 0.5;
  if (call.opset >= 12 && call.has(1)) {
    const std::vector<double> ratio = call.known_reals(1, "ratio");
    if (ratio.size() != 1) call.bad("takes a ratio of one element");
    p = ratio[0];
  }
  if (call.has(2)) {
    const std::vector<double> training = call.known_reals(2, "training_mode");
    if (training.size() == 1 && training[0] != 0 && p != 0) call.unsupported("training mode: a file holds a net for inference");
  }
  Operands made = {x};
  if (call.session.options.batched && !x.known() && p > 0 && p < 1) made[0] = Call::like(x, call.emit("dropout", {x}, {{"p", p}}));
  if (call.wants(1)) made.push_back(Call::logical(call.constant(Tensor::full(x.shape(), 1))));
  return made;
}

}  // namespace

Rows norm_rows() {
  return {{"BatchNormalization", batch_norm},
          {"Dropout", dropout},
          {"Hardmax", hardmax},
          {"InstanceNormalization", instance_norm},
          {"LRN", lrn},
          {"LayerNormalization", layer_norm},
          {"LogSoftmax", log_softmax},
          {"MeanVarianceNormalization", mean_variance},
          {"Softmax", softmax}};
}

}  // namespace assay::onnx
