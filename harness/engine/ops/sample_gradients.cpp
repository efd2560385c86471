// Gradients of each sample's own loss for the weights of a layer: what the sum over the batch in conv2d's and linear's
// gradients adds up. From the layer's operand and the cotangent of its result (before an activation).
#include "harness/engine/ops/composite.hpp"

namespace assay::engine {
namespace {

using Values = std::vector<Value>;

// [N, rows, features] of [N, .., features].
Shape rows_of(const Shape& s) {
  const std::int64_t rows = element_count(Shape(s.begin() + 1, s.end() - 1));
  return {s[0], rows, s.back()};
}

void check_linear(Specs in, const Attrs&) {
  const char* op = "linear_sample_grad";
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  if (in[0].shape.size() < 2) op_error(op, in, "x must be [N, .., in]");
  const Shape x(in[0].shape.begin(), in[0].shape.end() - 1),
      g(in[1].shape.begin(), in[1].shape.empty() ? in[1].shape.end() : in[1].shape.end() - 1);
  if (x != g) op_error(op, in, "x and g must have equal shapes but for their last axes");
}

Values linear_gradient(Emitter&, std::span<const Value> in, const Attrs&) {
  const Value x = reshape(in[0], rows_of(shape_of(in[0]))), g = reshape(in[1], rows_of(shape_of(in[1])));
  return {call("matmul", {g, x}, {{"transpose_a", std::int64_t{1}}})};
}

void check_conv(Specs in, const Attrs& attrs) {
  const char* op = "conv2d_sample_grad";
  expect_count(op, in, 2, 2);
  expect_f32(op, in);
  for (std::size_t i = 0; i < 2; ++i) expect_rank(op, in, i, 4);
  const std::int64_t groups = attrs.integer("groups", 1);
  if (in[0].shape[0] != in[1].shape[0]) op_error(op, in, "x and g must have equally many samples");
  if (attrs.ints("kernel", {}).size() != 2) op_error(op, in, "attribute kernel must be [height, width] of the weights");
  if (groups < 1 || in[0].shape[1] % groups != 0 || in[1].shape[1] % groups != 0) {
    op_error(op, in, "attribute groups must divide the channels");
  }
}

// The batch becomes groups of one sample, whose weights' gradients do not mix.
Values conv_gradient(Emitter& to, std::span<const Value> in, const Attrs& attrs) {
  const Shape x = shape_of(in[0]), g = shape_of(in[1]), kernel = attrs.ints("kernel", {});
  const std::int64_t n = x[0], groups = attrs.integer("groups", 1);
  const Shape result = {n, g[1], x[1] / groups, kernel[0], kernel[1]};
  if (n == 0) return {to.constant(Tensor::full(result, 0.0f))};
  Attrs geometry = attrs;
  geometry.set("groups", n * groups);
  const Value samples = reshape(in[0], {1, n * x[1], x[2], x[3]}),
              cotangents = reshape(in[1], {1, n * g[1], g[2], g[3]});
  return {reshape(call("conv2d_bwd_weights", {samples, cotangents}, geometry), result)};
}

}  // namespace

void register_sample_gradients(Registry& registry) {
  Op linear;
  linear.name = "linear_sample_grad";
  linear.doc = "x [N, .., in], g [N, .., out] -> gradient of each sample for linear's weights [N, out, in]";
  set_composite(linear, check_linear, linear_gradient);
  linear.cases = {{.name = "rows", .in = {make_spec({4, 3}), make_spec({4, 5})}},
                  {.name = "tokens", .in = {make_spec({2, 3, 4}), make_spec({2, 3, 2})}},
                  {.name = "no samples", .in = {make_spec({0, 3}), make_spec({0, 5})}}};
  registry.add(std::move(linear));
  Op conv;
  conv.name = "conv2d_sample_grad";
  conv.doc =
      "x [N, C, H, W], g [N, O, OH, OW] -> gradient of each sample for conv2d's weights [N, O, C/groups, KH, KW]; "
      "attribute kernel = [KH, KW], conv2d's geometry";
  set_composite(conv, check_conv, conv_gradient);
  const Attrs plain = {{"kernel", Shape{3, 2}}, {"pad", Shape{1, 0}}};
  const Attrs grouped = {{"kernel", Shape{2, 2}}, {"stride", std::int64_t{2}}, {"groups", std::int64_t{2}}};
  conv.cases = {{.name = "plain", .in = {make_spec({3, 2, 4, 5}), make_spec({3, 4, 4, 4})}, .attrs = plain},
                {.name = "grouped", .in = {make_spec({2, 4, 4, 5}), make_spec({2, 6, 2, 2})}, .attrs = grouped},
                {.name = "no samples", .in = {make_spec({0, 2, 4, 5}), make_spec({0, 4, 4, 4})}, .attrs = plain}};
  registry.add(std::move(conv));
}

}  // namespace assay::engine
