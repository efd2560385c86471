// Loops of pooling over one to three spatial axes and [planes][..][lanes], where lanes are the channels of a block.
// Missing spatial axes come first, with an extent and a kernel of 1.
#pragma once

#include <array>
#include <cstdint>

namespace assay::engine {

struct PoolNd {
  using Three = std::array<std::int64_t, 3>;
  std::int64_t planes = 0, lanes = 1;
  Three in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, before{0, 0, 0}, after{0, 0, 0};
  bool count_padding = false;  // average: divide by the whole window
  bool columns_first = false;  // indices: the first spatial axis runs fastest
  float power = 2;             // of the lp norm
  std::int64_t in_plane() const { return in[0] * in[1] * in[2] * lanes; }
};

// A maximum is the first one of its window in row-major order; NaN counts as larger than everything.
using PoolNdLoop = void (*)(const PoolNd& s, const float* const* in, float* out);
void max_pool_nd(const PoolNd& s, const float* const* in, float* out);          // x -> y
void max_pool_nd_scatter(const PoolNd& s, const float* const* in, float* out);  // x, dL/dy -> dL/dx
void max_pool_nd_gather(const PoolNd& s, const float* const* in, float* out);   // x, u like x -> u at the maxima
void avg_pool_nd(const PoolNd& s, const float* const* in, float* out);          // x -> y
void avg_pool_nd_scatter(const PoolNd& s, const float* const* in, float* out);  // dL/dy -> dL/dx
void lp_pool_nd(const PoolNd& s, const float* const* in, float* out);           // x -> (sum |x|^p)^(1/p)
// Dense x -> position of the maximum in all of x, -1 for a window without inputs.
void max_pool_nd_indices(const PoolNd& s, const float* x, std::int64_t* out);

}  // namespace assay::engine
