// roi_align: regions of interest of a feature map read at a fixed number of bins (He et al., Mask R-CNN, ICCV 2017,
// with ONNX's two rules for coordinates), and its adjoint for the map. Each is the other's product. Regions have no
// gradient.
#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

constexpr const char* kRoi = "roi_align";
constexpr const char* kRoiAdjoint = "roi_align_adjoint";
constexpr double kLargestBin = 65536;  // pixels

struct RoiRule {
  std::int64_t bins_h, bins_w, ratio;
  double scale, offset;
  bool at_least_one;  // regions are at least one pixel wide: the rule without half a pixel's offset
};

RoiRule roi_rule(const char* op, Specs in, const Attrs& attrs) {
  const Shape bins = attrs.ints("output", {1, 1});
  const bool half = attrs.integer("half_pixel", 1) != 0;
  const RoiRule r{bins.empty() ? 0 : bins[0],
                  bins.size() < 2 ? 0 : bins[1],
                  attrs.integer("sampling_ratio", 0),
                  attrs.real("spatial_scale", 1.0),
                  half ? 0.5 : 0.0,
                  !half};
  if (bins.size() != 2 || r.bins_h < 1 || r.bins_w < 1)
    op_error(op, in, "attribute output must be two positive extents");
  if (r.ratio < 0) op_error(op, in, "attribute sampling_ratio must not be negative");
  return r;
}

// rois f32 [R, 4] (x1, y1, x2, y2) and the sample that each lies in, i64 [R], as operands 1 and 2.
void expect_rois(const char* op, Specs in) {
  expect_count(op, in, 3, 3);
  expect_dtype(op, in, 0, DType::f32);
  expect_dtype(op, in, 1, DType::f32);
  expect_dtype(op, in, 2, DType::i64);
  expect_rank(op, in, 0, 4);
  if (in[1].shape.size() != 2 || in[1].shape[1] != 4 || in[2].shape != Shape{in[1].shape[0]}) {
    op_error(op, in, "takes regions [R, 4] and their samples [R]");
  }
}

struct RoiMap {
  RoiRule rule;
  const char* op;
  std::int64_t n, channels, h, w, regions;
};

struct Tap {
  std::int64_t at[2];
  double weight[2];
  int count = 0;
};

// Linear interpolation along one axis; beyond one pixel outside there is nothing.
Tap tap_of(double at, std::int64_t extent) {
  if (at < -1 || at > static_cast<double>(extent)) return {};
  const double inside = std::min(std::max(at, 0.0), static_cast<double>(extent - 1));
  const auto low = static_cast<std::int64_t>(inside);
  const double part = inside - static_cast<double>(low);
  return {{low, std::min(low + 1, extent - 1)}, {1 - part, part}, 2};
}

// Where one axis of a region is read: `samples` points in each of its bins.
struct Line {
  double first, bin;
  std::int64_t samples;
  double at(std::int64_t bin_index, std::int64_t sample) const {
    return first + static_cast<double>(bin_index) * bin +
           (static_cast<double>(sample) + 0.5) * bin / static_cast<double>(samples);
  }
};

Line line_of(const RoiRule& r, double low, double high, std::int64_t bins) {
  const double first = low * r.scale - r.offset;
  double length = high * r.scale - r.offset - first;
  if (r.at_least_one) length = std::max(length, 1.0);
  const double bin = length / static_cast<double>(bins);
  if (!(std::fabs(bin) <= kLargestBin)) bad_input("roi_align: a region is not finite or larger than any image");
  return {first, bin, r.ratio > 0 ? r.ratio : static_cast<std::int64_t>(std::ceil(bin))};
}

