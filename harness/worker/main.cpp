// assay-worker: does one job, or answers one short question, and exits.
//   assay-worker JOB.json
//   assay-worker describe FILE.so | info TOPIC | checks FILE.so | check FILE.so ID CHECK | model VERB OPTIONS
// Exit codes: 0 done, 1 the job failed or was rejected, 2 bad input, 3 a bug in assay.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/worker/answers.hpp"
#include "harness/worker/run_job.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 1 && words[0].size() > 5 && words[0].substr(words[0].size() - 5) == ".json") {
      return assay::worker::run_job(words[0]);
    }
    const std::string text = assay::worker::answer(words.empty() ? std::vector<std::string>{""} : words).dump();
    std::fprintf(stdout, "%s\n", text.c_str());
    return 0;
  } catch (const assay::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return error.fault() == assay::Fault::internal ? 3 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 3;
  }
}
