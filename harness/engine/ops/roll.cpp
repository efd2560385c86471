// roll and flip: elements moved around an axis.
#include "harness/engine/ops/index_map.hpp"

namespace assay::engine {
namespace {

// One shift an axis of x.
Shape shifts_of(Specs in, const Attrs& attrs) {
  const std::vector<std::size_t> axes = axes_of("roll", in, attrs);
  const Shape named = attrs.ints("axes", {}), given = attrs.ints("shifts", {});
  if (given.size() != axes.size()) op_error("roll", in, "attribute shifts must have one number an axis");
  Shape shifts(in[0].shape.size(), 0);
  for (std::size_t k = 0; k < given.size(); ++k) {
    const std::size_t a = attrs.has("axes") ? axis_of("roll", in, named[k], shifts.size()) : k;
    shifts[a] = given[k];
  }
  return shifts;
}

std::vector<std::vector<std::int64_t>> identity_tables(const Shape& x) {
  std::vector<std::vector<std::int64_t>> tables;
  for (const std::int64_t extent : x) tables.push_back(identity_table(extent));
  return tables;
}

Kernel prepare_roll(const PrepareRequest& request) {
  const Spec& x = request.in[0].spec;
  const Shape shifts = shifts_of(std::span(&x, 1), request.attrs);
  auto tables = identity_tables(x.shape);
  for (std::size_t a = 0; a < tables.size(); ++a) {
    const std::int64_t n = x.shape[a];
    for (std::int64_t& i : tables[a]) i = ((i - shifts[a]) % n + n) % n;
  }
  return gather_kernel(request, IndexMap(x.shape, tables));
}

Kernel prepare_flip(const PrepareRequest& request) {
  const Spec& x = request.in[0].spec;
  auto tables = identity_tables(x.shape);
  for (const std::size_t a : axes_of("flip", std::span(&x, 1), request.attrs)) {
    tables[a] = {tables[a].rbegin(), tables[a].rend()};
  }
  return gather_kernel(request, IndexMap(x.shape, tables));
}

void add_flip(Registry& registry) {
  Op op;
  op.name = "flip";
  op.doc = "x of any dtype -> x in reversed order along attribute axes (all)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("flip", in, 1, 1);
    axes_of("flip", in, attrs);
    return one(in[0]);
  };
  op.prepare = prepare_flip;
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{call("flip", {v.cotangents[0]}, v.attrs)}; };
  op.cases = {{.name = "all", .in = {make_spec({3, 4})}},
              {.name = "columns", .in = {make_spec({2, 3, 2, 5})}, .attrs = {{"axes", std::int64_t{-1}}}},
              {.name = "nothing", .in = {make_spec({0, 2})}}};
  registry.add(std::move(op));
}

}  // namespace

void register_roll(Registry& registry) {
  Op op;
  op.name = "roll";
  op.doc = "x of any dtype -> x moved by attribute shifts along attribute axes (all), around the end";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("roll", in, 1, 1);
    shifts_of(in, attrs);
    return one(in[0]);
  };
  op.prepare = prepare_roll;
  op.vjp = [](const VjpArgs& v) {
    Attrs back = v.attrs;
    Shape shifts = v.attrs.ints("shifts", {});
    for (std::int64_t& s : shifts) s = -s;
    back.set("shifts", shifts);
    return std::vector<Value>{call("roll", {v.cotangents[0]}, back)};
  };
  op.cases = {
      {.name = "window", .in = {make_spec({2, 4, 5, 3})}, .attrs = {{"shifts", Shape{-2, 1}}, {"axes", Shape{2, 1}}}},
      {.name = "all", .in = {make_spec({3, 4})}, .attrs = {{"shifts", Shape{4, -9}}}},
      {.name = "nothing", .in = {make_spec({0, 2})}, .attrs = {{"shifts", Shape{1, 1}}}}};
  registry.add(std::move(op));
  add_flip(registry);
}

}  // namespace assay::engine
