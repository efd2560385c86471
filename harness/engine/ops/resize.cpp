// resize: ONNX Resize (opsets 10 to 13) and Upsample, and its adjoint.
#include "harness/engine/ops/index_map.hpp"
#include "harness/engine/ops/resize_geometry.hpp"

namespace assay::engine {
namespace {

bool is_nearest(const Attrs& attrs) { return attrs.text("mode", "nearest") == "nearest"; }

IndexMap nearest_map(const std::vector<ResizedAxis>& axes, const Shape& x) {
  std::vector<std::vector<std::int64_t>> tables;
  for (const ResizedAxis& a : axes) {
    tables.push_back(a.taps.index);
    for (std::size_t i = 0; i < a.outside.size(); ++i) {
      if (a.outside[i]) tables.back()[i] = -1;
    }
  }
  return {x, tables};
}

SeparableMap linear_map(const std::vector<ResizedAxis>& axes) {
  std::vector<AxisTaps> taps;
  taps.reserve(axes.size());
  for (const ResizedAxis& a : axes) taps.push_back(a.taps);
  return SeparableMap(std::move(taps));
}

// Slabs of the result that lie outside of x along one axis.
struct Slab {
  std::int64_t outer, step, at, inner;  // `outer` runs of `inner` elements, `step` apart, from `at`
};

std::vector<Slab> outside_slabs(const std::vector<ResizedAxis>& axes, const Shape& out) {
  std::vector<Slab> slabs;
  std::int64_t outer = 1, inner = element_count(out);
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (out[a] == 0) return {};
    const std::int64_t step = inner;
    inner /= out[a];
    for (std::size_t i = 0; i < axes[a].outside.size(); ++i) {
      if (axes[a].outside[i]) slabs.push_back({outer, step, static_cast<std::int64_t>(i) * inner, inner});
    }
    outer *= out[a];
  }
  return slabs;
}

void fill_slab(float* to, const Slab& s, float value) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) to[o * s.step + s.at + i] = value;
  }
}

Kernel prepare_resize(const PrepareRequest& request) {
  const Spec& x = request.in[0].spec;
  const auto axes = resized_axes("resize", std::span(&x, 1), request.attrs, x.shape);
  const double outside = request.attrs.real("extrapolation_value", 0);
  if (is_nearest(request.attrs)) {
    return gather_kernel(request, nearest_map(axes, x.shape), element_bits(x.dtype, outside));
  }
  Kernel kernel = dense_kernel(request);
  const SeparableMap map = linear_map(axes);
  kernel.scratch_bytes = map.scratch_bytes();
  const std::vector<Slab> slabs = outside_slabs(axes, request.out[0].shape);
  kernel.run = [map, slabs, value = static_cast<float>(outside)](const KernelArgs& args) {
    map.apply(floats(args, 0), floats_out(args, 0), static_cast<float*>(args.scratch));
    for (const Slab& s : slabs) fill_slab(floats_out(args, 0), s, value);
  };
  return kernel;
}

Kernel prepare_adjoint(const PrepareRequest& request) {
  const Spec& g = request.in[0].spec;
  const Shape& x = request.out[0].shape;
  const auto axes = resized_axes("resize_adjoint", std::span(&g, 1), request.attrs, x);
  if (is_nearest(request.attrs)) return scatter_kernel(request, nearest_map(axes, x));
  Kernel kernel = dense_kernel(request);
  const SeparableMap map = linear_map(axes);
  kernel.scratch_bytes = map.scratch_bytes();
  kernel.run = [map](const KernelArgs& args) {
    map.apply_adjoint(floats(args, 0), floats_out(args, 0), static_cast<float*>(args.scratch));
  };
  return kernel;
}

std::vector<Spec> infer_resize(Specs in, const Attrs& attrs) {
  expect_count("resize", in, 1, 1);
  if (!is_nearest(attrs)) expect_f32("resize", in);
  return one({in[0].dtype, resized_shape("resize", in, attrs, in[0].shape)});
}

