#include "harness/graph/quantize.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/graph/edit.hpp"
#include "harness/graph/executor.hpp"

namespace assay::graph {
namespace {

constexpr std::int64_t unsigned_top = 255, signed_top = 127, signed_bottom = -128;
constexpr std::size_t histogram_bins = 4096;

[[noreturn]] void bad_quantization(const std::string& message) { bad_input_in("quantize", message); }

bool is_product(const GraphNode& node) { return node.op == "conv2d" || node.op == "linear"; }

// Values seen on the calibration rows: the range, then how magnitudes are distributed in it.
class Observed {
 public:
  void widen(std::span<const float> values) {
    for (const float v : values) {
      if (!std::isfinite(v)) bad_quantization("calibration gave a value that is not finite");
      low_ = std::min(low_, v);
      high_ = std::max(high_, v);
    }
  }

  void count(std::span<const float> values) {
    bins_.resize(histogram_bins, 0);
    const float top = magnitude();
    if (top == 0) return;
    for (const float v : values) {
      const auto bin = static_cast<std::size_t>(std::abs(v) / top * static_cast<float>(histogram_bins));
      ++bins_[std::min(bin, histogram_bins - 1)];
    }
  }

  bool has_negative() const { return low_ < 0; }
  float magnitude() const { return std::max(high_, -low_); }

  // The magnitude that `percent` of the values do not exceed, to one bin.
  float at_percentile(double percent) const {
    std::uint64_t total = 0, seen = 0;
    for (const std::uint64_t n : bins_) total += n;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
      seen += bins_[i];
      if (static_cast<double>(seen) >= percent / 100 * static_cast<double>(total)) {
        return magnitude() * static_cast<float>(i + 1) / static_cast<float>(histogram_bins);
      }
    }
    return magnitude();
  }

 private:
  float low_ = 0, high_ = 0;  // 0 is always representable, so it is part of every range
  std::vector<std::uint64_t> bins_;
};

class Quantization {
 public:
  Quantization(const Graph& graph, const QuantizeOptions& options)
      : graph_(fold_batch_norm(graph)), options_(options) {}

  Graph run(const Tensor& calibration) {
    choose();
    if (values_.empty()) bad_quantization("the graph has no conv2d or linear with weights of its own");
    observe(calibration);
    insert();
    graph_.validate();
    return std::move(graph_);
  }

 private:
  struct Use {
    std::string node;
    std::size_t input;
  };

  // The product that makes `value` for one reader only.
  const GraphNode* product_behind(const std::string& value) const {
    const GraphNode* maker = graph_.producer(value);
    return maker && is_product(*maker) && graph_.consumers(value).size() == 1 ? maker : nullptr;
  }

  std::size_t position(const GraphNode* node) const { return static_cast<std::size_t>(node - graph_.nodes.data()); }

  // The later product of a sum can take the other addend into its kernel, so that one is quantized.
  void choose_addend(const GraphNode& sum) {
    const GraphNode *a = product_behind(sum.inputs[0]), *b = product_behind(sum.inputs[1]);
    if (!a && !b) return;
    const bool second_is_product = b && (!a || position(b) > position(a));
    const std::size_t addend = second_is_product ? 0 : 1;
    values_[sum.inputs[addend]].push_back({sum.name, addend});
  }

  void choose() {
    for (const GraphNode& node : graph_.nodes) {
      if (is_product(node) && graph_.parameters.count(node.inputs[1])) {
        values_[node.inputs[0]].push_back({node.name, 0});
        weights_[node.inputs[1]].push_back({node.name, 1});
      }
      if (node.op == "add" && node.inputs[0] != node.inputs[1]) choose_addend(node);
    }
  }

