// reshape: the same elements in row-major order under another shape. The result may share the operand's memory.
#include <cstring>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

// One extent may be -1 (what is left), as in ONNX without its zero rule.
Shape target_shape(Specs in, const Attrs& attrs) {
  Shape shape = attrs.ints("shape", {});
  const std::int64_t count = in[0].count();
  std::int64_t known = 1;
  std::size_t free_axis = shape.size();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1 && free_axis == shape.size()) {
      free_axis = i;
      continue;
    }
    if (shape[i] < 0) op_error("reshape", in, "shape " + shape_str(shape) + " has a negative extent");
    known *= shape[i];
  }
  if (free_axis < shape.size() && known > 0) shape[free_axis] = count / known;
  for (const std::int64_t extent : shape) {
    if (extent < 0) op_error("reshape", in, "the extent -1 cannot be found from no elements");
  }
  if (element_count(shape) != count) op_error("reshape", in, "cannot become shape " + shape_str(shape));
  return shape;
}

Kernel prepare_reshape(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  kernel.in_place = {0};
  const std::size_t bytes = request.out[0].bytes();
  kernel.run = [bytes](const KernelArgs& args) {
    if (args.out[0] != args.in[0] && bytes > 0) std::memcpy(args.out[0], args.in[0], bytes);
  };
  return kernel;
}

}  // namespace

void register_reshape(Registry& registry) {
  Op op;
  op.name = "reshape";
  op.onnx = "Reshape";
  op.doc = "x -> the same elements as attribute shape (one extent may be -1)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("reshape", in, 1, 1);
    return one({in[0].dtype, target_shape(in, attrs)});
  };
  op.prepare = prepare_reshape;
  op.bf16 = bf16_everywhere;
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{reshape(v.cotangents[0], shape_of(v.in[0]))}; };
  op.cases = {{.name = "split", .in = {make_spec({2, 12})}, .attrs = {{"shape", Shape{2, 3, 4}}}},
              {.name = "rest", .in = {make_spec({2, 3, 4})}, .attrs = {{"shape", Shape{2, -1}}}},
              {.name = "no elements", .in = {make_spec({0, 4})}, .attrs = {{"shape", Shape{0, 2, 2}}}}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
