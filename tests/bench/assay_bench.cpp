// assay-bench: a persistent child of run.py.
//   assay-bench '{"work": "train", "model": "resnet20", "params": {}, "input": [3, 32, 32], "batch": 128}'
// Answers one JSON line when ready, then reads iteration counts, one a line, and answers each with a line of process
// CPU seconds and wall seconds. An empty line or the end of input ends it.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "works.hpp"

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void answer(const assay::Json& json) {
  std::printf("%s\n", json.dump().c_str());
  std::fflush(stdout);
}

assay::bench::WorkSpec spec_of(const assay::Json& json) {
  assay::bench::WorkSpec spec;
  spec.work = json.at("work").as_string();
  spec.model = json.get("model", "");
  spec.params = json.has("params") ? json.at("params") : assay::Json(assay::Json::Object{});
  spec.batch = json.get("batch", 1);
  spec.precision = assay::graph::precision_from(json.get("precision", "f32"));
  if (json.has("input")) {
    for (const assay::Json& extent : json.at("input").as_array()) spec.input.push_back(extent.as_int());
  }
  return spec;
}

void serve(const assay::Json& request) {
  if (request.has("threads")) assay::engine::native::set_threads(static_cast<int>(request.at("threads").as_int()));
  const auto work = assay::bench::make_work(spec_of(request));
  answer(assay::Json::object({{"items", work->items()},
                              {"flops", work->flops()},
                              {"macs", work->macs()},
                              {"isa", assay::engine::native::effective_isa()},
                              {"version", assay::engine::native::library_version()}}));
  for (std::string line; std::getline(std::cin, line) && !line.empty();) {
    const double cpu = cpu_seconds(), wall = wall_seconds();
    for (long left = std::stol(line); left > 0; --left) work->once();
    answer(assay::Json::object({{"cpu", cpu_seconds() - cpu}, {"wall", wall_seconds() - wall}}));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw assay::Error(assay::Fault::bad_input, "usage: assay-bench JSON");
    serve(assay::Json::parse(argv[1], "the work"));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 2;
  }
}
