// Average pooling to a given size, its adjoint, and the maximum of a plane.
#include <algorithm>

#include "harness/engine/ops/pool.hpp"
#include "harness/engine/tensor/simd.hpp"
#include "harness/engine/tensor/spatial.hpp"

namespace assay::engine {
namespace {

// The inputs [from, to) that output `i` of `out` averages, of `extent` inputs.
struct Bin {
  std::int64_t from, to;
};

Bin bin(std::int64_t i, std::int64_t out, std::int64_t extent) {
  return {i * extent / out, ((i + 1) * extent + out - 1) / out};
}

// [planes][height][width][lanes], large and small.
struct Planes {
  std::int64_t planes, lanes, height, width, out_height, out_width;
};

ASSAY_WIDE void average(const Planes& s, const float* x, float* y) {
  for (std::int64_t p = 0; p < s.planes; ++p) {
    const float* plane = x + p * s.height * s.width * s.lanes;
    for (std::int64_t oh = 0; oh < s.out_height; ++oh) {
      for (std::int64_t ow = 0; ow < s.out_width; ++ow, y += s.lanes) {
        const Bin rows = bin(oh, s.out_height, s.height), columns = bin(ow, s.out_width, s.width);
        const float share = 1.0f / static_cast<float>((rows.to - rows.from) * (columns.to - columns.from));
        std::fill_n(y, s.lanes, 0.0f);
        for (std::int64_t h = rows.from; h < rows.to; ++h) {
          const float* from = plane + (h * s.width + columns.from) * s.lanes;
          for (std::int64_t w = columns.from; w < columns.to; ++w, from += s.lanes) {
            ASSAY_INDEPENDENT
            for (std::int64_t l = 0; l < s.lanes; ++l) y[l] += from[l];
          }
        }
        for (std::int64_t l = 0; l < s.lanes; ++l) y[l] *= share;
      }
    }
  }
}

ASSAY_WIDE void spread(const Planes& s, const float* g, float* dx) {
  std::fill_n(dx, s.planes * s.height * s.width * s.lanes, 0.0f);
  for (std::int64_t p = 0; p < s.planes; ++p) {
    float* plane = dx + p * s.height * s.width * s.lanes;
    for (std::int64_t oh = 0; oh < s.out_height; ++oh) {
      for (std::int64_t ow = 0; ow < s.out_width; ++ow, g += s.lanes) {
        const Bin rows = bin(oh, s.out_height, s.height), columns = bin(ow, s.out_width, s.width);
        const float share = 1.0f / static_cast<float>((rows.to - rows.from) * (columns.to - columns.from));
        for (std::int64_t h = rows.from; h < rows.to; ++h) {
          float* to = plane + (h * s.width + columns.from) * s.lanes;
          for (std::int64_t w = columns.from; w < columns.to; ++w, to += s.lanes) {
            ASSAY_INDEPENDENT
            for (std::int64_t l = 0; l < s.lanes; ++l) to[l] += g[l] * share;
          }
        }
      }
    }
  }
}

Shape resized(std::string_view op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 1, 1);
  expect_f32(op, in);
  expect_rank(op, in, 0, 4);
  Shape size = attrs.ints("size", {});
  if (size.size() == 1) size.push_back(size[0]);
  if (size.size() != 2 || size[0] < 1 || size[1] < 1) op_error(op, in, "attribute size must be n or [height, width]");
  if (in[0].shape[2] < 1 || in[0].shape[3] < 1) op_error(op, in, "the plane must not be empty");
  return {in[0].shape[0], in[0].shape[1], size[0], size[1]};
}

Kernel plane_kernel(const PrepareRequest& request, bool back) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const Shape& x = request.in[0].spec.shape;
  const ChannelView view = channel_view(request.in[0]).value_or(ChannelView{x[0], x[1], x[2], x[3], 1, x[1]});
  const Shape &large = back ? request.out[0].shape : x, &small = back ? x : request.out[0].shape;
  const Planes s{view.n * view.channel_blocks, view.block, large[2], large[3], small[2], small[3]};
  Kernel kernel;
  kernel.in = {layout_like(request.in[0].spec, view)};
  kernel.out = {layout_like(request.out[0], view)};
  kernel.in_place = {-1};
  kernel.run = [s, back](const KernelArgs& args) {
    back ? spread(s, floats(args, 0), floats_out(args, 0)) : average(s, floats(args, 0), floats_out(args, 0));
  };
  return kernel;
}

std::vector<Value> other_way(const char* op, const VjpArgs& v) {
  const Shape x = shape_of(v.in[0]);
  return {call(op, {v.cotangents[0]}, {{"size", Shape{x[2], x[3]}}})};
}

