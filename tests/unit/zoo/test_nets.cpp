// What every architecture must do: run any batch row by row, train, and follow the removal of channels or say why not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/graph/edit.hpp"
#include "tests/unit/zoo/nets.hpp"

namespace assay::zoo {

using engine::Tensor;
using graph::Graph;

namespace {

std::vector<std::string> outputs_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& [name, value] : graph.outputs) names.push_back(name);
  return names;
}

std::map<std::string, Tensor> forward(const Graph& graph, const Feeds& feeds, std::int64_t rows) {
  graph::CompileOptions options;
  options.batch = rows;
  options.outputs = outputs_of(graph);
  graph::CompiledPlan plan = graph::compile(graph, options);
  const std::vector<Tensor>& made = plan.run(feeds);
  std::map<std::string, Tensor> results;
  for (const std::string& name : options.outputs) results[name] = made[static_cast<std::size_t>(plan.output_index(name))];
  return results;
}

std::vector<float> row_of(const Tensor& value, std::int64_t row) {
  const std::vector<float> all = value.to_f32();
  const auto columns = static_cast<std::ptrdiff_t>(all.size()) / value.dim(0);
  return {all.begin() + row * columns, all.begin() + (row + 1) * columns};
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

double largest_gap(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b) {
  double worst = 0;
  for (const auto& [name, value] : a) {
    const std::vector<float> x = value.to_f32(), y = b.at(name).to_f32();
    REQUIRE(x.size() == y.size());
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, static_cast<double>(std::abs(x[i] - y[i])));
  }
  return worst;
}

// Every other channel goes: the smaller net computes what the masked one does.
void check_removal(const Graph& graph, const graph::ChannelGroup& group, const Feeds& feeds) {
  CAPTURE(group.producers.at(0));
  std::vector<std::int64_t> kept;
  for (std::int64_t c = 0; c < group.channels; c += 2) kept.push_back(c);
  const Graph smaller = graph::remove_output_channels(graph, group.producers, kept);
  CHECK(graph::param_count(smaller) < graph::param_count(graph));
  const Graph masked = graph::mask_output_channels(graph, group.producers, kept);
  CHECK(largest_gap(forward(smaller, feeds, 2), forward(masked, feeds, 2)) < 1e-5);
}

}  // namespace

TEST_CASE("the table of small nets has every architecture") {
  std::set<std::string> tested;
  for (const TinyNet& net : tiny_nets()) tested.insert(net.arch);
  for (const Architecture& arch : architectures()) CHECK_MESSAGE(tested.count(arch.name) == 1, arch.name);
}

TEST_CASE("a row's outputs do not depend on its batch, bit for bit") {
  for (const TinyNet& net : tiny_nets()) {
    CAPTURE(net.arch);
    const Graph graph = build_tiny(net);
    const Feeds feeds = random_feeds(graph, 3, 5);
    const auto together = forward(graph, feeds, 3);
    for (std::int64_t row = 0; row < 3; ++row) {
      const auto alone = forward(graph, repeated_row(feeds, row, 3), 3);
      for (const auto& [output, value] : together) {
        const std::string& name = output;  // what is captured may not be a binding
        CAPTURE(name);
        const std::vector<float> numbers = row_of(value, row);
        CHECK(numbers == row_of(alone.at(name), 0));
        CHECK(all_finite(numbers));
      }
    }
  }
}

TEST_CASE("every parameter gets a gradient, and twenty steps lower the loss") {
  for (const TinyNet& net : tiny_nets()) {
    CAPTURE(net.arch);
    const Graph graph = build_tiny(net);
    std::set<std::string> reached;
    for (const std::string& output : outputs_of(graph)) {
      CAPTURE(output);
      TinyTrainer trainer(graph, output, net.batch);
      const double before = trainer.step();
      double after = before;
      for (const auto& [parameter, g] : trainer.gradients()) {
        const std::string& name = parameter;
        CAPTURE(name);
        CHECK(all_finite(g));
        if (std::any_of(g.begin(), g.end(), [](float v) { return v != 0.0F; })) reached.insert(name);
      }
      for (int i = 0; i < 20; ++i) after = trainer.step();
      CHECK_MESSAGE(after < before, "loss ", before, " -> ", after);
    }
    for (const auto& entry : graph.parameters)
      CHECK_MESSAGE((!entry.second.trainable || reached.count(entry.first) == 1), "no gradient for ", entry.first);
  }
}

TEST_CASE("channels are removed with everything that follows, or the groups say why not") {
  for (const TinyNet& net : tiny_nets()) {
    CAPTURE(net.arch);
    const Graph graph = build_tiny(net);
    const Feeds feeds = random_feeds(graph, 2, 5);
    std::vector<graph::ChannelGroup> removable;
    for (const graph::ChannelGroup& group : graph::channel_groups(graph)) {
      if (!group.removable) CHECK_FALSE(group.reason.empty());
      if (group.removable && group.channels > 1) removable.push_back(group);
    }
    CHECK(removable.empty() != net.removable);
    if (removable.empty()) continue;
    for (const std::size_t which : std::set<std::size_t>{0, removable.size() / 2, removable.size() - 1}) {
      check_removal(graph, removable[which], feeds);
    }
  }
}

}  // namespace assay::zoo
