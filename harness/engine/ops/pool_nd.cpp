// Pooling over one and three spatial axes (two: pool.cpp), lp pooling and the positions of maxima over any number.
// The scatter to the maxima and the gather from them are each other's adjoints, as in two dimensions.
#include "harness/engine/ops/pool_nd.hpp"

#include <algorithm>

#include "harness/engine/ops/composite.hpp"
#include "harness/engine/ops/pool.hpp"
#include "harness/engine/tensor/spatial.hpp"

namespace assay::engine {
namespace {

constexpr std::size_t kAnyAxes = 0;
const char* const kWindowDoc = "; attributes kernel, stride (kernel), pad (0), dilation (1), ceil_mode (0)";

Shape spatial(const Shape& s) { return Shape(s.begin() + 2, s.end()); }

void expect_planes(std::string_view op, Specs in, std::size_t count, std::size_t axes) {
  expect_count(op, in, count, count);
  expect_f32(op, in);
  for (std::size_t i = 0; i < count; ++i) {
    if (axes != kAnyAxes) expect_rank(op, in, i, axes + 2);
    const std::size_t rank = in[i].shape.size();
    if (rank < 3 || rank > 5) op_error(op, in, "takes one to three spatial axes");
  }
}

// The shape before pooling for an op that goes back: attribute size.
Shape unpooled(std::string_view op, Specs in, const Attrs& attrs) {
  const Shape& g = in[0].shape;
  Shape x = {g[0], g[1]};
  for (const std::int64_t extent : attrs.ints("size", {})) x.push_back(extent);
  if (x.size() != g.size()) op_error(op, in, "attribute size must be the spatial extents of the result");
  if (pooled_shape(op, in, attrs, x) != g) op_error(op, in, "g does not fit attribute size");
  return x;
}

// `large` is the shape before pooling.
PoolNd geometry(const ChannelView& view, const Attrs& attrs, const Shape& large, const Shape& small) {
  const Window w = pool_window("pool", {}, attrs, large.size() - 2);
  PoolNd s;
  s.planes = view.n * view.channel_blocks;
  s.lanes = view.block;
  const std::size_t skip = 5 - large.size();
  for (std::size_t a = 0; a + 2 < large.size(); ++a) {
    s.in[skip + a] = large[a + 2], s.out[skip + a] = small[a + 2];
    s.kernel[skip + a] = w.kernel[a], s.stride[skip + a] = w.stride[a], s.dilation[skip + a] = w.dilation[a];
    s.before[skip + a] = w.pad_before[a], s.after[skip + a] = w.pad_after[a];
  }
  s.count_padding = attrs.integer("count_include_pad", 0) != 0;
  s.columns_first = attrs.integer("storage_order", 0) != 0;
  s.power = static_cast<float>(attrs.real("p", 2));
  return s;
}

Kernel pool_kernel(const PrepareRequest& request, PoolNdLoop loop, const Shape& large, const Shape& small) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const Shape& x = request.in[0].spec.shape;
  ChannelView view{x[0], x[1], 1, 1, 1, x[1]};
  for (const MemDesc& m : request.in) {
    const auto found = m.layout.native() ? spatial_view(m) : std::nullopt;
    if (found) view = *found;
  }
  Kernel kernel;
  for (const MemDesc& m : request.in) kernel.in.push_back(spatial_layout(m.spec, view));
  kernel.out = {spatial_layout(request.out[0], view)};
  kernel.in_place = {-1};
  kernel.run = [s = geometry(view, request.attrs, large, small), loop](const KernelArgs& args) {
    const float* in[2] = {floats(args, 0), args.in.size() > 1 ? floats(args, 1) : nullptr};
    loop(s, in, floats_out(args, 0));
  };
  return kernel;
}

Attrs window_attrs(const Shape& kernel, const Shape& stride, const Shape& pad) {
  return {{"kernel", kernel}, {"stride", stride}, {"pad", pad}};
}

std::vector<OpCase> pool_cases(std::size_t axes) {
  const std::int64_t two = 2;
  std::vector<OpCase> cases;
  if (axes == 1) {
    cases = {{.name = "halves", .in = {make_spec({2, 3, 6})}, .attrs = {{"kernel", two}}},
             {.name = "overlapping", .in = {make_spec({2, 17, 11})}, .attrs = window_attrs({3}, {2}, {1})},
             {.name = "cut off", .in = {make_spec({2, 3, 8})}, .attrs = window_attrs({3}, {2}, {0, 1})},
             {.name = "no samples", .in = {make_spec({0, 2, 4})}, .attrs = {{"kernel", two}}}};
    cases[2].attrs.set("ceil_mode", std::int64_t{1});
    return cases;
  }
  cases = {
      {.name = "eighths", .in = {make_spec({1, 3, 4, 2, 4})}, .attrs = {{"kernel", two}}},
      {.name = "uneven",
       .in = {make_spec({2, 2, 3, 5, 4})},
       .attrs = window_attrs({2, 3, 2}, {1, 2, 2}, {0, 1, 0, 1, 1, 1})},
      {.name = "dilated", .in = {make_spec({1, 2, 4, 5, 3})}, .attrs = window_attrs({2, 2, 2}, {1, 1, 1}, {0, 0, 0})},
      {.name = "no samples", .in = {make_spec({0, 2, 4, 2, 2})}, .attrs = {{"kernel", two}}}};
  cases[2].attrs.set("dilation", Shape{2, 3, 1});
  return cases;
}

// Cases for ops whose operands are (x, g), (x, u) or (g): from those of the forward op.
enum class Operands { x_and_small, x_and_large, small };
std::vector<OpCase> backward_cases(std::size_t axes, Operands operands) {
  std::vector<OpCase> cases;
  for (OpCase c : pool_cases(axes)) {
    const Spec x = c.in[0], g = f32_spec(pooled_shape("pool", c.in, c.attrs, x.shape));
    if (operands == Operands::small) {
      c.attrs.set("size", spatial(x.shape));
      c.in = {g};
    } else {
      c.in = {x, operands == Operands::x_and_small ? g : x};
      c.differentiable = {false, true};
    }
    cases.push_back(c);
  }
  return cases;
}

std::string named(const char* stem, std::size_t axes, const char* suffix = "") {
  return std::string(stem) + std::to_string(axes) + "d" + suffix;
}

void add_max_pool(Registry& registry, std::size_t axes) {
  Op op;
  op.name = named("max_pool", axes);
  op.onnx = "MaxPool";
  op.doc = std::string("x [N, C, ..] -> maxima of windows [N, C, ..]") + kWindowDoc;
  op.infer = [name = op.name, axes](Specs in, const Attrs& attrs) {
    expect_planes(name, in, 1, axes);
    return one(f32_spec(pooled_shape(name, in, attrs, in[0].shape)));
  };
  op.prepare = [](const PrepareRequest& r) { return pool_kernel(r, max_pool_nd, r.in[0].spec.shape, r.out[0].shape); };
  const std::string scatter_name = named("max_pool", axes, "_grad"), gather_name = named("max_pool", axes, "_gather");
  op.vjp = [scatter_name](const VjpArgs& v) {
    return std::vector<Value>{call(scatter_name, {v.in[0], v.cotangents[0]}, v.attrs)};
  };
  op.cases = pool_cases(axes);
  const std::string forward = op.name;
  registry.add(std::move(op));
  Op scatter;
  scatter.name = scatter_name;
  scatter.doc = "x, g -> g added where " + forward + " found its maxima; its attributes";
  scatter.infer = [scatter_name, axes](Specs in, const Attrs& attrs) {
    expect_planes(scatter_name, in, 2, axes);
    const Shape small = pooled_shape(scatter_name, in, attrs, in[0].shape);
    if (in[1].shape != small) op_error(scatter_name, in, "g must have shape " + shape_str(small));
    return one(in[0]);
  };
  scatter.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, max_pool_nd_scatter, r.in[0].spec.shape, r.in[1].spec.shape);
  };
  scatter.vjp = [gather_name](const VjpArgs& v) {
    return std::vector<Value>{{}, call(gather_name, {v.in[0], v.cotangents[0]}, v.attrs)};
  };
  scatter.cases = backward_cases(axes, Operands::x_and_small);
  registry.add(std::move(scatter));
  Op gather;
  gather.name = gather_name;
  gather.doc = "x, u like x -> u where " + forward + " of x found its maxima; its attributes";
  gather.infer = [gather_name, axes](Specs in, const Attrs& attrs) {
    expect_planes(gather_name, in, 2, axes);
    if (in[0].shape != in[1].shape) op_error(gather_name, in, "u must have x's shape");
    return one(f32_spec(pooled_shape(gather_name, in, attrs, in[0].shape)));
  };
  gather.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, max_pool_nd_gather, r.in[0].spec.shape, r.out[0].shape);
  };
  gather.vjp = [scatter_name](const VjpArgs& v) {
    return std::vector<Value>{{}, call(scatter_name, {v.in[0], v.cotangents[0]}, v.attrs)};
  };
  gather.cases = backward_cases(axes, Operands::x_and_large);
  registry.add(std::move(gather));
}

