// How busy the processors of this machine are, and pinning to some of them. Linux. [any-thread] but where said.
#pragma once

#include <vector>

namespace assay {

// Seconds that all processors together have spent working since boot, time that a hypervisor took away included; negative
// when the kernel does not say.
double busy_cpu_seconds();
double own_cpu_seconds();  // of this process, all threads

// Pins this process, its calling thread and those that it starts later, to the last `count` processors it may use; gives
// their numbers, fewer when there are fewer, none when the kernel refuses.
std::vector<int> pin_to_last_cpus(int count);

}  // namespace assay
