// Winograd against direct convolutions, what the table of choices says, and independence of batch neighbours.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "harness/base/rng.hpp"
#include "harness/engine/tensor/conv_choices.hpp"

namespace assay::engine::native {
namespace {

constexpr std::int64_t rows = 3, channels = 32, extent = 9;  // not a multiple of a tile

ConvProblem problem(ConvAlgorithm algorithm) {
  ConvProblem p;
  p.src = {rows, channels, extent, extent};
  p.weights = {2 * channels, channels, 3, 3};
  p.dst = {rows, 2 * channels, extent, extent};
  p.pad_before = p.pad_after = {1, 1};
  p.algorithm = algorithm;
  return p;
}

Tensor noise(const Shape& shape, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)));
  Rng(seed, "conv").fill_normal(values, 0, 1);
  return Tensor::f32(shape, values);
}

Tensor laid_out(const Tensor& tensor, const Layout& layout) {
  const Kernel reorder = make_reorder({tensor.spec(), tensor.layout()}, layout);
  const auto memory = Storage::allocate(layout.bytes());
  const auto scratch = Storage::allocate(std::max<std::size_t>(reorder.scratch_bytes, 64));
  const void* in[] = {tensor.raw()};
  void* out[] = {memory->data()};
  reorder.run({in, out, scratch->data()});
  return Tensor(tensor.spec(), layout, memory);
}

std::vector<float> run(const Kernel& kernel, const std::vector<Tensor>& operands, const Shape& result) {
  std::vector<Tensor> held;
  std::vector<const void*> in;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    held.push_back(laid_out(operands[i], kernel.in[i]));
    in.push_back(held.back().raw());
  }
  const auto memory = Storage::allocate(kernel.out[0].bytes());
  const auto scratch = Storage::allocate(std::max<std::size_t>(kernel.scratch_bytes, 64));
  void* out[] = {memory->data()};
  kernel.run({in, out, scratch->data()});
  return Tensor({DType::f32, result}, kernel.out[0], memory).to_f32();
}

// Largest difference in units of the reference's root mean square.
double relative(const std::vector<float>& got, const std::vector<float>& want) {
  double squares = 0, largest = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    squares += static_cast<double>(want[i]) * static_cast<double>(want[i]);
    largest = std::max(largest, std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i])));
  }
  return largest / std::sqrt(squares / static_cast<double>(want.size()));
}

bool has_winograd() {
  return make_conv_forward(problem(ConvAlgorithm::winograd), {}, {}).name.find("wino") != std::string::npos;
}

}  // namespace

TEST_CASE("winograd convolutions give the direct ones' results in all passes and fused forms") {
  if (!has_winograd()) return;  // an instruction set without such kernels
  const ConvProblem direct = problem(ConvAlgorithm::direct), fast = problem(ConvAlgorithm::winograd);
  const Tensor x = noise(direct.src, 1), w = noise(direct.weights, 2), g = noise(direct.dst, 3);
  const Tensor bias = noise({direct.dst[1]}, 4), residual = noise(direct.dst, 5);
  constexpr double tolerance = 2e-5;
  CHECK(relative(run(make_conv_forward(fast, {}, {}), {x, w}, direct.dst),
                 run(make_conv_forward(direct, {}, {}), {x, w}, direct.dst)) < tolerance);
  const ConvFusion all{true, true, Activation::relu};
  const std::vector<Tensor> operands = {x, w, bias, residual};
  CHECK(relative(run(make_conv_forward(fast, all, {}), operands, direct.dst),
                 run(make_conv_forward(direct, all, {}), operands, direct.dst)) < tolerance);
  CHECK(relative(run(make_conv_backward_data(fast, {}), {g, w}, direct.src),
                 run(make_conv_backward_data(direct, {}), {g, w}, direct.src)) < tolerance);
  CHECK(relative(run(make_conv_backward_weights(fast, {}, {}), {x, g}, direct.weights),
                 run(make_conv_backward_weights(direct, {}, {}), {x, g}, direct.weights)) < tolerance);
}

TEST_CASE("weights that change are transformed in the kernel: a reorder in front of it cost half of a training step") {
  if (!has_winograd()) return;
  ConvProblem p = problem(ConvAlgorithm::winograd);
  const Tensor x = noise(p.src, 1), w = noise(p.weights, 2);
  const auto expected = run(make_conv_forward(problem(ConvAlgorithm::direct), {}, {}), {x, w}, p.dst);
  p.training = true;
  const Kernel kernel = make_conv_forward(p, {}, {});
  CHECK(kernel.name.find("wino") != std::string::npos);
  CHECK(kernel.in[1].bytes() == static_cast<std::size_t>(element_count(p.weights)) * sizeof(float));
  CHECK(relative(run(kernel, {x, w}, p.dst), expected) < 2e-5);
}

TEST_CASE("a winograd convolution's rows do not depend on their neighbours") {
  if (!has_winograd()) return;
  const ConvProblem p = problem(ConvAlgorithm::winograd);
  const Tensor w = noise(p.weights, 2);
  std::vector<float> first = noise(p.src, 1).to_f32(), second = noise(p.src, 6).to_f32();
  const std::size_t row = first.size() / rows, out_row = static_cast<std::size_t>(element_count(p.dst)) / rows;
  std::copy_n(first.begin(), row, second.begin());
  const Kernel kernel = make_conv_forward(p, {}, {});
  const auto a = run(kernel, {Tensor::f32(p.src, first), w}, p.dst), b = run(kernel, {Tensor::f32(p.src, second), w}, p.dst);
  CHECK(std::memcmp(a.data(), b.data(), out_row * sizeof(float)) == 0);
  CHECK(std::memcmp(a.data() + out_row, b.data() + out_row, out_row * sizeof(float)) != 0);
}

TEST_CASE("the table of choices is keyed by instruction set, pass and shape class") {
  ConvProblem p = problem(ConvAlgorithm::measured);
  p.src = {32, 64, 9, 9}, p.weights = {64, 64, 3, 3}, p.dst = {32, 64, 9, 9};
  CHECK(class_of(p) == ConvClass{64, 8, 32});
  CHECK(use_winograd(ConvPass::forward, p, "avx512_core_bf16"));
  CHECK_FALSE(use_winograd(ConvPass::forward, p, "avx2"));
  CHECK_FALSE(use_winograd(ConvPass::forward, p, "sse41"));
  p.algorithm = ConvAlgorithm::direct;
  CHECK_FALSE(use_winograd(ConvPass::forward, p, "avx512_core"));
  p.algorithm = ConvAlgorithm::winograd;
  p.stride = {2, 2};
  CHECK_FALSE(use_winograd(ConvPass::forward, p, "avx512_core"));
  p = problem(ConvAlgorithm::winograd);
  p.groups = 2;
  CHECK_FALSE(winograd_fits(p));
  p = problem(ConvAlgorithm::winograd);
  p.src[1] = 24;
  CHECK_FALSE(winograd_fits(p));
}

}  // namespace assay::engine::native
