// CPU and wall seconds since it was made. [any-thread]
#pragma once

#include <chrono>

#include "harness/base/json.hpp"
#include "harness/base/machine_load.hpp"

namespace scale {

class Stopwatch {
 public:
  double cpu() const { return assay::own_cpu_seconds() - cpu_; }
  double wall() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
  assay::Json json() const { return assay::Json::object({{"cpu", cpu()}, {"wall", wall()}}); }

 private:
  double cpu_ = assay::own_cpu_seconds();
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace scale
