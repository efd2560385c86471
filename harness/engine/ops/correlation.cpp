// Correlations: around a circle, through Fourier transforms, and of two feature maps over a window of displacements.
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

std::vector<Spec> infer_circular(Specs in, const Attrs&) {
  expect_count("circular_correlation", in, 2, 2);
  expect_f32("circular_correlation", in);
  const Shape out = broadcast_shape("circular_correlation", in);
  if (in[0].shape.empty() || in[1].shape.empty() || in[0].shape.back() != in[1].shape.back() || out.back() == 0) {
    op_error("circular_correlation", in, "takes two operands of one last extent, not 0");
  }
  return one(f32_spec(out));
}

Value part_of(Value spectrum, std::int64_t part) {
  Shape size = shape_of(spectrum), begin(size.size(), 0);
  begin.back() = part;
  size.back() = 1;
  return call("slice", {spectrum}, {{"begin", begin}, {"size", size}});
}

// conj(F a) F b, then back: Nickel et al., "Holographic embeddings of knowledge graphs", AAAI 2016, equation (3).
std::vector<Value> circular(Emitter& to, std::span<const Value> in, const Attrs&) {
  const std::int64_t n = to.spec(in[0]).shape.back();
  const Value a = call("rfft", {in[0]}), b = call("rfft", {in[1]});
  const Value ar = part_of(a, 0), ai = part_of(a, 1), br = part_of(b, 0), bi = part_of(b, 1);
  const Value product = call("concat", {ar * br + ai * bi, ar * bi - ai * br}, {{"axis", std::int64_t{-1}}});
  return {call("irfft", {product}, {{"n", n}})};
}

std::int64_t reach_of(Specs in, const Attrs& attrs) {
  expect_count("cost_volume", in, 2, 2);
  expect_f32("cost_volume", in);
  expect_rank("cost_volume", in, 0, 4);
  if (in[0].shape != in[1].shape || in[0].shape[1] == 0)
    op_error("cost_volume", in, "takes two maps of one shape [N, C, H, W]");
  const std::int64_t reach = attrs.integer("displacement", 1);
  if (reach < 0) op_error("cost_volume", in, "attribute displacement must not be negative");
  return reach;
}

// The second map is padded once; each displacement is a window of it.
std::vector<Value> cost_volume(Emitter& to, std::span<const Value> in, const Attrs& attrs) {
  const Spec specs[2] = {to.spec(in[0]), to.spec(in[1])};
  const std::int64_t reach = reach_of(specs, attrs);
  const Shape size = specs[0].shape, margin{0, 0, reach, reach};
  const Value padded = call("pad", {in[1]}, {{"before", margin}, {"after", margin}});
  std::vector<Value> planes;
  for (std::int64_t dy = 0; dy <= 2 * reach; ++dy) {
    for (std::int64_t dx = 0; dx <= 2 * reach; ++dx) {
      const Value window = call("slice", {padded}, {{"begin", Shape{0, 0, dy, dx}}, {"size", size}});
      planes.push_back(
          call("reduce_mean", {in[0] * window}, {{"axes", std::int64_t{1}}, {"keepdims", std::int64_t{1}}}));
    }
  }
  return to.emit(Registry::get().id("concat"), planes, {{"axis", std::int64_t{1}}});
}

void add_cost_volume(Registry& registry) {
  Op op;
  op.name = "cost_volume";
  op.doc =
      "two maps [N, C, H, W] -> mean over channels of a(p) b(p + d) for every displacement d of at most attribute "
      "displacement r (1) rows and columns, zeros outside [N, (2 r + 1)^2, H, W]";
  op.infer = [](Specs in, const Attrs& attrs) {
    const std::int64_t side = 2 * reach_of(in, attrs) + 1;
    return one(f32_spec({in[0].shape[0], side * side, in[0].shape[2], in[0].shape[3]}));
  };
  op.compose = cost_volume;
  op.cost = [](Specs in, Specs out, const Attrs&) {
    return OpCost{static_cast<double>(out[0].count() * in[0].shape[1]), 0};
  };
  const Spec map = make_spec({2, 3, 4, 5}), none = make_spec({0, 3, 4, 5});
  op.cases = {{.name = "neighbours", .in = {map, map}},
              {.name = "far",
               .in = {make_spec({1, 2, 2, 3}), make_spec({1, 2, 2, 3})},
               .attrs = {{"displacement", std::int64_t{3}}}},
              {.name = "nothing", .in = {none, none}}};
  registry.add(std::move(op));
}

}  // namespace

void register_correlation(Registry& registry) {
  Op op;
  op.name = "circular_correlation";
  op.doc = "a, b [.., n], batch axes broadcast -> sum over i of a_i b_(i + k) around the circle [.., n]";
  op.infer = infer_circular;
  op.compose = circular;
  op.cases = {{.name = "odd", .in = {make_spec({2, 7}), make_spec({2, 7})}},
              {.name = "even", .in = {make_spec({3, 1, 6}), make_spec({2, 6})}},
              {.name = "one", .in = {make_spec({1}), make_spec({1})}}};
  registry.add(std::move(op));
  add_cost_volume(registry);
}

}  // namespace assay::engine
