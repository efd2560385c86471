// The counters behind engine_counters(). [any-thread]
#pragma once

#include <atomic>

#include "harness/engine/tensor/tensor.hpp"

namespace assay::engine {

struct Counters {
  std::atomic<std::uint64_t> reorders{0}, primitives_created{0}, allocations{0}, bytes_allocated{0};
};
Counters& counters();

}  // namespace assay::engine
