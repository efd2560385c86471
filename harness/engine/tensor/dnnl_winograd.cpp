#include "harness/engine/tensor/dnnl_winograd.hpp"

#include "harness/engine/tensor/conv_choices.hpp"
#include "harness/engine/tensor/dnnl_native.hpp"

namespace assay::engine::native {
namespace {

constexpr auto winograd = dnnl::algorithm::convolution_winograd;

Md blocked(const Shape& dims) { return Md(dims, DataType::f32, Tag::nChw16c); }

template <class Make>
std::optional<Kernel> attempt(ConvPass pass, const ConvProblem& problem, const Make& make) {
  const bool images = problem.src.size() == 4 && problem.type == DType::f32 && problem.out_type == DType::f32;
  if (!images || !use_winograd(pass, problem, effective_isa())) return std::nullopt;
  try {
    return make();
  } catch (const dnnl::error&) {  // how the library says that it has none
    return std::nullopt;
  }
}

Shape no_dilation() { return {0, 0}; }

// forward_inference wants weights that are transformed already, which pays when they stay the same (and only it has the
// small-tile kernel that is best for single images); forward_training transforms them in the kernel. Convolutions keep no
// workspace, so the backward passes do not mind.
dnnl::convolution_forward::primitive_desc forward_desc(const ConvProblem& p, const ConvFusion& fusion,
                                                       dnnl::prop_kind kind) {
  using Desc = dnnl::convolution_forward::desc;
  const Md src = blocked(p.src), dst = blocked(p.dst), weights = any_md(p.weights);
  const Md bias({p.dst[1]}, DataType::f32, Tag::a);
  const Desc desc =
      fusion.bias ? Desc(kind, winograd, src, weights, bias, dst, p.stride, no_dilation(), p.pad_before, p.pad_after)
                  : Desc(kind, winograd, src, weights, dst, p.stride, no_dilation(), p.pad_before, p.pad_after);
  return {desc, fused(fusion.residual, fusion.act), this_engine()};
}

}  // namespace

std::optional<Kernel> winograd_forward(const ConvProblem& p, const ConvFusion& fusion) {
  return attempt(p.training ? ConvPass::forward_training : ConvPass::forward, p, [&] {
    const auto kind = p.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const auto pd = forward_desc(p, fusion, kind);
    return forward_kernel(dnnl::convolution_forward(pd), pd, fusion);
  });
}

std::optional<Kernel> winograd_backward_data(const ConvProblem& p) {
  return attempt(ConvPass::backward_data, p, [&] {
    const auto hint = forward_desc(p, {}, dnnl::prop_kind::forward_training);
    const dnnl::convolution_backward_data::desc desc(winograd, blocked(p.src), any_md(p.weights), blocked(p.dst),
                                                     p.stride, no_dilation(), p.pad_before, p.pad_after);
    const dnnl::convolution_backward_data::primitive_desc pd(desc, user_scratchpad(), this_engine(), hint);
    Kernel kernel = bind_kernel(dnnl::convolution_backward_data(pd), pd.scratchpad_desc(),
                                {{DNNL_ARG_DIFF_DST, 0, pd.diff_dst_desc()},
                                 {DNNL_ARG_WEIGHTS, 1, pd.weights_desc()},
                                 {DNNL_ARG_DIFF_SRC, -1, pd.diff_src_desc()}});
    kernel.in = {layout_of(pd.diff_dst_desc()), layout_of(pd.weights_desc())};
    kernel.out = {layout_of(pd.diff_src_desc())};
    kernel.in_place = {-1};
    return kernel;
  });
}

std::optional<Kernel> winograd_backward_weights(const ConvProblem& p) {
  return attempt(ConvPass::backward_weights, p, [&] {
    const auto hint = forward_desc(p, {}, dnnl::prop_kind::forward_training);
    const dnnl::convolution_backward_weights::desc desc(winograd, blocked(p.src), any_md(p.weights), blocked(p.dst),
                                                        p.stride, no_dilation(), p.pad_before, p.pad_after);
    const dnnl::convolution_backward_weights::primitive_desc pd(desc, user_scratchpad(), this_engine(), hint);
    Kernel kernel = bind_kernel(dnnl::convolution_backward_weights(pd), pd.scratchpad_desc(),
                                {{DNNL_ARG_SRC, 0, pd.src_desc()},
                                 {DNNL_ARG_DIFF_DST, 1, pd.diff_dst_desc()},
                                 {DNNL_ARG_DIFF_WEIGHTS, -1, pd.diff_weights_desc()}});
    kernel.in = {layout_of(pd.src_desc()), layout_of(pd.diff_dst_desc())};
    kernel.out = {layout_of(pd.diff_weights_desc())};
    kernel.in_place = {-1};
    return kernel;
  });
}

}  // namespace assay::engine::native
