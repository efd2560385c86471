// Stands in for `assay node TICKET` where only the scheduler is tested.
#include <cstdio>
#include <string>

#include "harness/base/error.hpp"
#include "harness/sched/sched.hpp"

int main(int argc, char** argv) {
  if (argc != 3 || std::string(argv[1]) != "node") return 2;
  try {
    return assay::sched::run_ticket(argv[2]);
  } catch (const assay::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
