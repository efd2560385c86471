// Says where a worker crashed, before it dies of its signal.
#pragma once

namespace assay::worker {

// From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT write a backtrace to stderr, as "file(+0xoffset)" lines that
// the supervisor turns into names, and then end the process by that same signal. In a sanitized build nothing changes:
// the sanitizer reports. Call once, from the main thread.
void report_crashes();

}  // namespace assay::worker
