// Pooling. max_pool2d's gradient is a scatter to the maxima and that op's adjoint a gather from them, so gradients of
// any order exist; average pooling and its scatter are each other's adjoints.
#include "harness/engine/ops/pool.hpp"

#include <algorithm>

#include "harness/engine/ops/reduce.hpp"

namespace assay::engine {

Window pool_window(std::string_view op, Specs in, const Attrs& attrs, std::size_t axes) {
  Shape kernel = attrs.ints("kernel", {});
  if (kernel.size() == 1) kernel.resize(axes, kernel[0]);
  if (kernel.size() != axes) op_error(op, in, "attribute kernel must be n or one extent an axis");
  Window w = window_of(op, in, attrs, kernel, kernel);
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (w.pad_before[axis] >= w.reach(axis) || w.pad_after[axis] >= w.reach(axis)) {
      op_error(op, in, "padding must be smaller than the kernel");
    }
  }
  return w;
}

Shape pooled_shape(std::string_view op, Specs in, const Attrs& attrs, const Shape& x) {
  const Window w = pool_window(op, in, attrs, x.size() - 2);
  const bool up = attrs.integer("ceil_mode", 0) != 0;
  Shape out = {x[0], x[1]};
  for (std::size_t axis = 0; axis < w.kernel.size(); ++axis) {
    const std::int64_t extent = x[axis + 2], stride = w.stride[axis];
    const std::int64_t room = extent + w.pad_before[axis] + w.pad_after[axis] - w.reach(axis);
    std::int64_t positions = w.output(axis, extent);
    const bool cut = up && room >= 0 && room % stride != 0;
    if (cut && positions * stride < extent + w.pad_before[axis]) ++positions;
    if (positions < 1) op_error(op, in, "the kernel is larger than the padded input");
    out.push_back(positions);
  }
  return out;
}

namespace {

void expect_image(std::string_view op, Specs in, std::size_t count) {
  expect_count(op, in, count, count);
  expect_f32(op, in);
  for (std::size_t i = 0; i < count; ++i) expect_rank(op, in, i, 4);
}

// The shape before pooling for an op that goes back: attribute size = [H, W].
Shape unpooled(std::string_view op, Specs in, const Attrs& attrs) {
  const Shape size = attrs.ints("size", {});
  if (size.size() != 2) op_error(op, in, "attribute size must be [height, width] of the result");
  Shape x = {in[0].shape[0], in[0].shape[1], size[0], size[1]};
  if (pooled_shape(op, in, attrs, x) != in[0].shape) op_error(op, in, "g does not fit attribute size");
  return x;
}

// The arrangement of channels that the loop runs in: that of an operand in a library layout, else blocks of 16. Blocks
// are worth a reorder but for very few channels.
ChannelView pool_view(const PrepareRequest& request) {
  for (const MemDesc& m : request.in) {
    const auto found = channel_view(m);
    if (m.layout.native() && found) return *found;
  }
  const Shape& x = request.in[0].spec.shape;
  if (x[1] < 8) return {x[0], x[1], x[2], x[3], 1, x[1]};
  return {x[0], (x[1] + 15) / 16, x[2], x[3], 16, x[1]};
}

// `big` is the shape before pooling.
Kernel pool_kernel(const PrepareRequest& request, PoolLoop loop, const Shape& big, const Shape& small) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const ChannelView view = pool_view(request);
  PoolShape s;
  s.planes = view.n * view.channel_blocks;
  s.lanes = view.block;
  s.height = big[2], s.width = big[3], s.out_height = small[2], s.out_width = small[3];
  s.window = pool_window("pool", {}, request.attrs);
  s.count_padding = request.attrs.integer("count_include_pad", 0) != 0;
  Kernel kernel;
  for (const MemDesc& m : request.in) kernel.in.push_back(layout_like(m.spec, view));
  kernel.out = {layout_like(request.out[0], view)};
  kernel.in_place = {-1};
  kernel.run = [s, loop](const KernelArgs& args) {
    const float* in[2] = {floats(args, 0), args.in.size() > 1 ? floats(args, 1) : nullptr};
    loop(s, in, floats_out(args, 0));
  };
  return kernel;
}

