// pad: around a tensor by a constant, by its edge, by reflection or around a circle; negative padding cuts off.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/ops/index_map.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

enum class Mode { constant, edge, reflect, circular };

Mode mode_of(const char* op, Specs in, const Attrs& attrs) {
  const std::string name = attrs.text("mode", "constant");
  if (name == "constant") return Mode::constant;
  if (name == "edge") return Mode::edge;
  if (name == "reflect") return Mode::reflect;
  if (name == "circular" || name == "wrap") return Mode::circular;
  op_error(op, in,
           "unknown mode '" + name + "'" + suggestion(name, {"constant", "edge", "reflect", "circular", "wrap"}));
}

struct Padding {
  Shape before, after;
  Mode mode;
};

Padding padding_of(const char* op, Specs in, const Attrs& attrs) {
  const std::size_t rank = in[0].shape.size();
  Padding p{attrs.ints("before", Shape(rank, 0)), attrs.ints("after", Shape(rank, 0)), mode_of(op, in, attrs)};
  if (p.before.size() != rank || p.after.size() != rank) {
    op_error(op, in, "attributes before and after must name " + std::to_string(rank) + " axes");
  }
  return p;
}

std::int64_t positive_modulo(std::int64_t i, std::int64_t n) { return (i % n + n) % n; }

// The element of an axis of `extent` that stands at position i, which may lie outside; -1: the constant.
std::int64_t source(Mode mode, std::int64_t i, std::int64_t extent) {
  if (i >= 0 && i < extent) return i;
  switch (mode) {
    case Mode::constant:
      return -1;
    case Mode::edge:
      return i < 0 ? 0 : extent - 1;
    case Mode::circular:
      return positive_modulo(i, extent);
    default: {  // the edge is not repeated: a period of 2 (extent - 1)
      if (extent == 1) return 0;
      const std::int64_t at = positive_modulo(i, 2 * (extent - 1));
      return at < extent ? at : 2 * (extent - 1) - at;
    }
  }
}

IndexMap map_of(const Padding& p, const Shape& x) {
  std::vector<std::vector<std::int64_t>> tables;
  for (std::size_t a = 0; a < x.size(); ++a) {
    tables.emplace_back();
    for (std::int64_t i = -p.before[a]; i < x[a] + p.after[a]; ++i) tables.back().push_back(source(p.mode, i, x[a]));
  }
  return {x, tables};
}

// x's shape grown (sign 1) or the result's shrunk back (-1).
Shape pad_resized(const char* op, Specs in, const Padding& p, std::int64_t sign) {
  Shape shape = in[0].shape;
  for (std::size_t a = 0; a < shape.size(); ++a) {
    const std::int64_t grown = shape[a] + sign * (p.before[a] + p.after[a]);
    if (grown < 0) op_error(op, in, "axis " + std::to_string(a) + " is cut off by more than it has");
    const std::int64_t x = sign > 0 ? shape[a] : grown;
    if (x == 0 && p.mode != Mode::constant && p.before[a] + p.after[a] > 0) {
      op_error(op, in, "axis " + std::to_string(a) + " has no element to repeat");
    }
    shape[a] = grown;
  }
  return shape;
}

bool cuts(const Padding& p) {
  const auto negative = [](std::int64_t v) { return v < 0; };
  return std::any_of(p.before.begin(), p.before.end(), negative) ||
         std::any_of(p.after.begin(), p.after.end(), negative);
}

// The common case, constants all around: fills, and copies x in blocks.
Kernel prepare_constant(const PrepareRequest& request, const Padding& p, std::uint64_t fill) {
  Kernel kernel = dense_kernel(request);
  const Spec& out = request.out[0];
  const Shape &x = request.in[0].spec.shape, steps = row_major(out.shape);
  std::int64_t base = 0;
  for (std::size_t a = 0; a < x.size(); ++a) base += p.before[a] * steps[a];
  const std::size_t element = dtype_size(out.dtype);
  const StridedCopy copy = make_copy({x, row_major(x), steps, 0, base, element});
  kernel.run = [copy, element, fill, n = out.count()](const KernelArgs& args) {
    fill_elements(args.out[0], n, element, fill);
    copy(args.in[0], args.out[0]);
  };
  return kernel;
}

Kernel prepare_pad(const PrepareRequest& request) {
  const Spec& x = request.in[0].spec;
  const Padding p = padding_of("pad", std::span(&x, 1), request.attrs);
  const std::uint64_t fill = element_bits(x.dtype, request.attrs.real("value", 0));
  if (p.mode == Mode::constant && !cuts(p)) return prepare_constant(request, p, fill);
  return gather_kernel(request, map_of(p, x.shape), fill);
}

