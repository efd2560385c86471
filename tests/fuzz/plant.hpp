// Bugs of the kinds that engines have had, put into the registry of this process on request: what the fuzzer must find.
#pragma once

#include <string>
#include <vector>

namespace assay::fuzz {

struct Plant {
  std::string name, what;
  void (*put)();
};

const std::vector<Plant>& plants();
void plant(const std::string& name);  // throws Error(bad_input) with the nearest name. Before any op has run.

}  // namespace assay::fuzz
