// gather (whole slices by index) and take_along (one element an index), each with the scatter that is its adjoint.
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

struct Blocks {
  std::int64_t outer = 1, extent = 1, inner = 1;  // around the indexed axis of x
  std::int64_t indices = 1;
  std::size_t element = 4;
};

Blocks blocks_of(const Shape& x, std::size_t axis) {
  Blocks b;
  for (std::size_t i = 0; i < axis; ++i) b.outer *= x[i];
  b.extent = x[axis];
  for (std::size_t i = axis + 1; i < x.size(); ++i) b.inner *= x[i];
  return b;
}

std::int64_t checked(const char* op, std::int64_t index, std::int64_t extent) {
  if (index >= 0 && index < extent) return index;
  throw Error(Fault::bad_input,
              std::string(op) + ": index " + std::to_string(index) + " is outside [0, " + std::to_string(extent) + ")");
}

const std::int64_t* indices(const KernelArgs& args) { return static_cast<const std::int64_t*>(args.in[1]); }

Shape replaced(const Shape& x, std::size_t axis, const Shape& by) {
  Shape out(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), by.begin(), by.end());
  out.insert(out.end(), x.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.end());
  return out;
}

std::size_t gather_axis(Specs in, const Attrs& attrs, std::size_t rank) {
  return axis_of("gather", in, attrs.integer("axis", 0), rank);
}

Kernel prepare_gather(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& x = request.in[0].spec;
  Blocks b = blocks_of(x.shape, gather_axis(std::span(&x, 1), request.attrs, x.shape.size()));
  b.indices = request.in[1].spec.count();
  b.element = dtype_size(x.dtype);
  kernel.run = [b](const KernelArgs& args) {
    const std::size_t bytes = static_cast<std::size_t>(b.inner) * b.element;
    const std::byte* from = static_cast<const std::byte*>(args.in[0]);
    std::byte* to = static_cast<std::byte*>(args.out[0]);
    for (std::int64_t o = 0; o < b.outer; ++o) {
      for (std::int64_t k = 0; k < b.indices; ++k, to += bytes) {
        const std::int64_t at = o * b.extent + checked("gather", indices(args)[k], b.extent);
        if (bytes > 0) std::memcpy(to, from + static_cast<std::size_t>(at) * bytes, bytes);
      }
    }
  };
  return kernel;
}

// g [before.., indices.., after..] -> [before.., extent, after..].
std::vector<Spec> infer_scatter(Specs in, const Attrs& attrs) {
  const char* op = "scatter_add";
  expect_count(op, in, 2, 2);
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::i64);
  const Shape &g = in[0].shape, &index = in[1].shape;
  if (g.size() < index.size()) op_error(op, in, "g needs the axes of the indices");
  const std::size_t axis = axis_of(op, in, attrs.integer("axis", 0), g.size() - index.size() + 1);
  const Shape middle(g.begin() + static_cast<std::ptrdiff_t>(axis),
                     g.begin() + static_cast<std::ptrdiff_t>(axis + index.size()));
  if (middle != index) op_error(op, in, "g's axes from " + std::to_string(axis) + " must be those of the indices");
  Shape out(g.begin(), g.begin() + static_cast<std::ptrdiff_t>(axis));
  out.push_back(attrs.integer("extent", 0));
  if (out.back() < 0) op_error(op, in, "attribute extent must not be negative");
  out.insert(out.end(), g.begin() + static_cast<std::ptrdiff_t>(axis + index.size()), g.end());
  return one(f32_spec(out));
}

