// Exact products of 8-bit integers, zero points taken off, in 64-bit sums.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace assay::engine {

// c[m][n] = sum_k (a[m][k] - a_zero) (b[k][n] - b_zero), operands widened and shifted already.
void integer_matmul(const std::int32_t* a, const std::int32_t* b, std::int64_t* c, std::int64_t m, std::int64_t k,
                    std::int64_t n);

// Convolution over three spatial axes (missing ones come first, with extent 1).
struct IntegerConv {
  using Three = std::array<std::int64_t, 3>;
  std::int64_t channels = 1, outputs = 1, groups = 1;
  Three in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, before{0, 0, 0};
};
// x [C][in], w [O][C/groups][kernel], y [O][out] of one sample.
void integer_conv(const IntegerConv& s, const std::int32_t* x, const std::int32_t* w, std::int64_t* y);

}  // namespace assay::engine
