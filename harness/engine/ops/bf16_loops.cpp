#include "harness/engine/ops/bf16_loops.hpp"

#include <algorithm>
#include <array>

#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

constexpr std::size_t kPiece = 1024;  // elements at a time: operands and result stay in the first cache
constexpr std::size_t kMostOperands = 3;

std::size_t physical_elements(const Layout& layout, DType dtype) { return layout.bytes() / dtype_size(dtype); }

}  // namespace

ASSAY_WIDE void widen(const Bf16* from, float* to, std::size_t n) {
  ASSAY_INDEPENDENT
  for (std::size_t i = 0; i < n; ++i) to[i] = widened(from[i]);
}

ASSAY_WIDE void narrow(const float* from, Bf16* to, std::size_t n) {
  ASSAY_INDEPENDENT
  for (std::size_t i = 0; i < n; ++i) to[i] = to_bf16(from[i]);
}

bool is_storage_change(const PrepareRequest& request) {
  const DType from = request.in[0].spec.dtype, to = request.out[0].dtype;
  return (from == DType::f32 && to == DType::bf16) || (from == DType::bf16 && to == DType::f32);
}

Kernel storage_cast_kernel(const PrepareRequest& request) {
  const MemDesc& in = request.in[0];
  const bool to_narrow = request.out[0].dtype == DType::bf16;
  Kernel kernel;
  kernel.in = {in.layout};
  kernel.out = {native::retyped(request.out[0], in.layout)};
  kernel.in_place = {-1};
  const std::size_t n = physical_elements(in.layout, in.spec.dtype);
  kernel.run = [n, to_narrow](const KernelArgs& args) {
    to_narrow ? narrow(elements<float>(args, 0), elements_out<Bf16>(args, 0), n)
              : widen(elements<Bf16>(args, 0), elements_out<float>(args, 0), n);
  };
  return kernel;
}

namespace {

// Operands and result in one layout, whose elements are taken one after the other.
Kernel alike_kernel(const PrepareRequest& request, const Layout& layout) {
  Kernel kernel;
  kernel.in.assign(request.in.size(), layout);
  kernel.out = {layout};
  kernel.in_place = {0};
  return kernel;
}

}  // namespace

Kernel stored_pair_kernel(const PrepareRequest& request, bool keeps_zero, StoredPair loop) {
  const Layout layout = shared_layout(request, keeps_zero);
  Kernel kernel = alike_kernel(request, layout);
  kernel.run = [loop, count = physical_elements(layout, DType::bf16)](const KernelArgs& args) {
    loop(elements<Bf16>(args, 0), elements<Bf16>(args, 1), elements_out<Bf16>(args, 0), count);
  };
  return kernel;
}

Kernel bf16_elementwise_kernel(const PrepareRequest& request, bool keeps_zero, PieceLoop loop) {
  const Layout layout = shared_layout(request, keeps_zero);
  const std::size_t operands = request.in.size();
  Kernel kernel = alike_kernel(request, layout);
  const std::size_t count = physical_elements(layout, DType::bf16);
  kernel.run = [count, operands, loop = std::move(loop)](const KernelArgs& args) {
    alignas(64) std::array<std::array<float, kPiece>, kMostOperands> pieces;
    alignas(64) std::array<float, kPiece> result;
    const float* in[kMostOperands] = {pieces[0].data(), pieces[1].data(), pieces[2].data()};
    for (std::size_t at = 0; at < count; at += kPiece) {
      const std::size_t n = std::min(kPiece, count - at);
      for (std::size_t k = 0; k < operands; ++k) widen(elements<Bf16>(args, k) + at, pieces[k].data(), n);
      loop(in, result.data(), n);
      narrow(result.data(), elements_out<Bf16>(args, 0) + at, n);
    }
  };
  return kernel;
}

Bf16Use bf16_when_alike(Specs in, Specs out, const Attrs& attrs) {
  const bool alike = std::all_of(in.begin(), in.end(), [&](const Spec& s) { return s.shape == out[0].shape; });
  return alike && in.size() <= kMostOperands ? bf16_everywhere(in, out, attrs) : Bf16Use{};
}

}  // namespace assay::engine
