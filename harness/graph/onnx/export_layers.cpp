// Export of layers: convolutions, products, pools, norms, softmax.
#include <cmath>

#include "harness/graph/onnx/exporter.hpp"

namespace assay::onnx {
namespace {

using engine::element_count;

// What a fused op does behind its product: the residual sum, then the activation.
std::string finish(const Exported& e, std::string made, std::size_t operands) {
  if (e.node.attrs.integer("residual", 0) != 0) made = e.to.add("Add", {made, e.in(operands)});
  const std::string act = e.node.attrs.text("act", "");
  if (act == "relu") return e.to.add("Relu", {made});
  if (!act.empty()) e.unsupported("the fused activation '" + act + "'");
  return made;
}

std::size_t without_residual(const Exported& e) {
  return e.node.inputs.size() - (e.node.attrs.integer("residual", 0) != 0 ? 1 : 0);
}

// n, one entry an axis, or both sides -> one entry an axis or both sides.
Shape spread(const Shape& v, std::size_t axes, bool both_sides) {
  Shape out = v;
  if (out.size() == 1) out.assign(axes, out[0]);
  if (both_sides && out.size() == axes) out.insert(out.end(), out.begin(), out.end());
  return out;
}

AttributeMap window(const Exported& e, std::size_t axes, const Shape& default_stride) {
  return {{"strides", attribute(spread(e.node.attrs.ints("stride", default_stride), axes, false))},
          {"pads", attribute(spread(e.node.attrs.ints("pad", {0}), axes, true))},
          {"dilations", attribute(spread(e.node.attrs.ints("dilation", {1}), axes, false))}};
}

Names conv(const Exported& e) {
  const std::size_t axes = e.spec(0).shape.size() - 2, operands = without_residual(e);
  AttributeMap attributes = window(e, axes, {1});
  attributes["group"] = attribute(e.node.attrs.integer("groups", 1));
  const Shape& w = e.spec(1).shape;
  attributes["kernel_shape"] = attribute(Shape(w.begin() + 2, w.end()));
  const Names in(e.node.inputs.begin(), e.node.inputs.begin() + static_cast<std::ptrdiff_t>(operands));
  return {finish(e, e.to.add("Conv", in, attributes), operands)};
}

Names conv_transpose(const Exported& e) {
  const std::size_t axes = e.spec(0).shape.size() - 2;
  AttributeMap attributes = window(e, axes, {1});
  attributes["group"] = attribute(e.node.attrs.integer("groups", 1));
  attributes["output_padding"] = attribute(spread(e.node.attrs.ints("output_pad", {0}), axes, false));
  return {e.to.add("ConvTranspose", e.node.inputs, attributes)};
}

// Of two axes Gemm, else a product with the transposed weights.
Names linear(const Exported& e) {
  const std::size_t operands = without_residual(e);
  std::string made;
  if (e.rank() == 2) {
    const Names in(e.node.inputs.begin(), e.node.inputs.begin() + static_cast<std::ptrdiff_t>(operands));
    made = e.to.add("Gemm", in, {{"transB", attribute(std::int64_t{1})}});
  } else {
    made = e.to.add("MatMul", {e.in(0), e.to.add("Transpose", {e.in(1)}, {{"perm", attribute(Shape{1, 0})}})});
    if (operands > 2) made = e.to.add("Add", {made, e.in(2)});
  }
  return {finish(e, made, operands)};
}

std::string swapped(const Exported& e, std::size_t index) {
  Shape perm;
  for (std::int64_t a = 0; a < e.rank(index); ++a) perm.push_back(a);
  std::swap(perm.at(perm.size() - 1), perm.at(perm.size() - 2));
  return e.to.add("Transpose", {e.in(index)}, {{"perm", attribute(perm)}});
}

Names matmul(const Exported& e) {
  const std::string a = e.node.attrs.integer("transpose_a", 0) != 0 ? swapped(e, 0) : e.in(0);
  const std::string b = e.node.attrs.integer("transpose_b", 0) != 0 ? swapped(e, 1) : e.in(1);
  return {e.to.add("MatMul", {a, b})};
}

Names pool(const Exported& e, const char* op, AttributeMap extra) {
  const std::size_t axes = e.spec(0).shape.size() - 2;
  const Shape kernel = spread(e.node.attrs.ints("kernel", {}), axes, false);
  AttributeMap attributes = window(e, axes, kernel);
  attributes["kernel_shape"] = attribute(kernel);
  attributes.merge(extra);
  return {e.to.add(op, {e.in(0)}, attributes)};
}

Names max_pool(const Exported& e) { return pool(e, "MaxPool", {}); }

Names avg_pool(const Exported& e) {
  AttributeMap attributes = {{"count_include_pad", attribute(e.node.attrs.integer("count_include_pad", 0))}};
  const std::size_t axes = e.spec(0).shape.size() - 2;
  if (spread(e.node.attrs.ints("dilation", {1}), axes, false) != Shape(axes, 1))
    e.unsupported("dilated average pooling");
  Names made = pool(e, "AveragePool", attributes);
  e.to.model.nodes.back().attributes.erase("dilations");  // the operator gains them in opset 19
  return made;
}

// Windows of one size where the extents divide; others ONNX's pools cannot say.
Names adaptive_avg_pool(const Exported& e) {
  const Shape& x = e.spec(0).shape;
  const Shape size = spread(e.node.attrs.ints("size", {}), 2, false);
  if (x[2] % size[0] != 0 || x[3] % size[1] != 0)
    e.unsupported("adaptive pooling to extents that do not divide the input's");
  const Shape kernel = {x[2] / size[0], x[3] / size[1]};
  return {e.to.add("AveragePool", {e.in(0)}, {{"kernel_shape", attribute(kernel)}, {"strides", attribute(kernel)}})};
}

Names global_avg_pool(const Exported& e) { return {e.to.add("GlobalAveragePool", {e.in(0)})}; }
Names global_max_pool(const Exported& e) { return {e.to.add("GlobalMaxPool", {e.in(0)})}; }
Names global_pool(const Exported& e) {
  return {e.to.add("Flatten", {e.to.add("GlobalAveragePool", {e.in(0)})}, {{"axis", attribute(std::int64_t{1})}})};
}

Names batch_norm(const Exported& e) {
  return {e.to.add("BatchNormalization", e.node.inputs,
                   {{"epsilon", attribute(e.node.attrs.real("eps", 1e-5))},
                    {"momentum", attribute(1 - e.node.attrs.real("momentum", 0.1))}})};
}

Names instance_norm(const Exported& e) {
  return {e.to.add("InstanceNormalization", e.node.inputs, {{"epsilon", attribute(e.node.attrs.real("eps", 1e-5))}})};
}

// Every group as one long channel of an instance norm, then the channels' scale and shift.
Names group_norm(const Exported& e) {
  const Shape& x = e.spec(0).shape;
  const std::int64_t groups = e.node.attrs.integer("groups", 1);
  const std::string rows = e.to.add("Reshape", {e.in(0), e.to.constant(Shape{0, groups, -1})});
  const std::string ones = e.to.constant(Tensor::full({groups}, 1)), zeros = e.to.constant(Tensor::full({groups}, 0));
  const std::string normed =
      e.to.add("InstanceNormalization", {rows, ones, zeros}, {{"epsilon", attribute(e.node.attrs.real("eps", 1e-5))}});
  Shape back = x;
  back[0] = 0;
  std::string made = e.to.add("Reshape", {normed, e.to.constant(back)});
  Shape channel(x.size() - 1, 1);
  channel[0] = x[1];
  const auto as_channels = [&](std::size_t i) { return e.to.add("Reshape", {e.in(i), e.to.constant(channel)}); };
  if (e.has(1)) made = e.to.add("Mul", {made, as_channels(1)});
  if (e.has(2)) made = e.to.add("Add", {made, as_channels(2)});
  return {made};
}

Shape trailing_axes(std::int64_t first, std::int64_t rank) {
  Shape axes;
  for (std::int64_t a = first; a < rank; ++a) axes.push_back(a);
  return axes;
}

std::string mean(const Exported& e, const std::string& x, const Shape& axes) {
  return e.to.add("ReduceMean", {x}, {{"axes", attribute(axes)}, {"keepdims", attribute(std::int64_t{1})}});
}

// x / sqrt(mean(x^2) + eps), then scale and shift.
std::string scaled(const Exported& e, const std::string& x, double eps) {
  const std::string square = mean(e, e.to.add("Mul", {x, x}), trailing_axes(e.axis(-1), e.rank()));
  std::string made = e.to.add("Div", {x, e.to.add("Sqrt", {e.to.add("Add", {square, e.to.scalar(eps)})})});
  if (e.has(1)) made = e.to.add("Mul", {made, e.in(1)});
  if (e.has(2)) made = e.to.add("Add", {made, e.in(2)});
  return made;
}

// The operator exists since opset 17.
Names layer_norm(const Exported& e) {
  const double eps = e.node.attrs.real("eps", 1e-5);
  if (e.to.opset >= 17 && e.has(1)) {
    return {
        e.to.add("LayerNormalization", e.node.inputs, {{"axis", attribute(e.axis(-1))}, {"epsilon", attribute(eps)}})};
  }
  return {scaled(e, e.to.add("Sub", {e.in(0), mean(e, e.in(0), trailing_axes(e.axis(-1), e.rank()))}), eps)};
}

Names rms_norm(const Exported& e) { return {scaled(e, e.in(0), e.node.attrs.real("eps", 1e-6))}; }

Names softmax(const Exported& e) { return {e.to.add("Softmax", {e.in(0)}, {{"axis", attribute(e.axis(-1))}})}; }
Names log_softmax(const Exported& e) { return {e.to.add("LogSoftmax", {e.in(0)}, {{"axis", attribute(e.axis(-1))}})}; }

Names lrn(const Exported& e) {
  return {e.to.add("LRN", {e.in(0)},
                   {{"size", attribute(e.node.attrs.integer("size", 5))},
                    {"alpha", attribute(e.node.attrs.real("alpha", 1e-4))},
                    {"beta", attribute(e.node.attrs.real("beta", 0.75))},
                    {"bias", attribute(e.node.attrs.real("bias", 1))}})};
}

// softmax(q k^T scale + mask) v
Names attention(const Exported& e) {
  if (e.node.attrs.integer("causal", 0) != 0 &&
      e.spec(0).shape[e.spec(0).shape.size() - 2] != e.spec(1).shape[e.spec(1).shape.size() - 2]) {
    e.unsupported("causal attention between sequences of different lengths");
  }
  const std::int64_t width = e.spec(0).shape.back(), length = e.spec(0).shape[e.spec(0).shape.size() - 2];
  const double scale = e.node.attrs.real("scale", 1 / std::sqrt(static_cast<double>(width)));
  std::string scores = e.to.add("Mul", {e.to.add("MatMul", {e.in(0), swapped(e, 1)}), e.to.scalar(scale)});
  if (e.has(3)) scores = e.to.add("Add", {scores, e.in(3)});
  if (e.node.attrs.integer("causal", 0) != 0) {
    std::vector<float> mask(static_cast<std::size_t>(length * length), 0.0F);
    for (std::int64_t q = 0; q < length; ++q) {
      for (std::int64_t k = q + 1; k < length; ++k) mask[static_cast<std::size_t>(q * length + k)] = -1e30F;
    }
    scores = e.to.add("Add", {scores, e.to.constant(Tensor::f32({length, length}, mask))});
  }
  return {e.to.add("MatMul", {e.to.add("Softmax", {scores}, {{"axis", attribute(std::int64_t{-1})}}), e.in(2)})};
}

}  // namespace

ExportRows export_layer_rows() {
  return {{"adaptive_avg_pool2d", adaptive_avg_pool},
          {"attention", attention},
          {"avg_pool1d", avg_pool},
          {"avg_pool2d", avg_pool},
          {"avg_pool3d", avg_pool},
          {"batch_norm", batch_norm},
          {"conv1d", conv},
          {"conv2d", conv},
          {"conv3d", conv},
          {"conv_transpose1d", conv_transpose},
          {"conv_transpose2d", conv_transpose},
          {"conv_transpose3d", conv_transpose},
          {"global_avg_pool", global_avg_pool},
          {"global_max_pool", global_max_pool},
          {"global_pool", global_pool},
          {"group_norm", group_norm},
          {"instance_norm", instance_norm},
          {"layer_norm", layer_norm},
          {"linear", linear},
          {"log_softmax", log_softmax},
          {"lrn", lrn},
          {"matmul", matmul},
          {"max_pool1d", max_pool},
          {"max_pool2d", max_pool},
          {"max_pool3d", max_pool},
          {"rms_norm", rms_norm},
          {"softmax", softmax}};
}

}  // namespace assay::onnx
