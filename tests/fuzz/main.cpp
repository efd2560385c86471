// op_fuzz [--graphs N] [--seed S] [--length L] [--keep-going] [--plant BUG] [--list]
// Random programs through eager, compiled and reference evaluation; the first that disagrees is printed, or all. With
// --plant the exit codes turn round: 0 when the bug was found, 1 when it was not.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "harness/base/error.hpp"
#include "tests/fuzz/check.hpp"
#include "tests/fuzz/plant.hpp"

namespace assay::fuzz {
namespace {

struct Options {
  int graphs = 300, length = 6;
  std::uint64_t seed = 1;
  std::string planted;
  bool list = false, keep_going = false;
};

struct Tally {
  int done = 0, gradients = 0, failures = 0;
};

// What an engine must not do on a valid program counts as a disagreement: throw.
std::string disagreement(const Options& o, std::uint64_t seed, Tally& tally) {
  Program program;
  try {
    program = generate(seed, o.length);
    const Verdict verdict = check(program);
    tally.gradients += verdict.gradient_checked ? 1 : 0;
    if (!verdict.failure) return "";
    return *verdict.failure + "\n" + program.to_text();
  } catch (const std::exception& e) {
    return std::string("error: ") + e.what() + "\n" + program.to_text();
  }
}

int run(const Options& o) {
  if (!o.planted.empty()) plant(o.planted);
  Tally tally;
  for (; tally.done < o.graphs && (tally.failures == 0 || o.keep_going); ++tally.done) {
    const std::uint64_t seed = o.seed + static_cast<std::uint64_t>(tally.done);
    const std::string failure = disagreement(o, seed, tally);
    if (failure.empty()) continue;
    ++tally.failures;
    std::printf("seed %llu: %s", static_cast<unsigned long long>(seed), failure.c_str());
  }
  std::printf("%d programs, gradients of %d compared with differences, %d disagree\n", tally.done, tally.gradients,
              tally.failures);
  if (!o.planted.empty()) return tally.failures == 0 ? 1 : 0;
  if (tally.failures == 0 && tally.gradients * 2 < tally.done) {
    std::printf("too few gradients could be compared for the run to mean anything\n");
    return 1;
  }
  return tally.failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace assay::fuzz

int main(int argc, char** argv) {
  assay::fuzz::Options o;
  CLI::App app{"random programs of registry ops: eager against compiled against naive references"};
  app.add_option("--graphs", o.graphs, "programs to try");
  app.add_option("--seed", o.seed, "seed of the first program; the next ones count up");
  app.add_option("--length", o.length, "ops drawn per program");
  app.add_option("--plant", o.planted, "put a known bug in first; exit 0 when it is found");
  app.add_flag("--keep-going", o.keep_going, "print every program that disagrees, not the first alone");
  app.add_flag("--list", o.list, "list the bugs that can be planted");
  CLI11_PARSE(app, argc, argv);
  if (o.list) {
    for (const auto& p : assay::fuzz::plants()) std::printf("%-28s %s\n", p.name.c_str(), p.what.c_str());
    return 0;
  }
  try {
    return assay::fuzz::run(o);
  } catch (const assay::Error& e) {
    std::fprintf(stderr, "op_fuzz: %s\n", e.what());
    return 2;
  }
}
