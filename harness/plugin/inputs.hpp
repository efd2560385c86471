// The input bundles of every role call, so that names are spelled in one place, and the bridge from an objective plugin
// to the host's trainer.
#pragma once

#include "harness/graph/train.hpp"
#include "harness/plugin/library.hpp"

namespace assay::plugin {

struct AttackInputs {
  engine::Tensor x, y;  // f32 [n, ...]; i64 [n]
  std::vector<std::int64_t> ids;
  std::vector<Model> victims, surrogates;
  std::string norm = "linf";
  double eps = 0;
  double lo = 0, hi = 1;  // valid range of every element
  bool targeted = false;
};
Bundle attack_inputs(const AttackInputs& in);
Bundle fit_inputs(const Model& model, const Records& train, std::int64_t classes);
Bundle score_inputs(const Model& model, const engine::Tensor& x, const std::vector<std::int64_t>& ids);
Bundle train_inputs(const Model& initial, const Records& train, std::int64_t epochs, std::int64_t batch);
Bundle combine_inputs(const std::vector<Model>& members, const Records& train, std::int64_t classes);
Bundle predict_inputs(const std::vector<Model>& members, const engine::Tensor& x, const std::vector<std::int64_t>& ids);
Bundle compress_inputs(const Model& model, const Records& train, const std::string& target, double value);
Bundle reduce_inputs(const Records& train, std::int64_t classes, std::int64_t size);
struct AnalyzeInputs {
  Model model;
  engine::Tensor x;             // f32 [n, ...]
  std::vector<std::int64_t> ids;
  engine::Tensor lo, hi;        // f32 like x: the box
  engine::Tensor below, above;  // i64 like x: steps of the grid on either side of x
  double step = 0;
};
Bundle analyze_inputs(const AnalyzeInputs& in);
Bundle build_inputs(const engine::Shape& input_shape, std::int64_t classes, double size = 1);

// TrainHooks::objective for a trainer plugin's `objective`: watches the logits, calls the method, takes the gradient of
// its loss (or the gradient that it gives). The instance must outlive the hook.
std::function<graph::ObjectiveResult(const graph::ObjectiveBatch&)> objective_hook(Instance& instance,
                                                                                   std::int64_t epochs);

// Checks of what a call left; throw Error(constraint) naming the method, what was expected and what came.
engine::Tensor adversarial_of(const Bundle& out, const engine::Shape& shape);  // "x": f32, that shape, finite or not
std::vector<double> scores_of(const Bundle& out, std::int64_t n);              // "score": f32 or f64 [n]
std::shared_ptr<const graph::Graph> model_of(const Bundle& out);               // "model"
struct Findings {
  std::vector<std::int64_t> verdict, scope;  // numbers of assay/plugin.h; scope 0 where nothing holds
  std::vector<double> explored;              // finite, >= 0
  engine::Tensor witness;                    // f32 like x, finite or not
};
Findings findings_of(const Bundle& out, const engine::Shape& shape);  // "findings"
Records records_of(const Bundle& out);                                         // "records"

}  // namespace assay::plugin
