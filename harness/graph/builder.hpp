// GraphBuilder: layers with initialised parameters on top of Graph::add. Initial weights are a pure function of
// (seed, parameter name). Files: builder.cpp (inputs, parameters, outputs), builder_layers.cpp (convolution, pooling,
// pointwise), builder_tokens.cpp (sequences, attention, recurrence). One thread.
#pragma once

#include <string>
#include <vector>

#include "harness/graph/graph.hpp"

namespace assay::graph {

// Where initial weights come from; fan-in and fan-out are those of the layer (He et al. 2015; Glorot & Bengio 2010).
enum class InitKind {
  he_normal,         // N(0, 2 / fan-in)
  he_normal_out,     // N(0, 2 / fan-out)
  lecun_normal,      // N(0, 1 / fan-in)
  xavier_uniform,    // U(-a, a), a = sqrt(6 / (fan-in + fan-out))
  uniform_in,        // U(-a, a), a = 1 / sqrt(fan-in)
  normal,            // N(0, scale^2)
  truncated_normal,  // N(0, scale^2) redrawn until within two standard deviations
  uniform,           // U(-scale, scale)
  zero
};
struct Init {
  InitKind kind = InitKind::he_normal;
  double scale = 0;  // of normal, truncated_normal and uniform
};

// Height and width; a single number means both.
struct Sides {
  std::int64_t h = 1, w = 1;
  Sides(std::int64_t both) : h(both), w(both) {}  // NOLINT(google-explicit-constructor): `.kernel = 3` is the usual case
  Sides(std::int64_t height, std::int64_t width) : h(height), w(width) {}
};

struct ConvOptions {
  Sides kernel = 3, stride = 1, pad = -1;  // pad -1: dilation * (kernel - 1) / 2
  bool bias = false;
  std::int64_t groups = 1;
  Sides dilation = 1;
  Shape pads = {};  // [top, left, bottom, right] instead of pad
  Init init = {};
};
struct PoolOptions {
  Sides kernel = 2, stride = 2, pad = 0;
};
struct LinearOptions {
  bool bias = true;
  Init init = {};
};
struct AttentionOptions {
  std::int64_t heads = 1;
  bool causal = false;
  Init init = {InitKind::truncated_normal, 0.02};
  Init out_init = {InitKind::truncated_normal, 0.02};  // of the output projection
};

enum class Weights {
  initial,  // drawn as each layer's Init says
  unset     // memory of the right shapes with unspecified contents: graphs of any size are counted without filling them
};

class GraphBuilder {
 public:
  GraphBuilder(Shape sample_shape, std::uint64_t seed);  // one f32 input, "input"
  GraphBuilder(const std::vector<GraphInput>& inputs, std::uint64_t seed, Weights weights = Weights::initial);
  const std::string& input() const { return graph_.inputs.at(0).name; }
  Shape shape(const std::string& value) const;  // of one sample

  // --- layers: each gives the name of the value it makes; `name` is the node's ---
  // Images [C, H, W]; "x [C, 1, L]" is a series. Weights [channels, C / groups, h, w].
  std::string conv(const std::string& name, const std::string& x, std::int64_t channels, const ConvOptions& options = {});
  // The adjoint of conv: every extent grows by the stride. Weights [C, channels / groups, h, w].
  std::string conv_transpose(const std::string& name, const std::string& x, std::int64_t channels, const ConvOptions& options);
  std::string batch_norm(const std::string& name, const std::string& x, double eps = 1e-5);
  std::string group_norm(const std::string& name, const std::string& x, std::int64_t groups, double eps = 1e-5);
  std::string max_pool(const std::string& name, const std::string& x, const PoolOptions& options);
  std::string avg_pool(const std::string& name, const std::string& x, const PoolOptions& options);
  std::string max_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride);
  std::string avg_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride);
  std::string global_pool(const std::string& name, const std::string& x);  // [C]
  // x * gate(expand(act(reduce(mean of x)))), 1x1 convolutions with bias (Hu et al., CVPR 2018).
  std::string squeeze_excite(const std::string& name, const std::string& x, std::int64_t reduced, const char* act, const char* gate);
  std::string resize_nearest(const std::string& name, const std::string& x, std::int64_t factor);

  // Last axis of any value [.., D] -> [.., features].
  std::string linear(const std::string& name, const std::string& x, std::int64_t features, const LinearOptions& options = {});
  std::string relu(const std::string& name, const std::string& x);
  std::string dropout(const std::string& name, const std::string& x, double p);  // p = 0: x itself
  // Stochastic depth of a residual branch: a sample loses it with probability p. p = 0: x itself.
  std::string drop_path(const std::string& name, const std::string& x, double p);
  std::string add(const std::string& name, const std::string& a, const std::string& b);
  std::string mul(const std::string& name, const std::string& a, const std::string& b);
  std::string concat(const std::string& name, const std::vector<std::string>& values, std::int64_t axis);  // of a sample
  std::string flatten(const std::string& name, const std::string& x);
  // Of a sample; works for any batch. One extent may not be free: the batch is.
  std::string reshape(const std::string& name, const std::string& x, const Shape& sample_shape);
  std::string transpose(const std::string& name, const std::string& x, const Shape& sample_axes);  // axes counted from 0
  std::string slice(const std::string& name, const std::string& x, std::int64_t axis, std::int64_t begin, std::int64_t size);

  // Sequences [T, D].
  std::string layer_norm(const std::string& name, const std::string& x, double eps = 1e-5);  // over the last axis
  std::string tokens(const std::string& name, const std::string& image);                      // [C, H, W] -> [H * W, C]
  std::string image(const std::string& name, const std::string& tokens, std::int64_t height, std::int64_t width);  // and back
  std::string with_class_token(const std::string& name, const std::string& x, const Init& init);  // [1 + T, D], first
  std::string with_positions(const std::string& name, const std::string& x, const Init& init);    // adds a parameter
  std::string attention(const std::string& name, const std::string& x, const AttentionOptions& options);  // self, packed qkv
  std::string token(const std::string& name, const std::string& x, std::int64_t index);  // [D] of [T, D]
  std::string mean_tokens(const std::string& name, const std::string& x);                // [D]
  std::string embedding(const std::string& name, const std::string& ids, std::int64_t vocabulary, std::int64_t width, const Init& init);

  // Any registry or graph op with one result.
  std::string apply(const std::string& name, const std::string& op, const std::vector<std::string>& operands, Attrs attrs = {});
  // With several; the names of the results must be new.
  void apply_many(const std::string& name, const std::string& op, const std::vector<std::string>& operands,
                  const std::vector<std::string>& results, Attrs attrs = {});

  // --- parameters and state; each gives its own name ---
  struct Fans {
    std::int64_t in = 1, out = 1;
  };
  std::string weight(const std::string& parameter, const Shape& shape, const Fans& fans, const Init& init);
  std::string constant(const std::string& parameter, const Shape& shape, float value);
  std::string buffer(const std::string& name, const Tensor& value);

  // --- the end ---
  void tap(const std::string& name, const std::string& value);
  void output(const std::string& name, const std::string& value);  // an entry point
  // Sets the metadata, validates. The builder is empty afterwards.
  Graph finish(Json metadata);
  Graph finish(const std::string& logits, const std::string& features, Json metadata);

 private:
  void note();  // remembers the shapes of the newest node's results
  Graph graph_;
  std::uint64_t seed_;
  Weights weights_ = Weights::initial;
  std::map<std::string, Spec> specs_;  // batch 1
};

}  // namespace assay::graph
