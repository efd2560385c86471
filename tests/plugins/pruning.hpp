// Unstructured pruning by any score: keeps the parameters with the highest scores, as masks.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "assay/sdk.hpp"

// score(name, weights): one value an element, higher is kept longer. `kept` counts over all trained parameters.
inline assay::Model prune(assay::Run& run, const assay::Model& model, double ratio,
                          const std::function<std::vector<float>(const std::string&, std::span<const float>)>& score) {
  assay::Graph graph = assay::Graph::clone(model);
  std::vector<float> all;
  for (const assay::ParamInfo& info : graph.params()) {
    if (info.buffer) continue;
    const std::vector<float> scores = score(info.name, graph.param(info.name).floats());
    all.insert(all.end(), scores.begin(), scores.end());
  }
  const auto kept = static_cast<std::size_t>(static_cast<double>(all.size()) / ratio);
  std::vector<float> sorted = all;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const float limit = kept < sorted.size() ? sorted[kept] : -1.0f;
  std::size_t at = 0;
  for (const assay::ParamInfo& info : graph.params()) {
    if (info.buffer) continue;
    const assay::Tensor weights = graph.param(info.name);
    std::vector<float> mask(static_cast<std::size_t>(weights.count()));
    for (float& bit : mask) bit = all[at++] > limit ? 1.0f : 0.0f;
    graph.set_mask(info.name, run.tensor(weights.shape(), mask));
  }
  return graph.finish();
}

inline std::vector<float> magnitude(std::span<const float> weights) {
  std::vector<float> scores;
  for (const float weight : weights) scores.push_back(std::abs(weight));
  return scores;
}
