// Elementwise functions of two operands stored as BF16, straight from storage to storage: what plans in bf16 run for every
// layer's gradient. The bits are those of the f32 loop on widened operands, rounded to nearest even.
#pragma once

#include <cstddef>

#include "harness/engine/tensor/bf16.hpp"

namespace assay::engine {

// out may be a or b. Only where native::has_products(DType::bf16).
using StoredPair = void (*)(const Bf16* a, const Bf16* b, Bf16* out, std::size_t n);
void add_stored(const Bf16* a, const Bf16* b, Bf16* out, std::size_t n);
void relu_grad_stored(const Bf16* a, const Bf16* b, Bf16* out, std::size_t n);  // b where a > 0, else 0

}  // namespace assay::engine
