// max_unpool: puts values back at flat positions that max_pool_indices gave. Where a position comes twice (windows that
// overlap), the last value stays, and only that one gets a gradient.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

const std::int64_t* indices(const KernelArgs& args) { return static_cast<const std::int64_t*>(args.in[1]); }

std::int64_t checked(std::int64_t index, std::int64_t extent) {
  if (index >= 0 && index < extent) return index;
  throw Error(Fault::bad_input,
              "max_unpool: position " + std::to_string(index) + " is outside [0, " + std::to_string(extent) + ")");
}

void expect_pairs(const char* op, Specs in) {
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::i64);
}

void add_unpool(Registry& registry) {
  Op op;
  op.name = "max_unpool";
  op.onnx = "MaxUnpool";
  op.doc =
      "x [N, C, ..], positions i64 like x -> [N, C, size], zero but for x at its positions in all of the result; "
      "attribute size: the spatial extents";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("max_unpool", in, 2, 2);
    expect_pairs("max_unpool", in);
    if (in[0].shape != in[1].shape) op_error("max_unpool", in, "the positions must have x's shape");
    Shape out(in[0].shape.begin(),
              in[0].shape.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(in[0].shape.size())));
    for (const std::int64_t extent : attrs.ints("size", {})) out.push_back(extent);
    const bool negative = std::any_of(out.begin(), out.end(), [](std::int64_t e) { return e < 0; });
    if (out.size() != in[0].shape.size() || negative)
      op_error("max_unpool", in, "attribute size must be the spatial extents");
    return one(f32_spec(out));
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    kernel.run = [n = request.in[0].spec.count(), m = request.out[0].count()](const KernelArgs& args) {
      float* out = floats_out(args, 0);
      std::fill_n(out, m, 0.0f);
      for (std::int64_t i = 0; i < n; ++i) out[checked(indices(args)[i], m)] = floats(args, 0)[i];
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{call("max_unpool_gather", {v.cotangents[0], v.in[1]}), {}};
  };
  op.cases = {{.name = "plane",
               .in = {make_spec({1, 2, 2, 3}), make_spec({1, 2, 2, 3}, DType::i64)},
               .attrs = {{"size", Shape{5, 4}}},
               .integers_below = 40},
              {.name = "line",
               .in = {make_spec({1, 1, 3}), make_spec({1, 1, 3}, DType::i64)},
               .attrs = {{"size", Shape{7}}},
               .integers_below = 7},
              {.name = "no samples",
               .in = {make_spec({0, 2, 2}), make_spec({0, 2, 2}, DType::i64)},
               .attrs = {{"size", Shape{4}}},
               .integers_below = 4}};
  registry.add(std::move(op));
}

void add_gather(Registry& registry) {
  Op op;
  op.name = "max_unpool_gather";
  op.doc =
      "u [N, C, ..], positions i64 -> u at the positions, 0 at all but the last of equal ones: max_unpool's adjoint";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("max_unpool_gather", in, 2, 2);
    expect_pairs("max_unpool_gather", in);
    return one(f32_spec(in[1].shape));
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    const std::int64_t n = request.in[1].spec.count(), m = request.in[0].spec.count();
    kernel.scratch_bytes = static_cast<std::size_t>(m);
    kernel.run = [n, m](const KernelArgs& args) {
      auto* taken = static_cast<std::uint8_t*>(args.scratch);
      std::fill_n(taken, m, std::uint8_t{0});
      for (std::int64_t i = n; i-- > 0;) {
        const std::int64_t at = checked(indices(args)[i], m);
        floats_out(args, 0)[i] = taken[at] != 0 ? 0.0f : floats(args, 0)[at];
        taken[at] = 1;
      }
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs& v) {
    const Shape u = shape_of(v.in[0]);
    return std::vector<Value>{call("max_unpool", {v.cotangents[0], v.in[1]}, {{"size", Shape(u.begin() + 2, u.end())}}),
                              {}};
  };
  op.cases = {
      {.name = "plane", .in = {make_spec({1, 2, 5, 4}), make_spec({1, 2, 2, 3}, DType::i64)}, .integers_below = 40},
      {.name = "twice", .in = {make_spec({1, 1, 3}), make_spec({1, 1, 5}, DType::i64)}, .integers_below = 3}};
  registry.add(std::move(op));
}

}  // namespace

void register_max_unpool(Registry& registry) {
  add_unpool(registry);
  add_gather(registry);
}

}  // namespace assay::engine
