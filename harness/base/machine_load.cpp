#include "harness/base/machine_load.hpp"

#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace assay {

double busy_cpu_seconds() {
  std::ifstream stat("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, interrupts = 0, soft = 0, stolen = 0;
  if (!(stat >> word >> user >> nice >> system >> idle >> waiting >> interrupts >> soft >> stolen) || word != "cpu") return -1;
  return (user + nice + system + interrupts + soft + stolen) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double own_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::vector<int> pin_to_last_cpus(int count) {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  std::vector<int> chosen;
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && static_cast<int>(chosen.size()) < count; --cpu) {
    if (!CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) continue;
    CPU_SET(static_cast<unsigned>(cpu), &wanted);
    chosen.insert(chosen.begin(), cpu);
  }
  if (::sched_setaffinity(0, sizeof wanted, &wanted) != 0) return {};
  return chosen;
}

}  // namespace assay