Kernel prepare_scatter(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& out = request.out[0];
  Blocks b = blocks_of(out.shape,
                       axis_of("scatter_add", std::span(&out, 1), request.attrs.integer("axis", 0), out.shape.size()));
  b.indices = request.in[1].spec.count();
  kernel.run = [b, bytes = out.bytes()](const KernelArgs& args) {
    const float* from = floats(args, 0);
    float* to = floats_out(args, 0);
    if (bytes > 0) std::memset(to, 0, bytes);
    for (std::int64_t o = 0; o < b.outer; ++o) {
      for (std::int64_t k = 0; k < b.indices; ++k, from += b.inner) {
        float* row = to + (o * b.extent + checked("scatter_add", indices(args)[k], b.extent)) * b.inner;
        for (std::int64_t i = 0; i < b.inner; ++i) row[i] += from[i];
      }
    }
  };
  return kernel;
}

void add_gather(Registry& registry) {
  Op gather;
  gather.name = "gather";
  gather.onnx = "Gather";
  gather.doc = "x, indices i64 -> slices of x along attribute axis (0), in the shape of the indices";
  gather.infer = [](Specs in, const Attrs& attrs) {
    expect_count("gather", in, 2, 2);
    expect_dtype("gather", in, 1, DType::i64);
    return one({in[0].dtype, replaced(in[0].shape, gather_axis(in, attrs, in[0].shape.size()), in[1].shape)});
  };
  gather.prepare = prepare_gather;
  gather.vjp = [](const VjpArgs& v) {
    const Shape x = shape_of(v.in[0]);
    const Spec spec = f32_spec(x);
    const std::size_t axis = gather_axis(std::span(&spec, 1), v.attrs, x.size());
    return std::vector<Value>{call("scatter_add", {v.cotangents[0], v.in[1]},
                                   {{"axis", static_cast<std::int64_t>(axis)}, {"extent", x[axis]}}),
                              {}};
  };
  const Spec index = make_spec({4}, DType::i64), grid = make_spec({2, 3}, DType::i64);
  const Attrs last = {{"axis", std::int64_t{-1}}}, middle = {{"axis", std::int64_t{1}}};
  gather.cases = {{.name = "rows", .in = {make_spec({5, 3}), index}, .integers_below = 5},
                  {.name = "last axis", .in = {make_spec({2, 3, 5}), grid}, .attrs = last, .integers_below = 5},
                  {.name = "one index",
                   .in = {make_spec({2, 4, 3}), make_spec({}, DType::i64)},
                   .attrs = middle,
                   .integers_below = 4},
                  {.name = "no indices", .in = {make_spec({5, 3}), make_spec({0}, DType::i64)}, .integers_below = 5}};
  registry.add(std::move(gather));
  Op scatter;
  scatter.name = "scatter_add";
  scatter.doc =
      "g, indices i64 -> zeros of attribute extent along attribute axis (0), with g's slices added at the indices";
  scatter.infer = infer_scatter;
  scatter.prepare = prepare_scatter;
  scatter.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{call("gather", {v.cotangents[0], v.in[1]}, {{"axis", v.attrs.integer("axis", 0)}}), {}};
  };
  const std::int64_t extent = 5;
  scatter.cases = {
      {.name = "rows", .in = {make_spec({4, 3}), index}, .attrs = {{"extent", extent}}, .integers_below = 5},
      {.name = "middle",
       .in = {make_spec({2, 2, 3, 2}), grid},
       .attrs = {{"axis", std::int64_t{1}}, {"extent", extent}},
       .integers_below = 5}};
  registry.add(std::move(scatter));
}

// x or g and indices of equal shape but for the axis.
std::size_t along_axis(const char* op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 2, 2);
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::i64);
  const std::size_t rank = in[0].shape.size();
  if (in[1].shape.size() != rank) op_error(op, in, "the operands must have equally many axes");
  const std::size_t axis = axis_of(op, in, attrs.integer("axis", -1), rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (i != axis && in[0].shape[i] != in[1].shape[i]) op_error(op, in, "the operands differ off the axis");
  }
  return axis;
}

