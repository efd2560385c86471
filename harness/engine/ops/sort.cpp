// sort along an axis with the permutation that does it, quantile and median made of it. Stable; NaN is the largest.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

bool less(float a, float b) { return a < b || (std::isnan(b) && !std::isnan(a)); }

struct Line {
  std::int64_t extent, inner, count;  // along the axis; its step; lines
};

Line sorted_lines(const Shape& x, std::size_t axis) {
  Line l{x[axis], 1, 1};
  for (std::size_t i = axis + 1; i < x.size(); ++i) l.inner *= x[i];
  for (std::size_t i = 0; i < x.size(); ++i) l.count *= i == axis ? 1 : x[i];
  return l;
}

Kernel prepare_sort(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& x = request.in[0].spec;
  const Line l =
      sorted_lines(x.shape, axis_of("sort", std::span(&x, 1), request.attrs.integer("axis", -1), x.shape.size()));
  const bool falling = request.attrs.integer("descending", 0) != 0;
  kernel.run = [l, falling](const KernelArgs& args) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(l.extent));
    for (std::int64_t n = 0; n < l.count; ++n) {
      const std::int64_t base = n / l.inner * l.extent * l.inner + n % l.inner;
      const float* line = floats(args, 0) + base;
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        const float u = line[a * l.inner], v = line[b * l.inner];
        return falling ? less(v, u) : less(u, v);
      });
      for (std::int64_t i = 0; i < l.extent; ++i) {
        const std::int64_t from = order[static_cast<std::size_t>(i)];
        floats_out(args, 0)[base + i * l.inner] = line[from * l.inner];
        static_cast<std::int64_t*>(args.out[1])[base + i * l.inner] = from;
      }
    }
  };
  return kernel;
}

std::vector<Value> sort_vjp(const VjpArgs& v) {
  if (!v.cotangents[0].defined()) return {{}};
  const Shape x = shape_of(v.in[0]);
  const std::int64_t axis = v.attrs.integer("axis", -1);
  const std::int64_t extent = x[static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(x.size()) : axis)];
  return {call("put_along_add", {v.cotangents[0], v.out[1]}, {{"axis", axis}, {"extent", extent}})};
}

Shape reduced_shape(const char* op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 1, 1);
  expect_f32(op, in);
  Shape shape = in[0].shape;
  const std::size_t axis = axis_of(op, in, attrs.integer("axis", -1), shape.size());
  if (shape[axis] == 0) op_error(op, in, "there is no quantile of no elements");
  shape[axis] = 1;
  if (attrs.integer("keepdims", 0) == 0) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return shape;
}

// Between the two order statistics around position q (n - 1), linearly: definition 7 of Hyndman & Fan, "Sample
// quantiles in statistical packages", 1996.
Value quantile(Emitter& to, Value x, const Attrs& attrs, double q) {
  const Spec spec = to.spec(x);
  const Specs in(&spec, 1);
  const std::size_t axis = axis_of("quantile", in, attrs.integer("axis", -1), spec.shape.size());
  const auto index = Registry::get().id("sort");
  const Value sorted = to.emit(index, std::span(&x, 1), {{"axis", static_cast<std::int64_t>(axis)}})[0];
  const double at = q * static_cast<double>(spec.shape[axis] - 1), low = std::floor(at);
  const auto pick = [&](double position) {
    Shape begin(spec.shape.size(), 0), size = spec.shape;
    begin[axis] = static_cast<std::int64_t>(position);
    size[axis] = 1;
    return call("slice", {sorted}, {{"begin", begin}, {"size", size}});
  };
  Value value = pick(low);
  if (at > low) value = value * (1 - (at - low)) + pick(low + 1) * (at - low);
  return reshape(value, reduced_shape("quantile", in, attrs));
}

double fraction(Specs in, const Attrs& attrs) {
  const double q = attrs.real("q", 0.5);
  if (!(q >= 0 && q <= 1)) op_error("quantile", in, "attribute q must be in [0, 1]");
  return q;
}

void add_quantiles(Registry& registry) {
  Op op;
  op.name = "quantile";
  op.doc = "x -> the quantile q (0.5) along attribute axis (-1), linear between elements; attribute keepdims (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    fraction(in, attrs);
    return one(f32_spec(reduced_shape("quantile", in, attrs)));
  };
  op.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    return std::vector<Value>{quantile(to, in[0], attrs, attrs.real("q", 0.5))};
  };
  const Attrs tenth = {{"q", 0.1}, {"axis", std::int64_t{0}}, {"keepdims", std::int64_t{1}}};
  op.cases = {{.name = "tenth", .in = {make_spec({8, 3})}, .attrs = tenth},
              {.name = "largest", .in = {make_spec({2, 5})}, .attrs = {{"q", 1.0}}},
              {.name = "no rows", .in = {make_spec({0, 3})}}};
  registry.add(std::move(op));
  Op median;
  median.name = "median";
  median.doc = "x -> the median along attribute axis (-1), of an even number the mean of two; attribute keepdims (0)";
  median.infer = [](Specs in, const Attrs& attrs) { return one(f32_spec(reduced_shape("median", in, attrs))); };
  median.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    return std::vector<Value>{quantile(to, in[0], attrs, 0.5)};
  };
  median.cases = {{.name = "odd", .in = {make_spec({3, 7})}},
                  {.name = "even", .in = {make_spec({2, 6, 3})}, .attrs = {{"axis", std::int64_t{1}}}},
                  {.name = "one", .in = {make_spec({4, 1})}}};
  registry.add(std::move(median));
}

}  // namespace

void register_sort(Registry& registry) {
  Op op;
  op.name = "sort";
  op.doc = "x -> x sorted along attribute axis (-1), the indices i64 that sort it; attribute descending (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("sort", in, 1, 1);
    expect_f32("sort", in);
    axis_of("sort", in, attrs.integer("axis", -1), in[0].shape.size());
    return std::vector<Spec>{in[0], {DType::i64, in[0].shape}};
  };
  op.prepare = prepare_sort;
  op.vjp = sort_vjp;
  op.cases = {{.name = "rows", .in = {make_spec({4, 7})}},
              {.name = "falling",
               .in = {make_spec({2, 5, 3})},
               .attrs = {{"axis", std::int64_t{1}}, {"descending", std::int64_t{1}}}},
              {.name = "no rows", .in = {make_spec({0, 5})}},
              {.name = "no columns", .in = {make_spec({2, 0})}}};
  registry.add(std::move(op));
  add_quantiles(registry);
}

}  // namespace assay::engine
