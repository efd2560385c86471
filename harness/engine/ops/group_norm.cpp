// Group normalisation (Wu & He 2018) and instance normalisation (Ulyanov et al. 2016: one group a channel). Every
// sample is normalised on its own, by the loops of batch normalisation and in the layout that comes. Gradients that
// will not be differentiated again are one fused op; others are derived from the definition in elementary ops.
#include <algorithm>
#include <cmath>

#include "harness/engine/ops/batch_norm_loops.hpp"
#include "harness/engine/ops/channel_norm.hpp"
#include "harness/engine/ops/composite.hpp"

namespace assay::engine {
namespace {

constexpr double kGroupNormEps = 1e-5;
const char* const kGroup = "group_norm";
const char* const kInstance = "instance_norm";

// instance_norm has no attribute groups: as many as channels.
std::int64_t groups_of(std::string_view op, const Shape& x, const Attrs& attrs) {
  return op == kInstance ? x[1] : attrs.integer("groups", 1);
}

Shape statistics_shape(std::string_view op, Specs in, const Attrs& attrs) {
  const Shape& x = in[0].shape;
  if (x.size() < 2) op_error(op, in, "x must be [N, C, ..]");
  const std::int64_t groups = groups_of(op, x, attrs);
  if (op != kInstance && (groups < 1 || x[1] % groups != 0)) {
    op_error(op, in, "attribute groups must divide the channels, not " + std::to_string(groups));
  }
  return {x[0], groups};
}

std::vector<Spec> infer_group_norm(const char* op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 3, 3);
  expect_f32(op, in);
  const Spec statistics = f32_spec(statistics_shape(op, in, attrs));
  for (std::size_t i = 1; i < 3; ++i) {
    if (in[i].shape != Shape{in[0].shape[1]}) op_error(op, in, "gamma and beta must be [C]");
  }
  return {in[0], statistics, statistics};
}

// One sample of a batch and the arrays that its channels need.
struct Sample {
  ChannelView view;  // of one sample
  std::int64_t batch = 0, groups = 1;
  double eps = kGroupNormEps;

