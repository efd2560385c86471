#include "harness/graph/net_pass.hpp"

#include <algorithm>
#include <cmath>

namespace assay::graph {

using engine::Storage;

namespace {

// Buffers become frozen parameters, so that the plan reads them at every run instead of folding them in.
Graph with_live_buffers(Graph graph) {
  for (const auto& [name, buffer] : graph.buffers) graph.parameters[name] = {buffer, false};
  graph.buffers.clear();
  return graph;
}

CompileOptions plan_options(std::int64_t batch, const PassOptions& pass) {
  CompileOptions o;
  o.batch = batch;
  o.mode = pass.mode;
  o.live_parameters = true;
  o.precision = pass.precision;
  if (!pass.input_grad && !pass.param_grads) return o;
  o.cotangent_of = "logits";
  o.input_grad = pass.input_grad;
  o.param_grads = pass.param_grads;
  return o;
}

}  // namespace

BatchTensor::BatchTensor(Spec spec) : spec_(std::move(spec)) {}

void BatchTensor::fresh() {
  constexpr long ours = 2;  // memory_ and tensor_
  if (memory_ && memory_.use_count() == ours) return;
  memory_ = Storage::allocate(std::max<std::size_t>(spec_.bytes(), 1));
  tensor_ = Tensor(spec_, engine::Layout::dense(spec_), memory_);
}

NetPass::NetPass(const Graph& graph, std::int64_t batch, const PassOptions& options)
    : plan_(compile(options.mode == Mode::train ? graph : with_live_buffers(graph), plan_options(batch, options))),
      input_(graph.inputs.at(0).name), classes_(graph.classes()), cotangent_({engine::DType::f32, {batch, classes_}}) {}

void NetPass::bind(const std::string& name, const float* values) {
  if (plan_.reads(name)) plan_.bind(name, values);
}

std::span<const float> NetPass::forward(const Tensor& x, const RandomKeys& keys) {
  x_ = x;
  keys_ = keys;
  results_ = &plan_.run_phase(0, {{input_, x}}, keys);
  return output("logits").f32s();
}

void NetPass::backward(std::span<const float> cotangent) {
  const std::span<float> to = cotangent_.renew<float>();
  std::copy(cotangent.begin(), cotangent.end(), to.begin());
  results_ = &plan_.run_phase(1, {{input_, x_}, {"cotangent", cotangent_.tensor()}}, keys_);
}

const Tensor& NetPass::output(const std::string& name) const { return (*results_)[static_cast<std::size_t>(plan_.output_index(name))]; }

void softmax_rows(std::span<const float> logits, std::int64_t classes, std::span<float> out) {
  const auto k = static_cast<std::size_t>(classes);
  for (std::size_t row = 0; row < logits.size(); row += k) {
    const std::span<const float> z = logits.subspan(row, k);
    const double top = static_cast<double>(*std::max_element(z.begin(), z.end()));
    double sum = 0;
    for (const float v : z) sum += std::exp(static_cast<double>(v) - top);
    for (std::size_t j = 0; j < k; ++j) out[row + j] = static_cast<float>(std::exp(static_cast<double>(z[j]) - top) / sum);
  }
}

double soft_cross_entropy(std::span<const float> logits, std::span<const float> targets, std::int64_t classes,
                          std::span<float> cotangent) {
  const auto k = static_cast<std::size_t>(classes);
  const std::size_t samples = logits.size() / k;
  const double rows = static_cast<double>(samples);
  double loss = 0;
  for (std::size_t row = 0; row < logits.size(); row += k) {
    const std::span<const float> z = logits.subspan(row, k), t = targets.subspan(row, k);
    const double top = static_cast<double>(*std::max_element(z.begin(), z.end()));
    double sum = 0, mass = 0;
    for (const float v : z) sum += std::exp(static_cast<double>(v) - top);
    const double log_sum = std::log(sum) + top;
    for (std::size_t j = 0; j < k; ++j) {
      mass += static_cast<double>(t[j]);
      loss += static_cast<double>(t[j]) * (log_sum - static_cast<double>(z[j]));
    }
    for (std::size_t j = 0; j < k; ++j) {
      const double p = std::exp(static_cast<double>(z[j]) - log_sum);
      cotangent[row + j] = static_cast<float>((mass * p - static_cast<double>(t[j])) / rows);
    }
  }
  return loss / rows;
}

}  // namespace assay::graph
