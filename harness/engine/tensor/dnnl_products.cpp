// Convolution and matrix products on oneDNN.
#include "harness/engine/tensor/dnnl_native.hpp"
#include "harness/engine/tensor/dnnl_winograd.hpp"

namespace assay::engine::native {

using dnnl::algorithm;

void accumulate(Kernel& kernel, int index, std::size_t out_bytes) {
  kernel.in_place[0] = index;
  const auto inner = kernel.run;
  const auto at = static_cast<std::size_t>(index);
  kernel.run = [inner, at, out_bytes](const KernelArgs& args) {
    if (args.in[at] != args.out[0]) std::memcpy(args.out[0], args.in[at], out_bytes);
    inner(args);
  };
}

Shape grouped(const Shape& weights, std::int64_t groups) {
  if (groups == 1) return weights;
  Shape split = weights;
  split[0] /= groups;
  split.insert(split.begin(), groups);
  return split;
}

Shape dnnl_dilation(const ConvProblem& p) {
  Shape gaps = p.dilation;
  for (std::int64_t& d : gaps) --d;
  return gaps;
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

bool follows(const Layout& layout) { return layout.native() != nullptr; }

dnnl::convolution_forward::primitive_desc forward_desc(const ConvProblem& p, const ConvFusion& fusion, const Md& src) {
  // The same primitive for training and for inference: one set of bits, and layouts that the backward passes share.
  // The library's inference-only kernel (channels-last) is 10 to 20 % faster for 64 to 256 channels with 3x3 kernels,
  // slower for few channels and strided 1x1 ones, and would cost reorders wherever gradients are wanted.
  const auto kind = dnnl::prop_kind::forward_training;
  const Md weights = any_md(grouped(p.weights, p.groups), p.type), dst = any_md(p.dst, p.out_type);
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
      return forward_desc(problem, fusion, follow ? md_of(src) : any_md(problem.src, problem.type));
    });
    return forward_kernel(dnnl::convolution_forward(pd), pd, fusion);
  });
}

namespace {

// The forward pass whose gradient is wanted, as a hint: the library wants one that could have made these operands.
dnnl::convolution_forward::primitive_desc hint_for(const ConvProblem& p) {
  ConvProblem training = p;
  training.out_type = p.type;
  return forward_desc(training, {}, any_md(p.src, p.type));
}

dnnl::convolution_backward_data::primitive_desc data_desc(const ConvProblem& p, const Md& diff_dst) {
  const dnnl::convolution_backward_data::desc desc(algorithm::convolution_direct, any_md(p.src, p.out_type),
                                                   any_md(grouped(p.weights, p.groups), p.type), diff_dst, p.stride,
                                                   dnnl_dilation(p), p.pad_before, p.pad_after);
  return {desc, user_scratchpad(), this_engine(), hint_for(p)};
}

dnnl::convolution_backward_weights::primitive_desc weights_desc(const ConvProblem& p, const Md& src,
                                                                const Md& diff_dst) {
  const dnnl::convolution_backward_weights::desc desc(algorithm::convolution_direct, src,
                                                      any_md(grouped(p.weights, p.groups), p.out_type), diff_dst,
                                                      p.stride, dnnl_dilation(p), p.pad_before, p.pad_after);
  return {desc, user_scratchpad(), this_engine(), hint_for(p)};
}

}  // namespace

bool has_conv(const ConvProblem& problem, Direction direction) {
  const ConvProblem& p = problem;
  const auto fast = [](const auto& pd) { return std::strncmp(pd.impl_info_str(), "ref", 3) != 0; };
  try {
    const Md src = any_md(p.src, p.type), diff_dst = any_md(p.dst, p.type);
    if (direction == Direction::forward) return fast(forward_desc(p, {}, src));
    return direction == Direction::backward_data ? fast(data_desc(p, diff_dst)) : fast(weights_desc(p, src, diff_dst));
  } catch (const dnnl::error&) {  // how the library says that it has none
    return false;
  }
}