void add_avg_pool(Registry& registry, std::size_t axes) {
  const std::string name = named("avg_pool", axes), back_name = named("avg_pool", axes, "_grad");
  Op op;
  op.name = name;
  op.onnx = "AveragePool";
  op.doc = std::string("x [N, C, ..] -> means of windows [N, C, ..]") + kWindowDoc + ", count_include_pad (0)";
  op.infer = [name, axes](Specs in, const Attrs& attrs) {
    expect_planes(name, in, 1, axes);
    return one(f32_spec(pooled_shape(name, in, attrs, in[0].shape)));
  };
  op.prepare = [](const PrepareRequest& r) { return pool_kernel(r, avg_pool_nd, r.in[0].spec.shape, r.out[0].shape); };
  op.vjp = [back_name](const VjpArgs& v) {
    Attrs attrs = v.attrs;
    attrs.set("size", spatial(shape_of(v.in[0])));
    return std::vector<Value>{call(back_name, {v.cotangents[0]}, attrs)};
  };
  op.cases = pool_cases(axes);
  op.cases[1].attrs.set("count_include_pad", std::int64_t{1});
  registry.add(std::move(op));
  Op back;
  back.name = back_name;
  back.doc = "g [N, C, ..] -> [N, C, size]; attribute size, the attributes of " + name + ": its adjoint";
  back.infer = [back_name, axes](Specs in, const Attrs& attrs) {
    expect_planes(back_name, in, 1, axes);
    return one(f32_spec(unpooled(back_name, in, attrs)));
  };
  back.prepare = [](const PrepareRequest& r) {
    return pool_kernel(r, avg_pool_nd_scatter, r.out[0].shape, r.in[0].spec.shape);
  };
  back.vjp = [name](const VjpArgs& v) { return std::vector<Value>{call(name, {v.cotangents[0]}, v.attrs)}; };
  back.cases = backward_cases(axes, Operands::small);
  registry.add(std::move(back));
}

