// Products on 8-bit integers: u8 or s8 activations, s8 weights, s32 sums.
#include "harness/engine/tensor/dnnl_native.hpp"

namespace assay::engine::native {
namespace {

dnnl::primitive_attr requantized(const ConvFusion& f, const Requantization& q, DType result) {
  dnnl::primitive_attr attr = user_scratchpad();
  constexpr int one_for_all = 0, one_a_channel = 1 << 1;
  attr.set_output_scales(q.scales.size() == 1 ? one_for_all : one_a_channel, q.scales);
  dnnl::post_ops ops;
  // Inner products have no kernel that is told the residual's type, even when it is that of the result.
  if (f.residual && q.residual_type == result) ops.append_sum(q.residual_scale);
  if (f.residual && q.residual_type != result) ops.append_sum(q.residual_scale, 0, data_type(q.residual_type));
  if (f.act == Activation::relu) ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  if (f.act == Activation::relu6) ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip, 0.0f, 6.0f);
  attr.set_post_ops(ops);
  return attr;
}

dnnl::convolution_forward::primitive_desc conv_desc(const ConvProblem& p, const ConvFusion& f,
                                                    const Requantization& q, const Md& src) {
  using Desc = dnnl::convolution_forward::desc;
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto direct = dnnl::algorithm::convolution_direct;
  const Md weights = any_md(grouped(p.weights, p.groups), DType::s8), dst = any_md(p.dst, p.out_type);
  const Md bias = dense_md(DType::f32, {p.dst[1]});
  const Shape dilation = dnnl_dilation(p);
  const Desc desc = f.bias
                        ? Desc(kind, direct, src, weights, bias, dst, p.stride, dilation, p.pad_before, p.pad_after)
                        : Desc(kind, direct, src, weights, dst, p.stride, dilation, p.pad_before, p.pad_after);
  return {desc, requantized(f, q, p.out_type), this_engine()};
}

// The residual has the layout of dst and a type of its own.
Kernel integer_kernel(Kernel kernel, const Shape& dst, const ConvFusion& fusion, const Requantization& q) {
  if (fusion.residual) kernel.in.back() = retyped({q.residual_type, dst}, kernel.out[0]);
  return kernel;
}

}  // namespace

bool has_integer_conv(const ConvProblem& p) {
  try {
    const auto pd = conv_desc(p, {}, {{1.0f}, 1.0f, DType::f32}, any_md(p.src, p.type));
    return std::strncmp(pd.impl_info_str(), "ref", 3) != 0;
  } catch (const dnnl::error&) {  // how the library says that it has none
    return false;
  }
}

Kernel make_integer_conv(const ConvProblem& p, const ConvFusion& fusion, const Requantization& q, const Layout& src) {
  return translated("conv2d on integers", [&] {
    const auto pd = preferring(src.native() != nullptr, [&](bool follow) {
      return conv_desc(p, fusion, q, follow ? md_of(src) : any_md(p.src, p.type));
    });
    return integer_kernel(forward_kernel(dnnl::convolution_forward(pd), pd, fusion), p.dst, fusion, q);
  });
}

Kernel make_integer_linear(const LinearProblem& p, const Requantization& q) {
  return translated("linear on integers", [&] {
    const Md src = dense_md(p.type, {p.rows, p.in}), dst = dense_md(p.out_type, {p.rows, p.out});
    const Md weights = any_md({p.out, p.in}, DType::s8), bias = dense_md(DType::f32, {p.out});
    const auto kind = dnnl::prop_kind::forward_inference;
    using Desc = dnnl::inner_product_forward::desc;
    const Desc desc = p.bias ? Desc(kind, src, weights, bias, dst) : Desc(kind, src, weights, dst);
    const ConvFusion fusion{p.bias, p.residual, p.act};
    const dnnl::inner_product_forward::primitive_desc pd(desc, requantized(fusion, q, p.out_type), this_engine());
    return integer_kernel(forward_kernel(dnnl::inner_product_forward(pd), pd, fusion), {p.rows, p.out}, fusion, q);
  });
}

}  // namespace assay::engine::native