std::vector<Spec> infer_adjoint(Specs in, const Attrs& attrs) {
  const char* op = "resize_adjoint";
  expect_count(op, in, 1, 1);
  expect_f32(op, in);
  const Shape x = attrs.ints("shape", {});
  if (x.size() != in[0].shape.size() || resized_shape(op, in, attrs, x) != in[0].shape) {
    op_error(op, in, "g must have the shape that resize makes of attribute shape " + shape_str(x));
  }
  return one(f32_spec(x));
}

Attrs resize_how(const char* mode, const char* coordinates) {
  return {{"mode", std::string(mode)}, {"coordinate_transformation_mode", std::string(coordinates)}};
}

Attrs resize_with(Attrs attrs, const char* key, Attrs::Item item) {
  attrs.set(key, std::move(item));
  return attrs;
}

using Reals = std::vector<double>;

std::vector<OpCase> resize_linear_cases() {
  const Spec image = make_spec({2, 3, 4, 5}), line = make_spec({2, 7}), volume = make_spec({1, 2, 2, 3, 4});
  const Reals twice = {1, 1, 2, 2}, odd = {1, 1, 0.6, 1.7};
  const Attrs crop = resize_with(
      resize_with(resize_how("linear", "tf_crop_and_resize"), "roi", Reals{0, 0, 0.4, 0.6, 1, 1, 1.2, -0.1}),
      "extrapolation_value", 2.5);
  const Attrs cubic = resize_with(resize_how("cubic", "half_pixel"), "cubic_coeff_a", -0.5);
  return {
      {.name = "bilinear", .in = {image}, .attrs = resize_with(resize_how("linear", "half_pixel"), "scales", twice)},
      {.name = "bilinear odd",
       .in = {image},
       .attrs = resize_with(resize_how("linear", "pytorch_half_pixel"), "scales", odd)},
      {.name = "corners",
       .in = {image},
       .attrs = resize_with(resize_how("linear", "align_corners"), "sizes", Shape{2, 3, 7, 3})},
      {.name = "asymmetric", .in = {image}, .attrs = resize_with(resize_how("linear", "asymmetric"), "scales", odd)},
      {.name = "linear", .in = {line}, .attrs = resize_with(resize_how("linear", "half_pixel"), "sizes", Shape{2, 4})},
      {.name = "rows", .in = {line}, .attrs = resize_with(resize_how("linear", "half_pixel"), "sizes", Shape{5, 7})},
      {.name = "trilinear",
       .in = {volume},
       .attrs = resize_with(resize_how("linear", "half_pixel"), "scales", Reals{1, 1, 2, 1.5, 0.5})},
      {.name = "crop", .in = {image}, .attrs = resize_with(crop, "sizes", Shape{2, 3, 3, 4})},
      {.name = "cubic", .in = {image}, .attrs = resize_with(resize_how("cubic", "half_pixel"), "scales", odd)},
      {.name = "cubic inside",
       .in = {image},
       .attrs = resize_with(resize_with(cubic, "exclude_outside", std::int64_t{1}), "scales", twice)},
      {.name = "to one",
       .in = {image},
       .attrs = resize_with(resize_how("linear", "pytorch_half_pixel"), "sizes", Shape{2, 3, 1, 1})},
      {.name = "same",
       .in = {image},
       .attrs = resize_with(resize_how("cubic", "align_corners"), "scales", Reals{1, 1, 1, 1})},
      {.name = "no samples",
       .in = {make_spec({0, 3, 4, 5})},
       .attrs = resize_with(resize_how("linear", "half_pixel"), "scales", twice)}};
}

