// SUITE: a TOML file as plain structs. Everything that a person wrote keeps its place, so that the planner, which
// knows plugins and data sets, can blame the right line. Threading: values; the functions are pure but for load_suite.
//
// Messages read "file:line:column: <key or reference>: <what was expected, what was found>; did you mean 'x'?".
// Only the first error is reported. Unknown keys and blocks are errors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"
#include "harness/base/toml.hpp"
#include "harness/record/plan.hpp"

namespace assay {

template <class T>
struct Located {
  T value{};
  Place place;  // line 0: not written, the value is the default
  bool given() const { return place.line > 0; }
};

// One key of a free-form table ({ steps = 20, radius = "8/255" }); types are checked by the planner.
struct ParamValue {
  std::string key;
  Json value;  // scalar or list; rationals stay text
  Place place, key_place;
};
struct ParamTable {
  Place place;
  std::vector<ParamValue> entries;  // in file order
  const ParamValue* find(std::string_view key) const;
  Json to_json() const;
};

// A list of records: which split of which catalogue set, and which part of it.
struct DataSpec {
  std::string label;          // train, test, fit, val, or an out-of-distribution list's label
  Located<std::string> set, split;
  std::int64_t first = 0;     // records skipped at the front
  std::int64_t limit = 0;     // records taken; 0: all that follow
  bool balanced = false;      // equal numbers per class
  std::vector<Located<std::string>> classes;  // only records of these, chosen before first and limit count; empty: all
  std::int64_t resize = 0;    // height and width of the images; 0: as they are
  Place resize_place;
  std::string group;          // near | far, out-of-distribution lists only (rule 28)
  Place place;
};

struct DataBlock {
  std::optional<DataSpec> train, test, fit, val;  // fit: what a detector fits on and a compressor calibrates and
                                               // fine-tunes on; a part of train, default all of it
  std::vector<DataSpec> ood;
  Place place;
};

// How nets are trained: a named base recipe with some fields replaced, inside the host's loop or by a trainer plugin.
struct RecipeSpec {
  Located<std::string> base;               // default "standard"
  ParamTable fields;                       // epochs, rate, ... as the recipe's schema names them
  std::optional<Located<std::string>> trainer;
  ParamTable trainer_params;
  Place place;
};

// A subject that a method made of other subjects: compressed, trained by a plugin, or an ensemble of nets.
struct FromSpec {
  Located<std::string> method;  // plugin id: compressor, trainer or ensemble
  std::vector<Located<std::string>> models;  // ids of the model blocks it starts from: one, or several of an ensemble
  std::int64_t members = 0;     // ensemble of one block: so many nets of it, with seeds of their own; 0: as the block says
  ParamTable params;
  Place place, members_place;
};

struct ModelSpec {
  Located<std::string> id;
  std::optional<Located<std::string>> build;  // architecture of the zoo, or an architecture plugin
  ParamTable params;
  std::optional<Located<std::string>> onnx;   // a file, relative to the suite's folder; with `train`: where training starts
  std::string onnx_path, onnx_sha256;         // where it is and the digest of its bytes; "" until load_suite
  std::optional<RecipeSpec> train;
  std::optional<FromSpec> from;
  std::int64_t members = 1;  // nets with subject seeds of their own, for ensembles
  Place members_place, place;
};

struct ThreatSpec {
  std::string norm;              // linf | l2 | l1 | l0 (eps: elements that may change)
  std::vector<Rational> eps;     // increasing, distinct, >= 0
  Rational rank_eps;             // the condition at which the board ranks; one of eps
  std::vector<Located<std::string>> victims, surrogates;  // model ids; victims default: all that are no surrogate, of a matrix all
  std::string access = "white-box";  // white-box | score | decision | transfer
  bool matrix = false;      // every surrogate by itself against every victim: an axis "surrogate"
  bool targeted = false;
  std::int64_t longer = 0;  // samples of a cell that its judge attacks again, ten times as long (rule 21)
  Place targeted_place, matrix_place, place;
};

// Around every test input, for the task falsify: a box clipped to the valid range, and a grid in it.
struct RegionSpec {
  Rational eps;                  // half-width of the box before it is clipped
  Rational step;                 // between neighbours of the grid, which has x in it
  std::int64_t elements = 0;     // only so many move, those farthest from the mean of their sample; 0: all
  std::int64_t enumerate = 0;    // the host itself looks at every point of grids of at most so many; 0: of none
  std::int64_t finer = 0;        // and at grids with steps so many times smaller; 0: does not
  Place place;
};

struct LinkSpec {                // of a chain of attacks
  Located<std::string> use;
  ParamTable params;
};

// Sequential stopping of a chain: it goes through the test list in `looks` parts and stops when the 95 % interval of its robust
// accuracy is no wider than twice half_width.
struct StopSpec {
  Rational half_width;
  std::int64_t looks = 4;
};

// A search for a method's parameters on data.val: so many trials, all of them kept, the best one judged on data.test
// (rules 10 and 11).
struct TuneSpec {
  std::string search;            // grid | random
  std::int64_t trials = 0;       // grid: its points
  ParamTable space;              // a list of values; random also { min, max [, log] }
  Place place;
};

struct MethodSpec {
  Located<std::string> use;      // plugin id; of a chain its last link's
  std::vector<LinkSpec> chain;   // attacks, each on what those before it left; empty: the one of `use`
  Located<std::string> variant;  // the key `name`; "" when the plugin appears once
  ParamTable params;
  ParamTable grid;               // every value a list: an axis
  std::optional<TuneSpec> tune;
  std::optional<StopSpec> stop;  // chains only
  std::vector<Rational> targets; // compress, reduce: replaces [target] values (a baseline needs one point); empty: the block's
  std::int64_t members = 0;      // ensembles: the first n members of the model block; 0: all
  Place members_place, place;
  std::string id() const;        // "pgd" or "pgd#long"; a chain is its name
};

struct TargetSpec {
  std::string kind;              // ratio
  std::vector<Rational> values;  // increasing, distinct, >= 1
  Rational rank_at;              // the point at which the board ranks; one of values
  Place place;
};

struct BudgetSpec {                    // algorithmic, part of the protocol; 0: unlimited
  std::int64_t forward_per_sample = 0, backward_per_sample = 0;
  double seconds = 0;                  // wall time of the method in a cell; it makes the cell's outcomes depend on the clock
  std::int64_t memory_mb = 0;          // of the tensors that the method holds
  // One of the keys above may be a list: a cell a value, a curve over the budget. "" : none is.
  std::string curve;
  std::vector<Rational> levels;        // of the curve's key, growing geometrically (rule 43)
  Rational rank_level;                 // the level at which the board ranks; one of levels
  Place place, per_sample_place;

