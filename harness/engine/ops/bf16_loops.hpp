// What ops do with operands stored as BF16: change the storage, and run an f32 loop on pieces that stay in cache.
#pragma once

#include "harness/engine/ops/bf16_pairs.hpp"
#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/tensor/bf16.hpp"

namespace assay::engine {

void widen(const Bf16* from, float* to, std::size_t n);
void narrow(const float* from, Bf16* to, std::size_t n);

// A cast between F32 and BF16: keeps the layout, whatever it is.
bool is_storage_change(const PrepareRequest& request);
Kernel storage_cast_kernel(const PrepareRequest& request);

inline bool stored_bf16(const PrepareRequest& request) { return request.in[0].spec.dtype == DType::bf16; }

// An elementwise kernel over operands of one shape, all stored as BF16: `loop` computes n f32 results from n f32
// operands each. `keeps_zero` as for shared_layout().
using PieceLoop = std::function<void(const float* const* in, float* out, std::size_t n)>;
Kernel bf16_elementwise_kernel(const PrepareRequest& request, bool keeps_zero, PieceLoop loop);
// The same by a loop over the storage itself.
Kernel stored_pair_kernel(const PrepareRequest& request, bool keeps_zero, StoredPair loop);
// Bf16Use of such a kernel: everything, when nothing broadcasts.
Bf16Use bf16_when_alike(Specs in, Specs out, const Attrs& attrs);

}  // namespace assay::engine