std::vector<OpCase> nearest_cases() {
  const Spec image = make_spec({2, 3, 4, 5});
  const Reals twice = {1, 1, 2, 2}, odd = {1, 1, 0.6, 1.7};
  std::vector<OpCase> cases = {{.name = "twice", .in = {image}, .attrs = {{"scales", twice}}},
                               {.name = "integers",
                                .in = {make_spec({1, 2, 3}, DType::i64)},
                                .attrs = resize_with(resize_how("nearest", "asymmetric"), "scales", Reals{1, 1.5, 2}),
                                .integers_below = 9},
                               {.name = "nearest crop",
                                .in = {image},
                                .attrs = resize_with(resize_with(resize_how("nearest", "tf_crop_and_resize"), "roi",
                                                                 Reals{0, 0, -0.2, 0.3, 1, 1, 1.2, 0.9}),
                                                     "sizes", Shape{2, 3, 5, 3})},
                               {.name = "no columns", .in = {make_spec({1, 1, 3, 0})}, .attrs = {{"scales", twice}}}};
  for (const char* rounding : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}) {
    for (const char* coordinates : {"half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"}) {
      const Attrs attrs = resize_with(resize_how("nearest", coordinates), "nearest_mode", std::string(rounding));
      cases.push_back({.name = std::string(rounding) + " " + coordinates,
                       .in = {image},
                       .attrs = resize_with(attrs, "scales", odd)});
    }
  }
  return cases;
}

void resize_add_adjoint(Registry& registry) {
  Op op;
  op.name = "resize_adjoint";
  op.doc = "g of resize's result -> g of x, whose extents are attribute shape; other attributes as resize's";
  op.infer = infer_adjoint;
  op.prepare = prepare_adjoint;
  op.vjp = [](const VjpArgs& v) {
    Attrs attrs;
    for (const auto& [key, item] : v.attrs.items()) {
      if (key != "shape" && key != "extrapolation_value") attrs.set(key, item);
    }
    return std::vector<Value>{call("resize", {v.cotangents[0]}, attrs)};
  };
  const Shape x{1, 2, 3, 4};
  op.cases = {
      {.name = "bilinear",
       .in = {make_spec({1, 2, 6, 2})},
       .attrs =
           resize_with(resize_with(resize_how("linear", "half_pixel"), "scales", Reals{1, 1, 2, 0.5}), "shape", x)},
      {.name = "nearest",
       .in = {make_spec({1, 2, 6, 8})},
       .attrs = resize_with(resize_with(resize_how("nearest", "half_pixel"), "scales", Reals{1, 1, 2, 2}), "shape", x)},
      {.name = "cubic crop",
       .in = {make_spec({1, 2, 5, 3})},
       .attrs = resize_with(resize_with(resize_with(resize_how("cubic", "tf_crop_and_resize"), "roi",
                                                    Reals{0, 0, 0.4, 0.6, 1, 1, 1.2, 0}),
                                        "sizes", Shape{1, 2, 5, 3}),
                            "shape", x)}};
  registry.add(std::move(op));
}

}  // namespace

void register_resize(Registry& registry) {
  Op op;
  op.name = "resize";
  op.onnx = "Resize";
  op.doc =
      "x of any rank -> x interpolated to attribute sizes (-1: as x's), or by attribute scales; ONNX's attributes "
      "mode (nearest; linear, cubic: f32), coordinate_transformation_mode (half_pixel), nearest_mode "
      "(round_prefer_floor), "
      "cubic_coeff_a (-0.75), exclude_outside (0), extrapolation_value (0), roi (all starts, then all ends)";
  op.infer = infer_resize;
  op.prepare = prepare_resize;
  op.vjp = [](const VjpArgs& v) {
    Attrs attrs = v.attrs;
    attrs.set("shape", shape_of(v.in[0]));
    return std::vector<Value>{call("resize_adjoint", {v.cotangents[0]}, attrs)};
  };
  op.cases = nearest_cases();
  for (OpCase& c : resize_linear_cases()) op.cases.push_back(std::move(c));
  registry.add(std::move(op));
  resize_add_adjoint(registry);
}

}  // namespace assay::engine