Shape negated(Shape v) {
  for (std::int64_t& n : v) n = -n;
  return v;
}

std::vector<Value> pad_vjp(const VjpArgs& v) {
  const Spec x = f32_spec(shape_of(v.in[0]));
  const Padding p = padding_of("pad", std::span(&x, 1), v.attrs);
  const Value g = v.cotangents[0];
  if (p.mode != Mode::constant) {
    return {call("pad_adjoint", {g}, {{"before", p.before}, {"after", p.after}, {"mode", v.attrs.text("mode", "")}})};
  }
  if (cuts(p)) return {call("pad", {g}, {{"before", negated(p.before)}, {"after", negated(p.after)}})};
  return {call("slice", {g}, {{"begin", p.before}, {"size", x.shape}})};
}

Attrs with_mode(const char* mode, Shape before, Shape after) {
  return {{"mode", std::string(mode)}, {"before", std::move(before)}, {"after", std::move(after)}};
}

void pad_add_adjoint(Registry& registry) {
  Op op;
  op.name = "pad_adjoint";
  op.doc = "g of pad's result -> g of x: what pad repeats is added up; attributes before, after, mode as pad's";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("pad_adjoint", in, 1, 1);
    expect_f32("pad_adjoint", in);
    return one(f32_spec(pad_resized("pad_adjoint", in, padding_of("pad_adjoint", in, attrs), -1)));
  };
  op.prepare = [](const PrepareRequest& r) {
    return scatter_kernel(r, map_of(padding_of("pad_adjoint", std::span(&r.in[0].spec, 1), r.attrs), r.out[0].shape));
  };
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{call("pad", {v.cotangents[0]}, v.attrs)}; };
  op.cases = {{.name = "reflect", .in = {make_spec({5, 6})}, .attrs = with_mode("reflect", {1, 2}, {1, 0})},
              {.name = "circular", .in = {make_spec({7})}, .attrs = with_mode("circular", {2}, {2})}};
  registry.add(std::move(op));
}

std::vector<OpCase> pad_cases() {
  const Spec image = make_spec({2, 3, 4, 4});
  return {
      {.name = "image", .in = {image}, .attrs = {{"before", Shape{0, 0, 1, 2}}, {"after", Shape{0, 0, 2, 0}}}},
      {.name = "value", .in = {make_spec({3})}, .attrs = {{"before", Shape{1}}, {"after", Shape{2}}, {"value", -1.5}}},
      {.name = "cut", .in = {make_spec({4, 5})}, .attrs = {{"before", Shape{-1, 2}}, {"after", Shape{1, -2}}}},
      {.name = "nothing", .in = {make_spec({0, 2})}, .attrs = {{"before", Shape{1, 0}}, {"after", Shape{1, 1}}}},
      {.name = "integers",
       .in = {make_spec({3, 2}, DType::i64)},
       .attrs = {{"before", Shape{1, 0}}, {"after", Shape{0, 1}}, {"value", 7.0}},
       .integers_below = 9},
      {.name = "edge", .in = {image}, .attrs = with_mode("edge", {0, 0, 1, 2}, {0, 0, 2, 5})},
      {.name = "reflect", .in = {image}, .attrs = with_mode("reflect", {0, 0, 3, 1}, {0, 0, 2, 3})},
      {.name = "reflect twice", .in = {make_spec({3})}, .attrs = with_mode("reflect", {5}, {4})},
      {.name = "reflect of one", .in = {make_spec({1, 2})}, .attrs = with_mode("reflect", {2, 0}, {1, 1})},
      {.name = "circular", .in = {image}, .attrs = with_mode("circular", {0, 1, 1, 4}, {0, 0, 3, 5})},
      {.name = "circular cut", .in = {make_spec({5})}, .attrs = with_mode("circular", {2}, {-1})}};
}

}  // namespace

void register_pad(Registry& registry) {
  Op op;
  op.name = "pad";
  op.onnx = "Pad";
  op.doc =
      "x of any dtype -> x with more around it; attributes before, after: one extent an axis, negative ones cut off; "
      "mode (constant): constant with value (0), edge, reflect (numpy's: the edge is not repeated), circular";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("pad", in, 1, 1);
    return one({in[0].dtype, pad_resized("pad", in, padding_of("pad", in, attrs), 1)});
  };
  op.prepare = prepare_pad;
  op.vjp = pad_vjp;
  op.cases = pad_cases();
  registry.add(std::move(op));
  pad_add_adjoint(registry);
}

}  // namespace assay::engine
