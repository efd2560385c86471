// What an interrupt asks of a supervisor that runs. Threading: the flag is written by signal handlers, read anywhere.
#pragma once

#include <atomic>

namespace assay::cli {

// From now on: 0, 1 after the first SIGINT (start nothing new), 2 after the second one, a SIGTERM or a SIGHUP (kill what
// runs). The keyboard may raise it too. It lives as long as the program.
std::atomic<int>& catch_signals();

}  // namespace assay::cli
