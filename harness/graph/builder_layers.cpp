// Layers of images and of plain features.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/builder.hpp"

namespace assay::graph {
namespace {

// A square is one number, so that a graph reads as its layers are spoken of.
Attrs::Item item(const Sides& s) {
  if (s.h == s.w) return s.h;
  return Shape{s.h, s.w};
}

bool is_one(const Sides& s) { return s.h == 1 && s.w == 1; }

Sides same_pad(const ConvOptions& o) {
  if (o.pad.h >= 0) return o.pad;
  return {o.dilation.h * (o.kernel.h - 1) / 2, o.dilation.w * (o.kernel.w - 1) / 2};
}

Attrs geometry(const ConvOptions& o) {
  Attrs attrs = {{"stride", item(o.stride)}};
  attrs.set("pad", o.pads.empty() ? item(same_pad(o)) : Attrs::Item(o.pads));
  if (o.groups != 1) attrs.set("groups", o.groups);
  if (!is_one(o.dilation)) attrs.set("dilation", item(o.dilation));
  return attrs;
}

Shape image_shape(const GraphBuilder& b, const std::string& name, const std::string& x) {
  Shape in = b.shape(x);
  if (in.size() != 3) throw Error(Fault::bad_input, "layer '" + name + "' needs an image input [C, H, W], not " + engine::shape_str(in));
  return in;
}

}  // namespace

std::string GraphBuilder::conv(const std::string& name, const std::string& x, std::int64_t channels, const ConvOptions& options) {
  const Shape in = image_shape(*this, name, x);
  const std::int64_t area = options.kernel.h * options.kernel.w, depth = in[0] / std::max<std::int64_t>(1, options.groups);
  const Fans fans{depth * area, channels / std::max<std::int64_t>(1, options.groups) * area};
  std::vector<std::string> operands = {
      x, weight(name + ".weight", {channels, depth, options.kernel.h, options.kernel.w}, fans, options.init)};
  if (options.bias) operands.push_back(constant(name + ".bias", {channels}, 0.0F));
  return apply(name, "conv2d", operands, geometry(options));
}

std::string GraphBuilder::conv_transpose(const std::string& name, const std::string& x, std::int64_t channels, const ConvOptions& options) {
  const Shape in = image_shape(*this, name, x);
  const std::int64_t area = options.kernel.h * options.kernel.w, depth = channels / std::max<std::int64_t>(1, options.groups);
  // Fans as of the convolution that goes the other way: the usual convention for [C, channels, h, w].
  const Fans fans{depth * area, in[0] * area};
  std::vector<std::string> operands = {
      x, weight(name + ".weight", {in[0], depth, options.kernel.h, options.kernel.w}, fans, options.init)};
  if (options.bias) operands.push_back(constant(name + ".bias", {channels}, 0.0F));
  return apply(name, "conv_transpose2d", operands, geometry(options));
}

std::string GraphBuilder::batch_norm(const std::string& name, const std::string& x, double eps) {
  const Shape channels = {shape(x).at(0)};
  const std::vector<std::string> operands = {x, constant(name + ".weight", channels, 1.0F), constant(name + ".bias", channels, 0.0F),
                                             buffer(name + ".mean", Tensor::full(channels, 0.0F)),
                                             buffer(name + ".var", Tensor::full(channels, 1.0F))};
  return apply(name, "batch_norm", operands, eps == 1e-5 ? Attrs{} : Attrs{{"eps", eps}});
}

std::string GraphBuilder::group_norm(const std::string& name, const std::string& x, std::int64_t groups, double eps) {
  const Shape channels = {shape(x).at(0)};
  const std::vector<std::string> operands = {x, constant(name + ".weight", channels, 1.0F), constant(name + ".bias", channels, 0.0F)};
  return apply(name, "group_norm", operands, {{"groups", groups}, {"eps", eps}});
}

std::string GraphBuilder::max_pool(const std::string& name, const std::string& x, const PoolOptions& options) {
  Attrs attrs = {{"kernel", item(options.kernel)}, {"stride", item(options.stride)}};
  if (options.pad.h + options.pad.w > 0) attrs.set("pad", item(options.pad));
  return apply(name, "max_pool2d", {x}, attrs);
}

std::string GraphBuilder::avg_pool(const std::string& name, const std::string& x, const PoolOptions& options) {
  Attrs attrs = {{"kernel", item(options.kernel)}, {"stride", item(options.stride)}};
  if (options.pad.h + options.pad.w > 0) attrs.set("pad", item(options.pad));
  return apply(name, "avg_pool2d", {x}, attrs);
}

std::string GraphBuilder::max_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride) {
  return max_pool(name, x, PoolOptions{kernel, stride});
}

