// Multiply-adds as the field counts them, against counts made by hand.
#include <doctest/doctest.h>

#include "harness/engine/ops/op.hpp"

using namespace assay::engine;

namespace {

OpCost cost_of(const char* name, const std::vector<Spec>& in, const Attrs& attrs = {}) {
  const Registry& registry = Registry::get();
  const Op& op = registry.op(registry.id(name));
  return op_cost(op, in, op.infer(in, attrs), attrs);
}

Spec f32(Shape shape) { return {DType::f32, std::move(shape)}; }

}  // namespace

TEST_CASE("convolutions count N * O * OH * OW * C / groups * KH * KW") {
  // ResNet-20's first layer on one CIFAR image: 32 * 32 * 16 * 3 * 9.
  const Attrs pad = {{"pad", std::int64_t{1}}};
  CHECK(cost_of("conv2d", {f32({1, 3, 32, 32}), f32({16, 3, 3, 3})}, pad).macs == 442368);
  Attrs depthwise = pad;
  depthwise.set("groups", std::int64_t{8});
  depthwise.set("stride", std::int64_t{2});
  CHECK(cost_of("conv2d", {f32({2, 8, 8, 8}), f32({8, 1, 3, 3})}, depthwise).macs == 2.0 * 8 * 4 * 4 * 9);
  Attrs size = pad;
  size.set("size", Shape{32, 32});
  CHECK(cost_of("conv2d_bwd_data", {f32({1, 16, 32, 32}), f32({16, 3, 3, 3})}, size).macs == 442368);
  Attrs kernel = pad;
  kernel.set("kernel", Shape{3, 3});
  CHECK(cost_of("conv2d_bwd_weights", {f32({1, 3, 32, 32}), f32({1, 16, 32, 32})}, kernel).macs == 442368);
}

TEST_CASE("matrix products count M * K * N a batch; a bias is free") {
  CHECK(cost_of("linear", {f32({5, 784}), f32({10, 784}), f32({10})}).macs == 5.0 * 784 * 10);
  CHECK(cost_of("matmul", {f32({6, 3, 4}), f32({4, 7})}).macs == 6.0 * 3 * 4 * 7);
}

TEST_CASE("other ops count bytes, and no multiply-adds") {
  const OpCost relu = cost_of("relu", {f32({2, 3})});
  CHECK(relu.macs == 0);
  CHECK(relu.bytes == 48);
}
