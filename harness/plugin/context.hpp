// What the host grants an instance (HostContext) and what it counts (Counters).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "harness/base/json.hpp"
#include "harness/plugin/values.hpp"

namespace assay::plugin {

inline constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// Enforced in the services: a call that would exceed a budget fails with ASSAY_BUDGET and changes nothing.
// Per-sample budgets hold for each row of "x" of the current role call by itself, all models together, so that no sample
// lives on what its neighbours left. A pass is charged to the samples that its `ids` name; without ids, or with ids of
// other samples, every row of "x" is charged alike: one each for n rows of n, k each for up to k n. Calls without "x"
// (fit, combine, ...) are not limited by them.
struct Budget {
  double forward_per_sample = kUnlimited, backward_per_sample = kUnlimited;
  double macs = kUnlimited;     // over the instance's life, models and own ops
  double seconds = kUnlimited;  // wall clock since create
  double memory_mb = kUnlimited;  // MiB of the tensors to which the plugin holds handles, but for its inputs
};

// A budget that ran out in the current role call: what had been spent of it all when it first did.
struct Exhausted {
  std::string budget;           // "forward_per_sample", ...
  double limit = 0;
  double forward = 0, backward = 0;  // passes since the call began: of the sample with the most
  double macs = 0, seconds = 0, memory_mb = 0;  // since create; memory: held at that moment
};

struct PassCount {
  double forward = 0, backward = 0;  // samples
};
struct Counters {
  double forward = 0, backward = 0;         // samples through model handles, all models
  double model_macs = 0;                    // of those passes; a backward pass for the input counts as one forward pass
  double method_macs = 0;                   // of the method's own ops
  std::uint64_t ops = 0;                    // own ops applied
  double asked_again = 0;                   // rows of a search in a lower precision (search.hpp); no passes of the method's
  std::map<std::string, PassCount> models;  // by label
  Json to_json()
      const;  // {forward, backward, macs, model_macs, method_macs, ops, models: {label: {forward, backward}}}
};

// For the validator: makes the host misbehave on purpose.
struct Faults {
  std::int64_t fail_call = -1;            // the n-th service call that can fail does (from 0), with ASSAY_INTERNAL
  std::set<std::string> hidden_services;  // service(id) gives NULL
};

struct HostContext {
  std::uint64_t seed = 0;  // every random number of the instance is keyed by it
  Budget budget;
  double seconds_before = 0;  // of the budget of time, spent by earlier processes of a resumed cell
  std::int64_t batch = 64;  // compute batch of models that the method builds
  Faults faults;
  std::map<std::string, engine::Tensor> tensors;  // values of tensor parameters, by key
  // Callbacks may be empty. They are called on the worker thread, cancelled() and log() on any.
  std::function<bool()> cancelled;
  std::function<void(double fraction, std::string_view what)> progress;
  std::function<void(int level, std::string_view message)> log;  // 0 debug 1 info 2 warning 3 error
  std::function<void(std::string_view name)> phase;
  std::function<void(std::string_view name, std::int64_t step, double value)> trace;
  std::function<void(const Model& model)> checkpoint;
  // After each pass of a victim or surrogate that was differentiated: whose rows (one id a row, or none) and their
  // logits, f32 [n, K].
  std::function<void(const Model& model, std::span<const std::uint64_t> ids, const engine::Tensor& logits)>
      differentiated;
};

}  // namespace assay::plugin