Kernel make_conv_backward_data(const ConvProblem& p, const Layout& diff_dst) {
  if (auto winograd = winograd_backward_data(p)) return *winograd;
  return translated("conv2d_bwd_data", [&] {
    const auto pd = preferring(
        follows(diff_dst), [&](bool follow) { return data_desc(p, follow ? md_of(diff_dst) : any_md(p.dst, p.type)); });
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
    const auto pd = preferring(follows(src) || follows(diff_dst), [&](bool follow) {
      return weights_desc(p, follow && follows(src) ? md_of(src) : any_md(p.src, p.type),
                          follow && follows(diff_dst) ? md_of(diff_dst) : any_md(p.dst, p.type));
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
struct Matrix {
  std::int64_t rows, columns;
  bool transposed;
  DType type;
};
Md matrix_md(const Shape& batch, const Matrix& m) {
  Shape dims = batch;
  dims.insert(dims.end(), {m.rows, m.columns});
  if (!m.transposed) return dense_md(m.type, dims);
  Shape stored = batch;
  stored.insert(stored.end(), {m.columns, m.rows});
  Shape strides = row_major_strides(stored);
  std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
  return Md(dims, data_type(m.type), strides);
}

}  // namespace

Kernel make_matmul(const MatmulProblem& p) {
  return translated("matmul", [&] {
    const Md a = matrix_md(p.a_batch, {p.m, p.k, p.transpose_a, p.type});
    const Md b = matrix_md(p.b_batch, {p.k, p.n, p.transpose_b, p.type});
    const Md dst = matrix_md(p.batch, {p.m, p.n, false, p.out_type});
    const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(a, b, dst), user_scratchpad(), this_engine());
    Kernel kernel = bind_kernel(dnnl::matmul(pd), pd.scratchpad_desc(),
                                {{DNNL_ARG_SRC, 0, a}, {DNNL_ARG_WEIGHTS, 1, b}, {DNNL_ARG_DST, -1, dst}});
    // Transposed operands are dense in their own order of axes: same bytes.
    kernel.in = {Layout::dense({p.type, a.dims()}), Layout::dense({p.type, b.dims()})};
    kernel.out = {Layout::dense({p.out_type, dst.dims()})};
    kernel.in_place = {-1};
    return kernel;
  });
}

Kernel make_linear(const LinearProblem& p) {
  return translated("linear", [&] {
    const auto kind = p.pack_weights ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training;
    const Md src = dense_md(p.type, {p.rows, p.in}), dst = dense_md(p.out_type, {p.rows, p.out});
    const Md weights = p.pack_weights ? any_md({p.out, p.in}, p.type) : dense_md(p.type, {p.out, p.in});
    const Md bias = dense_md(DType::f32, {p.out});
    using Desc = dnnl::inner_product_forward::desc;
    const Desc desc = p.bias ? Desc(kind, src, weights, bias, dst) : Desc(kind, src, weights, dst);
    const dnnl::inner_product_forward::primitive_desc pd(desc, fused(p.residual, p.act), this_engine());
    return forward_kernel(dnnl::inner_product_forward(pd), pd, {p.bias, p.residual, p.act});
  });
}

bool has_products(DType type) {
  static const bool bf16 = [] {
    ConvProblem p;
    p.src = {1, 16, 8, 8}, p.weights = {16, 16, 3, 3}, p.dst = {1, 16, 6, 6};
    p.type = DType::bf16;
    return has_conv(p, Direction::forward);
  }();
  static const bool integers = [] {
    // Without VNNI the sum of two products saturates at 16 bits, which is another result.
    const std::string isa = effective_isa();
    if (isa != "avx512_core_bf16" && isa != "avx512_core_amx" && isa.find("vnni") == std::string::npos) return false;
    ConvProblem p;
    p.src = {1, 16, 8, 8}, p.weights = {16, 16, 3, 3}, p.dst = {1, 16, 6, 6};
    p.type = p.out_type = DType::u8;
    return has_integer_conv(p);
  }();
  return type == DType::f32 || (type == DType::bf16 && bf16) || (type == DType::u8 && integers);
}

void gemm(const GemmProblem& p, const float* a, const float* b, float* c) {
  this_engine();
  const auto status = dnnl::sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1.0f, a, p.lda,
                                  b, p.ldb, p.accumulate ? 1.0f : 0.0f, c, p.ldc);
  if (status != dnnl::status::success) throw Error(Fault::internal, "the kernel library refused a matrix product");
}

}  // namespace assay::engine::native
