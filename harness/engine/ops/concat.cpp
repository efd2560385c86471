// concat: operands joined along one axis.
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

std::size_t concat_axis(Specs in, const Attrs& attrs) {
  return axis_of("concat", in, attrs.integer("axis", 0), in[0].shape.size());
}

std::vector<Spec> infer_concat(Specs in, const Attrs& attrs) {
  expect_count("concat", in, 1, 1 << 16);
  const std::size_t axis = concat_axis(in, attrs);
  Spec out = in[0];
  for (std::size_t k = 1; k < in.size(); ++k) {
    Shape same = in[k].shape;
    if (in[k].dtype != out.dtype || same.size() != out.shape.size())
      op_error("concat", in, "operands do not fit together");
    out.shape[axis] += same[axis];
    same[axis] = out.shape[axis];
    if (same != out.shape) op_error("concat", in, "operands differ off axis " + std::to_string(axis));
  }
  return one(out);
}

Kernel prepare_concat(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& out = request.out[0];
  const std::size_t axis = concat_axis(std::span(&out, 1), request.attrs);
  std::vector<StridedCopy> copies;
  std::int64_t at = 0;
  for (const MemDesc& m : request.in) {
    const Shape steps = row_major(out.shape);
    copies.push_back(
        make_copy({m.spec.shape, row_major(m.spec.shape), steps, 0, at * steps[axis], dtype_size(out.dtype)}));
    at += m.spec.shape[axis];
  }
  kernel.run = [copies](const KernelArgs& args) {
    for (std::size_t k = 0; k < copies.size(); ++k) copies[k](args.in[k], args.out[0]);
  };
  return kernel;
}

std::vector<Value> concat_vjp(const VjpArgs& v) {
  std::vector<Value> grads(v.in.size());
  const Spec out = f32_spec(shape_of(v.out[0]));
  const std::size_t axis = concat_axis(std::span(&out, 1), v.attrs);
  Shape begin(out.shape.size(), 0);
  for (std::size_t k = 0; k < v.in.size(); ++k) {
    const Shape size = shape_of(v.in[k]);
    if (v.wanted[k]) grads[k] = call("slice", {v.cotangents[0]}, {{"begin", begin}, {"size", size}});
    begin[axis] += size[axis];
  }
  return grads;
}

}  // namespace

void register_concat(Registry& registry) {
  Op op;
  op.name = "concat";
  op.onnx = "Concat";
  op.doc = "operands of equal shape off attribute axis (0) -> joined along it";
  op.infer = infer_concat;
  op.prepare = prepare_concat;
  op.vjp = concat_vjp;
  const Attrs channels = {{"axis", std::int64_t{1}}};
  op.cases = {{.name = "rows", .in = {make_spec({2, 3}), make_spec({1, 3}), make_spec({4, 3})}},
              {.name = "channels", .in = {make_spec({2, 3, 2, 2}), make_spec({2, 5, 2, 2})}, .attrs = channels},
              {.name = "one", .in = {make_spec({2, 3})}, .attrs = {{"axis", std::int64_t{-1}}}},
              {.name = "F64", .in = {make_spec({2, 3}, DType::f64), make_spec({2, 1}, DType::f64)}, .attrs = channels},
              {.name = "U8", .in = {make_spec({3}, DType::u8), make_spec({2}, DType::u8)}, .integers_below = 9},
              {.name = "with nothing", .in = {make_spec({2, 0}), make_spec({2, 3})}, .attrs = channels}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