// y = (sum |x|^p)^(1/p): dx = sign(x) |x|^(p - 1) spread(g / y^(p - 1)), where spread is the adjoint of a sum over
// windows.
std::vector<Value> lp_vjp(const std::string& spread, const VjpArgs& v) {
  const Value x = v.in[0], y = v.out[0], g = v.cotangents[0];
  const double p = v.attrs.real("p", 2);
  const Shape size = spatial(shape_of(x));
  const Window w = pool_window("lp_pool", {}, v.attrs, size.size());
  Attrs attrs = v.attrs;
  attrs.set("size", size);
  attrs.set("count_include_pad", std::int64_t{1});
  const Attrs power = {{"exponent", p - 1}};
  const Value root = p == 2 ? y : call("pow", {y}, power);
  const Value sums =
      call(spread, {g * call("safe_reciprocal", {root})}, attrs) * static_cast<double>(element_count(w.kernel));
  if (p == 2) return {x * sums};
  return {call("sign", {x}) * call("pow", {call("abs", {x})}, power) * sums};
}

void add_lp_pool(Registry& registry, std::size_t axes) {
  const std::string name = named("lp_pool", axes), spread = named("avg_pool", axes, "_grad");
  Op op;
  op.name = name;
  op.onnx = "LpPool";
  op.doc =
      "x [N, C, ..] -> (sum over the window of |x|^p)^(1/p); attributes kernel, stride (kernel), pad (0), "
      "dilation (1), p (2)";
  op.infer = [name, axes](Specs in, const Attrs& attrs) {
    expect_planes(name, in, 1, axes);
    if (!(attrs.real("p", 2) >= 1)) op_error(name, in, "attribute p must be at least 1");
    if (attrs.integer("ceil_mode", 0) != 0) op_error(name, in, "has no attribute ceil_mode");
    return one(f32_spec(pooled_shape(name, in, attrs, in[0].shape)));
  };
  op.prepare = [](const PrepareRequest& r) { return pool_kernel(r, lp_pool_nd, r.in[0].spec.shape, r.out[0].shape); };
  op.vjp = [spread](const VjpArgs& v) { return lp_vjp(spread, v); };
  if (axes == 2) {
    op.cases = {
        {.name = "overlapping", .in = {make_spec({2, 16, 5, 4})}, .attrs = window_attrs({3, 2}, {2, 1}, {1, 0})},
        {.name = "no samples", .in = {make_spec({0, 2, 4, 4})}, .attrs = {{"kernel", std::int64_t{2}}}}};
  } else {
    op.cases = pool_cases(axes);
    op.cases.erase(op.cases.begin() + 2);  // may be the one with ceil_mode
  }
  op.cases[0].attrs.set("p", 3.0);
  for (OpCase& c : op.cases) c.keep_away = 0.1;
  registry.add(std::move(op));
}