const char* const kWindowDoc = "; attributes kernel, stride (kernel), pad (0), dilation (1), ceil_mode (0)";

std::vector<OpCase> pool_cases() {
  const auto attrs = [](Shape kernel, Shape stride, Shape pad) {
    return Attrs{{"kernel", std::move(kernel)}, {"stride", std::move(stride)}, {"pad", std::move(pad)}};
  };
  std::vector<OpCase> cases = {
      {.name = "halves", .in = {make_spec({2, 3, 6, 4})}, .attrs = {{"kernel", std::int64_t{2}}}},
      {.name = "overlapping", .in = {make_spec({2, 17, 7, 5})}, .attrs = attrs({3, 3}, {2, 2}, {1, 1})},
      {.name = "uneven", .in = {make_spec({1, 2, 7, 8})}, .attrs = attrs({2, 3}, {1, 2}, {0, 1, 1, 2})},
      {.name = "no samples", .in = {make_spec({0, 2, 4, 4})}, .attrs = {{"kernel", std::int64_t{2}}}}};
  OpCase cut{.name = "cut off", .in = {make_spec({2, 3, 6, 5})}, .attrs = attrs({3, 2}, {2, 2}, {1, 0})};
  cut.attrs.set("ceil_mode", std::int64_t{1});
  cut.attrs.set("count_include_pad", std::int64_t{1});
  cases.push_back(cut);
  return cases;
}

// Cases for ops whose operands are (x, g) or (g): from those of the forward op.
std::vector<OpCase> backward_cases(bool with_x, bool small_second, bool with_size) {
  std::vector<OpCase> cases;
  for (OpCase c : pool_cases()) {
    const Spec x = c.in[0];
    const Spec g = f32_spec(pooled_shape("pool", c.in, c.attrs, x.shape));
    if (with_size) c.attrs.set("size", Shape{x.shape[2], x.shape[3]});
    c.in = with_x ? std::vector<Spec>{x, small_second ? g : x} : std::vector<Spec>{g};
    if (with_x) c.differentiable = {false, true};
    cases.push_back(c);
  }
  return cases;
}

void add_max_pool(Registry& registry) {
  Op op;
  op.name = "max_pool2d";
  op.onnx = "MaxPool";
  op.doc = std::string("x [N, C, H, W] -> [N, C, OH, OW]") + kWindowDoc;
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_image("max_pool2d", in, 1);
    return one(f32_spec(pooled_shape("max_pool2d", in, attrs, in[0].shape)));
  };
  op.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, max_pool_loop, r.in[0].spec.shape, r.out[0].shape);
  };
  op.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{call("max_pool2d_grad", {v.in[0], v.cotangents[0]}, v.attrs)};
  };
  op.cases = pool_cases();
  registry.add(std::move(op));
}

void add_max_pool_adjoints(Registry& registry) {
  Op scatter;
  scatter.name = "max_pool2d_grad";
  scatter.doc =
      "x [N, C, H, W], g [N, C, OH, OW] -> g added where max_pool2d found its maxima; max_pool2d's attributes";
  scatter.infer = [](Specs in, const Attrs& attrs) {
    expect_image("max_pool2d_grad", in, 2);
    const Shape small = pooled_shape("max_pool2d_grad", in, attrs, in[0].shape);
    if (in[1].shape != small) op_error("max_pool2d_grad", in, "g must have shape " + shape_str(small));
    return one(in[0]);
  };
  scatter.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, max_pool_scatter_loop, r.in[0].spec.shape, r.in[1].spec.shape);
  };
  scatter.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{{}, call("max_pool2d_gather", {v.in[0], v.cotangents[0]}, v.attrs)};
  };
  scatter.cases = backward_cases(true, true, false);
  registry.add(std::move(scatter));
  Op gather;
  gather.name = "max_pool2d_gather";
  gather.doc = "x [N, C, H, W], u like x -> u where max_pool2d(x) found its maxima; max_pool2d's attributes";
  gather.infer = [](Specs in, const Attrs& attrs) {
    expect_image("max_pool2d_gather", in, 2);
    if (in[0].shape != in[1].shape) op_error("max_pool2d_gather", in, "u must have x's shape");
    return one(f32_spec(pooled_shape("max_pool2d_gather", in, attrs, in[0].shape)));
  };
  gather.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, max_pool_gather_loop, r.in[0].spec.shape, r.out[0].shape);
  };
  gather.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{{}, call("max_pool2d_grad", {v.in[0], v.cotangents[0]}, v.attrs)};
  };
  gather.cases = backward_cases(true, false, false);
  registry.add(std::move(gather));
}

