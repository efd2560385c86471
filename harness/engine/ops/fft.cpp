// Fourier transforms over the last axes: fft, ifft of pairs, rfft and irfft. A complex number is a pair [re, im] in a
// last axis of extent 2. Normalisation as numpy's: "backward" divides the inverse by n, "forward" the forward one,
// "ortho" both by sqrt(n). Up to that each pair of transforms are each other's adjoints.
#include <cmath>
#include <cstring>

#include "harness/base/error.hpp"
#include "harness/engine/ops/fftw_adapter.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

struct Transform {
  const char* name;
  bool inverse, real;
};
constexpr Transform kFft{"fft", false, false}, kIfft{"ifft", true, false}, kRfft{"rfft", false, true},
    kIrfft{"irfft", true, true};

std::size_t transformed_axes(const char* op, Specs in, const Attrs& attrs) {
  const std::int64_t dims = attrs.integer("dims", 1);
  if (dims < 1 || dims > 3) op_error(op, in, "attribute dims (how many last axes) must be 1, 2 or 3");
  return static_cast<std::size_t>(dims);
}

double norm_factor(const char* op, Specs in, const Attrs& attrs, bool inverse, double n) {
  const std::string norm = attrs.text("norm", "backward");
  if (norm == "ortho") return 1 / std::sqrt(n);
  if (norm == "backward") return inverse ? 1 / n : 1;
  if (norm == "forward") return inverse ? 1 : 1 / n;
  op_error(op, in, "unknown norm '" + norm + "'" + suggestion(norm, {"backward", "ortho", "forward"}));
}

// The factor of the forward transform is that of the inverse transform under the swapped name.
std::string swapped_norm(const Attrs& attrs) {
  const std::string norm = attrs.text("norm", "backward");
  return norm == "backward" ? "forward" : (norm == "forward" ? "backward" : norm);
}

// The axes that vary in time and in frequency, without the axis of pairs.
struct Extents {
  Shape time, frequency;
  std::size_t dims;
  double scale;
};

Extents extents_of(const Transform& t, Specs in, const Attrs& attrs) {
  expect_count(t.name, in, 1, 1);
  expect_f32(t.name, in);
  Extents e{{}, {}, transformed_axes(t.name, in, attrs), 1};
  Shape shape = in[0].shape;
  if (!(t.real && !t.inverse)) {
    if (shape.empty() || shape.back() != 2) op_error(t.name, in, "the last axis must be a pair [re, im]");
    shape.pop_back();
  }
  if (shape.size() < e.dims) op_error(t.name, in, "has fewer axes than attribute dims");
  e.time = e.frequency = shape;
  if (t.real && t.inverse) {
    const std::int64_t n = attrs.integer("n", 2 * (shape.back() - 1));
    if (n < 1 || n / 2 + 1 != shape.back()) {
      op_error(t.name, in,
               "attribute n = " + std::to_string(n) + " does not fit " + std::to_string(shape.back()) + " frequencies");
    }
    e.time.back() = n;
  } else if (t.real) {
    e.frequency.back() = shape.back() / 2 + 1;
  }
  double n = 1;
  for (std::size_t a = shape.size() - e.dims; a < shape.size(); ++a) {
    if (e.time[a] == 0) op_error(t.name, in, "a transformed axis has no elements");
    n *= static_cast<double>(e.time[a]);
  }
  e.scale = norm_factor(t.name, in, attrs, t.inverse, n);
  return e;
}

std::vector<Spec> infer_fft(const Transform& t, Specs in, const Attrs& attrs) {
  const Extents e = extents_of(t, in, attrs);
  if (t.real && t.inverse) return one(f32_spec(e.time));
  Shape out = e.frequency;
  out.push_back(2);
  return one(f32_spec(out));
}

// A complex transform of one axis of [outer, extent, inner] pairs, in place.
struct Pass {
  RowFft fft;
  std::int64_t outer, extent, inner;

  void operator()(float* data, float* row, float* made) const {
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        float* line = data + 2 * (o * extent * inner + i);
        for (std::int64_t k = 0; k < extent; ++k) std::memcpy(row + 2 * k, line + 2 * k * inner, 2 * sizeof(float));
        fft(row, made);
        for (std::int64_t k = 0; k < extent; ++k) std::memcpy(line + 2 * k * inner, made + 2 * k, 2 * sizeof(float));
      }
    }
  }
};

