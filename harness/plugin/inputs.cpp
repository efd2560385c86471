#include "harness/plugin/inputs.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "assay/plugin.h"

#include "harness/base/error.hpp"
#include "harness/engine/tape/eager.hpp"

namespace assay::plugin {
namespace {

engine::Tensor id_tensor(const std::vector<std::int64_t>& ids) {
  return engine::Tensor::i64({static_cast<std::int64_t>(ids.size())}, ids);
}
Bundle with_records(Bundle bundle, const Records& train) {
  if (train) bundle.set("train", train);
  return bundle;
}

}  // namespace

Bundle attack_inputs(const AttackInputs& in) {
  return {{"x", in.x},
          {"y", in.y},
          {"ids", id_tensor(in.ids)},
          {"victims", in.victims},
          {"surrogates", in.surrogates},
          {"norm", in.norm},
          {"eps", in.eps},
          {"lo", engine::Tensor::scalar(static_cast<float>(in.lo))},
          {"hi", engine::Tensor::scalar(static_cast<float>(in.hi))},
          {"targeted", in.targeted}};
}
Bundle fit_inputs(const Model& model, const Records& train, std::int64_t classes) {
  return with_records({{"model", model}, {"classes", classes}}, train);
}
Bundle score_inputs(const Model& model, const engine::Tensor& x, const std::vector<std::int64_t>& ids) {
  return {{"model", model}, {"x", x}, {"ids", id_tensor(ids)}};
}
Bundle train_inputs(const Model& initial, const Records& train, std::int64_t epochs, std::int64_t batch) {
  return with_records({{"model", initial}, {"epochs", epochs}, {"batch", batch}}, train);
}
Bundle combine_inputs(const std::vector<Model>& members, const Records& train, std::int64_t classes) {
  return with_records({{"members", members}, {"classes", classes}}, train);
}
Bundle predict_inputs(const std::vector<Model>& members, const engine::Tensor& x,
                      const std::vector<std::int64_t>& ids) {
  return {{"members", members}, {"x", x}, {"ids", id_tensor(ids)}};
}
Bundle compress_inputs(const Model& model, const Records& train, const std::string& target, double value) {
  return with_records({{"model", model}, {"target", target}, {"value", value}}, train);
}
Bundle reduce_inputs(const Records& train, std::int64_t classes, std::int64_t size) {
  return with_records({{"classes", classes}, {"size", size}}, train);
}
Bundle analyze_inputs(const AnalyzeInputs& in) {
  return {{"question", std::string("region")},
          {"model", in.model},
          {"x", in.x},
          {"ids", id_tensor(in.ids)},
          {"lo", in.lo},
          {"hi", in.hi},
          {"below", in.below},
          {"above", in.above},
          {"step", in.step}};
}
Bundle build_inputs(const engine::Shape& input_shape, std::int64_t classes, double size) {
  return {{"input_shape", Value(input_shape)}, {"classes", classes}, {"size", size}};
}

std::function<graph::ObjectiveResult(const graph::ObjectiveBatch&)> objective_hook(Instance& instance,
                                                                                   std::int64_t epochs) {
  return [&instance, epochs](const graph::ObjectiveBatch& batch) {
    const engine::Tensor logits = engine::watch(engine::detach(batch.logits));
    const std::vector<std::int64_t> ids(batch.ids.begin(), batch.ids.end());
    const Bundle out = instance.objective({{"logits", logits},
                                           {"x", batch.inputs},
                                           {"y", batch.labels},
                                           {"ids", id_tensor(ids)},
                                           {"epoch", batch.epoch},
                                           {"epochs", epochs},
                                           {"step", batch.step}});
    const std::string who = "method '" + instance.descriptor().id + "': objective()";
    graph::ObjectiveResult result;
    if (out.has("loss")) {
      const engine::Tensor& loss = out.tensor("loss");
      if (loss.count() != 1)
        throw Error(Fault::constraint, who + " left a loss of shape " + engine::shape_str(loss.shape()));
      result.loss = static_cast<double>(loss.to_f32().front());
      result.dlogits = engine::grad(std::span(&loss, 1), std::span(&logits, 1), {}, false).front();
      return result;
    }
    const engine::Tensor& gradient = out.tensor("grad");
    if (gradient.shape() != logits.shape()) {
      throw Error(Fault::constraint, who + " left a gradient of shape " + engine::shape_str(gradient.shape()) +
                                         ", not " + engine::shape_str(logits.shape()));
    }
    result.dlogits = engine::detach(gradient);
    return result;
  };
}

engine::Tensor adversarial_of(const Bundle& out, const engine::Shape& shape) {
  const engine::Tensor& x = out.tensor("x");
  if (x.dtype() == engine::DType::f32 && x.shape() == shape) return engine::detach(x).dense();
  throw Error(Fault::constraint, "'x' is " + x.spec().str() + ", not f32 " + engine::shape_str(shape));
}

std::vector<double> scores_of(const Bundle& out, std::int64_t n) {
  const engine::Tensor& score = out.tensor("score");
  const bool real = score.dtype() == engine::DType::f32 || score.dtype() == engine::DType::f64;
  if (!real || score.shape() != engine::Shape{n}) {
    throw Error(Fault::constraint, "'score' is " + score.spec().str() + ", not f32 or f64 [" + std::to_string(n) + "]");
  }
  if (score.dtype() == engine::DType::f32) {
    const std::vector<float> values = score.to_f32();
    return {values.begin(), values.end()};
  }
  const engine::Tensor dense = score.dense();
  std::vector<double> values(static_cast<std::size_t>(n));
  std::memcpy(values.data(), dense.raw(), dense.spec().bytes());
  return values;
}

namespace {

const engine::Tensor& finding(const State& state, const char* name) {
  const auto found = state.find(name);
  if (found == state.end()) throw Error(Fault::constraint, fmt::format("'findings' holds no '{}'", name));
  return found->second;
}

std::vector<std::int64_t> codes_of(const State& out, const char* name, std::int64_t n, std::int64_t least, std::int64_t most) {
  const engine::Tensor& codes = finding(out, name);
  if (codes.dtype() != engine::DType::i64 || codes.shape() != engine::Shape{n})
    throw Error(Fault::constraint, fmt::format("'{}' is {}, not i64 [{}]", name, codes.spec().str(), n));
  std::vector<std::int64_t> values = codes.to_i64();
  for (const std::int64_t value : values)
    if (value < least || value > most)
      throw Error(Fault::constraint, fmt::format("'{}' holds {}, expected {} to {}", name, value, least, most));
  return values;
}

std::vector<double> reals_of(const State& out, const char* name, std::int64_t n) {
  const engine::Tensor& found = finding(out, name);
  if (found.dtype() != engine::DType::f64 || found.shape() != engine::Shape{n})
    throw Error(Fault::constraint, fmt::format("'{}' is {}, not f64 [{}]", name, found.spec().str(), n));
  const engine::Tensor dense = found.dense();
  std::vector<double> values(static_cast<std::size_t>(n));
  std::memcpy(values.data(), dense.raw(), dense.spec().bytes());
  return values;
}

}  // namespace

Findings findings_of(const Bundle& left, const engine::Shape& shape) {
  const State* state = std::get_if<State>(&left.at("findings").data);
  if (state == nullptr) throw Error(Fault::constraint, "'findings' is no state");
  const State& out = *state;
  const std::int64_t n = shape.front();
  Findings found{codes_of(out, "verdict", n, ASSAY_UNKNOWN, ASSAY_HOLDS), codes_of(out, "scope", n, ASSAY_SCOPE_PART, ASSAY_SCOPE_BOX),
                 reals_of(out, "explored", n), {}};
  for (const double value : found.explored)
    if (!std::isfinite(value) || value < 0) throw Error(Fault::constraint, fmt::format("'explored' holds {}, expected numbers >= 0", value));
  for (std::size_t i = 0; i < found.scope.size(); ++i)
    if (found.verdict[i] != ASSAY_HOLDS) found.scope[i] = ASSAY_SCOPE_PART;
  const engine::Tensor& witness = finding(out, "witness");
  if (witness.dtype() != engine::DType::f32 || witness.shape() != shape)
    throw Error(Fault::constraint, "'witness' is " + witness.spec().str() + ", not f32 " + engine::shape_str(shape));
  found.witness = engine::detach(witness).dense();
  return found;
}

std::shared_ptr<const graph::Graph> model_of(const Bundle& out) { return out.model("model").graph; }
Records records_of(const Bundle& out) { return out.records("records"); }

}  // namespace assay::plugin
