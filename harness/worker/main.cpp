// assay-worker: does one job, or answers one short question, and exits.
//   assay-worker JOB.json
//   assay-worker serve   jobs of judges, one after the other (serve.hpp)
//   assay-worker describe FILE.so | info TOPIC | checks FILE.so | check FILE.so ID CHECK | model VERB OPTIONS
//   assay-worker profile MODEL [--KEY VALUE]...   where the time of a compiled plan goes (profile.hpp)
// Exit codes: 0 done, 1 the job failed or was rejected, 2 bad input, 3 a bug in assay.
#include <malloc.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/worker/answers.hpp"
#include "harness/worker/crash.hpp"
#include "harness/worker/profile.hpp"
#include "harness/worker/run_job.hpp"
#include "harness/worker/serve.hpp"

#ifdef __SANITIZE_ADDRESS__
// A plugin that crashes must end the process by its signal, which is what the supervisor records.
extern "C" const char* __asan_default_options() { return "handle_segv=0:handle_abort=0"; }  // NOLINT: the runtime's name
#endif

namespace {

// Methods work on vectors of a batch's size, one after the other: given back to the system each time, their pages would be
// faulted in again at every step. (Tensors have a pool of their own.)
void keep_freed_memory() {
#if defined(__GLIBC__)
  constexpr int most = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, most);
  mallopt(M_TRIM_THRESHOLD, most);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 1 && words[0].size() > 5 && words[0].substr(words[0].size() - 5) == ".json") {
      assay::worker::report_crashes();
      assay::FileDigests digests;
      return assay::worker::run_job(words[0], digests);
    }
    if (words.size() == 1 && words[0] == "serve") {
      assay::worker::report_crashes();
      return assay::worker::serve();
    }
    if (!words.empty() && words[0] == "profile") {
      std::fputs(assay::worker::profile({words.begin() + 1, words.end()}).c_str(), stdout);
      return 0;
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
