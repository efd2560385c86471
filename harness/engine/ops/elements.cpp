// One element an index: gather_elements (and take_along, its form with the axis last) with the adjoint put_along_add,
// and scatter_elements.
#include "harness/base/error.hpp"
#include "harness/engine/ops/scatter.hpp"

namespace assay::engine {
namespace {

struct Take {
  const char* name;
  const char* onnx;
  std::int64_t axis;  // default
};

// The indices have the rank of x and, off the axis, at most its extents.
std::size_t checked_axis(const char* op, Specs in, std::int64_t axis) {
  expect_in(op, in, 0, kNumbersAndBool);
  expect_index(op, in, 1);
  const Shape &x = in[0].shape, &index = in[1].shape;
  if (x.size() != index.size()) op_error(op, in, "the operands must have equally many axes");
  const std::size_t at = axis_of(op, in, axis, x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i != at && index[i] > x[i]) op_error(op, in, "the indices reach beyond axis " + std::to_string(i));
  }
  return at;
}

// Class labels do not count from the end: one below 0 is a mistake in the data.
Positions of_labels(const char* op, const Spec& indices, Positions p) {
  p.find = [op, indices, find = std::move(p.find)](const void* data, std::int64_t* offsets) {
    const Indices labels(data, indices.dtype);
    for (std::int64_t k = 0; k < indices.count(); ++k) {
      if (labels[k] < 0)
        throw Error(Fault::bad_input, std::string(op) + ": label " + std::to_string(labels[k]) + " is negative");
    }
    find(data, offsets);
  };
  return p;
}

void add_take(Registry& registry, const Take& take) {
  Op op;
  op.name = take.name;
  op.onnx = take.onnx;
  op.doc = "x, indices (x's extents or less but for attribute axis (" + std::to_string(take.axis) +
           ")) -> the element of x at each index along the axis; attribute labels (0): indices below 0 are refused";
  op.infer = [take](Specs in, const Attrs& attrs) {
    expect_count(take.name, in, 2, 2);
    checked_axis(take.name, in, attrs.integer("axis", take.axis));
    return one({in[0].dtype, in[1].shape});
  };
  op.prepare = [take](const PrepareRequest& r) {
    const Spec in[2] = {r.in[0].spec, r.in[1].spec};
    const std::size_t axis = checked_axis(take.name, in, r.attrs.integer("axis", take.axis));
    Positions places = positions_along(take.name, in[0].shape, in[1], axis);
    if (r.attrs.integer("labels", 0) != 0) places = of_labels(take.name, in[1], std::move(places));
    return take_kernel(r, places);
  };
  op.vjp = [take](const VjpArgs& v) {
    const Attrs attrs = {{"axis", v.attrs.integer("axis", take.axis)}, {"shape", shape_of(v.in[0])}};
    return std::vector<Value>{call("put_along_add", {v.cotangents[0], v.in[1]}, attrs), {}};
  };
  const Attrs first = {{"axis", std::int64_t{0}}}, middle = {{"axis", std::int64_t{1}}};
  const Attrs last = {{"axis", std::int64_t{-1}}};
  op.cases = {
      {.name = "label's logit",
       .in = {make_spec({5, 7}), make_spec({5, 1}, DType::i64)},
       .attrs = last,
       .integers_below = 7},
      {.name = "middle",
       .in = {make_spec({2, 4, 3}), make_spec({2, 5, 3}, DType::i64)},
       .attrs = middle,
       .integers_below = 4},
      {.name = "negative",
       .in = {make_spec({3, 4}), make_spec({2, 3}, DType::i32)},
       .attrs = first,
       .integers_below = -3},
      {.name = "F64", .in = {make_spec({5}, DType::f64), make_spec({7}, DType::i64)}, .integers_below = 5},
      {.name = "U8", .in = {make_spec({5}, DType::u8), make_spec({3}, DType::i64)}, .integers_below = 5},
      {.name = "no indices", .in = {make_spec({5, 3}), make_spec({5, 0}, DType::i64)}, .attrs = last, .integers_below = 3}};
  registry.add(std::move(op));
}

Shape put_shape(Specs in, const Attrs& attrs) {
  const char* op = "put_along_add";
  expect_count(op, in, 2, 2);
  if (in[0].shape != in[1].shape) op_error(op, in, "g and the indices must have one shape");
  Shape out = attrs.ints("shape", in[0].shape);
  if (out.size() != in[0].shape.size()) op_error(op, in, "attribute shape must have as many axes as g");
  const std::size_t axis = axis_of(op, in, attrs.integer("axis", -1), out.size());
  if (!attrs.has("shape")) out[axis] = attrs.integer("extent", 0);
  const Spec whole[2] = {{in[0].dtype, out}, in[1]};
  checked_axis(op, whole, static_cast<std::int64_t>(axis));
  return out;
}

void add_put(Registry& registry) {
  Op put;
  put.name = "put_along_add";
  put.doc = "g, indices of g's shape -> zeros with g added at the indices along attribute axis (-1); attribute extent "
            "of that axis, or shape of all";
  put.infer = [](Specs in, const Attrs& attrs) { return one({in[0].dtype, put_shape(in, attrs)}); };
  put.prepare = [](const PrepareRequest& r) {
    const Shape& out = r.out[0].shape;
    const std::size_t axis =
        axis_of("put_along_add", std::span(r.out.data(), 1), r.attrs.integer("axis", -1), out.size());
    return put_add_kernel(r, positions_along("put_along_add", out, r.in[1].spec, axis));
  };
  put.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{
        call("gather_elements", {v.cotangents[0], v.in[1]}, {{"axis", v.attrs.integer("axis", -1)}}), {}};
  };
  put.cases = {{.name = "rows",
                .in = {make_spec({5, 3}), make_spec({5, 3}, DType::i64)},
                .attrs = {{"extent", std::int64_t{4}}},
                .integers_below = 4},
               {.name = "into more rows",
                .in = {make_spec({2, 3}), make_spec({2, 3}, DType::i64)},
                .attrs = {{"axis", std::int64_t{1}}, {"shape", Shape{5, 4}}},
                .integers_below = -4},
               {.name = "nothing",
                .in = {make_spec({0, 3}), make_spec({0, 3}, DType::i64)},
                .attrs = {{"axis", std::int64_t{0}}, {"extent", std::int64_t{4}}},
                .integers_below = 4}};
  registry.add(std::move(put));
}

