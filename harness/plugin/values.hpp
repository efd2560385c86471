// Values: what a role call takes and gives, as plain C++ data. The host turns them into the ABI's reference-counted
// objects during a call and back afterwards, so tasks never see a handle.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "harness/data/records.hpp"
#include "harness/engine/tensor/tensor.hpp"
#include "harness/graph/executor.hpp"
#include "harness/plugin/search.hpp"

namespace assay::plugin {

// Capabilities on a model handle (the ABI's ASSAY_ACCESS_*). Named sets: white-box all of them, score-based
// decision + scores, decision-based decision, transfer none.
using Access = std::uint64_t;
inline constexpr Access kNoAccess = 0, kDecision = 1, kScores = 2, kInputGradient = 4, kWeights = 8, kTaps = 16,
                        kStochastic = 32, kWhiteBox = 63;
// From a set's name ("white-box", "score", "decision", "transfer") or a capability's ("scores", "input-gradient", ...).
// Throws Error(bad_input) with the nearest name.
Access access_from_name(const std::string& name);
std::vector<std::string> access_names(Access access);  // capabilities

// A model as a method may use it. Make one per worker and pass it in every call: compiled plans are kept in it.
struct Model {
  std::shared_ptr<const graph::Graph> graph;
  std::shared_ptr<graph::Executor> executor;
  std::shared_ptr<Search> search;  // null: every pass is the executor's; else evaluation without history is this one's
  Access access = kWhiteBox;
  std::string label;           // in messages and counters
  double macs_per_sample = 0;  // of one forward pass

  Model() = default;
  Model(std::shared_ptr<const graph::Graph> graph, Access access, std::string label, std::int64_t batch = 64);
  Model with_search(graph::Precision precision) const;  // f32: the model as it is
  Model with_access(Access other) const;  // same model and plans, other rights
};

using Records = std::shared_ptr<const data::RecordSet>;
using State = std::map<std::string, engine::Tensor>;  // what fit or train learned

class Value {
 public:
  using List = std::vector<Value>;
  using Data = std::variant<std::monostate, bool, std::int64_t, double, std::string, engine::Tensor, Model, Records,
                            State, List>;
  Value() = default;
  Value(bool v) : data(v) {}
  Value(int v) : data(static_cast<std::int64_t>(v)) {}
  Value(std::int64_t v) : data(v) {}
  Value(double v) : data(v) {}
  Value(const char* v) : data(std::string(v)) {}
  Value(std::string v) : data(std::move(v)) {}
  Value(engine::Tensor v) : data(std::move(v)) {}
  Value(Model v) : data(std::move(v)) {}
  Value(Records v) : data(std::move(v)) {}
  Value(State v) : data(std::move(v)) {}
  Value(List v) : data(std::move(v)) {}
  Value(const std::vector<Model>& models) : data(List(models.begin(), models.end())) {}
  Value(const std::vector<std::int64_t>& items) : data(List(items.begin(), items.end())) {}
  const char* type_name() const;

  Data data;
};

// Named values. Reads throw Error(constraint) "the method left no 'score'" or "'score' is a real, not a tensor".
class Bundle {
 public:
  Bundle() = default;
  Bundle(std::initializer_list<std::pair<const std::string, Value>> items) : values(items) {}
  Bundle& set(const std::string& name, Value value);
  bool has(const std::string& name) const { return values.count(name) > 0; }
  const Value& at(const std::string& name) const;
  const engine::Tensor& tensor(const std::string& name) const;
  const Model& model(const std::string& name) const;
  Records records(const std::string& name) const;
  double real(const std::string& name) const;  // accepts an integer
  std::int64_t integer(const std::string& name) const;
  const std::string& text(const std::string& name) const;

  std::map<std::string, Value> values;
};

}  // namespace assay::plugin
