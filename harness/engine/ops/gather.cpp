// Whole slices by index along one axis: gather and index_select, with the adjoint scatter_add.
#include <cstring>

#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {
namespace {

struct Blocks {
  std::int64_t outer = 1, extent = 1, inner = 1;  // around the indexed axis of x
  std::int64_t indices = 1;
  DType dtype = DType::f32, index_dtype = DType::i64;
};

Blocks blocks_of(const Spec& x, std::size_t axis, const Spec& indices) {
  Blocks b;
  for (std::size_t i = 0; i < axis; ++i) b.outer *= x.shape[i];
  b.extent = x.shape[axis];
  for (std::size_t i = axis + 1; i < x.shape.size(); ++i) b.inner *= x.shape[i];
  b.indices = indices.count();
  b.dtype = x.dtype;
  b.index_dtype = indices.dtype;
  return b;
}

Shape replaced(const Shape& x, std::size_t axis, const Shape& by) {
  Shape out(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(out.end(), by.begin(), by.end());
  out.insert(out.end(), x.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.end());
  return out;
}

std::size_t gather_axis(const char* op, Specs in, const Attrs& attrs) {
  return axis_of(op, in, attrs.integer("axis", 0), in[0].shape.size());
}

Kernel prepare_gather(const char* op, const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec in[2] = {request.in[0].spec, request.in[1].spec};
  const Blocks b = blocks_of(in[0], gather_axis(op, in, request.attrs), in[1]);
  kernel.run = [b, op](const KernelArgs& args) {
    const Indices indices(args.in[1], b.index_dtype);
    const std::size_t bytes = static_cast<std::size_t>(b.inner) * dtype_size(b.dtype);
    const std::byte* from = static_cast<const std::byte*>(args.in[0]);
    std::byte* to = static_cast<std::byte*>(args.out[0]);
    for (std::int64_t o = 0; o < b.outer; ++o) {
      for (std::int64_t k = 0; k < b.indices; ++k, to += bytes) {
        const std::int64_t at = o * b.extent + indices.at(op, k, b.extent);
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
  expect_in(op, in, 0, kNumbers);
  expect_index(op, in, 1);
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
  return one({in[0].dtype, out});
}

float sum_of(float a, float b) { return a + b; }
template <class T>
T sum_of(T a, T b) {
  return static_cast<T>(wrap_add(widened(a), widened(b)));
}

// Adds in the order of the indices.
template <class T>
void scatter_rows(const Blocks& b, const Indices& indices, const void* g, void* out) {
  const T* from = static_cast<const T*>(g);
  T* to = static_cast<T*>(out);
  for (std::int64_t o = 0; o < b.outer; ++o) {
    for (std::int64_t k = 0; k < b.indices; ++k, from += b.inner) {
      T* row = to + (o * b.extent + indices.at("scatter_add", k, b.extent)) * b.inner;
      for (std::int64_t i = 0; i < b.inner; ++i) row[i] = sum_of(row[i], from[i]);
    }
  }
}

Kernel prepare_scatter(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& out = request.out[0];
  const std::size_t axis = gather_axis("scatter_add", std::span(&out, 1), request.attrs);
  const Blocks b = blocks_of(out, axis, request.in[1].spec);
  kernel.run = [b, bytes = out.bytes()](const KernelArgs& args) {
    if (bytes > 0) std::memset(args.out[0], 0, bytes);
    const Indices indices(args.in[1], b.index_dtype);
    with_number(b.dtype, [&](auto type) { scatter_rows<decltype(type)>(b, indices, args.in[0], args.out[0]); });
  };
  return kernel;
}

std::vector<OpCase> gather_cases(bool flat) {
  const Spec index = make_spec({4}, DType::i64);
  const Spec grid = flat ? make_spec({3}, DType::i64) : make_spec({2, 3}, DType::i64);
  const Attrs last = {{"axis", std::int64_t{-1}}}, middle = {{"axis", std::int64_t{1}}};
  std::vector<OpCase> cases = {
      {.name = "rows", .in = {make_spec({5, 3}), index}, .integers_below = 5},
      {.name = "last axis", .in = {make_spec({2, 3, 5}), grid}, .attrs = last, .integers_below = 5},
      {.name = "negative", .in = {make_spec({5, 3}), grid}, .integers_below = -5},
      {.name = "I32 indices", .in = {make_spec({2, 3}), make_spec({4}, DType::i32)}, .attrs = middle, .integers_below = 3},
      {.name = "F64", .in = {make_spec({5, 3}, DType::f64), index}, .integers_below = 5},
      {.name = "BOOL", .in = {make_spec({2, 3}, DType::boolean), index}, .integers_below = 2},
      {.name = "no indices", .in = {make_spec({5, 3}), make_spec({0}, DType::i64)}, .integers_below = 5}};
  if (!flat) {
    cases.push_back({.name = "one index",
                     .in = {make_spec({2, 4, 3}), make_spec({}, DType::i64)},
                     .attrs = middle,
                     .integers_below = 4});
  }
  return cases;
}

void add_gather(Registry& registry, const char* name, const char* onnx, bool flat) {
  Op gather;
  gather.name = name;
  gather.onnx = onnx;
  gather.doc = flat ? "x, indices [K] -> slices of x along attribute axis (0)"
                    : "x, indices -> slices of x along attribute axis (0), in the shape of the indices";
  gather.infer = [name, flat](Specs in, const Attrs& attrs) {
    expect_count(name, in, 2, 2);
    expect_index(name, in, 1);
    if (flat) expect_rank(name, in, 1, 1);
    return one({in[0].dtype, replaced(in[0].shape, gather_axis(name, in, attrs), in[1].shape)});
  };
  gather.prepare = [name](const PrepareRequest& request) { return prepare_gather(name, request); };
  gather.vjp = [name](const VjpArgs& v) {
    const Shape x = shape_of(v.in[0]);
    const Spec spec = f32_spec(x);
    const std::size_t axis = gather_axis(name, std::span(&spec, 1), v.attrs);
    return std::vector<Value>{call("scatter_add", {v.cotangents[0], v.in[1]},
                                   {{"axis", static_cast<std::int64_t>(axis)}, {"extent", x[axis]}}),
                              {}};
  };
  gather.cases = gather_cases(flat);
  registry.add(std::move(gather));
}

void add_scatter(Registry& registry) {
  Op scatter;
  scatter.name = "scatter_add";
  scatter.doc =
      "g, indices -> zeros of attribute extent along attribute axis (0), with g's slices added at the indices";
  scatter.infer = infer_scatter;
  scatter.prepare = prepare_scatter;
  scatter.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{call("gather", {v.cotangents[0], v.in[1]}, {{"axis", v.attrs.integer("axis", 0)}}), {}};
  };
  const std::int64_t extent = 5;
  const Spec index = make_spec({4}, DType::i64), grid = make_spec({2, 3}, DType::i64);
  scatter.cases = {
      {.name = "rows", .in = {make_spec({4, 3}), index}, .attrs = {{"extent", extent}}, .integers_below = 5},
      {.name = "negative",
       .in = {make_spec({4, 3}, DType::f64), index},
       .attrs = {{"extent", extent}},
       .integers_below = -5},
      {.name = "middle",
       .in = {make_spec({2, 2, 3, 2}), grid},
       .attrs = {{"axis", std::int64_t{1}}, {"extent", extent}},
       .integers_below = 5}};
  registry.add(std::move(scatter));
}

}  // namespace

void register_gather(Registry& registry) {
  add_gather(registry, "gather", "Gather", false);
  add_gather(registry, "index_select", "", true);
  add_scatter(registry);
}

}  // namespace assay::engine