std::vector<OpCase> adaptive_cases(bool back) {
  const std::vector<std::pair<Shape, Shape>> sizes = {{{2, 3, 7, 5}, {3, 2}},
                                                      {{2, 17, 4, 6}, {2, 3}},
                                                      {{1, 2, 3, 2}, {5, 2}},
                                                      {{2, 3, 5, 4}, {1, 1}},
                                                      {{0, 3, 4, 4}, {2, 2}}};
  std::vector<OpCase> cases;
  for (const auto& [x, size] : sizes) {
    const Shape small = {x[0], x[1], size[0], size[1]};
    cases.push_back({.name = shape_str(x) + " to " + shape_str(size),
                     .in = {f32_spec(back ? small : x)},
                     .attrs = {{"size", back ? Shape{x[2], x[3]} : size}}});
  }
  return cases;
}

void add_adaptive(Registry& registry, bool back) {
  const char* name = back ? "adaptive_avg_pool2d_grad" : "adaptive_avg_pool2d";
  const char* other = back ? "adaptive_avg_pool2d" : "adaptive_avg_pool2d_grad";
  Op op;
  op.name = name;
  op.doc = back ? "g [N, C, OH, OW] -> [N, C, H, W]; attribute size = [H, W]: adaptive_avg_pool2d's adjoint"
                : "x [N, C, H, W] -> [N, C, OH, OW]; attribute size = [OH, OW]: output i is the mean of inputs from "
                  "floor(i H / OH) up to ceil((i + 1) H / OH)";
  op.infer = [name](Specs in, const Attrs& attrs) { return one(f32_spec(resized(name, in, attrs))); };
  op.prepare = [back](const PrepareRequest& request) { return plane_kernel(request, back); };
  op.vjp = [other](const VjpArgs& v) { return other_way(other, v); };
  op.cases = adaptive_cases(back);
  registry.add(std::move(op));
}

// One row of pixels a plane, whatever the spatial axes were.
Value as_row(Value x) {
  const Shape s = shape_of(x);
  return reshape(x, {s[0], s[1], 1, element_count(Shape(s.begin() + 2, s.end()))});
}

Attrs whole_row(Value row) { return {{"kernel", Shape{1, shape_of(row)[3]}}}; }

std::vector<Value> global_max_vjp(const VjpArgs& v) {
  const Shape x = shape_of(v.in[0]);
  const Value row = as_row(v.in[0]), g = reshape(v.cotangents[0], {x[0], x[1], 1, 1});
  return {reshape(call("max_pool2d_grad", {row, g}, whole_row(row)), x)};
}

Kernel prepare_global_max(const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const auto view = spatial_view(request.in[0]);
  const Shape& x = request.in[0].spec.shape;
  const bool blocked = view && view->block > 1 && x.size() == 4;
  PoolShape s;
  s.planes = blocked ? view->n * view->channel_blocks : x[0] * x[1];
  s.lanes = blocked ? view->block : 1;
  s.height = 1, s.width = element_count(Shape(x.begin() + 2, x.end()));
  s.out_height = s.out_width = 1;
  s.window.kernel = s.window.stride = {1, s.width};
  Kernel kernel = dense_kernel(request);
  if (blocked) {
    kernel.in[0] = request.in[0].layout;
    kernel.out[0] = layout_like(request.out[0], *view);
  }
  kernel.run = [s](const KernelArgs& args) {
    const float* in = floats(args, 0);
    max_pool_loop(s, &in, floats_out(args, 0));
  };
  return kernel;
}

void add_global_max(Registry& registry) {
  Op op;
  op.name = "global_max_pool";
  op.onnx = "GlobalMaxPool";
  op.doc = "x [N, C, ..] -> maximum over the spatial axes [N, C, 1, ..]; the first one takes the gradient";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("global_max_pool", in, 1, 1);
    expect_f32("global_max_pool", in);
    Shape out = in[0].shape;
    if (out.size() < 3) op_error("global_max_pool", in, "x must be [N, C, ..]");
    const bool no_pixels = element_count(Shape(out.begin() + 2, out.end())) == 0;
    if (no_pixels) op_error("global_max_pool", in, "the plane must not be empty");
    std::fill(out.begin() + 2, out.end(), 1);
    return one(f32_spec(out));
  };
  op.prepare = prepare_global_max;
  op.vjp = global_max_vjp;
  op.cases = {{.name = "plane", .in = {make_spec({2, 3, 5, 7})}, .attrs = {}},
              {.name = "blocks", .in = {make_spec({2, 32, 4, 4})}, .attrs = {}},
              {.name = "sequence", .in = {make_spec({2, 3, 11})}, .attrs = {}},
              {.name = "volume", .in = {make_spec({2, 2, 3, 2, 3})}, .attrs = {}},
              {.name = "no samples", .in = {make_spec({0, 3, 4, 4})}, .attrs = {}}};
  registry.add(std::move(op));
}

}  // namespace

void register_adaptive_pool(Registry& registry) {
  add_adaptive(registry, false);
  add_adaptive(registry, true);
  add_global_max(registry);
}

}  // namespace assay::engine
