// The check functions, by the file that holds them. Private to harness/validate.
#pragma once

#include <fmt/format.h>

#include "harness/validate/scene.hpp"
#include "harness/validate/validate.hpp"

namespace assay::validate {

using CheckFn = CheckResult (*)(Subject&);

inline CheckResult passed(double value = 1, std::string detail = "") { return {"passed", std::move(detail), value}; }
inline CheckResult failed(std::string detail, double value = 0) { return {"failed", std::move(detail), value}; }
inline CheckResult skipped(std::string why) { return {"skipped", std::move(why), 1}; }

// checks_library.cpp: the file, its descriptors, life and death of instances
CheckResult check_scan_time(Subject& subject);
CheckResult check_one_symbol(Subject& subject);
CheckResult check_descriptor_complete(Subject& subject);
CheckResult check_defaults_in_range(Subject& subject);
CheckResult check_roles_answered(Subject& subject);
CheckResult check_unknown_id(Subject& subject);
CheckResult check_create_destroy(Subject& subject);

// checks_calls.cpp: what every role call keeps
CheckResult check_bounds_run(Subject& subject);
CheckResult check_missing_service(Subject& subject);
CheckResult check_fail_nth_call(Subject& subject);
CheckResult check_handles_balance(Subject& subject);
CheckResult check_same_seed(Subject& subject);
CheckResult check_cancel(Subject& subject);

// checks_batch.cpp: a sample's outcome is its own
CheckResult check_any_batch(Subject& subject);

// checks_roles.cpp: what each role owes
CheckResult check_threat_model(Subject& subject);
CheckResult check_scores(Subject& subject);
CheckResult check_compressor_target(Subject& subject);
CheckResult check_reducer_set(Subject& subject);
CheckResult check_analyzer_verdicts(Subject& subject);

// certificates_*.cpp: planted answers
CheckResult certify_attack(Subject& subject);
CheckResult certify_detector(Subject& subject);
CheckResult certify_compressor(Subject& subject);
CheckResult certify_reducer(Subject& subject);
CheckResult certify_analyzer(Subject& subject);
CheckResult certify_ensemble(Subject& subject);
CheckResult certify_trainer(Subject& subject);
CheckResult certify_architecture(Subject& subject);

}  // namespace assay::validate
