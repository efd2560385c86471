// The planner's working state. Private to harness/plan. Nodes are added after everything they need, so the plan is in
// topological order by construction; a node whose key is there already is shared.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/claim/claim.hpp"
#include "harness/plan/plan.hpp"

namespace assay::plan {

[[noreturn]] void fail(const Place& place, const std::string& message, Fault fault = Fault::bad_input);

// Raised when the meaning of an identity changes without a change of its content.
constexpr int identity_format = 1;
// Raised when a task's protocol (what the judge and the worker do) changes; part of the protocol hash (rule 13).
constexpr int task_version = 1;

constexpr const char* records_file = "records.safetensors";
constexpr const char* model_file = "model.safetensors";
constexpr const char* reduced_file = "reduced.safetensors";

// Process start, library loading and file checks of a stage; for cost estimates only.
constexpr double stage_seconds = 0.15;
constexpr double timing_seconds = 0.4;  // of a timed stage: rounds and warm-up

struct Params {
  Json all;       // every parameter, for the job
  Json identity;  // those that can change outputs
};
// Validates `given` key by key so that an error names the key's own place. `what` is "method", "architecture", "recipe".
Params expand(const Descriptor& schema, const ParamTable& given, const char* what);

// A net in the hands of a cell: the name under which the job knows it and the node that makes it.
struct Net {
  std::string name, node;
};

// One point of a method's grid.
struct MethodPoint {
  ParamTable params;
  Json axes;  // grid keys and values
};
std::vector<MethodPoint> grid_points(const MethodSpec& method);

class Planner {
 public:
  Planner(const SuiteSpec& suite, const PlanContext& context);
  Plan run();

 private:
  // data.cpp
  const CatalogEntry& entry_of(const DataSpec& data) const;
  std::string records(const DataSpec& data);   // key of the prepare node
  std::string stream();                        // key of the keyed shuffle of test and ood lists
  std::int64_t count(const DataSpec& data) const;  // an estimate where classes are chosen and there is no limit
  std::vector<std::int64_t> chosen_classes(const DataSpec& data) const;  // catalogue indices, ascending; empty: all
  std::int64_t class_count(const DataSpec& data) const;
  std::vector<std::int64_t> shape_of(const DataSpec& data) const;  // of one input, resized
  Json source_identity(const CatalogEntry& entry, const CatalogSplit& split, const DataSpec& data, std::vector<InputRef>& inputs) const;
  void check_shapes() const;
  const DataSpec& fit_list() const;            // what methods fit, calibrate and fine-tune on

  // subjects.cpp
  std::vector<Net> nets(const ModelSpec& model, std::int64_t seed, std::int64_t members);
  std::string train_node(const ModelSpec& model, std::int64_t subject_seed);
  std::string import_node(const ModelSpec& model, std::int64_t subject_seed);
  Json build_of(const ModelSpec& model) const;          // {arch, params}
  Json recipe_of(const RecipeSpec& spec, const char* what) const;
  Json model_recipe(const ModelSpec& model) const;
  // Adds data.val to a stage whose recipe stops early or waits for a plateau, and to its identity.
  void watch(const Json& recipe, const Place& place, Stage& stage, Json& identity);
  const ModelSpec& root_of(const ModelSpec& model) const;  // follows `from`, the first of several
  double train_rate(const ModelSpec& model) const;       // seconds per 1000 inputs, forward and backward
  Json subject_protocol(const ModelSpec& model) const;
  std::int64_t classes() const;

  // derived.cpp
  std::string subject_node(const ModelSpec& model, std::int64_t subject_seed);
  std::string derive_node(const ModelSpec& model, std::int64_t subject_seed);
  std::string compressed_node(const ModelSpec& model, const Descriptor& plugin, std::int64_t subject_seed);
  std::string combined_node(const ModelSpec& model, const Descriptor& plugin, std::int64_t subject_seed);
  void add_training_set(const Descriptor& plugin, Stage& run, Json& identity);
  double combine_seconds(const Params& params, const Descriptor& plugin, const ModelSpec& members, std::int64_t count_of) const;
  std::vector<Net> member_nets(const FromSpec& from, std::int64_t subject_seed);
  double derived_rate(const FromSpec& from) const;
  Json from_protocol(const FromSpec& from) const;

  // methods.cpp
  struct CellPoint;
  const Descriptor& plugin_of(const Located<std::string>& id, const char* key, const std::vector<std::string>& roles) const;
  std::string role_of(const Descriptor& plugin, const std::vector<std::string>& roles) const;
  std::string certificate(const Descriptor& plugin, const std::string& role);
  void plan_method(const MethodSpec& method);
  void plan_cell(const CellPoint& point);
  void make_cell(const CellPoint& point);      // by task
  void check_methods() const;
  void check_targets(const MethodSpec& method, const Json& params) const;

