// Slices by places on several axes: gather_nd with the adjoint put_nd_add, and scatter_nd.
#include "harness/engine/ops/scatter.hpp"

namespace assay::engine {
namespace {

// The indices are [B.., I.., K]: K axes of x after its batch_dims first ones, which they share.
std::int64_t checked_batch(const char* op, const Shape& x, Specs in, const Attrs& attrs) {
  expect_in(op, in, 0, kNumbersAndBool);
  expect_index(op, in, 1);
  const Shape& index = in[1].shape;
  const std::int64_t batch = attrs.integer("batch_dims", 0);
  if (index.empty()) op_error(op, in, "the indices need an axis for the places");
  if (batch < 0 || batch >= static_cast<std::int64_t>(index.size())) op_error(op, in, "batch_dims is out of range");
  if (batch + index.back() > static_cast<std::int64_t>(x.size())) op_error(op, in, "the places have too many axes");
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch); ++i) {
    if (x[i] != index[i]) op_error(op, in, "the batch axes differ");
  }
  return batch;
}

// [I.., rest of x]: the shape of all slices together.
Shape slices_shape(const Shape& x, const Shape& index, std::int64_t batch) {
  Shape out(index.begin(), index.end() - 1);
  out.insert(out.end(), x.begin() + static_cast<std::ptrdiff_t>(batch + index.back()), x.end());
  return out;
}

std::vector<OpCase> gather_cases() {
  const Attrs batched = {{"batch_dims", std::int64_t{1}}};
  return {{.name = "elements",
           .in = {make_spec({3, 3}), make_spec({5, 2}, DType::i64)},
           .integers_below = -3},
          {.name = "rows", .in = {make_spec({3, 5}), make_spec({2, 2, 1}, DType::i64)}, .integers_below = 3},
          {.name = "batches", .in = {make_spec({2, 3, 3, 2}), make_spec({2, 4, 1}, DType::i32)}, .attrs = batched,
           .integers_below = 3},
          {.name = "F64", .in = {make_spec({3, 2}, DType::f64), make_spec({1}, DType::i64)}, .integers_below = 3},
          {.name = "BOOL", .in = {make_spec({2, 2}, DType::boolean), make_spec({3, 2}, DType::i64)}, .integers_below = 2},
          {.name = "no places", .in = {make_spec({3, 3}), make_spec({0, 2}, DType::i64)}, .integers_below = 3}};
}

void add_gather(Registry& registry) {
  Op op;
  op.name = "gather_nd";
  op.onnx = "GatherND";
  op.doc = "x, indices [B.., I.., K] -> slices [B.., I.., rest of x] at places on K axes; attribute batch_dims (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("gather_nd", in, 2, 2);
    const std::int64_t batch = checked_batch("gather_nd", in[0].shape, in, attrs);
    return one({in[0].dtype, slices_shape(in[0].shape, in[1].shape, batch)});
  };
  op.prepare = [](const PrepareRequest& r) {
    return take_kernel(r, positions_nd("gather_nd", r.in[0].spec.shape, r.in[1].spec, r.attrs.integer("batch_dims", 0)));
  };
  op.vjp = [](const VjpArgs& v) {
    const Attrs attrs = {{"batch_dims", v.attrs.integer("batch_dims", 0)}, {"shape", shape_of(v.in[0])}};
    return std::vector<Value>{call("put_nd_add", {v.cotangents[0], v.in[1]}, attrs), {}};
  };
  op.cases = gather_cases();
  registry.add(std::move(op));
}

void add_put(Registry& registry) {
  Op op;
  op.name = "put_nd_add";
  op.doc = "g, indices -> zeros of attribute shape with g's slices added where gather_nd would read";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("put_nd_add", in, 2, 2);
    const Shape shape = attrs.ints("shape", {});
    const std::int64_t batch = checked_batch("put_nd_add", shape, in, attrs);
    if (slices_shape(shape, in[1].shape, batch) != in[0].shape) op_error("put_nd_add", in, "g does not fit the places");
    return one({in[0].dtype, shape});
  };
  op.prepare = [](const PrepareRequest& r) {
    return put_add_kernel(r,
                          positions_nd("put_nd_add", r.out[0].shape, r.in[1].spec, r.attrs.integer("batch_dims", 0)));
  };
  op.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{
        call("gather_nd", {v.cotangents[0], v.in[1]}, {{"batch_dims", v.attrs.integer("batch_dims", 0)}}), {}};
  };
  op.cases = {{.name = "elements",
               .in = {make_spec({5}), make_spec({5, 2}, DType::i64)},
               .attrs = {{"shape", Shape{3, 3}}},
               .integers_below = -3},
              {.name = "batches",
               .in = {make_spec({2, 4, 3}), make_spec({2, 4, 1}, DType::i64)},
               .attrs = {{"shape", Shape{2, 2, 3}}, {"batch_dims", std::int64_t{1}}},
               .integers_below = 2}};
  registry.add(std::move(op));
}

const ScatterFamily kNd = {"scatter_nd", "gather_nd", nullptr};

void add_scatter(Registry& registry) {
  Op op;
  op.name = kNd.scatter;
  op.onnx = "ScatterND";
  op.doc = "x, indices [I.., K], updates [I.., rest of x] -> x with the updates at places on K axes; attribute "
           "reduction (none: the last one stays; add, mul, max, min)";
  op.infer = [](Specs in, const Attrs& attrs) {
    const char* name = kNd.scatter;
    expect_count(name, in, 3, 3);
    if (checked_batch(name, in[0].shape, in, attrs) != 0) op_error(name, in, "has no batch_dims");
    scatter_named(name, in, attrs);
    if (slices_shape(in[0].shape, in[1].shape, 0) != in[2].shape) op_error(name, in, "updates do not fit the places");
    if (in[0].dtype != in[2].dtype) op_error(name, in, "updates must have the dtype of x");
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& r) {
    const Spec in[2] = {r.in[0].spec, r.in[1].spec};
    return scatter_kernel(r, positions_nd(kNd.scatter, in[0].shape, in[1], 0),
                          scatter_named(kNd.scatter, in, r.attrs));
  };
  op.vjp = [](const VjpArgs& v) { return scatter_vjp(kNd, v); };
  for (const char* how : {"none", "add", "mul", "max", "min"}) {
    OpCase c{.name = how, .in = {make_spec({3, 2, 5}), make_spec({4, 2}, DType::i64), make_spec({4, 5})}};
    c.attrs = {{"reduction", std::string(how)}};
    c.lo = 0.2, c.hi = 2, c.integers_below = -2;
    op.cases.push_back(c);
    c.name += " U8";
    c.integers_below = 2;
    for (const std::size_t k : {0, 2}) c.in[k].dtype = DType::u8;
    op.cases.push_back(c);
  }
  op.cases.push_back({.name = "no places",
                      .in = {make_spec({3, 5}), make_spec({0, 1}, DType::i64), make_spec({0, 5})},
                      .integers_below = 3});
  registry.add(std::move(op));
}

}  // namespace

void register_gather_nd(Registry& registry) {
  add_gather(registry);
  add_put(registry);
  add_scatter(registry);
}

}  // namespace assay::engine