void add_global_lp_pool(Registry& registry) {
  Op op;
  op.name = "global_lp_pool";
  op.onnx = "GlobalLpPool";
  op.doc = "x [N, C, ..] -> (sum over the spatial axes of |x|^p)^(1/p) [N, C, 1, ..]; attribute p (2)";
  set_composite(
      op, [](Specs in, const Attrs&) { expect_planes("global_lp_pool", in, 1, kAnyAxes); },
      [](Emitter&, std::span<const Value> in, const Attrs& attrs) {
        Shape shape = shape_of(in[0]);
        const std::int64_t pixels = element_count(spatial(shape));
        const Value line = reshape(in[0], {shape[0], shape[1], pixels});
        const Value y = call("lp_pool1d", {line}, {{"kernel", pixels}, {"p", attrs.real("p", 2)}});
        std::fill(shape.begin() + 2, shape.end(), 1);
        return std::vector<Value>{reshape(y, shape)};
      });
  op.cases = {{.name = "plane", .in = {make_spec({2, 3, 3, 5})}, .attrs = {}, .keep_away = 0.1},
              {.name = "cubes", .in = {make_spec({2, 3, 7})}, .attrs = {{"p", 3.0}}, .keep_away = 0.1},
              {.name = "no samples", .in = {make_spec({0, 3, 3, 5})}, .attrs = {}}};
  registry.add(std::move(op));
}

void add_indices(Registry& registry) {
  Op op;
  op.name = "max_pool_indices";
  op.doc = std::string("x [N, C, ..] -> i64 positions in all of x of what max_pool1d, 2d or 3d take") + kWindowDoc +
           ", storage_order (0; 1: the first spatial axis runs fastest)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_planes("max_pool_indices", in, 1, kAnyAxes);
    return one({DType::i64, pooled_shape("max_pool_indices", in, attrs, in[0].shape)});
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    const Shape& x = request.in[0].spec.shape;
    const PoolNd s = geometry({x[0], x[1], 1, 1, 1, x[1]}, request.attrs, x, request.out[0].shape);
    kernel.run = [s](const KernelArgs& args) {
      max_pool_nd_indices(s, floats(args, 0), static_cast<std::int64_t*>(args.out[0]));
    };
    return kernel;
  };
  op.cases = pool_cases(1);
  for (const OpCase& c : pool_cases(3)) op.cases.push_back(c);
  OpCase plane{.name = "plane", .in = {make_spec({2, 3, 5, 4})}, .attrs = window_attrs({3, 2}, {2, 1}, {1, 0})};
  plane.attrs.set("storage_order", std::int64_t{1});
  op.cases.push_back(plane);
  registry.add(std::move(op));
}

}  // namespace

void register_pool_nd(Registry& registry) {
  for (const std::size_t axes : {1, 3}) {
    add_max_pool(registry, axes);
    add_avg_pool(registry, axes);
  }
  for (const std::size_t axes : {1, 2, 3}) add_lp_pool(registry, axes);
  add_global_lp_pool(registry);
  add_indices(registry);
}

}  // namespace assay::engine
