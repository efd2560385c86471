// Layers of sequences [T, D].
#include "harness/base/error.hpp"
#include "harness/graph/builder.hpp"

namespace assay::graph {
namespace {

Shape sequence_shape(const GraphBuilder& b, const std::string& name, const std::string& x) {
  Shape in = b.shape(x);
  if (in.size() != 2) throw Error(Fault::bad_input, "layer '" + name + "' needs a sequence [T, D], not " + engine::shape_str(in));
  return in;
}

}  // namespace

std::string GraphBuilder::layer_norm(const std::string& name, const std::string& x, double eps) {
  const Shape features = {shape(x).back()};
  const std::vector<std::string> operands = {x, constant(name + ".weight", features, 1.0F), constant(name + ".bias", features, 0.0F)};
  return apply(name, "layer_norm", operands, eps == 1e-5 ? Attrs{} : Attrs{{"eps", eps}});
}

std::string GraphBuilder::tokens(const std::string& name, const std::string& image) {
  const Shape in = shape(image);
  if (in.size() != 3) throw Error(Fault::bad_input, "layer '" + name + "' needs an image [C, H, W], not " + engine::shape_str(in));
  return transpose(name, reshape(name + ".flat", image, {in[0], in[1] * in[2]}), {1, 0});
}

std::string GraphBuilder::image(const std::string& name, const std::string& tokens, std::int64_t height, std::int64_t width) {
  const std::int64_t channels = sequence_shape(*this, name, tokens)[1];
  return reshape(name, transpose(name + ".flat", tokens, {1, 0}), {channels, height, width});
}

std::string GraphBuilder::with_class_token(const std::string& name, const std::string& x, const Init& init) {
  const std::int64_t width = sequence_shape(*this, name, x)[1];
  const std::string value = weight(name + ".token", {1, 1, width}, {width, width}, init);
  const std::string rows = apply(name + ".rows", "expand_rows", {value, x}, {{"shape", Shape{-1, 1, width}}});
  return concat(name, {rows, x}, 0);
}

std::string GraphBuilder::with_positions(const std::string& name, const std::string& x, const Init& init) {
  const Shape in = sequence_shape(*this, name, x);
  return add(name, x, weight(name + ".embedding", {1, in[0], in[1]}, {in[1], in[1]}, init));
}

std::string GraphBuilder::attention(const std::string& name, const std::string& x, const AttentionOptions& options) {
  const Shape in = sequence_shape(*this, name, x);
  const std::int64_t length = in[0], width = in[1], heads = options.heads;
  if (heads < 1 || width % heads != 0) {
    throw Error(Fault::bad_input, "layer '" + name + "': width " + std::to_string(width) + " must be a multiple of its " +
                                      std::to_string(heads) + " heads");
  }
  const std::string packed = linear(name + ".qkv", x, 3 * width, {.init = options.init});
  const auto part = [&](const char* which, std::int64_t index) {
    const std::string own = name + "." + which;
    const std::string flat = slice(own + ".flat", packed, 1, index * width, width);
    return transpose(own, reshape(own + ".split", flat, {length, heads, width / heads}), {1, 0, 2});
  };
  const std::vector<std::string> operands = {part("q", 0), part("k", 1), part("v", 2)};
  const std::string mixed =
      apply(name + ".mix", "attention", operands, options.causal ? Attrs{{"causal", std::int64_t{1}}} : Attrs{});
  const std::string joined = reshape(name + ".joined", transpose(name + ".back", mixed, {1, 0, 2}), {length, width});
  return linear(name + ".out", joined, width, {.init = options.out_init});
}

std::string GraphBuilder::token(const std::string& name, const std::string& x, std::int64_t index) {
  const std::int64_t width = sequence_shape(*this, name, x)[1];
  return reshape(name, slice(name + ".part", x, 0, index, 1), {width});
}

std::string GraphBuilder::mean_tokens(const std::string& name, const std::string& x) {
  sequence_shape(*this, name, x);
  return apply(name, "reduce_mean", {x}, {{"axes", Shape{1}}});
}

std::string GraphBuilder::embedding(const std::string& name, const std::string& ids, std::int64_t vocabulary, std::int64_t width,
                                    const Init& init) {
  return apply(name, "gather", {weight(name + ".weight", {vocabulary, width}, {width, width}, init), ids});
}

}  // namespace assay::graph