// Calls body(element of a plane, bin, weight) for all that region `k` reads, bin by bin.
template <class Body>
void for_roi_taps(const RoiMap& m, const float* roi, const Body& body) {
  const RoiRule& r = m.rule;
  const Line rows = line_of(r, static_cast<double>(roi[1]), static_cast<double>(roi[3]), r.bins_h);
  const Line columns = line_of(r, static_cast<double>(roi[0]), static_cast<double>(roi[2]), r.bins_w);
  const double share = 1.0 / static_cast<double>(std::max<std::int64_t>(rows.samples * columns.samples, 1));
  for (std::int64_t point = 0; point < r.bins_h * r.bins_w * std::max<std::int64_t>(rows.samples, 0); ++point) {
    const std::int64_t bin = point / rows.samples;
    const Tap y = tap_of(rows.at(bin / r.bins_w, point % rows.samples), m.h);
    for (std::int64_t j = 0; j < columns.samples; ++j) {
      const Tap x = tap_of(columns.at(bin % r.bins_w, j), m.w);
      for (int t = 0; t < y.count * x.count; ++t) {
        const double weight = y.weight[t / 2] * x.weight[t % 2] * share;
        if (weight != 0) body(y.at[t / 2] * m.w + x.at[t % 2], bin, static_cast<float>(weight));
      }
    }
  }
}

void roi_read(const RoiMap& m, const KernelArgs& args) {
  const float *x = floats(args, 0), *rois = floats(args, 1);
  const Indices sample(args.in[2], DType::i64);
  const std::int64_t plane = m.h * m.w, bins = m.rule.bins_h * m.rule.bins_w;
  for (std::int64_t k = 0; k < m.regions; ++k) {
    const float* image = x + sample.at(m.op, k, m.n) * m.channels * plane;
    float* y = floats_out(args, 0) + k * m.channels * bins;
    std::fill_n(y, m.channels * bins, 0.0f);
    for_roi_taps(m, rois + 4 * k, [&](std::int64_t element, std::int64_t bin, float weight) {
      for (std::int64_t c = 0; c < m.channels; ++c) y[c * bins + bin] += weight * image[c * plane + element];
    });
  }
}

void roi_spread(const RoiMap& m, const KernelArgs& args) {
  const float *g = floats(args, 0), *rois = floats(args, 1);
  const Indices sample(args.in[2], DType::i64);
  const std::int64_t plane = m.h * m.w, bins = m.rule.bins_h * m.rule.bins_w;
  float* x = floats_out(args, 0);
  std::fill_n(x, m.n * m.channels * plane, 0.0f);
  for (std::int64_t k = 0; k < m.regions; ++k) {
    float* image = x + sample.at(m.op, k, m.n) * m.channels * plane;
    const float* part = g + k * m.channels * bins;
    for_roi_taps(m, rois + 4 * k, [&](std::int64_t element, std::int64_t bin, float weight) {
      for (std::int64_t c = 0; c < m.channels; ++c) image[c * plane + element] += weight * part[c * bins + bin];
    });
  }
}

Kernel prepare_roi(const PrepareRequest& request, bool adjoint) {
  Kernel kernel = dense_kernel(request);
  const std::vector<Spec> in = logical_specs(request.in);
  const Shape& map = adjoint ? request.out[0].shape : in[0].shape;
  const char* op = adjoint ? kRoiAdjoint : kRoi;
  const RoiMap m{roi_rule(op, in, request.attrs), op, map[0], map[1], map[2], map[3], in[1].shape[0]};
  kernel.run = [m, adjoint](const KernelArgs& args) { adjoint ? roi_spread(m, args) : roi_read(m, args); };
  return kernel;
}

std::vector<Spec> infer_roi(Specs in, const Attrs& attrs) {
  expect_rois(kRoi, in);
  const RoiRule r = roi_rule(kRoi, in, attrs);
  const Shape& x = in[0].shape;
  if (x[0] * x[2] * x[3] == 0 && in[1].shape[0] > 0) op_error(kRoi, in, "there is nothing to read");
  return one(f32_spec({in[1].shape[0], x[1], r.bins_h, r.bins_w}));
}

