// Transposed convolution for one to three spatial axes: the data gradient of a convolution, plus a bias. Its gradients
// are that convolution and the gradient for that convolution's weights.
#include <algorithm>

#include "harness/base/error.hpp"
#include "harness/engine/ops/batch_norm_loops.hpp"
#include "harness/engine/ops/channel_norm.hpp"
#include "harness/engine/ops/window.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"
#include "harness/engine/tensor/spatial.hpp"

namespace assay::engine {
namespace {

struct ConvTransposeFamily {
  const char *name, *conv, *data, *weights;
  std::size_t axes;  // spatial ones
};

constexpr ConvTransposeFamily kFamilies[] = {
    {"conv_transpose1d", "conv1d", "conv1d_bwd_data", "conv1d_bwd_weights", 1},
    {"conv_transpose2d", "conv2d", "conv2d_bwd_data", "conv2d_bwd_weights", 2},
    {"conv_transpose3d", "conv3d", "conv3d_bwd_data", "conv3d_bwd_weights", 3},
};

Shape conv_transpose_spatial(const Shape& s) { return Shape(s.begin() + 2, s.end()); }

struct ConvTransposeProblem {
  Shape size;      // spatial extents of the result
  Attrs geometry;  // of the convolution that goes the other way
  std::int64_t channels = 0;
};

// Extra rows at the end of the result that no input reaches are room that the convolution's stride skips; with a stride
// too small for that, they can only be taken from the padding.
std::int64_t skipped(std::string_view op, Specs in, std::int64_t pad, std::int64_t extra, std::int64_t stride) {
  if (extra < 0) op_error(op, in, "attribute output_pad must not be negative");
  if (extra < stride) return pad;
  if (pad < extra) op_error(op, in, "attribute output_pad must be below the stride, or not above the padding after");
  return pad - extra;
}

ConvTransposeProblem conv_transpose_problem_of(const ConvTransposeFamily& f, Specs in, const Attrs& attrs) {
  expect_count(f.name, in, 2, 3);
  expect_f32(f.name, in);
  for (std::size_t i = 0; i < 2; ++i) expect_rank(f.name, in, i, f.axes + 2);
  const Shape &x = in[0].shape, &w = in[1].shape;
  const std::int64_t groups = attrs.integer("groups", 1);
  if (w[0] != x[1] || groups < 1 || w[0] % groups != 0) {
    op_error(f.name, in, "w must be [C, O/groups, ..] with C = " + std::to_string(x[1]) + " divisible by groups");
  }
  const Window window = window_of(f.name, in, attrs, conv_transpose_spatial(w));
  Shape extra = attrs.ints("output_pad", Shape(f.axes, 0));
  if (extra.size() == 1) extra.resize(f.axes, extra[0]);
  if (extra.size() != f.axes) op_error(f.name, in, "attribute output_pad must be one integer or one an axis");
  ConvTransposeProblem p;
  p.channels = w[1] * groups;
  Shape pad = window.pad_before;
  for (std::size_t a = 0; a < f.axes; ++a) {
    const std::int64_t after = window.pad_after[a];
    p.size.push_back((x[a + 2] - 1) * window.stride[a] + window.reach(a) + extra[a] - window.pad_before[a] - after);
    if (p.size.back() < 1) op_error(f.name, in, "the padding leaves nothing of the result");
    pad.push_back(skipped(f.name, in, after, extra[a], window.stride[a]));
  }
  p.geometry = {{"stride", window.stride}, {"dilation", window.dilation}, {"pad", pad}, {"groups", groups}};
  if (in.size() > 2 && in[2].shape != Shape{p.channels}) {
    op_error(f.name, in, "the bias must have shape [" + std::to_string(p.channels) + "]");
  }
  return p;
}

Attrs with(Attrs attrs, const char* key, const Shape& value) {
  attrs.set(key, value);
  return attrs;
}

// out += bias, channel by channel, in the layout that the product left it in.
void add_bias(const ChannelView& view, const float* bias, float* coefficients, float* out) {
  const std::int64_t padded = padded_channels(view);
  float *ones = coefficients, *shift = coefficients + padded;
  std::fill_n(coefficients, 2 * padded, 0.0f);
  std::fill_n(ones, view.channels, 1.0f);
  std::copy_n(bias, view.channels, shift);
  norm_apply(view, {.x = out, .out = out}, {.scale = ones, .shift = shift}, false);
}

Kernel prepare_conv_transpose(const ConvTransposeFamily& f, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  std::vector<Spec> in;
  for (const MemDesc& m : request.in) in.push_back(m.spec);
  const ConvTransposeProblem p = conv_transpose_problem_of(f, in, request.attrs);
  const Attrs attrs = with(p.geometry, "size", p.size);
  const Op& product = Registry::get().op(Registry::get().id(f.data));
  Kernel kernel = product.prepare({attrs, request.in.subspan(0, 2), request.out, request.training});
  if (in.size() < 3) return kernel;
  const MemDesc result{request.out[0], kernel.out[0]};
  const auto found = spatial_view(result);
  if (!found) throw Error(Fault::unsupported, std::string(f.name) + ": a bias in a layout that cannot be walked");
  const ChannelView view = norm_view(result);
  const auto padded = static_cast<std::size_t>(padded_channels(view));
  kernel.in.push_back(Layout::dense(in[2]));
  kernel.scratch_bytes = std::max(kernel.scratch_bytes, 2 * padded * sizeof(float));
  kernel.run = [view, inner = kernel.run](const KernelArgs& args) {
    inner({args.in.subspan(0, 2), args.out, args.scratch});
    add_bias(view, floats(args, 2), static_cast<float*>(args.scratch), floats_out(args, 0));
  };
  return kernel;
}

std::vector<Value> conv_transpose_vjp(const ConvTransposeFamily& f, const VjpArgs& v) {
  const Value x = v.in[0], w = v.in[1], g = v.cotangents[0];
  std::vector<Spec> in;
  for (const Value operand : v.in) in.push_back(f32_spec(shape_of(operand)));
  const ConvTransposeProblem p = conv_transpose_problem_of(f, in, v.attrs);
  std::vector<Value> grads(v.in.size());
  if (v.wanted[0]) grads[0] = call(f.conv, {g, w}, p.geometry);
  if (v.wanted[1]) grads[1] = call(f.weights, {g, x}, with(p.geometry, "kernel", conv_transpose_spatial(in[1].shape)));
  if (v.in.size() > 2 && v.wanted[2]) {
    Shape axes = {0};
    for (std::size_t a = 0; a < f.axes; ++a) axes.push_back(static_cast<std::int64_t>(a) + 2);
    grads[2] = call("reduce_sum", {g}, {{"axes", axes}});
  }
  return grads;
}

std::vector<OpCase> conv_transpose_cases(const ConvTransposeFamily& f) {
  const auto at = [&](const Shape& three) {
    return Shape(three.end() - static_cast<std::ptrdiff_t>(f.axes), three.end());
  };
  const auto shape = [&](std::int64_t a, std::int64_t b, const Shape& three) {
    Shape s = {a, b};
    for (const std::int64_t extent : at(three)) s.push_back(extent);
    return f32_spec(s);
  };
  const auto pads = [&](const Shape& before, const Shape& after) {
    Shape s = at(before);
    for (const std::int64_t p : at(after)) s.push_back(p);
    return s;
  };
  const std::int64_t two = 2;
  const Spec b4 = make_spec({4}), b16 = make_spec({16}), b6 = make_spec({6});
  return {{.name = "plain", .in = {shape(2, 3, {2, 3, 4}), shape(3, 4, {2, 3, 2})}, .attrs = {}},
          {.name = "doubled",
           .in = {shape(2, 16, {2, 2, 3}), shape(16, 16, {2, 3, 3}), b16},
           .attrs = {{"stride", two}, {"pad", std::int64_t{1}}, {"output_pad", std::int64_t{1}}}},
          {.name = "uneven",
           .in = {shape(1, 3, {2, 4, 3}), shape(3, 4, {2, 2, 3}), b4},
           .attrs = {{"stride", at({1, 2, 3})}, {"pad", pads({0, 1, 0}, {1, 0, 2})}, {"output_pad", at({1, 1, 2})}}},
          {.name = "dilated",
           .in = {shape(2, 2, {2, 3, 4}), shape(2, 4, {1, 2, 3}), b4},
           .attrs = {{"dilation", at({1, 2, 2})}}},
          {.name = "grouped",
           .in = {shape(2, 4, {1, 3, 2}), shape(4, 3, {1, 2, 2}), b6},
           .attrs = {{"groups", two}, {"stride", two}}},
          {.name = "no samples", .in = {shape(0, 3, {2, 3, 4}), shape(3, 4, {2, 3, 2}), b4}, .attrs = {}}};
}

}  // namespace

void register_conv_transpose(Registry& registry) {
  for (const ConvTransposeFamily& f : kFamilies) {
    Op op;
    op.name = f.name;
    op.onnx = "ConvTranspose";
    op.doc =
        "x [N, C, ..], w [C, O/groups, ..], bias [O]? -> [N, O, (extent - 1) stride + dilation (kernel - 1) + 1 - "
        "padding + output_pad ..]; attributes stride (1), pad (0), dilation (1), groups (1), output_pad (0)";
    op.infer = [&f](Specs in, const Attrs& attrs) {
      const ConvTransposeProblem p = conv_transpose_problem_of(f, in, attrs);
      Shape out = {in[0].shape[0], p.channels};
      out.insert(out.end(), p.size.begin(), p.size.end());
      return one(f32_spec(out));
    };
    op.prepare = [&f](const PrepareRequest& request) { return prepare_conv_transpose(f, request); };
    op.vjp = [&f](const VjpArgs& v) { return conv_transpose_vjp(f, v); };
    op.cost = [](Specs in, Specs, const Attrs&) {
      const Shape& w = in[1].shape;
      const std::int64_t each = element_count(w) / std::max<std::int64_t>(1, w[0]);
      return OpCost{static_cast<double>(in[0].count() * each), 0};
    };
    op.cases = conv_transpose_cases(f);
    registry.add(std::move(op));
  }
}

}  // namespace assay::engine
