// What op files share: argument checks with good messages, axes, layout choices.
#pragma once

#include "harness/engine/ops/emit.hpp"
#include "harness/engine/ops/op.hpp"

namespace assay::engine {

using Specs = std::span<const Spec>;

// Throws Error(bad_input): "<op>: <why> (inputs F32[2, 3], I64[2])".
[[noreturn]] void op_error(std::string_view op, Specs in, const std::string& why);
void expect_count(std::string_view op, Specs in, std::size_t least, std::size_t most);
void expect_f32(std::string_view op, Specs in);                                    // every input
void expect_dtype(std::string_view op, Specs in, std::size_t index, DType dtype);  // one input
void expect_rank(std::string_view op, Specs in, std::size_t index, std::size_t rank);

std::size_t axis_of(std::string_view op, Specs in, std::int64_t axis, std::size_t rank);  // negative from the end
// Sorted, distinct; `attrs["axes"]`, or all axes when absent.
std::vector<std::size_t> axes_of(std::string_view op, Specs in, const Attrs& attrs);
Shape broadcast_shape(std::string_view op, Specs in);  // NumPy's rule over all inputs

Spec f32_spec(Shape shape);
inline std::vector<Spec> one(Spec spec) { return {std::move(spec)}; }

// The logical types of a product's operands: BF16 and 8-bit storage count as F32.
std::vector<Spec> logical_specs(std::span<const MemDesc> in);
// Every operand and result, or those of `shape` only: for ops that work on BF16 storage in any position.
Bf16Use bf16_everywhere(Specs in, Specs out, const Attrs& attrs);
Bf16Use bf16_of_first_shape(Specs in, Specs out, const Attrs& attrs);  // like in[0], which must be [N, C, H, W]

bool any_zero_extent(const PrepareRequest& request);
Kernel dense_kernel(const PrepareRequest& request);      // every layout dense, no sharing, run unset
Kernel zero_fill_kernel(const PrepareRequest& request);  // dense; writes zeros: what sums over nothing give

// One layout for operands of equal shape: that of the first that carries the library's, when the op keeps padding zero
// or there is none; else dense.
Layout shared_layout(const PrepareRequest& request, bool keeps_zero);

inline const float* floats(const KernelArgs& args, std::size_t index) {
  return static_cast<const float*>(args.in[index]);
}
template <class T>
const T* elements(const KernelArgs& args, std::size_t index) {
  return static_cast<const T*>(args.in[index]);
}
template <class T>
T* elements_out(const KernelArgs& args, std::size_t index) {
  return static_cast<T*>(args.out[index]);
}
inline float* floats_out(const KernelArgs& args, std::size_t index) { return static_cast<float*>(args.out[index]); }

Spec make_spec(std::initializer_list<std::int64_t> shape, DType dtype = DType::f32);  // for cases

}  // namespace assay::engine