Attrs with_size(Attrs attrs, const Shape& x) {
  attrs.set("size", Shape{x[2], x[3]});
  return attrs;
}

void add_avg_pool(Registry& registry) {
  Op op;
  op.name = "avg_pool2d";
  op.onnx = "AveragePool";
  op.doc = std::string("x [N, C, H, W] -> [N, C, OH, OW]") + kWindowDoc + ", count_include_pad (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_image("avg_pool2d", in, 1);
    return one(f32_spec(pooled_shape("avg_pool2d", in, attrs, in[0].shape)));
  };
  op.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, avg_pool_loop, r.in[0].spec.shape, r.out[0].shape);
  };
  op.vjp = [](const VjpArgs& v) {
    return std::vector<Value>{call("avg_pool2d_grad", {v.cotangents[0]}, with_size(v.attrs, shape_of(v.in[0])))};
  };
  op.cases = pool_cases();
  op.cases[1].attrs.set("count_include_pad", std::int64_t{1});
  registry.add(std::move(op));
  Op back;
  back.name = "avg_pool2d_grad";
  back.doc = "g [N, C, OH, OW] -> [N, C, H, W]; attribute size = [H, W], avg_pool2d's attributes";
  back.infer = [](Specs in, const Attrs& attrs) {
    expect_image("avg_pool2d_grad", in, 1);
    return one(f32_spec(unpooled("avg_pool2d_grad", in, attrs)));
  };
  back.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, avg_pool_scatter_loop, r.out[0].shape, r.in[0].spec.shape);
  };
  back.vjp = [](const VjpArgs& v) { return std::vector<Value>{call("avg_pool2d", {v.cotangents[0]}, v.attrs)}; };
  back.cases = backward_cases(false, false, true);
  registry.add(std::move(back));
}

void add_global_avg_pool(Registry& registry) {
  Op op;
  op.name = "global_avg_pool";
  op.onnx = "GlobalAveragePool";
  op.doc = "x [N, C, ..] -> mean over the spatial axes [N, C, 1, ..]";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("global_avg_pool", in, 1, 1);
    expect_f32("global_avg_pool", in);
    Shape out = in[0].shape;
    if (out.size() < 3) op_error("global_avg_pool", in, "x must be [N, C, ..]");
    std::fill(out.begin() + 2, out.end(), 1);
    return one(f32_spec(out));
  };
  op.prepare = prepare_plane_mean;
  op.vjp = [](const VjpArgs& v) {
    const Shape x = shape_of(v.in[0]);
    const double plane = static_cast<double>(element_count(Shape(x.begin() + 2, x.end())));
    return std::vector<Value>{call("expand_like", {v.in[0], v.cotangents[0] * (1.0 / plane)})};
  };
  op.cases = {{.name = "plane", .in = {make_spec({2, 3, 5, 7})}, .attrs = {}},
              {.name = "blocks", .in = {make_spec({2, 32, 4, 4})}, .attrs = {}},
              {.name = "sequence", .in = {make_spec({2, 3, 7})}, .attrs = {}},
              {.name = "volume", .in = {make_spec({2, 3, 2, 3, 2})}, .attrs = {}},
              {.name = "no samples", .in = {make_spec({0, 3, 4, 4})}, .attrs = {}}};
  registry.add(std::move(op));
}

}  // namespace

void register_pool(Registry& registry) {
  add_max_pool(registry);
  add_max_pool_adjoints(registry);
  add_avg_pool(registry);
  add_global_avg_pool(registry);
}

}  // namespace assay::engine
