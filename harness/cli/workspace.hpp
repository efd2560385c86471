// What most commands need: where things are, what plugins, models, data sets and metrics exist, suites by name or path,
// the database. Values are made on demand; threading: main thread.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/files.hpp"
#include "harness/cli/worker_client.hpp"
#include "harness/data/catalog.hpp"
#include "harness/plan/plan.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

// `given`, else $ASSAY_DB, else <assay_home>/results/assay.db.
std::filesystem::path database_path(const std::string& given);
// Read-only; throws Error(bad_input) saying how to make one when there is none.
store::Store open_database(const std::string& given);

struct SuiteFile {
  std::string name;            // "quickstart/attacks": path below the suites folder without .toml
  std::filesystem::path path;
};
std::vector<SuiteFile> installed_suites();  // sorted by name
// A path to a .toml file, or a name: "quickstart/attacks", the last part of it where that is unique, or a folder of
// suites ("quickstart"), which gives all of it. Throws Error(bad_input) with the nearest names.
std::vector<std::filesystem::path> find_suites(const std::string& path_or_name);
std::filesystem::path find_suite(const std::string& path_or_name);  // exactly one

// Plugins with warnings printed for those that cannot be described.
std::vector<Descriptor> load_plugins(const WorkerClient& worker);

// All that make_plan asks for, in the state of this machine.
PlanContext planning_context(const WorkerClient& worker);
std::map<std::string, std::vector<std::string>> metrics_by_task();

struct LoadedSuite {
  SuiteSpec spec;
  Plan plan;
};
LoadedSuite load_and_plan(const std::filesystem::path& file, const PlanContext& context);

// "seed=1" -> {"seed", "1"}; throws Error(bad_input) naming the flag.
std::vector<std::pair<std::string, std::string>> key_values(const std::vector<std::string>& items, const std::string& flag);

// The protocol that a board shows: of a suite by its file, its name in the database, or a protocol hash.
std::string protocol_of(const store::Store& db, const std::string& suite);

// First 12 digits of a key: what listings show and show/log take.
std::string short_key(const std::string& key);

}  // namespace assay::cli
