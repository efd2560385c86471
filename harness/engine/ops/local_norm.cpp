// Local response normalisation (Krizhevsky et al. 2012) and mean-variance normalisation.
#include <algorithm>
#include <cmath>

#include "harness/engine/ops/composite.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

struct Lrn {
  std::int64_t n = 0, channels = 0, plane = 0, before = 0, after = 0;
  float alpha_share = 0, beta = 0, bias = 0;
};

Lrn lrn_of(Specs in, const Attrs& attrs) {
  const Shape& x = in[0].shape;
  const std::int64_t size = attrs.integer("size", 5);
  Lrn s;
  s.n = x[0], s.channels = x[1], s.plane = element_count(Shape(x.begin() + 2, x.end()));
  s.before = (size - 1) / 2, s.after = size - 1 - s.before;
  s.alpha_share = static_cast<float>(attrs.real("alpha", 1e-4) / static_cast<double>(size));
  s.beta = static_cast<float>(attrs.real("beta", 0.75));
  s.bias = static_cast<float>(attrs.real("bias", 1));
  return s;
}

// The squares of the neighbouring channels are summed in order of the channels.
ASSAY_WIDE void lrn_loop(const Lrn& s, const float* x, float* y) {
  for (std::int64_t n = 0; n < s.n; ++n) {
    const float* sample = x + n * s.channels * s.plane;
    for (std::int64_t c = 0; c < s.channels; ++c) {
      const std::int64_t from = std::max<std::int64_t>(0, c - s.before), to = std::min(s.channels, c + s.after + 1);
      float* out = y + (n * s.channels + c) * s.plane;
      std::fill_n(out, s.plane, 0.0f);
      for (std::int64_t k = from; k < to; ++k) {
        const float* near = sample + k * s.plane;
        ASSAY_INDEPENDENT
        for (std::int64_t p = 0; p < s.plane; ++p) out[p] += near[p] * near[p];
      }
      const float* own = sample + c * s.plane;
      ASSAY_INDEPENDENT
      for (std::int64_t p = 0; p < s.plane; ++p) {
        out[p] = own[p] * vm::exp(-s.beta * vm::log(s.bias + s.alpha_share * out[p]));
      }
    }
  }
}

// y = x s^-beta with s = bias + alpha mean(x^2), the mean a window over channels: an average pooling whose adjoint
// carries the gradient back.
std::vector<Value> lrn_vjp(const VjpArgs& v) {
  const Shape x = shape_of(v.in[0]);
  const std::int64_t size = v.attrs.integer("size", 5), before = (size - 1) / 2,
                     plane = element_count(Shape(x.begin() + 2, x.end()));
  const double alpha = v.attrs.real("alpha", 1e-4), beta = v.attrs.real("beta", 0.75);
  const Attrs window = {{"kernel", Shape{size, 1}},
                        {"stride", Shape{1, 1}},
                        {"count_include_pad", std::int64_t{1}},
                        {"pad", Shape{before, 0, size - 1 - before, 0}}};
  Attrs back = window;
  back.set("size", Shape{x[1], plane});
  const Shape image = {x[0], 1, x[1], plane};
  const Value in = reshape(v.in[0], image), g = reshape(v.cotangents[0], image);
  const Value s = call("avg_pool2d", {call("square", {in})}, window) * alpha + v.attrs.real("bias", 1);
  const Value scale = call("pow", {s}, {{"exponent", -beta}});
  const Value spread = call("avg_pool2d_grad", {g * in * scale / s}, back);
  return {reshape(g * scale - in * spread * (2 * alpha * beta), x)};
}

void add_lrn(Registry& registry) {
  Op op;
  op.name = "lrn";
  op.onnx = "LRN";
  op.doc =
      "x [N, C, ..] -> x / (bias + alpha / size * sum of squares over the channels from c - floor((size - 1) / 2) to "
      "c + ceil((size - 1) / 2))^beta; attributes size (5), alpha (1e-4), beta (0.75), bias (1)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("lrn", in, 1, 1);
    expect_f32("lrn", in);
    if (in[0].shape.size() < 2) op_error("lrn", in, "x must be [N, C, ..]");
    if (attrs.integer("size", 5) < 1) op_error("lrn", in, "attribute size must be positive");
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& request) {
    if (any_zero_extent(request)) return zero_fill_kernel(request);
    Kernel kernel = dense_kernel(request);
    kernel.run = [s = lrn_of(std::span(&request.in[0].spec, 1), request.attrs)](const KernelArgs& args) {
      lrn_loop(s, floats(args, 0), floats_out(args, 0));
    };
    return kernel;
  };
  op.vjp = lrn_vjp;
  const Attrs strong = {{"alpha", 0.5}, {"size", std::int64_t{3}}, {"bias", 2.0}},
              even = {{"alpha", 0.3}, {"size", std::int64_t{4}}};
  op.cases = {{.name = "image", .in = {make_spec({2, 5, 3, 2})}, .attrs = strong},
              {.name = "even window", .in = {make_spec({2, 7, 3})}, .attrs = even},
              {.name = "wider than the channels", .in = {make_spec({3, 2})}, .attrs = {{"alpha", 0.3}}},
              {.name = "no samples", .in = {make_spec({0, 5, 3, 2})}, .attrs = strong}};
  registry.add(std::move(op));
}

void add_mean_variance(Registry& registry) {
  Op op;
  op.name = "mean_variance_normalization";
  op.onnx = "MeanVarianceNormalization";
  op.doc = "x -> (x - mean) / (sqrt(variance) + 1e-9), statistics over attribute axes ([0, 2, 3])";
  const auto axes_attrs = [](const Attrs& attrs) {
    return Attrs{{"axes", attrs.ints("axes", {0, 2, 3})}, {"keepdims", std::int64_t{1}}};
  };
  set_composite(
      op,
      [axes_attrs](Specs in, const Attrs& attrs) {
        expect_count("mean_variance_normalization", in, 1, 1);
        expect_f32("mean_variance_normalization", in);
        axes_of("mean_variance_normalization", in, axes_attrs(attrs));
      },
      [axes_attrs](Emitter&, std::span<const Value> in, const Attrs& attrs) {
        const Attrs over = axes_attrs(attrs);
        const Value centred = in[0] - call("reduce_mean", {in[0]}, over);
        const Value variance = call("reduce_mean", {call("square", {centred})}, over);
        return std::vector<Value>{centred / (call("sqrt", {variance}) + 1e-9)};
      });
  op.cases = {{.name = "image", .in = {make_spec({3, 3, 4, 2})}, .attrs = {}},
              {.name = "rows", .in = {make_spec({5, 7})}, .attrs = {{"axes", std::int64_t{1}}}},
              {.name = "no channels", .in = {make_spec({2, 0, 3, 3})}, .attrs = {}}};
  registry.add(std::move(op));
}

}  // namespace

void register_local_norm(Registry& registry) {
  add_lrn(registry);
  add_mean_variance(registry);
}

}  // namespace assay::engine
