// The method of a run stage: its plugin instance, wired to the stage's journal. One thread.
#pragma once

#include <memory>
#include <string>

#include "harness/plugin/inputs.hpp"
#include "harness/plugin/library.hpp"
#include "harness/tasks/stage.hpp"

namespace assay::tasks {

// Opens the job's plugin, checks its digest against the plan's, and creates the method with its parameters, the cell's
// method seed and the suite's budget. `host` may bring callbacks of the task's own.
plugin::Instance make_method(StageContext& context, plugin::HostContext host = {});

// A model input as the method may use it; its label in messages and counters is the part after "model:".
plugin::Model method_model(const StageContext& context, const std::string& input, plugin::Access access);

plugin::Records load_shared(const std::filesystem::path& file);

// Passes and multiply-adds as one number each, so that what several processes of a resumed cell spent adds up.
struct Spent {
  double forward = 0, backward = 0, macs = 0;
  Spent& operator+=(const Spent& other);
  Spent operator-(const Spent& other) const;
  Json to_json() const;
  static Spent from_json(const Json& json);
};
Spent spent(const plugin::Instance& method);
// Of the batches in a run's shard.
Spent spent_in(const std::filesystem::path& shard);

// Saves the graph that the method returned as out/model.safetensors.
void put_model(StageContext& context, const graph::Graph& graph);

}  // namespace assay::tasks
