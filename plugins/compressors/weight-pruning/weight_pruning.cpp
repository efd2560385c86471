// Unstructured pruning with masks: the weights with the lowest importance are set to zero and stay zero while the host
// fine-tunes. Importance is |w| over the whole net (magnitude-global) or within each layer (magnitude-layer;
// Han et al., NeurIPS 2015), or a random number (random-pruning: the control of rule 37). Weights are parameters with
// two or more axes; biases and normalisation parameters are kept but counted in the ratio.
#include <algorithm>
#include <numeric>

#include "assay/sdk.hpp"

namespace {

struct Layer {
  std::string name;
  assay::Shape shape;
  std::vector<double> importance;
};

struct Weights {
  std::vector<Layer> layers;
  std::int64_t total = 0, prunable = 0;  // parameters of the net; those in `layers`
};

template <class Importance>  // Importance(name, value, index within the parameter)
Weights weights_of(const assay::Graph& graph, const Importance& importance) {
  Weights weights;
  for (const assay::ParamInfo& info : graph.params()) {
    if (info.buffer) continue;
    const assay::Tensor tensor = graph.param(info.name);
    weights.total += tensor.count();
    if (tensor.ndim() < 2) continue;
    weights.prunable += tensor.count();
    Layer layer{info.name, tensor.shape(), {}};
    for (const float w : tensor.floats()) layer.importance.push_back(importance(info.name, w, layer.importance.size()));
    weights.layers.push_back(std::move(layer));
  }
  return weights;
}

// How many weights stay when all parameters together shrink by `ratio`.
std::int64_t weights_kept(const Weights& weights, double ratio) {
  const auto fixed = weights.total - weights.prunable;
  const auto kept = static_cast<std::int64_t>(std::floor(static_cast<double>(weights.total) / ratio)) - fixed;
  if (kept < 1) assay::fail(ASSAY_INVALID, "the ratio leaves no weight: biases and norms alone exceed the target");
  return std::min(kept, weights.prunable);
}

// 1 for the `kept` most important entries; ties go to the lower index.
std::vector<float> top_mask(const std::vector<double>& importance, std::int64_t kept) {
  std::vector<std::size_t> order(importance.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto cut = order.begin() + static_cast<std::ptrdiff_t>(kept);
  std::nth_element(order.begin(), cut, order.end(), [&](std::size_t a, std::size_t b) {
    return importance[a] != importance[b] ? importance[a] > importance[b] : a < b;
  });
  std::vector<float> mask(importance.size(), 0.0f);
  std::for_each(order.begin(), cut, [&](std::size_t i) { mask[i] = 1.0f; });
  return mask;
}

void mask_globally(assay::Run& run, assay::Graph& graph, const Weights& weights, double ratio) {
  std::vector<double> all;
  for (const Layer& layer : weights.layers) all.insert(all.end(), layer.importance.begin(), layer.importance.end());
  const std::vector<float> mask = top_mask(all, weights_kept(weights, ratio));
  auto next = mask.begin();
  for (const Layer& layer : weights.layers) {
    const auto end = next + static_cast<std::ptrdiff_t>(layer.importance.size());
    graph.set_mask(layer.name, run.tensor<float>(layer.shape, std::vector<float>(next, end)));
    next = end;
  }
}

void mask_by_layer(assay::Run& run, assay::Graph& graph, const Weights& weights, double ratio) {
  const double share = static_cast<double>(weights_kept(weights, ratio)) / static_cast<double>(weights.prunable);
  for (const Layer& layer : weights.layers) {
    const auto kept = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::floor(share * static_cast<double>(layer.importance.size()))));
    graph.set_mask(layer.name, run.tensor<float>(layer.shape, top_mask(layer.importance, kept)));
  }
}

void require_ratio(const assay::Compress& in) {
  if (in.target != "ratio") assay::fail(ASSAY_UNSUPPORTED, "only target kind 'ratio' is supported, not '" + in.target + "'");
}

}  // namespace

struct MagnitudeGlobal {
  static constexpr assay::Info info{.id = "magnitude-global",
                                    .version = "1.0.0",
                                    .summary = "prunes the smallest weights of the whole net",
                                    .title = "Learning both Weights and Connections for Efficient Neural Networks",
                                    .year = 2015,
                                    .arxiv = "1506.02626",
                                    .access = ASSAY_ACCESS_WEIGHTS};
  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    require_ratio(in);
    assay::Graph graph = assay::Graph::clone(in.model);
    const auto magnitude = [](const std::string&, float w, std::size_t) { return std::abs(static_cast<double>(w)); };
    mask_globally(run, graph, weights_of(graph, magnitude), in.value);
    return graph.finish();
  }
};

struct MagnitudeLayer {
  static constexpr assay::Info info{.id = "magnitude-layer",
                                    .version = "1.0.0",
                                    .summary = "prunes the same share of the smallest weights in every layer",
                                    .title = "Learning both Weights and Connections for Efficient Neural Networks",
                                    .year = 2015,
                                    .arxiv = "1506.02626",
                                    .access = ASSAY_ACCESS_WEIGHTS};
  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    require_ratio(in);
    assay::Graph graph = assay::Graph::clone(in.model);
    const auto magnitude = [](const std::string&, float w, std::size_t) { return std::abs(static_cast<double>(w)); };
    mask_by_layer(run, graph, weights_of(graph, magnitude), in.value);
    return graph.finish();
  }
};

struct RandomPruning {
  static constexpr assay::Info info{.id = "random-pruning",
                                    .version = "1.0.0",
                                    .summary = "prunes weights at random (control)",
                                    .title = "",
                                    .access = ASSAY_ACCESS_WEIGHTS,
                                    .baseline = true};
  assay::Model compress(assay::Run& run, const assay::Compress& in) const {
    require_ratio(in);
    assay::Graph graph = assay::Graph::clone(in.model);
    const auto chance = [&](const std::string& name, float, std::size_t i) {
      return static_cast<double>(run.random(("prune/" + name).c_str(), 0, i) >> 11);
    };
    mask_globally(run, graph, weights_of(graph, chance), in.value);
    return graph.finish();
  }
};

struct NoPruning {
  static constexpr assay::Info info{.id = "no-pruning",
                                    .version = "1.0.0",
                                    .summary = "returns the model unchanged (trivial baseline)",
                                    .title = "",
                                    .baseline = true};
  assay::Model compress(assay::Run&, const assay::Compress& in) const { return in.model; }
};

ASSAY_PLUGIN(MagnitudeGlobal, MagnitudeLayer, RandomPruning, NoPruning)