// Complex passes over the last `dims` axes of `shape`, but for the last one when it is the real one's.
std::vector<Pass> passes_of(const Transform& t, const Shape& shape, std::size_t dims) {
  std::vector<Pass> passes;
  const RowTransform kind = t.inverse ? RowTransform::inverse : RowTransform::forward;
  const std::size_t last = shape.size() - (t.real ? 1 : 0);
  for (std::size_t a = last; a-- > shape.size() - dims;) {
    const auto at = shape.begin() + static_cast<std::ptrdiff_t>(a);
    passes.push_back({RowFft(kind, shape[a]), element_count(Shape(shape.begin(), at)), shape[a],
                      element_count(Shape(at + 1, shape.end()))});
  }
  return passes;
}

struct RealRows {
  RowFft fft;
  std::int64_t rows, in, out;  // floats a row

  void operator()(const float* from, float* to, float* row, float* made) const {
    for (std::int64_t r = 0; r < rows; ++r, from += in, to += out) {
      std::memcpy(row, from, static_cast<std::size_t>(in) * sizeof(float));
      fft(row, made);
      std::memcpy(to, made, static_cast<std::size_t>(out) * sizeof(float));
    }
  }
};

void scale_all(float* v, std::int64_t n, float scale) {
  for (std::int64_t i = 0; scale != 1.0f && i < n; ++i) v[i] *= scale;
}

// Scratch: two rows, aligned as the plans want them, and for irfft a copy of the operand.
struct Scratch {
  std::size_t row = 0, copy = 0;  // bytes
  std::size_t total() const { return 2 * row + copy; }
};

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

Scratch scratch_of(const Transform& t, const PrepareRequest& request, const Extents& e) {
  std::int64_t longest = 1;
  for (const std::int64_t n : e.time) longest = std::max(longest, n);
  const bool copies = t.real && t.inverse;
  return {aligned(2 * (static_cast<std::size_t>(longest) + 1) * sizeof(float)),
          copies ? aligned(request.in[0].spec.bytes()) : 0};
}

Kernel prepare_fft(const Transform& t, const PrepareRequest& request) {
  if (any_zero_extent(request)) return zero_fill_kernel(request);
  Kernel kernel = dense_kernel(request);
  const Spec& x = request.in[0].spec;
  const Extents e = extents_of(t, std::span(&x, 1), request.attrs);
  const Scratch scratch = scratch_of(t, request, e);
  kernel.scratch_bytes = scratch.total();
  const std::vector<Pass> passes = passes_of(t, e.frequency, e.dims);
  std::optional<RealRows> real;
  if (t.real) {
    const std::int64_t n = e.time.back(), pairs = 2 * e.frequency.back();
    const RowFft fft(t.inverse ? RowTransform::real_inverse : RowTransform::real_forward, n);
    real = RealRows{fft, element_count(e.time) / n, t.inverse ? pairs : n, t.inverse ? n : pairs};
  }
  kernel.run = [t, passes, real, scratch, scale = static_cast<float>(e.scale), in = x.count(),
                out = request.out[0].count()](const KernelArgs& args) {
    auto* memory = static_cast<std::byte*>(args.scratch);
    float* row = reinterpret_cast<float*>(memory);
    float* made = reinterpret_cast<float*>(memory + scratch.row);
    float* y = floats_out(args, 0);
    float* complex = t.real && t.inverse ? reinterpret_cast<float*>(memory + 2 * scratch.row) : y;
    if (t.real && !t.inverse) {
      (*real)(floats(args, 0), y, row, made);
    } else {
      std::memcpy(complex, floats(args, 0), static_cast<std::size_t>(in) * sizeof(float));
    }
    for (const Pass& pass : passes) pass(complex, row, made);
    if (t.real && t.inverse) (*real)(complex, y, row, made);
    scale_all(y, out, scale);
  };
  return kernel;
}

// What a real transform of n leaves out of each frequency and its mirror: both count, the first and the middle once.
Value frequency_weights(Value like, std::int64_t n, float weight) {
  const std::int64_t count = n / 2 + 1;
  std::vector<float> weights(static_cast<std::size_t>(count), weight);
  weights.front() = 1;
  if (n % 2 == 0) weights.back() = 1;
  return like.emitter->constant(Tensor::f32({count, 1}, weights));
}

// For the real inner product of pairs the adjoint of the transform is the unnormalised inverse; of half a spectrum,
// with the weights of the frequencies that the half stands for.
std::vector<Value> fft_vjp(const Transform& t, const VjpArgs& v) {
  const Value g = v.cotangents[0];
  Attrs attrs = v.attrs;
  attrs.set("norm", swapped_norm(v.attrs));
  if (!t.real) return {call(t.inverse ? "fft" : "ifft", {g}, attrs)};
  const std::int64_t n = t.inverse ? shape_of(g).back() : shape_of(v.in[0]).back();
  if (t.inverse) return {call("rfft", {g}, attrs) * frequency_weights(g, n, 2.0f)};
  attrs.set("n", n);
  return {call("irfft", {g * frequency_weights(g, n, 0.5f)}, attrs)};
}

