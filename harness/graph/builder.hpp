// GraphBuilder: layers with initialised parameters on top of Graph::add. Initial weights are a pure function of
// (seed, parameter name): He / Kaiming normal, fan-in, gain sqrt(2) (He et al., ICCV 2015). One thread.
#pragma once

#include <string>

#include "harness/graph/graph.hpp"

namespace assay::graph {

struct ConvOptions {
  std::int64_t kernel = 3, stride = 1, pad = -1;  // pad -1: (kernel - 1) / 2
  bool bias = false;
};

class GraphBuilder {
 public:
  GraphBuilder(Shape sample_shape, std::uint64_t seed);
  const std::string& input() const { return input_; }
  // Each gives the name of the value it makes; `name` is the node's.
  std::string conv(const std::string& name, const std::string& x, std::int64_t channels, const ConvOptions& options = {});
  std::string batch_norm(const std::string& name, const std::string& x);
  std::string relu(const std::string& name, const std::string& x);
  std::string linear(const std::string& name, const std::string& x, std::int64_t features);
  std::string max_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride);
  std::string avg_pool(const std::string& name, const std::string& x, std::int64_t kernel, std::int64_t stride);
  std::string global_pool(const std::string& name, const std::string& x);
  std::string flatten(const std::string& name, const std::string& x);
  std::string dropout(const std::string& name, const std::string& x, double p);  // p = 0: x itself
  std::string add(const std::string& name, const std::string& a, const std::string& b);
  Shape shape(const std::string& value) const;  // of one sample
  void tap(const std::string& name, const std::string& value);
  // Sets outputs and metadata, validates.
  Graph finish(const std::string& logits, const std::string& features, Json metadata);

  void init_normal(const std::string& parameter, const Shape& shape, double sd);
  void init_constant(const std::string& parameter, const Shape& shape, float value);

 private:
  void note(const std::string& value);  // remembers the shape of the newest node's output
  Graph graph_;
  std::string input_ = "input";
  std::uint64_t seed_;
  std::map<std::string, Spec> specs_;   // batch 1
};

}  // namespace assay::graph
