// The trainer's state: what a checkpoint holds, and the net that it stands for.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/graph/trainer_impl.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::graph {
namespace {

std::vector<double> reals(const Json& list) {
  std::vector<double> values;
  for (const Json& item : list.as_array()) values.push_back(item.as_real());
  return values;
}

}  // namespace

template <class Self, class F>
void Trainer::Impl::each_array(Self& self, const F& f) {
  auto& parameters = self.optimizer.parameters();
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    auto& p = parameters[k];
    f("value:" + p.name, p.shape, p.value);
    f("first:" + p.name, p.shape, p.first);
    if (!p.second.empty()) f("second:" + p.name, p.shape, p.second);
    if (self.average.started()) f("average:" + p.name, p.shape, self.average.weights()[k]);
    if (!self.best_weights.empty()) f("best:" + p.name, p.shape, self.best_weights[k]);
  }
  const auto buffers = [&](const std::string& prefix, auto& table) {
    for (auto& [name, values] : table) f(prefix + name, self.graph.buffers.at(name).shape(), values);
  };
  buffers("buffer:", self.statistics.values());
  buffers("average-buffer:", self.average.buffers());
  buffers("best-buffer:", self.best_buffers);
  if (!self.noise.empty()) f("noise", Shape{static_cast<std::int64_t>(self.noise.size())}, self.noise);
}

Graph Trainer::Impl::current() const {
  Graph now = graph;
  for (const std::string& name : frozen) now.parameters.at(name).trainable = true;
  const bool averaged = average.started();
  for (std::size_t k = 0; k < optimizer.parameters().size(); ++k) {
    const OptimizedParameter& p = optimizer.parameters()[k];
    now.parameters.at(p.name).value = Tensor::f32(p.shape, averaged ? average.weights()[k] : p.value);
  }
  statistics.put_into(now);
  if (!averaged) return now;
  for (const auto& [name, values] : average.buffers())
    now.buffers.at(name) = Tensor::f32(now.buffers.at(name).shape(), values);
  if (recipe.swa_start > 0) reestimate_batch_norm(now, data, batch, seed);
  return now;
}

void Trainer::Impl::keep_best() {
  best_weights.clear();
  const bool averaged = average.started();
  for (std::size_t k = 0; k < optimizer.parameters().size(); ++k) {
    best_weights.push_back(averaged ? average.weights()[k] : optimizer.parameters()[k].value);
  }
  best_buffers = averaged ? average.buffers() : statistics.values();
}

Graph Trainer::Impl::result() const {
  Graph now = current();
  for (std::size_t k = 0; k < best_weights.size(); ++k) {
    const OptimizedParameter& p = optimizer.parameters()[k];
    now.parameters.at(p.name).value = Tensor::f32(p.shape, best_weights[k]);
  }
  for (const auto& [name, values] : best_buffers)
    now.buffers.at(name) = Tensor::f32(now.buffers.at(name).shape(), values);
  return now;
}

// What a checkpoint must agree on to be continued.
Json Trainer::Impl::identity() const {
  if (data_hash.empty()) data_hash = data_digest(data) + (recipe.watches_validation() ? data_digest(*validation) : "");
  return Json::object({{"format", "assay-checkpoint"},
                       {"version", 2},
                       {"recipe", recipe.to_json()},
                       {"seed", static_cast<std::int64_t>(seed)},
                       {"graph", structure_digest(graph)},
                       {"data", data_hash}});
}

void Trainer::Impl::save(const std::filesystem::path& file) const {
  if (torn) bad_input("training was stopped within a step: there is no state to continue from");
  Container c;
  c.metadata = identity();
  c.metadata["state"] =
      Json::object({{"epoch", epoch},
                    {"step", step},
                    {"total", total},
                    {"optimizer_steps", optimizer.steps()},
                    {"schedule", schedule.state()},
                    {"average", average.count()},
                    {"best", best},
                    {"best_epoch", best_epoch},
                    {"passes", Json(std::vector<double>{passes.forward, passes.input_backward, passes.full_backward})},
                    {"losses", Json(losses)},
                    {"watched", Json(watched)}});
  each_array(*this, [&](const std::string& name, const Shape& shape, const std::vector<float>& values) {
    c.arrays[name] = Array::f32(shape, values);
  });
  save_container(file, c);
}

void Trainer::Impl::restore(const std::filesystem::path& file) {
  const Container c = load_container(file);
  const Json expected = identity();
  for (const auto& [key, value] : expected.as_object()) {
    if (!c.metadata.has(key) || !(c.metadata.at(key) == value))
      bad_input(file.string() + ": checkpoint of another " + key);
  }
  const Json& state = c.metadata.at("state");
  epoch = state.at("epoch").as_int();
  step = state.at("step").as_int();
  total = state.at("total").as_real();
  optimizer.set_steps(state.at("optimizer_steps").as_int());
  schedule.set_state(state.at("schedule"));
  best = state.at("best").as_real();
  best_epoch = state.at("best_epoch").as_int();
  const std::vector<double> made = reals(state.at("passes"));
  passes = {made.at(0), made.at(1), made.at(2)};
  losses = reals(state.at("losses"));
  watched = reals(state.at("watched"));
  // Room of the right shapes; what is in it comes from the file.
  average = WeightAverage();
  const std::int64_t averaged = state.at("average").as_int();
  if (averaged > 0) average.restart(averaged, optimizer.parameters(), recipe.ema > 0 ? statistics.values() : Buffers{});
  best_weights.clear();
  best_buffers.clear();
  if (best_epoch > 0) keep_best();
  each_array(*this, [&](const std::string& name, const Shape&, std::vector<float>& values) {
    const auto stored = c.at(name).as_f32();
    if (stored.size() != values.size()) bad_input(file.string() + ": array '" + name + "' has another size");
    std::copy(stored.begin(), stored.end(), values.begin());
  });
  torn = false;
}

}  // namespace assay::graph