  void observe(const Tensor& calibration) {
    std::vector<std::string> names;
    for (const auto& [name, uses] : values_) names.push_back(name);
    Executor executor(std::make_shared<const Graph>(graph_), options_.batch);
    const auto pass = [&](void (Observed::*see)(std::span<const float>)) {
      for_padded_batches(calibration, options_.batch, [&](const Tensor& piece, std::int64_t, std::int64_t rows) {
        const std::vector<Tensor> seen = executor.forward(piece, names);
        for (std::size_t i = 0; i < names.size(); ++i) {
          const auto all = seen[i].f32s();
          const std::size_t real = all.size() / static_cast<std::size_t>(piece.dim(0)) * static_cast<std::size_t>(rows);
          (observed_[names[i]].*see)(all.subspan(0, real));
        }
      });
    };
    pass(&Observed::widen);
    if (options_.calibration == "percentile") pass(&Observed::count);
  }

  std::int64_t top_of(const Observed& seen) const { return seen.has_negative() ? signed_top : unsigned_top; }

  float scale_of(const Observed& seen) const {
    const float range =
        options_.calibration == "percentile" ? seen.at_percentile(options_.percentile) : seen.magnitude();
    const float scale = range / static_cast<float>(top_of(seen));
    return std::isnormal(scale) ? scale : 1.0F;  // nothing but zeros: any scale keeps them
  }

  // Rewires the uses to a new node behind `value`, which is put before the first of them.
  void quantize(const std::string& value, const Tensor& scale, Attrs attrs, const std::vector<Use>& uses) {
    GraphNode node;
    node.name = value + ".quantized";
    node.op = "fake_quantize";
    node.attrs = std::move(attrs);
    node.inputs = {value, value + ".scale"};
    node.outputs = {node.name};
    graph_.buffers[node.inputs[1]] = scale;
    for (const Use& use : uses) graph_.find_node(use.node)->inputs[use.input] = node.name;
    const auto first = std::find_if(graph_.nodes.begin(), graph_.nodes.end(), [&](const GraphNode& n) {
      return std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return use.node == n.name; });
    });
    graph_.nodes.insert(first, std::move(node));
  }

  Tensor weight_scales(const Tensor& w) const {
    const std::vector<float> values = w.to_f32();
    const auto channels = static_cast<std::size_t>(w.dim(0));
    std::vector<float> scales(channels, 1.0F);
    const std::size_t row = channels > 0 ? values.size() / channels : 0;
    for (std::size_t c = 0; c < channels; ++c) {
      float top = 0;
      for (std::size_t i = 0; i < row; ++i) top = std::max(top, std::abs(values[c * row + i]));
      const float scale = top / static_cast<float>(signed_top);
      if (std::isnormal(scale)) scales[c] = scale;
    }
    return Tensor::f32({w.dim(0)}, scales);
  }

  void insert() {
    const auto range = [](std::int64_t low, std::int64_t high) { return Attrs{{"low", low}, {"high", high}}; };
    for (const auto& [value, uses] : values_) {
      const Observed& seen = observed_.at(value);
      const std::int64_t top = top_of(seen);
      quantize(value, Tensor::scalar(scale_of(seen)), range(seen.has_negative() ? signed_bottom : 0, top), uses);
    }
    for (const auto& [name, uses] : weights_) {
      quantize(name, weight_scales(graph_.parameters.at(name).value), range(-signed_top, signed_top), uses);
    }
  }

  Graph graph_;
  const QuantizeOptions& options_;
  std::map<std::string, std::vector<Use>> values_, weights_;  // by value: the operands that become quantized
  std::map<std::string, Observed> observed_;
};

}  // namespace

Graph quantize_graph(const Graph& graph, const Tensor& calibration, const QuantizeOptions& options) {
  const std::vector<std::string> known = {"minmax", "percentile"};
  if (std::find(known.begin(), known.end(), options.calibration) == known.end()) {
    bad_quantization("unknown calibration '" + options.calibration + "'" + suggestion(options.calibration, known));
  }
  if (!(options.percentile > 50 && options.percentile <= 100)) {
    bad_quantization("percentile must be in (50, 100], not " + std::to_string(options.percentile));
  }
  return Quantization(graph, options).run(calibration);
}

}  // namespace assay::graph
