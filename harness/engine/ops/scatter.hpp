// The gradient that scatter_elements and scatter_nd share.
#pragma once

#include "harness/engine/ops/positions.hpp"

namespace assay::engine {

struct ScatterFamily {
  const char* scatter;
  const char* gather;       // takes what scatter writes
  const char* attr;         // the integer attribute that both have; null: none
};

// Of x and the updates, for every reduction. Where updates meet: with none the last one gets the gradient, with max
// and min all that are equal to the result share it; with mul an update of 0 has no defined gradient (NaN).
std::vector<Value> scatter_vjp(const ScatterFamily& family, const VjpArgs& v);

}  // namespace assay::engine