// body(element in the extent, element among the indices) for every index.
template <class Body>
void for_each_along(const char* op, const Blocks& b, const std::int64_t* index, const Body& body) {
  for (std::int64_t o = 0; o < b.outer; ++o) {
    for (std::int64_t k = 0; k < b.indices; ++k) {
      for (std::int64_t i = 0; i < b.inner; ++i) {
        const std::int64_t at = (o * b.indices + k) * b.inner + i;
        body((o * b.extent + checked(op, index[at], b.extent)) * b.inner + i, at);
      }
    }
  }
}

Kernel prepare_along(const PrepareRequest& request, const char* op, bool scatter) {
  Kernel kernel = dense_kernel(request);
  const Spec in[2] = {request.in[0].spec, request.in[1].spec};
  const std::size_t axis = along_axis(op, in, request.attrs);
  Blocks b = blocks_of(scatter ? request.out[0].shape : in[0].shape, axis);
  b.indices = in[1].shape[axis];
  kernel.run = [b, op, scatter, bytes = request.out[0].bytes()](const KernelArgs& args) {
    const float* from = floats(args, 0);
    float* to = floats_out(args, 0);
    if (scatter && bytes > 0) std::memset(to, 0, bytes);
    for_each_along(op, b, indices(args), [&](std::int64_t whole, std::int64_t part) {
      if (scatter) {
        to[whole] += from[part];
      } else {
        to[part] = from[whole];
      }
    });
  };
  return kernel;
}

void add_along(Registry& registry) {
  Op take;
  take.name = "take_along";
  take.onnx = "GatherElements";
  take.doc = "x, indices i64 (equal shapes but for attribute axis (-1)) -> the element of x at each index";
  take.infer = [](Specs in, const Attrs& attrs) {
    along_axis("take_along", in, attrs);
    return one(f32_spec(in[1].shape));
  };
  take.prepare = [](const PrepareRequest& r) { return prepare_along(r, "take_along", false); };
  take.vjp = [](const VjpArgs& v) {
    const Shape x = shape_of(v.in[0]);
    const std::int64_t axis = v.attrs.integer("axis", -1);
    const std::int64_t extent =
        x[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(x.size()) : axis)];
    return std::vector<Value>{call("put_along_add", {v.cotangents[0], v.in[1]}, {{"axis", axis}, {"extent", extent}}),
                              {}};
  };
  const Attrs middle = {{"axis", std::int64_t{1}}};
  take.cases = {
      {.name = "label's logit", .in = {make_spec({5, 7}), make_spec({5, 1}, DType::i64)}, .integers_below = 7},
      {.name = "middle",
       .in = {make_spec({2, 4, 3}), make_spec({2, 5, 3}, DType::i64)},
       .attrs = middle,
       .integers_below = 4}};
  registry.add(std::move(take));
  Op put;
  put.name = "put_along_add";
  put.doc =
      "g, indices i64 of g's shape -> zeros of attribute extent along attribute axis (-1), with g added at the indices";
  put.infer = [](Specs in, const Attrs& attrs) {
    const std::size_t axis = along_axis("put_along_add", in, attrs);
    if (in[0].shape != in[1].shape) op_error("put_along_add", in, "g and the indices must have one shape");
    Shape out = in[0].shape;
    out[axis] = attrs.integer("extent", 0);
    return one(f32_spec(out));
  };
  put.prepare = [](const PrepareRequest& r) { return prepare_along(r, "put_along_add", true); };
  put.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{call("take_along", {v.cotangents[0], v.in[1]}, {{"axis", v.attrs.integer("axis", -1)}}),
                              {}};
  };
  put.cases = {{.name = "rows",
                .in = {make_spec({5, 3}), make_spec({5, 3}, DType::i64)},
                .attrs = {{"extent", std::int64_t{4}}},
                .integers_below = 4}};
  registry.add(std::move(put));
}

}  // namespace

void register_gather(Registry& registry) {
  add_gather(registry);
  add_along(registry);
}

}  // namespace assay::engine
