// The state of a CompiledPlan. Private to this folder.
#pragma once

#include "harness/graph/compiled.hpp"
#include "harness/graph/plan_steps.hpp"

namespace assay::graph {

struct CompiledPlan::Impl {
  Impl(StepList steps, std::vector<RandomNode> random_nodes, std::int64_t batch_size);
  void run_phase(int phase, const std::map<std::string, Tensor>& inputs, const RandomKeys& keys);

  StepList list;
  std::vector<RandomNode> random;
  std::int64_t batch;
  int phases = 1;
  std::vector<std::string> names;
  std::vector<Tensor> results;                              // in the order of names
  std::vector<std::shared_ptr<engine::Storage>> memories;   // of results
  std::vector<int> output_phases;                           // in which each result is written
  std::vector<Timing> timings;
  bool profiling = false;
  double profile_start = 0;
  std::vector<void*> pointers;                              // of each buffer, now
  std::shared_ptr<const Graph> graph;                       // keeps the values of unbound live parameters

 private:
  void take_inputs(const std::map<std::string, Tensor>& inputs, int phase);
  void renew_outputs(int phase);
  void run_step(std::size_t index, const RandomKeys& keys);

  std::shared_ptr<engine::Storage> arena, scratch;
  std::vector<std::vector<const void*>> in_pointers;
  std::vector<std::vector<void*>> out_pointers;
  std::vector<Tensor> held;                                 // this run's inputs
};

}  // namespace assay::graph
