// An attack that overwrites the code of its host, in its own process.
#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "hostile.hpp"

namespace {

void overwrite_host() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("r-xp") == std::string::npos || line.find("worker") == std::string::npos) continue;
    const std::uintptr_t first = std::stoull(line, nullptr, 16),
                         last = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    void* const code = reinterpret_cast<void*>(first);  // NOLINT(performance-no-int-to-ptr): an address read as text
    if (::mprotect(code, last - first, PROT_READ | PROT_WRITE | PROT_EXEC) == 0) std::memset(code, 0xcc, last - first);
  }
}

}  // namespace

HOSTILE_ATTACK("hostile-overwrite", "overwrites the host's code", overwrite_host)
