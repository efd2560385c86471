// slice and its adjoint unslice (into zeros).
#include <cstring>

#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

struct Cut {
  Shape begin, size, step;
};

Shape full_rank(std::string_view op, Specs in, const Attrs& attrs, const char* key, std::size_t rank,
                std::int64_t fallback) {
  Shape v = attrs.ints(key, Shape(rank, fallback));
  if (v.size() != rank)
    op_error(op, in, std::string("attribute ") + key + " must name " + std::to_string(rank) + " axes");
  return v;
}

// The part of `whole` that the attributes name; a size of -1 reaches to the end.
Cut cut_of(std::string_view op, Specs in, const Attrs& attrs, const Shape& whole) {
  const std::size_t rank = whole.size();
  Cut c{full_rank(op, in, attrs, "begin", rank, 0), full_rank(op, in, attrs, "size", rank, -1),
        full_rank(op, in, attrs, "step", rank, 1)};
  for (std::size_t i = 0; i < rank; ++i) {
    if (c.step[i] < 1 || c.begin[i] < 0 || c.begin[i] > whole[i]) op_error(op, in, "begin or step is out of range");
    if (c.size[i] == -1) c.size[i] = (whole[i] - c.begin[i] + c.step[i] - 1) / c.step[i];
    const std::int64_t last = c.begin[i] + (c.size[i] - 1) * c.step[i];
    if (c.size[i] < 0 || (c.size[i] > 0 && last >= whole[i])) {
      op_error(op, in, "the slice leaves axis " + std::to_string(i) + " of " + shape_str(whole));
    }
  }
  return c;
}

// A copy between the part (dense) and its place in the whole.
StridedCopy part_copy(const Cut& c, const Shape& whole, bool out_of_whole, DType dtype) {
  Shape steps = row_major(whole);
  std::int64_t base = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    base += c.begin[i] * steps[i];
    steps[i] *= c.step[i];
  }
  const Shape part = row_major(c.size);
  const std::size_t element = dtype_size(dtype);
  if (out_of_whole) return make_copy({c.size, steps, part, base, 0, element});
  return make_copy({c.size, part, steps, 0, base, element});
}

Kernel prepare_slice(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& in = request.in[0].spec;
  const StridedCopy copy =
      part_copy(cut_of("slice", std::span(&in, 1), request.attrs, in.shape), in.shape, true, in.dtype);
  kernel.run = [copy](const KernelArgs& args) { copy(args.in[0], args.out[0]); };
  return kernel;
}

// Zeros with the operand in its place.
Kernel placed(const PrepareRequest& request, const Cut& cut) {
  Kernel kernel = dense_kernel(request);
  const Spec& out = request.out[0];
  const StridedCopy copy = part_copy(cut, out.shape, false, out.dtype);
  kernel.run = [copy, bytes = out.bytes()](const KernelArgs& args) {
    if (bytes > 0) std::memset(args.out[0], 0, bytes);
    copy(args.in[0], args.out[0]);
  };
  return kernel;
}

Cut unslice_cut(Specs in, const Attrs& attrs) {
  const Shape whole = attrs.ints("shape", {});
  if (whole.size() != in[0].shape.size()) op_error("unslice", in, "attribute shape must have as many axes as g");
  Attrs with_size = attrs;
  with_size.set("size", in[0].shape);
  return cut_of("unslice", in, with_size, whole);
}

void add_unslice(Registry& registry) {
  Op op;
  op.name = "unslice";
  op.doc = "g -> zeros of attribute shape with g where slice with begin and step would read";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("unslice", in, 1, 1);
    expect_in("unslice", in, 0, kNumbersAndBool);
    unslice_cut(in, attrs);
    return one({in[0].dtype, attrs.ints("shape", {})});
  };
  op.prepare = [](const PrepareRequest& r) {
    return placed(r, unslice_cut(std::span(&r.in[0].spec, 1), r.attrs));
  };
  op.vjp = [](const VjpArgs& v) {
    Attrs attrs;
    for (const char* key : {"begin", "step"}) {
      if (v.attrs.has(key)) attrs.set(key, v.attrs.ints(key, {}));
    }
    attrs.set("size", shape_of(v.in[0]));
    return std::vector<Value>{call("slice", {v.cotangents[0]}, attrs)};
  };
  op.cases = {{.name = "block", .in = {make_spec({2, 3})}, .attrs = {{"shape", Shape{4, 5}}, {"begin", Shape{1, 2}}}},
              {.name = "steps", .in = {make_spec({2, 2})}, .attrs = {{"shape", Shape{4, 5}}, {"step", Shape{2, 3}}}},
              {.name = "F64", .in = {make_spec({2}, DType::f64)}, .attrs = {{"shape", Shape{5}}, {"begin", Shape{1}}}}};
  registry.add(std::move(op));
}

}  // namespace

void register_slice(Registry& registry) {
  Op op;
  op.name = "slice";
  op.onnx = "Slice";
  op.doc = "x -> part of x; attributes begin (0), size (-1: to the end), step (1): one value an axis";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("slice", in, 1, 1);
    return one({in[0].dtype, cut_of("slice", in, attrs, in[0].shape).size});
  };
  op.prepare = prepare_slice;
  op.vjp = [](const VjpArgs& v) {
    Attrs attrs = {{"shape", shape_of(v.in[0])}};
    for (const char* key : {"begin", "step"}) {
      if (v.attrs.has(key)) attrs.set(key, v.attrs.ints(key, {}));
    }
    return std::vector<Value>{call("unslice", {v.cotangents[0]}, attrs)};
  };
  op.cases = {
      {.name = "block", .in = {make_spec({4, 5})}, .attrs = {{"begin", Shape{1, 2}}, {"size", Shape{2, 3}}}},
      {.name = "to the end", .in = {make_spec({2, 3, 5})}, .attrs = {{"begin", Shape{0, 1, 2}}}},
      {.name = "steps", .in = {make_spec({5, 7})}, .attrs = {{"begin", Shape{1, 0}}, {"step", Shape{2, 3}}}},
      {.name = "integers", .in = {make_spec({6}, DType::i64)}, .attrs = {{"begin", Shape{2}}}, .integers_below = 9},
      {.name = "nothing", .in = {make_spec({4, 5})}, .attrs = {{"size", Shape{0, 5}}}}};
  registry.add(std::move(op));
  add_unslice(registry);
}

}  // namespace assay::engine
