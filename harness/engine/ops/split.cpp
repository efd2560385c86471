// split: consecutive parts along an axis; concat is its adjoint.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

std::vector<Spec> infer_split(Specs in, const Attrs& attrs) {
  expect_count("split", in, 1, 1);
  Shape shape = in[0].shape;
  const std::size_t axis = axis_of("split", in, attrs.integer("axis", 0), shape.size());
  const Shape sizes = attrs.ints("sizes", {});
  const bool negative = std::any_of(sizes.begin(), sizes.end(), [](std::int64_t s) { return s < 0; });
  if (sizes.empty() || negative || std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}) != shape[axis]) {
    op_error("split", in, "attribute sizes must add up to " + std::to_string(shape[axis]));
  }
  std::vector<Spec> out;
  for (const std::int64_t size : sizes) {
    shape[axis] = size;
    out.push_back({in[0].dtype, shape});
  }
  return out;
}

Kernel prepare_split(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& x = request.in[0].spec;
  const std::size_t axis = axis_of("split", std::span(&x, 1), request.attrs.integer("axis", 0), x.shape.size());
  std::size_t outer = 1, inner = dtype_size(x.dtype);
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(x.shape[i]);
  for (std::size_t i = axis + 1; i < x.shape.size(); ++i) inner *= static_cast<std::size_t>(x.shape[i]);
  std::vector<std::size_t> rows;  // bytes of a part for one outer index
  for (const Spec& s : request.out) rows.push_back(static_cast<std::size_t>(s.shape[axis]) * inner);
  kernel.run = [outer, rows](const KernelArgs& args) {
    const std::byte* from = static_cast<const std::byte*>(args.in[0]);
    for (std::size_t o = 0; o < outer; ++o) {
      for (std::size_t k = 0; k < rows.size(); ++k) {
        if (rows[k] > 0) std::memcpy(static_cast<std::byte*>(args.out[k]) + o * rows[k], from, rows[k]);
        from += rows[k];
      }
    }
  };
  return kernel;
}

std::vector<Value> split_vjp(const VjpArgs& v) {
  Emitter& emitter = *v.in[0].emitter;
  std::vector<Value> parts;
  for (std::size_t k = 0; k < v.out.size(); ++k) {
    parts.push_back(v.cotangents[k].defined() ? v.cotangents[k]
                                              : emitter.constant(Tensor::full(shape_of(v.out[k]), 0.0f)));
  }
  return emitter.emit(Registry::get().id("concat"), parts, {{"axis", v.attrs.integer("axis", 0)}});
}

}  // namespace

void register_split(Registry& registry) {
  Op op;
  op.name = "split";
  op.onnx = "Split";
  op.doc = "x -> one part for each of attribute sizes, along attribute axis (0)";
  op.infer = infer_split;
  op.prepare = prepare_split;
  op.vjp = split_vjp;
  op.cases = {
      {.name = "rows", .in = {make_spec({5, 3})}, .attrs = {{"sizes", Shape{2, 3}}}},
      {.name = "last axis",
       .in = {make_spec({2, 3, 7})},
       .attrs = {{"sizes", Shape{1, 5, 1}}, {"axis", std::int64_t{-1}}}},
      {.name = "an empty part", .in = {make_spec({3, 2})}, .attrs = {{"sizes", Shape{3, 0}}}},
      {.name = "nothing", .in = {make_spec({0, 4})}, .attrs = {{"sizes", Shape{2, 2}}, {"axis", std::int64_t{1}}}}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
