// argmax, and the k largest values along the last axis. Ties: the lower index first. NaN counts as larger than
// everything.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

bool before(float a, float b) { return a > b || (std::isnan(a) && !std::isnan(b)); }

Kernel prepare_argmax(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec& x = request.in[0].spec;
  const std::size_t axis = axis_of("argmax", std::span(&x, 1), request.attrs.integer("axis", -1), x.shape.size());
  const std::int64_t extent = x.shape[axis];
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < x.shape.size(); ++i) inner *= x.shape[i];
  kernel.run = [extent, inner, n = request.out[0].count()](const KernelArgs& args) {
    auto* out = static_cast<std::int64_t*>(args.out[0]);
    for (std::int64_t at = 0; at < n; ++at) {
      const float* row = floats(args, 0) + at / inner * extent * inner + at % inner;
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < extent; ++k) best = before(row[k * inner], row[best * inner]) ? k : best;
      out[at] = best;
    }
  };
  return kernel;
}

void add_argmax(Registry& registry) {
  Op op;
  op.name = "argmax";
  op.onnx = "ArgMax";
  op.doc = "x -> index i64 of the first maximum along attribute axis (-1); attribute keepdims (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("argmax", in, 1, 1);
    expect_f32("argmax", in);
    Shape shape = in[0].shape;
    const std::size_t axis = axis_of("argmax", in, attrs.integer("axis", -1), shape.size());
    if (shape[axis] == 0) op_error("argmax", in, "there is no maximum over no elements");
    shape[axis] = 1;
    if (attrs.integer("keepdims", 0) == 0) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    return one({DType::i64, shape});
  };
  op.prepare = prepare_argmax;
  const Attrs middle = {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{1}}};
  op.cases = {{.name = "last axis", .in = {make_spec({5, 7})}},
              {.name = "middle axis", .in = {make_spec({2, 5, 3})}, .attrs = middle},
              {.name = "no rows", .in = {make_spec({0, 3})}}};
  registry.add(std::move(op));
}

Kernel prepare_top_k(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const std::int64_t extent = request.in[0].spec.shape.back(), k = request.out[0].shape.back();
  const std::int64_t rows = extent == 0 ? 0 : request.in[0].spec.count() / extent;
  kernel.run = [extent, k, rows](const KernelArgs& args) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(extent));
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* row = floats(args, 0) + r * extent;
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(), [row](std::int64_t a, std::int64_t b) {
        return before(row[a], row[b]) || (!before(row[b], row[a]) && a < b);
      });
      for (std::int64_t i = 0; i < k; ++i) {
        floats_out(args, 0)[r * k + i] = row[order[static_cast<std::size_t>(i)]];
        static_cast<std::int64_t*>(args.out[1])[r * k + i] = order[static_cast<std::size_t>(i)];
      }
    }
  };
  return kernel;
}

}  // namespace

void register_select(Registry& registry) {
  add_argmax(registry);
  Op op;
  op.name = "top_k";
  op.onnx = "TopK";
  op.doc = "x [.., n] -> the k largest [.., k] in falling order, their indices i64 [.., k]; attribute k (1)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("top_k", in, 1, 1);
    expect_f32("top_k", in);
    Shape shape = in[0].shape;
    const std::int64_t k = attrs.integer("k", 1);
    if (shape.empty() || k < 0 || k > shape.back()) op_error("top_k", in, "attribute k must be in [0, last extent]");
    shape.back() = k;
    return std::vector<Spec>{f32_spec(shape), {DType::i64, shape}};
  };
  op.prepare = prepare_top_k;
  op.vjp = [](const VjpArgs& v) {
    if (!v.cotangents[0].defined()) return std::vector<Value>{{}};
    return std::vector<Value>{
        call("put_along_add", {v.cotangents[0], v.out[1]}, {{"extent", shape_of(v.in[0]).back()}})};
  };
  op.cases = {{.name = "three", .in = {make_spec({4, 7})}, .attrs = {{"k", std::int64_t{3}}}},
              {.name = "all", .in = {make_spec({2, 2, 5})}, .attrs = {{"k", std::int64_t{5}}}},
              {.name = "no rows", .in = {make_spec({0, 5})}}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