std::string GraphBuilder::avg_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride) {
  return avg_pool(name, x, PoolOptions{kernel, stride});
}

std::string GraphBuilder::global_pool(const std::string& name, const std::string& x) { return apply(name, "global_pool", {x}); }

std::string GraphBuilder::squeeze_excite(const std::string& name, const std::string& x, std::int64_t reduced, const char* act,
                                         const char* gate) {
  const std::int64_t channels = image_shape(*this, name, x)[0];
  const ConvOptions point = {.kernel = 1, .bias = true};
  const std::string mean = apply(name + ".mean", "global_avg_pool", {x});
  const std::string small = apply(name + ".act", act, {conv(name + ".reduce", mean, reduced, point)});
  return mul(name, x, apply(name + ".gate", gate, {conv(name + ".expand", small, channels, point)}));
}

std::string GraphBuilder::resize_nearest(const std::string& name, const std::string& x, std::int64_t factor) {
  const Shape in = image_shape(*this, name, x);
  // Copies of a pixel along new axes: [C, H, 1, W, 1] -> [C, H, f, W, f].
  const std::string split = reshape(name + ".split", x, {in[0], in[1], 1, in[2], 1});
  const std::string rows = concat(name + ".rows", std::vector<std::string>(static_cast<std::size_t>(factor), split), 2);
  const std::string grid = concat(name + ".columns", std::vector<std::string>(static_cast<std::size_t>(factor), rows), 4);
  return reshape(name, grid, {in[0], in[1] * factor, in[2] * factor});
}

std::string GraphBuilder::linear(const std::string& name, const std::string& x, std::int64_t features, const LinearOptions& options) {
  const Shape in = shape(x);
  if (in.empty() || in.size() > 2) throw Error(Fault::bad_input, "layer '" + name + "' needs a vector input [D] or a sequence [T, D], not " + engine::shape_str(in));
  std::vector<std::string> operands = {x, weight(name + ".weight", {features, in.back()}, {in.back(), features}, options.init)};
  if (options.bias) operands.push_back(constant(name + ".bias", {features}, 0.0F));
  return apply(name, "linear", operands);
}

std::string GraphBuilder::relu(const std::string& name, const std::string& x) { return apply(name, "relu", {x}); }

std::string GraphBuilder::dropout(const std::string& name, const std::string& x, double p) {
  return p == 0 ? x : apply(name, "dropout", {x}, {{"p", p}});
}

std::string GraphBuilder::drop_path(const std::string& name, const std::string& x, double p) {
  return p == 0 ? x : apply(name, "drop_path", {x}, {{"p", p}});
}

std::string GraphBuilder::add(const std::string& name, const std::string& a, const std::string& b) { return apply(name, "add", {a, b}); }

std::string GraphBuilder::mul(const std::string& name, const std::string& a, const std::string& b) { return apply(name, "mul", {a, b}); }

std::string GraphBuilder::concat(const std::string& name, const std::vector<std::string>& values, std::int64_t axis) {
  return apply(name, "concat", values, {{"axis", axis + 1}});
}

std::string GraphBuilder::flatten(const std::string& name, const std::string& x) {
  return shape(x).size() == 1 ? x : apply(name, "flatten", {x});
}

std::string GraphBuilder::reshape(const std::string& name, const std::string& x, const Shape& sample_shape) {
  Shape whole = {-1};
  whole.insert(whole.end(), sample_shape.begin(), sample_shape.end());
  return apply(name, "reshape", {x}, {{"shape", whole}});
}

std::string GraphBuilder::transpose(const std::string& name, const std::string& x, const Shape& sample_axes) {
  Shape perm = {0};
  for (const std::int64_t axis : sample_axes) perm.push_back(axis + 1);
  return apply(name, "transpose", {x}, {{"perm", perm}});
}

std::string GraphBuilder::slice(const std::string& name, const std::string& x, std::int64_t axis, std::int64_t begin, std::int64_t size) {
  const std::size_t rank = shape(x).size() + 1;
  Shape from(rank, 0), extent(rank, -1);
  from.at(static_cast<std::size_t>(axis) + 1) = begin;
  extent.at(static_cast<std::size_t>(axis) + 1) = size;
  return apply(name, "slice", {x}, {{"begin", from}, {"size", extent}});
}

}  // namespace assay::graph