// 5 n log2 n operations, the count the field uses for a complex transform of n; half of it for a real one.
OpCost fft_cost(const Transform& t, Specs in, const Attrs& attrs) {
  const Extents e = extents_of(t, in, attrs);
  double n = 1;
  for (std::size_t a = e.time.size() - e.dims; a < e.time.size(); ++a) n *= static_cast<double>(e.time[a]);
  const double rows = static_cast<double>(element_count(e.time)) / n;
  return {rows * 2.5 * n * std::log2(n) * (t.real ? 0.5 : 1), 0};
}

std::vector<OpCase> fft_cases(const Transform& t) {
  const auto two = [](const char* norm) { return Attrs{{"dims", std::int64_t{2}}, {"norm", std::string(norm)}}; };
  if (!t.real) {
    return {{.name = "prime", .in = {make_spec({3, 7, 2})}},
            {.name = "one", .in = {make_spec({2, 1, 2})}},
            {.name = "power of two", .in = {make_spec({32, 2})}, .attrs = {{"norm", std::string("forward")}}},
            {.name = "plane", .in = {make_spec({2, 4, 5, 2})}, .attrs = two("ortho")},
            {.name = "volume", .in = {make_spec({2, 3, 4, 2})}, .attrs = {{"dims", std::int64_t{3}}}},
            {.name = "no rows", .in = {make_spec({0, 4, 2})}}};
  }
  if (!t.inverse) {
    return {{.name = "odd", .in = {make_spec({3, 7})}},
            {.name = "even", .in = {make_spec({2, 8})}, .attrs = {{"norm", std::string("ortho")}}},
            {.name = "one", .in = {make_spec({2, 1})}},
            {.name = "plane", .in = {make_spec({2, 4, 6})}, .attrs = two("backward")},
            {.name = "odd plane", .in = {make_spec({5, 3})}, .attrs = two("forward")},
            {.name = "no rows", .in = {make_spec({0, 4})}}};
  }
  Attrs odd_plane = two("forward");
  odd_plane.set("n", std::int64_t{5});
  return {
      {.name = "even", .in = {make_spec({3, 5, 2})}},
      {.name = "odd", .in = {make_spec({2, 4, 2})}, .attrs = {{"n", std::int64_t{7}}, {"norm", std::string("ortho")}}},
      {.name = "one", .in = {make_spec({2, 1, 2})}, .attrs = {{"n", std::int64_t{1}}}},
      {.name = "plane", .in = {make_spec({2, 4, 3, 2})}, .attrs = two("backward")},
      {.name = "odd plane", .in = {make_spec({4, 3, 2})}, .attrs = odd_plane},
      {.name = "no rows", .in = {make_spec({0, 3, 2})}}};
}

void add_transform(Registry& registry, const Transform& t, const char* doc) {
  Op op;
  op.name = t.name;
  op.doc = doc;
  op.infer = [t](Specs in, const Attrs& attrs) { return infer_fft(t, in, attrs); };
  op.prepare = [t](const PrepareRequest& r) { return prepare_fft(t, r); };
  op.vjp = [t](const VjpArgs& v) { return fft_vjp(t, v); };
  op.cost = [t](Specs in, Specs, const Attrs& attrs) { return fft_cost(t, in, attrs); };
  op.cases = fft_cases(t);
  registry.add(std::move(op));
}

}  // namespace

void register_fft(Registry& registry) {
  add_transform(
      registry, kFft,
      "x [.., n, 2] -> its Fourier transform [.., n, 2]; attributes dims (1): how many axes before the pairs; "
      "norm (backward): backward, ortho or forward");
  add_transform(registry, kIfft, "x [.., n, 2] -> its inverse Fourier transform [.., n, 2]; attributes as fft's");
  add_transform(
      registry, kRfft,
      "x [.., n] -> the first n / 2 + 1 frequencies of its Fourier transform [.., n / 2 + 1, 2]; attributes as "
      "fft's");
  add_transform(
      registry, kIrfft,
      "x [.., m, 2] -> [.., n], the real inverse transform of half a spectrum; attributes n (2 (m - 1)), dims "
      "(1), norm (backward)");
}

}  // namespace assay::engine
