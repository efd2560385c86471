// searchsorted, and interp1d made of it: piecewise linear interpolation on given knots.
#include <algorithm>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

struct Limits {
  std::int64_t shift, least, most;
};

Limits limits_of(const Attrs& attrs, std::int64_t n) {
  return {attrs.integer("shift", 0), attrs.integer("least", -n), attrs.integer("most", n)};
}

std::vector<Spec> infer_search(Specs in, const Attrs& attrs) {
  const char* op = "searchsorted";
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  const Shape &sorted = in[0].shape, &x = in[1].shape;
  if (sorted.empty()) op_error(op, in, "the sorted values need an axis");
  const bool rows = sorted.size() == x.size() && std::equal(sorted.begin(), sorted.end() - 1, x.begin());
  if (sorted.size() > 1 && !rows) op_error(op, in, "takes sorted [n] and x of any shape, or rows [.., n] and [.., k]");
  const Limits l = limits_of(attrs, sorted.back());
  if (l.least > l.most) op_error(op, in, "attribute least is above most");
  return one({DType::i64, x});
}

Kernel prepare_search(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Shape& sorted = request.in[0].spec.shape;
  const std::int64_t n = sorted.back(), count = request.out[0].count();
  const std::int64_t per_row = sorted.size() == 1 ? std::max<std::int64_t>(count, 1) : request.in[1].spec.shape.back();
  const bool right = request.attrs.integer("right", 0) != 0;
  kernel.run = [n, count, per_row, right, l = limits_of(request.attrs, n)](const KernelArgs& args) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float* first = floats(args, 0) + i / per_row * n;
      const float x = floats(args, 1)[i];
      const float* at = right ? std::upper_bound(first, first + n, x) : std::lower_bound(first, first + n, x);
      static_cast<std::int64_t*>(args.out[0])[i] = std::clamp((at - first) + l.shift, l.least, l.most);
    }
  };
  return kernel;
}

void add_searchsorted(Registry& registry) {
  Op op;
  op.name = "searchsorted";
  op.doc =
      "rising values [n] or [.., n], x [..] or [.., k] -> i64 of x's shape: how many values are below x, or not above "
      "it "
      "with attribute right (0); attributes shift (0) is added, then the index kept in [least (-n), most (n)]";
  op.infer = infer_search;
  op.prepare = prepare_search;
  const Attrs segment = {
      {"right", std::int64_t{1}}, {"shift", std::int64_t{-1}}, {"least", std::int64_t{0}}, {"most", std::int64_t{2}}};
  const std::vector<bool> first = {true, false};
  const Attrs right = {{"right", std::int64_t{1}}};
  op.cases = {{.name = "line", .in = {make_spec({9}), make_spec({3, 4})}, .rising = first},
              {.name = "rows", .in = {make_spec({3, 5}), make_spec({3, 4})}, .attrs = right, .rising = first},
              {.name = "kept", .in = {make_spec({4}), make_spec({7})}, .attrs = segment, .rising = first},
              {.name = "no values", .in = {make_spec({0}), make_spec({3})}}};
  registry.add(std::move(op));
}

// x any shape, knots [n] rising, values [.., n] -> [.., x's axes]; constant outside the knots.
std::vector<Spec> infer_interp(Specs in, const Attrs&) {
  const char* op = "interp1d";
  expect_count(op, in, 3, 3);
  expect_f32(op, in);
  expect_rank(op, in, 1, 1);
  const std::int64_t n = in[1].shape[0];
  Shape out = in[2].shape;
  if (n < 2 || out.empty() || out.back() != n) op_error(op, in, "takes x, knots [n] and values [.., n] with n >= 2");
  out.pop_back();
  out.insert(out.end(), in[0].shape.begin(), in[0].shape.end());
  return one(f32_spec(out));
}

std::vector<Value> interp(Emitter& to, std::span<const Value> in, const Attrs&) {
  const Value x = in[0], knots = in[1], values = in[2];
  const std::int64_t n = to.spec(knots).shape[0];
  const auto segment = [&](std::int64_t shift, std::int64_t least, std::int64_t most) {
    return call("searchsorted", {knots, x},
                {{"right", std::int64_t{1}}, {"shift", shift}, {"least", least}, {"most", most}});
  };
  const Value low = segment(-1, 0, n - 2), high = segment(0, 1, n - 1);
  const Attrs last = {{"axis", std::int64_t{-1}}};
  const Value x0 = call("gather", {knots, low}, last), x1 = call("gather", {knots, high}, last);
  const Value y0 = call("gather", {values, low}, last), y1 = call("gather", {values, high}, last);
  const Value part = call("clamp", {(x - x0) / (x1 - x0)}, {{"min", 0.0}, {"max", 1.0}});
  return {y0 + (y1 - y0) * part};
}

}  // namespace

void register_interpolation(Registry& registry) {
  add_searchsorted(registry);
  Op op;
  op.name = "interp1d";
  op.doc =
      "x [..], rising knots [n], values [.., n] -> values at x, linear between knots, constant outside [.., x's axes]";
  op.infer = infer_interp;
  op.compose = interp;
  const std::vector<bool> knots = {false, true, false};
  op.cases = {{.name = "table", .in = {make_spec({2, 3}), make_spec({6}), make_spec({4, 6})}, .rising = knots},
              {.name = "two knots", .in = {make_spec({5}), make_spec({2}), make_spec({2})}, .rising = knots},
              {.name = "nothing", .in = {make_spec({0}), make_spec({2}), make_spec({2})}, .rising = knots}};
  for (OpCase& c : op.cases) c.lo = -2, c.hi = 2;
  registry.add(std::move(op));
}

}  // namespace assay::engine
