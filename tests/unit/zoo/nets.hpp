// Every architecture at a size for tests, and training of any of them by hand. Shared by this folder's tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/graph/compiled.hpp"
#include "harness/graph/zoo/zoo.hpp"

namespace assay::zoo {

struct TinyNet {
  std::string arch, params;
  engine::Shape input;
  bool removable = true;     // has channels that can be removed; otherwise every group says why not
  std::int64_t batch = 4;    // rows of the training test
};
const std::vector<TinyNet>& tiny_nets();

constexpr std::int64_t tiny_classes = 3;
graph::Graph build_tiny(const TinyNet& net, std::uint64_t seed = 1);

// Random values for every input: f32 in [0, 1), i64 below 5.
using Feeds = std::map<std::string, engine::Tensor>;
Feeds random_feeds(const graph::Graph& graph, std::int64_t rows, std::uint64_t seed);
// Row `row` of each, repeated `rows` times.
Feeds repeated_row(const Feeds& feeds, std::int64_t row, std::int64_t rows);

// Adam on the cross-entropy of "logits", or on the squared distance of another output to fixed random targets.
class TinyTrainer {
 public:
  TinyTrainer(const graph::Graph& graph, const std::string& output, std::int64_t rows);
  double step();  // the loss before the step
  const std::map<std::string, std::vector<float>>& gradients() const { return gradients_; }  // of the last step

 private:
  double loss(const engine::Tensor& value, engine::Tensor& cotangent) const;
  void update();
  graph::CompiledPlan plan_;
  Feeds feeds_;
  std::string output_;
  std::vector<std::uint64_t> ids_;
  std::map<std::string, std::vector<float>> weights_, first_, second_, gradients_;
  std::map<std::string, engine::Shape> shapes_;
  int steps_ = 0;
};

}  // namespace assay::zoo
