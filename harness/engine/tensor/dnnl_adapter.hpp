// The one door to oneDNN (2.6): kernels for convolution, matrix products and layout changes. No type of the library
// appears here, so a move to another major version is a change of dnnl_adapter.cpp alone.
//
// Every make_* creates its primitive at once, in user-scratchpad mode, and counts it in engine_counters(). The layouts
// of activations follow the input when it carries one of the library's, and are the library's choice otherwise;
// weights are always the library's choice.
// Threading: make_* and run are [any-thread], each kernel by one thread at a time.
#pragma once

#include <string>

#include "harness/engine/tensor/kernel.hpp"

namespace assay::engine::native {

enum class Activation { none, relu, relu6 };  // relu6: clamped to [0, 6]

// How a convolution is computed. Winograd's minimal filtering (Lavin & Gray, CVPR 2016; tiles of 4x4 or 2x2 results)
// takes a quarter of the multiplications of a 3x3 one; its rounding errors are about six times the direct form's, 1e-6
// of the result's size.
enum class ConvAlgorithm {
  measured,  // what conv_choices.def says for the shape and the instruction set
  direct,
  winograd,  // where the library has it, else direct
};

// src [N, C, H, W], weights [O, C/groups, KH, KW], dst [N, O, OH, OW], or with one or three spatial axes, and then one
// or three entries in what follows; every extent at least 1.
struct ConvProblem {
  Shape src, weights, dst;
  std::int64_t groups = 1;
  Shape stride = {1, 1}, dilation = {1, 1};       // dilation 1: dense
  Shape pad_before = {0, 0}, pad_after = {0, 0};  // top, left; bottom, right
  // Storage of the two factors (src, weights, diff_dst: f32 or bf16) and of the result; sums are f32.
  DType type = DType::f32, out_type = DType::f32;
  ConvAlgorithm algorithm = ConvAlgorithm::measured;
  bool training = false;  // of a forward pass: the weights change between two runs
};

struct ConvFusion {
  bool bias = false, residual = false;  // dst = act(conv + bias + residual)
  Activation act = Activation::none;
};

// in: src, weights, [bias], [residual]; out: dst. The residual may share memory with dst.
Kernel make_conv_forward(const ConvProblem& problem, const ConvFusion& fusion, const Layout& src);
// in: diff_dst, weights; out: diff_src.
Kernel make_conv_backward_data(const ConvProblem& problem, const Layout& diff_dst);
// in: src, diff_dst; out: diff_weights.
Kernel make_conv_backward_weights(const ConvProblem& problem, const Layout& src, const Layout& diff_dst);

// dst[b, m, n] = sum_k A[b, m, k] B[b, k, n], all dense row-major, A and B each possibly stored transposed. `batch`
// extents of A and B are equal to dst's or 1, and all three have the same rank.
struct MatmulProblem {
  Shape a_batch, b_batch, batch;
  std::int64_t m = 1, k = 1, n = 1;
  bool transpose_a = false, transpose_b = false;
  DType type = DType::f32, out_type = DType::f32;  // storage of A and B, and of dst; sums are f32
};
Kernel make_matmul(const MatmulProblem& problem);  // in: A, B; out: dst

// dst[r, o] = act(sum_i src[r, i] weights[o, i] + bias[o] + residual[r, o]); activations dense.
struct LinearProblem {
  std::int64_t rows = 1, in = 1, out = 1;
  bool bias = false, residual = false;
  Activation act = Activation::none;
  bool pack_weights = false;  // let the library choose the weights' layout: worth it when they stay the same
  DType type = DType::f32, out_type = DType::f32;  // storage of src and weights, of dst and residual; bias is f32
};
Kernel make_linear(const LinearProblem& problem);  // in: src, weights, [bias], [residual]; out: dst

// c[m, n] = sum_k a[m, k] b[k, n], added to c when `accumulate`; row-major with leading dimensions, a and b possibly
// stored transposed. Without a prepared primitive: for own kernels that multiply small pieces.
struct GemmProblem {
  std::int64_t m = 1, n = 1, k = 1, lda = 1, ldb = 1, ldc = 1;
  bool transpose_b = false, accumulate = false, transpose_a = false;
};
void gemm(const GemmProblem& problem, const float* a, const float* b, float* c);

// A copy of `from` in layout `to`; counted as a reorder when run. Any dtype when both are dense, else one the library has.
Kernel make_reorder(const MemDesc& from, const Layout& to);
// The arrangement of `layout` with elements of to.dtype (same shape).
Layout retyped(const Spec& to, const Layout& layout);

// Products on 8-bit integers: src u8 or s8 (problem.type), weights s8, s32 sums, dst u8, s8 or f32 (problem.out_type):
//   dst = saturate(round(act(scales[o] * (sum + bias[o]) + residual_scale * residual)))      no rounding into f32
struct Requantization {
  std::vector<float> scales;           // one, or one an output channel
  float residual_scale = 1;
  DType residual_type = DType::f32;    // of dst's size
};
bool has_integer_conv(const ConvProblem& problem);
Kernel make_integer_conv(const ConvProblem& problem, const ConvFusion& fusion, const Requantization& requantization,
                         const Layout& src);
Kernel make_integer_linear(const LinearProblem& problem, const Requantization& requantization);

std::string library_version();  // "2.6.3"
std::string effective_isa();    // "avx512_core_bf16", ... after DNNL_MAX_CPU_ISA
// Whether convolutions and matrix products on operands stored as `type` (f32, bf16, u8) have kernels of this instruction
// set; without them a low-precision plan is "unsupported". Asks the library once a process. [any-thread]
bool has_products(DType type);
// Whether this convolution has a kernel better than the library's reference one, in the direction named.
enum class Direction { forward, backward_data, backward_weights };
bool has_conv(const ConvProblem& problem, Direction direction);
// Threads of the kernels run by any thread from now on; 1 at start. Call before the first kernel is made.
void set_threads(int threads);
int threads();

}  // namespace assay::engine::native