const ScatterFamily kElements = {"scatter_elements", "gather_elements", "axis"};

void add_scatter(Registry& registry) {
  Op op;
  op.name = kElements.scatter;
  op.onnx = "ScatterElements";
  op.doc =
      "x, indices, updates of the indices' shape -> x with the updates at the indices along attribute axis (0); "
      "attribute reduction (none: the last one stays; add, mul, max, min)";
  op.infer = [](Specs in, const Attrs& attrs) {
    const char* name = kElements.scatter;
    expect_count(name, in, 3, 3);
    checked_axis(name, in, attrs.integer("axis", 0));
    scatter_named(name, in, attrs);
    if (in[1].shape != in[2].shape) op_error(name, in, "updates must have the shape of the indices");
    if (in[0].dtype != in[2].dtype) op_error(name, in, "updates must have the dtype of x");
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& r) {
    const char* name = kElements.scatter;
    const Spec in[2] = {r.in[0].spec, r.in[1].spec};
    const std::size_t axis = checked_axis(name, in, r.attrs.integer("axis", 0));
    return scatter_kernel(r, positions_along(name, in[0].shape, in[1], axis), scatter_named(name, in, r.attrs));
  };
  op.vjp = [](const VjpArgs& v) { return scatter_vjp(kElements, v); };
  for (const char* how : {"none", "add", "mul", "max", "min"}) {
    OpCase c{.name = how, .in = {make_spec({4, 3}), make_spec({5, 3}, DType::i64), make_spec({5, 3})}};
    c.attrs = {{"reduction", std::string(how)}};
    c.lo = 0.2, c.hi = 2, c.integers_below = -4;
    op.cases.push_back(c);
    c.name += " I32";
    for (const std::size_t k : {0, 2}) c.in[k].dtype = DType::i32;
    op.cases.push_back(c);
  }
  op.cases.push_back({.name = "F64 columns",
                      .in = {make_spec({3, 5}, DType::f64), make_spec({2, 2}, DType::i32), make_spec({2, 2}, DType::f64)},
                      .attrs = {{"axis", std::int64_t{-1}}},
                      .integers_below = 5});
  op.cases.push_back({.name = "no indices",
                      .in = {make_spec({3, 5}), make_spec({0, 5}, DType::i64), make_spec({0, 5})},
                      .integers_below = 3});
  registry.add(std::move(op));
}

}  // namespace

void register_elements(Registry& registry) {
  add_take(registry, {"gather_elements", "GatherElements", 0});
  add_take(registry, {"take_along", "", -1});
  add_put(registry);
  add_scatter(registry);
}

}  // namespace assay::engine