  // The budget of one cell on the curve.
  BudgetSpec at(const Rational& level) const;
};

struct LimitSpec {                     // safety, no part of any hash
  double seconds_per_cell = 600, seconds_per_training = 3600;
  std::int64_t memory_mb = 4096, disk_mb = 16384;
  std::int64_t processes = 256;        // and threads, of a cell
};

struct NumericsSpec {
  Located<std::string> isa;            // "" : what the machine has
  std::int64_t threads = 1, batch = 64;
  Located<std::string> search;         // f32 | bf16: of what victims answer to attacks; the judge's is f32
};

struct ClaimSpec {
  Located<std::string> id, expect, given;  // expect and given are well-formed; their names are checked by the planner
  std::string says, test;
  bool gate = true;
  double level = 0.95, power = 0.8;
  Place place;
};

struct SuiteSpec {
  std::string file, sha256;            // digest of the file's bytes
  Located<std::string> name, task;     // task: attack | detect | predict | compress | reduce | falsify
  std::int64_t version = 1;
  std::vector<std::int64_t> seeds;
  Place seeds_place;
  bool single_run = false;             // fewer than 3 seeds (rule 5)
  std::string cites, summary;
  Located<std::string> rank_by;        // "": the task's default
  std::string rank = "method";         // method | subject | none
  double min_coverage = 1.0;           // rule 2
  std::string on_failure = "exclude";  // exclude | worst | baseline (rule 3)
  bool keep_outputs = false;
  Place place;

  DataBlock data;
  std::vector<ModelSpec> models;
  std::optional<ThreatSpec> threat;
  std::optional<RegionSpec> region;
  std::vector<MethodSpec> methods;
  std::optional<TargetSpec> target;
  std::optional<RecipeSpec> finetune;
  BudgetSpec budget;
  LimitSpec limits;
  NumericsSpec numerics;
  std::vector<ClaimSpec> claims;

  const ModelSpec* model(std::string_view id) const;
};

// As plans record it.
Claim to_claim(const ClaimSpec& spec);

// All twelve tasks of the design; the available ones can be run today.
const std::vector<std::string>& available_tasks();
const std::vector<std::string>& planned_tasks();

// Parses and cross-checks all that needs no plugin and no catalogue. Throws Error(bad_input), or Error(unsupported)
// for what is known but not available yet. `file` only appears in messages.
SuiteSpec parse_suite(std::string_view text, const std::string& file);
// Also finds and digests the files that models name; throws Error(io) too.
SuiteSpec load_suite(const std::filesystem::path& file);

}  // namespace assay
