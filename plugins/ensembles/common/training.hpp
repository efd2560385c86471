// What ensemble training has in common: batches in a shuffled order, the learning rate, and the mean of the members'
// softmax outputs as the ensemble's answer.
#pragma once

#include <algorithm>
#include <numeric>

#include "learner.hpp"

namespace ensembles {

// Positions of the training set in an order of its own for each epoch, keyed by `purpose`.
inline std::vector<std::int64_t> shuffled(const assay::Run& run, const char* purpose, std::int64_t epoch,
                                          std::int64_t n) {
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = run.random(purpose, i, static_cast<std::uint64_t>(epoch));
  std::vector<std::int64_t> order(keys.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
  });
  return order;
}

struct Schedule {
  std::int64_t epochs, batch;
  std::string decay;  // "step": a tenth from half of the epochs on, a hundredth from three quarters on; "cosine": to 0
  double rate;

  double at(double progress) const {  // progress in [0, 1)
    if (decay == "cosine") return rate * (1 + std::cos(3.14159265358979323846 * progress)) / 2;
    return rate * (progress < 0.5 ? 1.0 : progress < 0.75 ? 0.1 : 0.01);
  }
  // body(epoch, positions, rate) for every batch, positions being those of an order for each of `purposes`. Rows that
  // fill no batch are left out of an epoch; a set of fewer is one batch.
  template <class Body>
  void each(const assay::Run& run, std::int64_t n, const std::vector<const char*>& purposes, Body&& body) const {
    const std::int64_t rows = std::min(batch, n), count = n / rows;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
      std::vector<std::vector<std::int64_t>> orders;
      orders.reserve(purposes.size());
      for (const char* purpose : purposes) orders.push_back(shuffled(run, purpose, epoch, n));
      for (std::int64_t b = 0; b < count; ++b) {
        run.check();
        std::vector<std::span<const std::int64_t>> positions;
        positions.reserve(orders.size());
        for (const auto& order : orders)
          positions.push_back(
              std::span(order).subspan(static_cast<std::size_t>(b * rows), static_cast<std::size_t>(rows)));
        const double progress = static_cast<double>(epoch * count + b) / static_cast<double>(epochs * count);
        body(epoch, positions,
             at(decay == "step" ? static_cast<double>(epoch) / static_cast<double>(epochs) : progress));
        run.progress(progress, "training");
      }
    }
  }
};

inline std::vector<Learner> learners(const assay::Members& in) {
  if (in.members.size() < 2) assay::fail(ASSAY_INVALID, "an ensemble needs at least two members");
  if (!in.train.defined() || in.train.size() < 2) assay::fail(ASSAY_INVALID, "the host passed no training set");
  std::vector<Learner> result;
  for (const assay::Model& member : in.members) result.emplace_back(member);
  return result;
}

// log(mean of the softmax outputs). The floor keeps it finite where every member's float32 probability underflows.
inline assay::Model mean_softmax(assay::Run& run, const std::vector<Learner>& members) {
  assay::Graph graph = run.graph();
  std::string x;
  std::vector<std::string> probabilities;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const assay::Model model = members[i].model();
    if (i == 0) x = graph.input("x", model.input_shape());
    const std::string prefix = "member" + std::to_string(i) + "/";
    probabilities.push_back(graph.node(prefix + "softmax", "softmax", {graph.inline_model(model, prefix, x)}));
  }
  const std::string mean = graph.node("mean", "mean_of", probabilities);
  graph.output("logits",
               graph.node("logits", "log", {graph.node("floor", "clamp", {mean}, {{"min", 1e-30}, {"max", 1.0}})}));
  return graph.finish();
}

}  // namespace ensembles