  // tuning.cpp
  struct Tuned;
  void check_tuning() const;
  void tune_cell(const CellPoint& point);
  std::vector<ParamTable> trial_params(const CellPoint& point) const;
  void finish_trial(Node node, const CellPoint& point, Json identity);
  void add_choice(Node& node, const Tuned& tuned, Json& identity) const;

  // cells.cpp: what tasks share, attack and detect; model_cells.cpp: predict and compress; reduce_cells.cpp; falsify_cells.cpp
  Node start_cell(const CellPoint& point) const;
  void finish_cell(Node node, const CellPoint& point, Json identity, Json judge_spec);
  struct AttackParts;
  bool is_victim(const ModelSpec& model) const;
  std::vector<std::string> sources() const;
  void ask_more(const CellPoint& point, Stage& judge) const;
  AttackParts attack_parts(const CellPoint& point);
  void attack_cell(const CellPoint& point);
  void plan_chain(const MethodSpec& method);  // chain.cpp
  struct LinkPlace;
  void chain_cell(const CellPoint& point, const std::vector<CellPoint>& links);
  std::string chain_start(const CellPoint& point);
  std::string chain_link(const CellPoint& point, const LinkPlace& place, const std::string& before);
  void place_link(AttackParts& parts, const CellPoint& point, const LinkPlace& place, const std::string& before) const;
  void detect_cell(const CellPoint& point);
  void predict_cell(const CellPoint& point);
  void compress_cells(const CellPoint& point);
  void compress_at(const CellPoint& point);
  void reduce_cells(const CellPoint& point);
  void check_reduce(const CellPoint& point) const;
  void reduce_at(const CellPoint& point);
  void falsify_cell(const CellPoint& point);
  std::string enumeration(const CellPoint& point);
  Json region() const;
  Json region_protocol() const;
  Stage judge_stage(const CellPoint& point, const Json& run_spec) const;
  static Json budget(const BudgetSpec& spec);
  Json budget_protocol() const;
  bool searches_low() const;
  struct BudgetPoint;
  std::vector<BudgetPoint> budget_points() const;
  void add_budget(const CellPoint& point, Stage& run, Json& identity) const;
  Json threat() const;
  Json again() const;   // of an attack's judge
  double eval_seconds(const ModelSpec& model, std::int64_t inputs) const;
  double attack_passes(const CellPoint& point) const;
  double attack_seconds(const CellPoint& point) const;
  double longer_seconds(const CellPoint& point) const;
  double finetune_seconds(const ModelSpec& model) const;
  double recipe_seconds(const Json& recipe, const ModelSpec& model, const DataSpec& list) const;

  // planner.cpp
  Node start_node(NodeKind kind, std::string label) const;
  const Node& add(Node node, Json identity);  // hashes the identity; shares an equal node
  void attach(Node& node, const Descriptor& plugin) const;
  Json plugin_identity(const Descriptor& plugin) const;
  Seeds seeds(std::int64_t subject, std::int64_t method) const;
  void protocol();
  void ranking();
  claim::Names claim_names() const;
  void claims();
  Numerics effective_numerics() const;

  const SuiteSpec& suite_;
  const PlanContext& context_;
  Numerics numerics_;
  bool val_is_read_ = false;
  std::string trial_;                                        // key of the trial planned last
  Plan plan_;
  std::unordered_map<std::string, std::size_t> index_;       // key -> position in plan_.nodes
  std::unordered_map<std::string, std::string> cell_owner_;  // key -> the method that made the cell
};

// A budget, and its level on the axis where the suite has a curve over it; "" where it has none.
struct Planner::BudgetPoint {
  BudgetSpec spec;
  std::string level;
};

// One cell to be: what its task needs to know.
struct Planner::CellPoint {
  const MethodSpec* method = nullptr;
  const MethodPoint* grid = nullptr;
  const Descriptor* plugin = nullptr;
  std::string role, certificate;
  Params params;
  const ModelSpec* model = nullptr;
  std::int64_t seed = 0;
  Rational ratio;  // compress, reduce
  BudgetPoint budget;
  std::string source;              // of a transfer matrix: the one surrogate; "": all of the suite's
  const DataSpec* test = nullptr;  // what the outcome is judged on: data.test, for a trial data.val
  std::int64_t trial = -1;         // which one; -1: no trial
  const Tuned* tuned = nullptr;    // the trials of which the cell takes the best
};

struct Planner::Tuned {
  std::vector<std::string> trials;  // their keys
};

// An attack's run and judge with their inputs, what decides their outputs, and whether source and victim are one model.
struct Planner::AttackParts {
  Stage run, judge;
  Json identity;
  bool diagonal = false;
};

inline InputRef from_node(std::string name, std::string node, const char* file) {
  InputRef ref;
  ref.name = std::move(name);
  ref.node = std::move(node);
  ref.file = file;
  return ref;
}
inline InputRef from_stage(std::string name, const char* stage, const char* file) {
  InputRef ref;
  ref.name = std::move(name);
  ref.stage = stage;
  ref.file = file;
  return ref;
}

}  // namespace assay::plan
