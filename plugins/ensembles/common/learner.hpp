// A member of an ensemble in training: its weights and running statistics as values, passes in training mode at them,
// and the steps of an optimizer. The loop is the method's. One thread; results depend on the host's seed and the ids
// alone.
#pragma once

#include <map>

#include "assay/sdk.hpp"

namespace ensembles {

// Update rules as PyTorch has them; the penalty weight_decay * w is part of the gradient.
struct Rule {
  bool adam = false;                              // else SGD with momentum
  double momentum = 0.9, weight_decay = 0;        // momentum: of SGD
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // of Adam (Kingma & Ba, ICLR 2015)
};

class Learner {
 public:
  // The member with a tap before each of its ReLUs, in the order in which they are computed.
  explicit Learner(const assay::Model& member) : member_(member) {
    assay::Graph graph = assay::Graph::clone(member);
    for (const assay::NodeInfo& node : graph.nodes()) {
      if (node.op != "relu") continue;
      taps_.push_back("before-relu:" + std::to_string(taps_.size()));
      graph.tap(taps_.back().c_str(), node.inputs.front());
    }
    for (const assay::ParamInfo& param : graph.params()) {
      if (param.buffer) continue;
      names_.push_back(param.name);
      weights_.push_back(graph.param(param.name));
    }
    net_ = graph.finish();
    first_.resize(weights_.size());
    second_.resize(weights_.size());
  }

  std::size_t layers() const { return taps_.size(); }
  const std::vector<assay::Tensor>& leaves() const { return leaves_; }

  // Features of a layer before its ReLU, in training mode, with history for x where it is watched and for no weight.
  assay::Tensor features(const assay::Tensor& x, const assay::Tensor& ids, std::size_t layer) {
    assay::ForwardOptions options = training(ids, weights_);
    options.logits = false;
    options.taps = {taps_.at(layer)};
    return keep(net_.forward(x, options)).taps.front();
  }

  // Makes leaves of the weights, for the passes up to the next step().
  void watch() {
    leaves_.clear();
    for (const assay::Tensor& weight : weights_) leaves_.push_back(assay::watch(weight));
  }
  // Logits in training mode, with history for the leaves, and for x where it is watched.
  assay::Tensor logits(const assay::Tensor& x, const assay::Tensor& ids) {
    return keep(net_.forward(x, training(ids, leaves_))).logits;
  }

  // One update by gradients in the order of the leaves.
  void step(const Rule& rule, std::span<const assay::Tensor> gradients, double rate) {
    ++steps_;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const assay::Tensor g = gradients[i] + weights_[i] * rule.weight_decay;
      weights_[i] = assay::detach(weights_[i] - (rule.adam ? adam(rule, i, g) : sgd(rule, i, g)) * rate);
    }
    leaves_.clear();
  }

  // The member as it stands.
  assay::Model model() const {
    assay::Graph graph = assay::Graph::clone(member_);
    for (std::size_t i = 0; i < names_.size(); ++i) graph.set_param(names_[i], weights_[i]);
    for (const auto& [name, value] : running_) graph.set_param(name, value);
    return graph.finish();
  }

 private:
  assay::ForwardOptions training(const assay::Tensor& ids, const std::vector<assay::Tensor>& weights) {
    assay::ForwardOptions options;
    options.train = options.statistics = true;
    options.ids = ids;
    options.draw = draws_++;
    options.params = assay::Bundle::create(net_.api());
    for (std::size_t i = 0; i < names_.size(); ++i) options.params.set(names_[i].c_str(), weights[i]);
    for (const auto& [name, value] : running_) options.params.set(name.c_str(), value);
    return options;
  }
  assay::ForwardResult keep(assay::ForwardResult result) {
    for (const std::string& name : result.statistics.names()) running_[name] = result.statistics.tensor(name.c_str());
    return result;
  }

  assay::Tensor sgd(const Rule& rule, std::size_t i, const assay::Tensor& g) {
    first_[i] = first_[i].defined() ? first_[i] * rule.momentum + g : g;
    return first_[i];
  }
  assay::Tensor adam(const Rule& rule, std::size_t i, const assay::Tensor& g) {
    const auto t = static_cast<double>(steps_);
    const assay::Tensor m = g * (1 - rule.beta1), v = assay::square(g) * (1 - rule.beta2);
    first_[i] = first_[i].defined() ? first_[i] * rule.beta1 + m : m;
    second_[i] = second_[i].defined() ? second_[i] * rule.beta2 + v : v;
    const assay::Tensor root = assay::sqrt(second_[i] / (1 - std::pow(rule.beta2, t))) + rule.eps;
    return first_[i] / (1 - std::pow(rule.beta1, t)) / root;
  }

  assay::Model member_, net_;
  std::vector<std::string> taps_, names_;
  std::vector<assay::Tensor> weights_, leaves_, first_, second_;
  std::map<std::string, assay::Tensor> running_;  // statistics that a pass has changed
  std::uint64_t draws_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace ensembles
