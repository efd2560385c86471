// PLAN: a suite, what plugins say of themselves and what the catalogue knows become a DAG of nodes with identity
// hashes. Pure: no file is opened, no clock is read; digests come in through the context. Threading: any.
//
// Seeds: suite seed s gives subject seed s (member m of a model block with members > 1: 1000 s + m), method seed s,
// data seed 0 and evaluation seed 0. So every suite that asks for the same recipe and seed shares the same net.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/record/catalog.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/record/plan.hpp"
#include "harness/suite/suite.hpp"

namespace assay {

struct RawFile {
  std::string path, sha256;  // an existing file and the digest it was verified to have
};

struct ZooEntry {
  std::string name;
  std::vector<ParamSchema> params;
};

struct PlanContext {
  std::map<std::string, Descriptor> plugins;                    // by plugin id
  std::map<std::string, CatalogEntry> catalog;                  // by set name
  std::map<std::string, ZooEntry> zoo;                          // by architecture name
  std::map<std::string, std::vector<ParamSchema>> recipes;      // by recipe name; defaults are the recipe
  std::map<std::string, std::vector<std::string>> certificates; // role -> names of the checks
  std::map<std::string, std::vector<std::string>> metrics;      // task -> metric names; used for rank_by and the judge
  Numerics machine;                                             // what this machine would use, uncapped
  int judge_version = 1, metrics_version = 1;
  // The local file of a set, or nullopt when it has not been fetched.
  std::function<std::optional<RawFile>(const CatalogEntry&, const CatalogFile&)> raw;
  // Multiply-adds of one input through {"arch", "params", "input": shape, "classes"}, 0 when unknown. For estimates of cost
  // only: neither identities nor the plan's shape depend on it. May be empty.
  std::function<double(const Json& net)> macs;
};

// Throws Error(bad_input | unsupported) with the suite's file:line:column.
Plan make_plan(const SuiteSpec& suite, const PlanContext& context);

// Keeps the cells that agree with every condition, and the nodes these need. Keys: method (id or plugin id), subject
// (or model), seed, label, and any axis of the cells (ratio, ...). Values given for one key are alternatives.
// Throws Error(bad_input) for an unknown key or a value that no cell has.
Plan filter(const Plan& plan, const std::vector<std::pair<std::string, std::string>>& conditions);

// Seconds of work left in nodes whose key is not in `done`: the estimate that `assay plan` shows. One core.
double estimated_seconds(const Plan& plan, const std::vector<std::string>& done = {});

}  // namespace assay
