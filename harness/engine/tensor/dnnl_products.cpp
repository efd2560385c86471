// Convolution and matrix products on oneDNN.
#include <cstring>

#include "harness/engine/tensor/dnnl_native.hpp"
#include "harness/engine/tensor/dnnl_winograd.hpp"

namespace assay::engine::native {

using dnnl::algorithm;

// The residual (in[index]) is summed into dst before the activation, so dst may be the residual's own memory.
void accumulate(Kernel& kernel, int index, std::size_t out_bytes) {
  kernel.in_place[0] = index;
  const auto inner = kernel.run;
  const auto at = static_cast<std::size_t>(index);
  kernel.run = [inner, at, out_bytes](const KernelArgs& args) {
    if (args.in[at] != args.out[0]) std::memcpy(args.out[0], args.in[at], out_bytes);
    inner(args);
  };
}

dnnl::primitive_attr fused(bool residual, Activation act) {
  dnnl::primitive_attr attr = user_scratchpad();
  dnnl::post_ops ops;
  if (residual) ops.append_sum(1.0f);
  if (act == Activation::relu) ops.append_eltwise(1.0f, algorithm::eltwise_relu, 0.0f, 0.0f);
  if (act == Activation::relu6) ops.append_eltwise(1.0f, algorithm::eltwise_clip, 0.0f, 6.0f);
  attr.set_post_ops(ops);
  return attr;
}

namespace {

Shape grouped(const Shape& weights, std::int64_t groups) {
  if (groups == 1) return weights;
  return {groups, weights[0] / groups, weights[1], weights[2], weights[3]};
}

Shape dnnl_dilation(const ConvProblem& p) { return {p.dilation[0] - 1, p.dilation[1] - 1}; }

bool follows(const Layout& layout) { return layout.native() != nullptr; }

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

dnnl::convolution_forward::primitive_desc forward_desc(const ConvProblem& p, const ConvFusion& fusion, const Md& src) {
  // The same primitive for training and for inference: one set of bits, and layouts that the backward passes share.
  // The library's inference-only kernel (channels-last) is 10 to 20 % faster for 64 to 256 channels with 3x3 kernels,
  // slower for few channels and strided 1x1 ones, and would cost reorders wherever gradients are wanted.
  const auto kind = dnnl::prop_kind::forward_training;
  const Md weights = any_md(grouped(p.weights, p.groups)), dst = any_md(p.dst);
  using Desc = dnnl::convolution_forward::desc;
  const auto direct = algorithm::convolution_direct;
  const Shape dilation = dnnl_dilation(p);
  const Desc desc = fusion.bias ? Desc(kind, direct, src, weights, Md({p.dst[1]}, DataType::f32, Tag::a), dst, p.stride,
                                       dilation, p.pad_before, p.pad_after)
                                : Desc(kind, direct, src, weights, dst, p.stride, dilation, p.pad_before, p.pad_after);
  return {desc, fused(fusion.residual, fusion.act), this_engine()};
}

}  // namespace

Kernel make_conv_forward(const ConvProblem& problem, const ConvFusion& fusion, const Layout& src) {
  if (auto winograd = winograd_forward(problem, fusion)) return *winograd;
  return translated("conv2d", [&] {
    const auto pd = preferring(follows(src), [&](bool follow) {
      return forward_desc(problem, fusion, follow ? md_of(src) : any_md(problem.src));
    });
    std::vector<Binding> bindings = {
        {DNNL_ARG_SRC, 0, pd.src_desc()}, {DNNL_ARG_WEIGHTS, 1, pd.weights_desc()}, {DNNL_ARG_DST, -1, pd.dst_desc()}};
    if (fusion.bias) bindings.push_back({DNNL_ARG_BIAS, 2, pd.bias_desc()});
    Kernel kernel = bind_kernel(dnnl::convolution_forward(pd), pd.scratchpad_desc(), bindings);
    kernel.in = {layout_of(pd.src_desc()), layout_of(pd.weights_desc())};
    if (fusion.bias) kernel.in.push_back(layout_of(pd.bias_desc()));
    kernel.out = {layout_of(pd.dst_desc())};
    kernel.in_place = {-1};
    if (fusion.residual) {
      kernel.in.push_back(kernel.out[0]);
      accumulate(kernel, static_cast<int>(kernel.in.size()) - 1, kernel.out[0].bytes());
    }
    return kernel;
  });
}

Kernel make_conv_backward_data(const ConvProblem& p, const Layout& diff_dst) {
  if (auto winograd = winograd_backward_data(p)) return *winograd;
  return translated("conv2d_bwd_data", [&] {
    const auto hint = forward_desc(p, {}, any_md(p.src));
    const auto pd = preferring(follows(diff_dst), [&](bool follow) {
      const dnnl::convolution_backward_data::desc desc(
          algorithm::convolution_direct, any_md(p.src), any_md(grouped(p.weights, p.groups)),
          follow ? md_of(diff_dst) : any_md(p.dst), p.stride, dnnl_dilation(p), p.pad_before, p.pad_after);
      return dnnl::convolution_backward_data::primitive_desc(desc, user_scratchpad(), this_engine(), hint);
    });
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

Kernel make_conv_backward_weights(const ConvProblem& p, const Layout& src, const Layout& diff_dst) {
  if (auto winograd = winograd_backward_weights(p)) return *winograd;
  return translated("conv2d_bwd_weights", [&] {
    const auto hint = forward_desc(p, {}, any_md(p.src));
    const auto pd = preferring(follows(src) || follows(diff_dst), [&](bool follow) {
      const dnnl::convolution_backward_weights::desc desc(
          algorithm::convolution_direct, follow && follows(src) ? md_of(src) : any_md(p.src),
          any_md(grouped(p.weights, p.groups)), follow && follows(diff_dst) ? md_of(diff_dst) : any_md(p.dst), p.stride,
          dnnl_dilation(p), p.pad_before, p.pad_after);
      return dnnl::convolution_backward_weights::primitive_desc(desc, user_scratchpad(), this_engine(), hint);
    });
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

namespace {

// [batch..., rows, columns], stored row-major as it is or transposed.
Md matrix_md(const Shape& batch, std::int64_t rows, std::int64_t columns, bool transposed) {
  Shape dims = batch;
  dims.insert(dims.end(), {rows, columns});
  if (!transposed) return Md(dims, DataType::f32, row_major_strides(dims));
  Shape stored = batch;
  stored.insert(stored.end(), {columns, rows});
  Shape strides = row_major_strides(stored);
  std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
  return Md(dims, DataType::f32, strides);
}

}  // namespace

Kernel make_matmul(const MatmulProblem& p) {
  return translated("matmul", [&] {
    const Md a = matrix_md(p.a_batch, p.m, p.k, p.transpose_a), b = matrix_md(p.b_batch, p.k, p.n, p.transpose_b);
    const Md dst = matrix_md(p.batch, p.m, p.n, false);
    const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(a, b, dst), user_scratchpad(), this_engine());
    Kernel kernel = bind_kernel(dnnl::matmul(pd), pd.scratchpad_desc(),
                                {{DNNL_ARG_SRC, 0, a}, {DNNL_ARG_WEIGHTS, 1, b}, {DNNL_ARG_DST, -1, dst}});
    // Transposed operands are dense in their own order of axes: same bytes.
    kernel.in = {Layout::dense({DType::f32, a.dims()}), Layout::dense({DType::f32, b.dims()})};
    kernel.out = {Layout::dense({DType::f32, dst.dims()})};
    kernel.in_place = {-1};
    return kernel;
  });
}

Kernel make_linear(const LinearProblem& p) {
  return translated("linear", [&] {
    const auto kind = p.pack_weights ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training;
    const Md src = dense_md(DType::f32, {p.rows, p.in}), dst = dense_md(DType::f32, {p.rows, p.out});
    const Md weights = p.pack_weights ? any_md({p.out, p.in}) : dense_md(DType::f32, {p.out, p.in});
    const Md bias = dense_md(DType::f32, {p.out});
    using Desc = dnnl::inner_product_forward::desc;
    const Desc desc = p.bias ? Desc(kind, src, weights, bias, dst) : Desc(kind, src, weights, dst);
    const dnnl::inner_product_forward::primitive_desc pd(desc, fused(p.residual, p.act), this_engine());
    std::vector<Binding> bindings = {
        {DNNL_ARG_SRC, 0, src}, {DNNL_ARG_WEIGHTS, 1, pd.weights_desc()}, {DNNL_ARG_DST, -1, dst}};
    if (p.bias) bindings.push_back({DNNL_ARG_BIAS, 2, bias});
    Kernel kernel = bind_kernel(dnnl::inner_product_forward(pd), pd.scratchpad_desc(), bindings);
    kernel.in = {layout_of(src), layout_of(pd.weights_desc())};
    if (p.bias) kernel.in.push_back(layout_of(bias));
    kernel.out = {layout_of(dst)};
    kernel.in_place = {-1};
    if (p.residual) {
      kernel.in.push_back(kernel.out[0]);
      accumulate(kernel, static_cast<int>(kernel.in.size()) - 1, kernel.out[0].bytes());
    }
    return kernel;
  });
}

void gemm(const GemmProblem& p, const float* a, const float* b, float* c) {
  this_engine();
  const auto status = dnnl::sgemm('N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1.0f, a, p.lda, b, p.ldb,
                                  p.accumulate ? 1.0f : 0.0f, c, p.ldc);
  if (status != dnnl::status::success) throw Error(Fault::internal, "the kernel library refused a matrix product");
}

}  // namespace assay::engine::native
