// Private to the adapter's own files: what they share of oneDNN 2.6 (operation descriptors, `.data` of descriptors).
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine::native {

using dnnl::memory;
using Md = dnnl::memory::desc;
using DataType = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

const dnnl::engine& this_engine();  // sets OpenMP's thread count for the calling thread, as every entry must
dnnl::primitive_attr user_scratchpad();

Shape row_major_strides(const Shape& dims);
Md dense_md(DType dtype, const Shape& dims);
inline Md any_md(const Shape& dims) { return Md(dims, DataType::f32, Tag::any); }
inline const Md& md_of(const Layout& native) { return *static_cast<const Md*>(native.native().get()); }
Layout layout_of(const Md& md);  // dense when md is row-major; interned

// What one run binds: library argument <- in[index] (index >= 0) or out[-1 - index].
struct Binding {
  int argument;
  int index;
  Md md;
};
// Attributes for dst = act(result + what dst holds), and the kernel's change that lets dst hold the operand in[index].
dnnl::primitive_attr fused(bool residual, Activation act);
void accumulate(Kernel& kernel, int index, std::size_t out_bytes);
Kernel bind_kernel(dnnl::primitive primitive, const Md& scratch_md, const std::vector<Binding>& bindings);

template <class Function>
auto translated(const char* what, const Function& function) {
  try {
    return function();
  } catch (const dnnl::error& e) {
    throw Error(Fault::unsupported,
                std::string(what) + ": the kernel library has no implementation (" + e.what() + ")");
  }
}

}  // namespace assay::engine::native
