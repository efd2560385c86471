// The softmax of dense rows, for kernels of other ops.
#pragma once

#include <cstdint>

namespace assay::engine {

void softmax_rows(const float* x, float* y, std::int64_t rows, std::int64_t n);  // y may be x

}  // namespace assay::engine
