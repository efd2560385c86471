// Facts about the machine and about ended stages, as JSON. Private to harness/sched.
#pragma once

#include "harness/record/plan.hpp"

namespace assay::sched {

// {machine, build, cpu, cores, memory_mb, kernel, isa, load_before, load_after}: machine and build are digests (rule 1),
// loads the one-minute averages at the two ends of a node. Nothing that names a person.
Json host_facts(const Numerics& numerics, double load_before);
double load_average();

Json to_json(const StageResult& result);
StageResult stage_result_from_json(const Json& json);  // throws Error(bad_input)

// "ok" and the verb that a status makes in a sentence: "failed", "was rejected", "crashed", "timed out", ...
const char* status_verb(const std::string& status);

}  // namespace assay::sched
