// Private to the adapter's own files: what they share of oneDNN 2.6 (operation descriptors, `.data` of descriptors).
#pragma once

#include <cstring>
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
DataType data_type(DType dtype);  // throws for dtypes that the library does not know
inline Md any_md(const Shape& dims, DType dtype = DType::f32) { return Md(dims, data_type(dtype), Tag::any); }
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

Shape grouped(const Shape& weights, std::int64_t groups);  // [O, ...] -> [G, O/G, ...]; as it is for one group
Shape dnnl_dilation(const ConvProblem& problem);           // the library counts gaps

// A forward product with the layouts that its descriptor chose; in: src, weights, [bias], [residual]; out: dst.
template <class Desc>
Kernel forward_kernel(dnnl::primitive primitive, const Desc& pd, const ConvFusion& fusion) {
  std::vector<Binding> bindings = {
      {DNNL_ARG_SRC, 0, pd.src_desc()}, {DNNL_ARG_WEIGHTS, 1, pd.weights_desc()}, {DNNL_ARG_DST, -1, pd.dst_desc()}};
  if (fusion.bias) bindings.push_back({DNNL_ARG_BIAS, 2, pd.bias_desc()});
  Kernel kernel = bind_kernel(std::move(primitive), pd.scratchpad_desc(), bindings);
  kernel.in = {layout_of(pd.src_desc()), layout_of(pd.weights_desc())};
  if (fusion.bias) kernel.in.push_back(layout_of(pd.bias_desc()));
  kernel.out = {layout_of(pd.dst_desc())};
  kernel.in_place = {-1};
  if (fusion.residual) {
    kernel.in.push_back(kernel.out[0]);
    accumulate(kernel, static_cast<int>(kernel.in.size()) - 1, kernel.out[0].bytes());
  }
  return kernel;
}

// Calls `make` with the layouts that came; when the library has no fast kernel for them, with its own choice.
template <class Make>
auto preferring(bool given, const Make& make) {
  if (given) {
    try {
      auto primitive_desc = make(true);
      if (std::strncmp(primitive_desc.impl_info_str(), "ref", 3) != 0) return primitive_desc;
    } catch (const dnnl::error&) {  // no kernel at all: the other way below
    }
  }
  return make(false);
}

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
