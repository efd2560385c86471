// JUnit's XML, which every CI server shows: a test suite a suite, a test case a cell and a claim. Pure but for the store's
// reads. [one thread: the store's]
#pragma once

#include <string>
#include <vector>

#include "harness/record/plan.hpp"
#include "results/claims/claims.hpp"
#include "results/store/store.hpp"

namespace assay::cli {

// <testsuite> of a plan's cells and of claims' verdicts. A cell that failed or was rejected is a failure; one that
// crashed or went over a limit is an error; one without an attempt is skipped. A gated claim that was not reproduced
// is a failure; one that is inconclusive or void is skipped, with its reason. SUSPECT is told in <system-out>.
std::string junit_suite(const Plan& plan, const store::Store& db, const std::vector<claims::Verdict>& verdicts);

// The whole file of several of them.
std::string junit_file(const std::vector<std::string>& suites);

}  // namespace assay::cli
