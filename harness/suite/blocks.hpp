// One parser a block of the suite. Private to harness/suite.
#pragma once

#include "harness/suite/fields.hpp"

namespace assay::suite {

void parse_header(const Toml& root, SuiteSpec& out);     // [suite]
DataBlock parse_data(const Toml& root);                  // [data]
std::vector<ModelSpec> parse_models(const Toml& root);   // [[model]]
RecipeSpec parse_recipe(const Toml& value, const std::string& name);
std::optional<ThreatSpec> parse_threat(const Toml& root);
std::optional<RegionSpec> parse_region(const Toml& root);
std::vector<MethodSpec> parse_methods(const Toml& root);
TuneSpec parse_tune(const Toml& value, const MethodSpec& method);  // [method.tune], after the method's other keys
std::optional<TargetSpec> parse_target(const Toml& root);
std::optional<RecipeSpec> parse_finetune(const Toml& root);
BudgetSpec parse_budget(const Toml& root);
LimitSpec parse_limits(const Toml& root);
NumericsSpec parse_numerics(const Toml& root);
std::vector<ClaimSpec> parse_claims(const Toml& root);

// What spans blocks: references, cycles, the task's needs, leaks between lists (rules 5, 28, 32, 37).
void cross_check(SuiteSpec& suite);

}  // namespace assay::suite