  std::int64_t floats() const { return view.channel_blocks * view.block * view.plane(); }
  std::int64_t per_group() const { return view.channels / groups; }
  double count() const { return static_cast<double>(per_group() * view.plane()); }
};

Sample sample_of(const char* op, const PrepareRequest& request, const MemDesc& lead) {
  Sample s;
  s.view = norm_view(lead);
  s.batch = s.view.n;
  s.view.n = 1;
  s.groups = groups_of(op, lead.spec.shape, request.attrs);
  s.eps = request.attrs.real("eps", kGroupNormEps);
  return s;
}

// Four f64 arrays and four f32 ones over the padded channels.
struct GroupScratch {
  double *u, *v, *dgamma, *dbeta;
  float *scale, *shift, *slope, *centre;
  static std::size_t bytes(const ChannelView& view) {
    return static_cast<std::size_t>(padded_channels(view)) * (32 + 16);
  }
  GroupScratch(void* memory, const ChannelView& view) {
    const std::int64_t n = padded_channels(view);
    u = static_cast<double*>(memory);
    v = u + n, dgamma = v + n, dbeta = dgamma + n;
    scale = reinterpret_cast<float*>(dbeta + n);
    shift = scale + n, slope = shift + n, centre = slope + n;
    std::fill_n(dgamma, 2 * n, 0.0);
    std::fill_n(scale, 4 * n, 0.0f);
  }
};

// Joins the sums of a group's channels.
double group_sum(const Sample& s, const double* sums, std::int64_t group) {
  double total = 0;
  for (std::int64_t c = group * s.per_group(); c < (group + 1) * s.per_group(); ++c) total += sums[c];
  return total;
}

void forward_sample(const Sample& s, const KernelArgs& args, std::int64_t n, const GroupScratch& m) {
  const NormStreams streams{.x = floats(args, 0) + n * s.floats(), .out = floats_out(args, 0) + n * s.floats()};
  float *mean = floats_out(args, 1) + n * s.groups, *inverse = floats_out(args, 2) + n * s.groups;
  std::fill_n(m.centre, padded_channels(s.view), 0.0f);
  norm_moments(s.view, streams, m.centre, m.u, m.v);
  for (std::int64_t g = 0; g < s.groups; ++g) {
    mean[g] = static_cast<float>(group_sum(s, m.u, g) / s.count());
    std::fill_n(m.centre + g * s.per_group(), s.per_group(), mean[g]);
  }
  norm_moments(s.view, streams, m.centre, m.u, m.v);
  for (std::int64_t c = 0; c < s.view.channels; ++c) {
    const std::int64_t g = c / s.per_group();
    if (c % s.per_group() == 0) {
      inverse[g] = static_cast<float>(1.0 / std::sqrt(group_sum(s, m.v, g) / s.count() + s.eps));
    }
    m.scale[c] = floats(args, 1)[c] * inverse[g];
    m.shift[c] = floats(args, 2)[c] - mean[g] * m.scale[c];
  }
  norm_apply(s.view, streams, {.scale = m.scale, .shift = m.shift}, false);
}

Kernel prepare_group_norm(const char* op, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const MemDesc lead = leading(request, {0});
  const Sample s = sample_of(op, request, lead);
  Kernel kernel = norm_kernel(request, lead.layout);
  kernel.scratch_bytes = GroupScratch::bytes(s.view);
  kernel.run = [s](const KernelArgs& args) {
    const GroupScratch scratch(args.scratch, s.view);
    for (std::int64_t n = 0; n < s.batch; ++n) forward_sample(s, args, n, scratch);
  };
  return kernel;
}

// in: x, gamma, mean, inverse, g; out: dx, and with attribute weights dgamma and dbeta.
std::vector<Spec> infer_group_norm_grad(const char* forward, Specs in, const Attrs& attrs) {
  const std::string op = std::string(forward) + "_grad";
  expect_count(op, in, 5, 5);
  expect_f32(op, in);
  const Shape statistics = statistics_shape(forward, in, attrs);
  if (in[1].shape != Shape{in[0].shape[1]}) op_error(op, in, "gamma must be [C]");
  if (in[2].shape != statistics || in[3].shape != statistics) {
    op_error(op, in, "the statistics must be " + shape_str(statistics));
  }
  if (in[4].shape != in[0].shape) op_error(op, in, "g must have x's shape");
  std::vector<Spec> out = {in[0]};
  if (attrs.integer("weights", 0) != 0) out.insert(out.end(), 2, in[1]);
  return out;
}

// dx = gamma inverse g - inverse mean(gamma g) - inverse xhat mean(gamma g xhat), the means over the group.
void backward_sample(const Sample& s, const KernelArgs& args, std::int64_t n, const GroupScratch& m) {
  const std::int64_t at = n * s.floats();
  const NormStreams streams{.x = floats(args, 0) + at, .g = floats(args, 4) + at, .out = floats_out(args, 0) + at};
  const float *gamma = floats(args, 1), *mean = floats(args, 2) + n * s.groups,
              *inverse = floats(args, 3) + n * s.groups;
  for (std::int64_t c = 0; c < s.view.channels; ++c) m.centre[c] = mean[c / s.per_group()];
  norm_grad_sums(s.view, streams, m.centre, m.u, m.v);
  for (std::int64_t g = 0; g < s.groups; ++g) {
    const double r = inverse[g];
    double plain = 0, weighted = 0;
    for (std::int64_t c = g * s.per_group(); c < (g + 1) * s.per_group(); ++c) {
      plain += gamma[c] * m.u[c];
      weighted += gamma[c] * m.v[c];
      m.dgamma[c] += m.v[c] * r;
      m.dbeta[c] += m.u[c];
    }
    for (std::int64_t c = g * s.per_group(); c < (g + 1) * s.per_group(); ++c) {
      m.scale[c] = gamma[c] * inverse[g];
      m.shift[c] = static_cast<float>(-r * plain / s.count());
      m.slope[c] = static_cast<float>(-r * r * r * weighted / s.count());
    }
  }
  norm_apply_grad(s.view, streams, {.scale = m.scale, .shift = m.shift, .slope = m.slope, .centre = m.centre});
}

Kernel prepare_group_norm_grad(const char* forward, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  const MemDesc lead = leading(request, {0, 4});
  const Sample s = sample_of(forward, request, lead);
  Kernel kernel = norm_kernel(request, lead.layout);
  kernel.in_place[0] = 4;  // g is read for the last time where dx is written
  kernel.scratch_bytes = GroupScratch::bytes(s.view);
  kernel.run = [s](const KernelArgs& args) {
    const GroupScratch scratch(args.scratch, s.view);
    for (std::int64_t n = 0; n < s.batch; ++n) backward_sample(s, args, n, scratch);
    if (args.out.size() < 3) return;
    for (std::int64_t c = 0; c < s.view.channels; ++c) {
      floats_out(args, 1)[c] = static_cast<float>(scratch.dgamma[c]);
      floats_out(args, 2)[c] = static_cast<float>(scratch.dbeta[c]);
    }
  };
  return kernel;
}

// The definition, in elementary ops.
std::vector<Value> compose_group_norm(const char* op, std::span<const Value> in, const Attrs& attrs) {
  const Shape shape = shape_of(in[0]);
  const std::int64_t groups = groups_of(op, shape, attrs);
  const Attrs over = {{"axes", std::int64_t{2}}, {"keepdims", std::int64_t{1}}};
  const Value x =
      reshape(in[0], {shape[0], groups, shape[0] * groups == 0 ? 0 : element_count(shape) / (shape[0] * groups)});
  const Value mean = call("reduce_mean", {x}, over), centred = x - mean;
  const Value variance = call("reduce_mean", {call("square", {centred})}, over);
  const Value inverse = call("rsqrt", {variance + attrs.real("eps", kGroupNormEps)});
  Shape wide(shape.size(), 1);
  wide[1] = shape[1];
  const Value y = reshape(centred * inverse, shape) * reshape(in[1], wide) + reshape(in[2], wide);
  return {y, reshape(mean, {shape[0], groups}), reshape(inverse, {shape[0], groups})};
}

std::vector<Value> group_norm_vjp(const char* op, const VjpArgs& v) {
  const bool only_y = v.cotangents[0].defined() && !v.cotangents[1].defined() && !v.cotangents[2].defined();
  if (!only_y || v.create_graph) {
    return composite_vjp(
        [op](Emitter&, std::span<const Value> in, const Attrs& attrs) { return compose_group_norm(op, in, attrs); }, v);
  }
  Attrs attrs = v.attrs;
  attrs.set("weights", static_cast<std::int64_t>(v.wanted[1] || v.wanted[2]));
  const std::vector<Value> operands = {v.in[0], v.in[1], v.out[1], v.out[2], v.cotangents[0]};
  std::vector<Value> grads = v.in[0].emitter->emit(Registry::get().id(std::string(op) + "_grad"), operands, attrs);
  grads.resize(3);
  return grads;
}

std::vector<OpCase> group_norm_cases(const char* op) {
  const Spec c6 = make_spec({6}), c32 = make_spec({32});
  const Attrs three = {{"groups", std::int64_t{3}}}, four = {{"groups", std::int64_t{4}}, {"eps", 1e-3}};
  std::vector<OpCase> all = {{.name = "image", .in = {make_spec({2, 6, 3, 5}), c6, c6}, .attrs = three},
                             {.name = "blocks", .in = {make_spec({2, 32, 3, 2}), c32, c32}, .attrs = four},
                             {.name = "sequence", .in = {make_spec({2, 6, 7}), c6, c6}, .attrs = three},
                             {.name = "volume", .in = {make_spec({2, 6, 2, 3, 2}), c6, c6}, .attrs = {}},
                             {.name = "no samples", .in = {make_spec({0, 6, 3, 2}), c6, c6}, .attrs = three}};
  if (op == kGroup) all.push_back({.name = "vectors", .in = {make_spec({3, 6}), c6, c6}, .attrs = three});
  return all;
}

std::vector<OpCase> grad_cases(const char* op) {
  std::vector<OpCase> all;
  for (OpCase c : group_norm_cases(op)) {
    const Spec statistics = f32_spec(statistics_shape(op, c.in, c.attrs));
    c.in = {c.in[0], c.in[1], statistics, statistics, c.in[0]};
    c.attrs.set("weights", std::int64_t{1});
    c.lo = 0.1;  // the inverse deviation is an operand
    all.push_back(c);
  }
  all.front().attrs.set("weights", std::int64_t{0});
  return all;
}

void add_group_norm(Registry& registry, const char* name, const char* onnx, const char* doc, const char* grad_doc) {
  Op op;
  op.name = name;
  op.onnx = onnx;
  op.doc = doc;
  op.infer = [name](Specs in, const Attrs& attrs) { return infer_group_norm(name, in, attrs); };
  op.prepare = [name](const PrepareRequest& request) { return prepare_group_norm(name, request); };
  op.vjp = [name](const VjpArgs& v) { return group_norm_vjp(name, v); };
  op.cases = group_norm_cases(name);
  registry.add(std::move(op));
  Op grad;
  grad.name = std::string(name) + "_grad";
  grad.doc = grad_doc;
  grad.infer = [name](Specs in, const Attrs& attrs) { return infer_group_norm_grad(name, in, attrs); };
  grad.prepare = [name](const PrepareRequest& request) { return prepare_group_norm_grad(name, request); };
  grad.cases = grad_cases(name);
  registry.add(std::move(grad));
}

}  // namespace

void register_group_norm(Registry& registry) {
  add_group_norm(
      registry, kGroup, "",
      "x [N, C, ..], gamma, beta [C] -> y, mean, 1 / sqrt(variance + eps) [N, groups]: normalised over attribute "
      "groups "
      "(1) of neighbouring channels of each sample; attribute eps (1e-5)",
      "x, gamma, mean, inverse, g -> dx, and dgamma, dbeta when attribute weights (0): group_norm's fused gradient");
  add_group_norm(
      registry, kInstance, "InstanceNormalization",
      "x [N, C, ..], gamma, beta [C] -> y, mean, 1 / sqrt(variance + eps) [N, C]: every channel of every sample "
      "normalised; attribute eps (1e-5)",
      "x, gamma, mean, inverse, g -> dx, and dgamma, dbeta when attribute weights (0): instance_norm's fused gradient");
}

}  // namespace assay::engine
