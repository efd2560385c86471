// transpose: axes in another order.
#include <algorithm>
#include <numeric>

#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

Shape permutation(Specs in, const Attrs& attrs) {
  const std::size_t rank = in[0].shape.size();
  Shape reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  Shape perm = attrs.ints("perm", reversed);
  Shape sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  std::reverse(reversed.begin(), reversed.end());
  if (sorted != reversed) op_error("transpose", in, "attribute perm must name every axis once, not " + shape_str(perm));
  return perm;
}

Shape transpose_permuted(const Shape& values, const Shape& perm) {
  Shape out;
  for (const std::int64_t p : perm) out.push_back(values[static_cast<std::size_t>(p)]);
  return out;
}

Kernel prepare_transpose(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& in = request.in[0].spec;
  const Shape perm = permutation(std::span(&in, 1), request.attrs);
  const Shape& out = request.out[0].shape;
  const StridedCopy copy =
      make_copy({out, transpose_permuted(row_major(in.shape), perm), row_major(out), 0, 0, dtype_size(in.dtype)});
  kernel.run = [copy](const KernelArgs& args) { copy(args.in[0], args.out[0]); };
  return kernel;
}

std::vector<Value> transpose_vjp(const VjpArgs& v) {
  const Spec spec = f32_spec(shape_of(v.in[0]));
  const Shape perm = permutation(std::span(&spec, 1), v.attrs);
  Shape inverse(perm.size());
  for (std::size_t i = 0; i < perm.size(); ++i)
    inverse[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  return {call("transpose", {v.cotangents[0]}, {{"perm", inverse}})};
}

}  // namespace

void register_transpose(Registry& registry) {
  Op op;
  op.name = "transpose";
  op.onnx = "Transpose";
  op.doc = "x -> axes in the order of attribute perm (reversed)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("transpose", in, 1, 1);
    return one({in[0].dtype, transpose_permuted(in[0].shape, permutation(in, attrs))});
  };
  op.prepare = prepare_transpose;
  op.vjp = transpose_vjp;
  op.cases = {{.name = "matrix", .in = {make_spec({3, 5})}},
              {.name = "cycle", .in = {make_spec({2, 3, 5})}, .attrs = {{"perm", Shape{1, 2, 0}}}},
              {.name = "heads", .in = {make_spec({2, 3, 4, 5})}, .attrs = {{"perm", Shape{0, 2, 1, 3}}}},
              {.name = "integers", .in = {make_spec({2, 3}, DType::i64)}, .integers_below = 9},
              {.name = "no elements", .in = {make_spec({0, 3})}}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