std::vector<Spec> infer_roi_adjoint(Specs in, const Attrs& attrs) {
  expect_rois(kRoiAdjoint, in);
  const RoiRule r = roi_rule(kRoiAdjoint, in, attrs);
  const Shape map = attrs.ints("shape", {}), &g = in[0].shape;
  if (map.size() != 3 || g[0] != in[1].shape[0] || g[2] != r.bins_h || g[3] != r.bins_w) {
    op_error(kRoiAdjoint, in, "takes g [R, C, output..] and the attribute shape [N, H, W]");
  }
  return one(f32_spec({map[0], g[1], map[1], map[2]}));
}

Attrs with_shape(Attrs attrs, const Shape& x) {
  attrs.set("shape", Shape{x[0], x[2], x[3]});
  return attrs;
}

std::vector<Value> roi_vjp(const VjpArgs& v) {
  if (!v.wanted[0]) return std::vector<Value>(3);
  const Attrs attrs = with_shape(v.attrs, shape_of(v.in[0]));
  return {call(kRoiAdjoint, {v.cotangents[0], v.in[1], v.in[2]}, attrs), {}, {}};
}

std::vector<Value> roi_adjoint_vjp(const VjpArgs& v) {
  if (!v.wanted[0]) return std::vector<Value>(3);
  Attrs attrs;
  for (const auto& [key, item] : v.attrs.items()) {
    if (key != "shape") attrs.set(key, item);
  }
  return {call(kRoi, {v.cotangents[0], v.in[1], v.in[2]}, attrs), {}, {}};
}

std::vector<OpCase> roi_cases() {
  const Attrs adaptive = {{"output", Shape{2, 3}}},
              halved = {{"output", Shape{3, 2}}, {"sampling_ratio", std::int64_t{2}}, {"spatial_scale", 0.5}},
              old = {{"output", Shape{2, 2}}, {"half_pixel", std::int64_t{0}}};
  const auto with = [](const char* name, const Spec& x, std::int64_t regions, const Attrs& attrs) {
    return OpCase{.name = name,
                  .in = {x, make_spec({regions, 4}), make_spec({regions}, DType::i64)},
                  .attrs = attrs,
                  .lo = -1,
                  .hi = 6,
                  .integers_below = -x.shape[0],
                  .differentiable = {true, false, false},
                  .rising = {false, true, false}};
  };
  return {with("as many samples as pixels", make_spec({2, 3, 5, 4}), 4, adaptive),
          with("scaled", make_spec({3, 2, 4, 5}), 3, halved), with("whole pixels", make_spec({1, 1, 6, 6}), 3, old),
          with("no regions", make_spec({2, 3, 4, 4}), 0, adaptive)};
}

}  // namespace

void register_roi_align(Registry& registry) {
  Op op;
  op.name = kRoi;
  op.onnx = "RoiAlign";
  op.doc =
      "x [N, C, H, W], regions [R, 4] (x1, y1, x2, y2), the sample of each i64 [R] -> the mean of bilinear samples in "
      "every bin of attribute output ([1, 1]) [R, C, h, w]; attributes sampling_ratio (0: as many as pixels), "
      "spatial_scale (1), half_pixel (1); gradient for x";
  op.infer = infer_roi;
  op.prepare = [](const PrepareRequest& r) { return prepare_roi(r, false); };
  op.vjp = roi_vjp;
  op.cases = roi_cases();
  Op adjoint;
  adjoint.name = kRoiAdjoint;
  adjoint.doc =
      "g [R, C, h, w], regions [R, 4], samples i64 [R] -> g of roi_align's x, its [N, H, W] in attribute shape";
  adjoint.infer = infer_roi_adjoint;
  adjoint.prepare = [](const PrepareRequest& r) { return prepare_roi(r, true); };
  adjoint.vjp = roi_adjoint_vjp;
  for (OpCase c : op.cases) {
    const Shape bins = c.attrs.ints("output", {});
    c.attrs = with_shape(c.attrs, c.in[0].shape);
    c.in[0] = make_spec({c.in[1].shape[0], c.in[0].shape[1], bins[0], bins[1]});
    adjoint.cases.push_back(std::move(c));
  }
  registry.add(std::move(op));
  registry.add(std::move(adjoint));
}

}  // namespace assay::engine
