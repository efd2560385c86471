// Matrix products and convolutions of 8-bit integers: exact, as integers (matmul_integer, conv_integer) or scaled back
// to 8 bits with halves to even (qlinear_matmul, qlinear_conv). The scale of a result is x_scale * w_scale / y_scale in
// f32.
#include "harness/engine/ops/integer_products.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "harness/engine/ops/integer_types.hpp"
#include "harness/engine/ops/window.hpp"

namespace assay::engine {
namespace {

bool is_byte(DType t) { return t == DType::u8 || t == DType::s8; }

void expect_byte(std::string_view op, Specs in, std::size_t index) {
  if (!is_byte(in[index].dtype)) op_error(op, in, "input " + std::to_string(index) + " must be U8 or I8");
}

// A zero point or scale: one value, or one a row of the operand (`extent` of them).
void expect_parameter(std::string_view op, Specs in, std::size_t index, std::int64_t extent) {
  const std::int64_t count = in[index].count();
  if (in[index].shape.size() > 1 || (count != 1 && count != extent)) {
    op_error(op, in,
             "input " + std::to_string(index) + " must be a scalar or have " + std::to_string(extent) + " elements");
  }
}

std::vector<Spec> specs_of(const PrepareRequest& request) {
  std::vector<Spec> specs;
  for (const MemDesc& m : request.in) specs.push_back(m.spec);
  return specs;
}

// Where the parts of an op are among its operands; kAbsent when it has none.
constexpr std::size_t kAbsent = 99;
struct Slots {
  const char* op;
  std::size_t a, b, a_zero, b_zero, a_scale, b_scale, y_scale, y_zero, bias;
  bool scaled() const { return y_scale != kAbsent; }
};
constexpr Slots kMatmulInteger = {"matmul_integer", 0, 1, 2, 3, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent};
constexpr Slots kQlinearMatmul = {"qlinear_matmul", 0, 3, 2, 5, 1, 4, 6, 7, kAbsent};
constexpr Slots kConvInteger = {"conv_integer", 0, 1, 2, 3, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent};
constexpr Slots kQlinearConv = {"qlinear_conv", 0, 3, 2, 5, 1, 4, 6, 7, 8};

void expect_operands(const Slots& s, Specs in, std::int64_t a_rows, std::int64_t b_rows) {
  expect_byte(s.op, in, s.a);
  expect_byte(s.op, in, s.b);
  for (const auto& [zero, operand, rows] : {std::tuple{s.a_zero, s.a, a_rows}, std::tuple{s.b_zero, s.b, b_rows}}) {
    if (zero >= in.size()) continue;
    if (in[zero].dtype != in[operand].dtype) op_error(s.op, in, "a zero point must have its operand's dtype");
    expect_parameter(s.op, in, zero, rows);
  }
  if (!s.scaled()) return;
  for (const std::size_t scale : {s.a_scale, s.b_scale, s.y_scale}) expect_dtype(s.op, in, scale, DType::f32);
  expect_parameter(s.op, in, s.a_scale, a_rows);
  expect_parameter(s.op, in, s.b_scale, b_rows);
  expect_parameter(s.op, in, s.y_scale, 1);
  expect_byte(s.op, in, s.y_zero);
  expect_parameter(s.op, in, s.y_zero, 1);
}

std::int64_t byte_at(const void* data, DType type, std::int64_t i) {
  if (type == DType::u8) return static_cast<const std::uint8_t*>(data)[i];
  return static_cast<const std::int8_t*>(data)[i];
}

// [outer][rows][inner] bytes, each less the zero point of its row.
struct Widen {
  DType type = DType::u8;
  std::int64_t outer = 1, rows = 1, inner = 1;
  bool zero = false, per_row = false;

  void operator()(const void* from, const void* zeros, std::int32_t* to) const {
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t r = 0; r < rows; ++r) {
        const auto shift = zero ? static_cast<std::int32_t>(byte_at(zeros, type, per_row ? r : 0)) : 0;
        const std::int64_t at = (o * rows + r) * inner;
        for (std::int64_t i = at; i < at + inner; ++i)
          to[i] = static_cast<std::int32_t>(byte_at(from, type, i)) - shift;
      }
    }
  }
};

Widen widen(Specs in, std::size_t operand, std::size_t zero, const Widen& shape) {
  Widen w = shape;
  w.type = in[operand].dtype;
  w.zero = zero < in.size();
  w.per_row = w.zero && in[zero].count() != 1;
  return w;
}

// How one exact sum becomes a result.
struct Finish {
  bool scaled = false, per_a = false, per_b = false, bytes_unsigned = true;
  const float *a_scale = nullptr, *b_scale = nullptr;
  float y_scale = 1;
  std::int64_t y_zero = 0;

  void store(std::int64_t sum, std::int64_t row, std::int64_t column, std::int64_t at, void* out) const {
    if (!scaled) {
      static_cast<std::int32_t*>(out)[at] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint64_t>(sum)));
      return;
    }
    const float factor = a_scale[per_a ? row : 0] * b_scale[per_b ? column : 0] / y_scale;
    const double steps =
        static_cast<double>(std::nearbyint(static_cast<float>(sum) * factor)) + static_cast<double>(y_zero);
    if (bytes_unsigned) {
      static_cast<std::uint8_t*>(out)[at] = static_cast<std::uint8_t>(std::clamp(steps, 0.0, 255.0));
    } else {
      static_cast<std::int8_t*>(out)[at] = static_cast<std::int8_t>(std::clamp(steps, -128.0, 127.0));
    }
  }
};

struct FinishPlan {
  Slots slots;
  bool per_a = false, per_b = false;
  DType out = DType::i32;

  Finish with(const KernelArgs& args) const {
    Finish f;
    f.scaled = slots.scaled();
    if (!f.scaled) return f;
    f.per_a = per_a, f.per_b = per_b, f.bytes_unsigned = out == DType::u8;
    f.a_scale = floats(args, slots.a_scale), f.b_scale = floats(args, slots.b_scale);
    f.y_scale = floats(args, slots.y_scale)[0];
    f.y_zero = byte_at(args.in[slots.y_zero], out, 0);
    return f;
  }
};

FinishPlan finish_plan(const Slots& s, Specs in, DType out) {
  FinishPlan plan{s, false, false, out};
  if (!s.scaled()) return plan;
  plan.per_a = in[s.a_scale].count() != 1, plan.per_b = in[s.b_scale].count() != 1;
  return plan;
}

struct Matmul {
  Shape batch;
  std::int64_t m = 0, k = 0, n = 0;
  std::vector<std::int64_t> a_at, b_at;  // matrix of each operand for every matrix of the result
};

// Offsets, in matrices, of an operand whose batch axes broadcast.
std::vector<std::int64_t> matrices_of(const Shape& operand, const Shape& batch) {
  std::vector<std::int64_t> at(static_cast<std::size_t>(element_count(batch)), 0);
  const std::size_t lead = batch.size() - operand.size();
  for (std::size_t i = 0; i < at.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), step = 1;
    for (std::size_t a = batch.size(); a-- > lead;) {
      if (operand[a - lead] != 1) at[i] += rest % batch[a] * step;
      rest /= batch[a];
      step *= operand[a - lead];
    }
  }
  return at;
}

Matmul matmul_of(const Slots& s, Specs in) {
  const Shape &a = in[s.a].shape, &b = in[s.b].shape;
  if (a.size() < 2 || b.size() < 2) op_error(s.op, in, "the matrices must have at least 2 axes");
  Matmul p;
  p.m = a[a.size() - 2], p.k = a.back(), p.n = b.back();
  if (b[b.size() - 2] != p.k) op_error(s.op, in, "the inner extents differ");
  const Spec batches[2] = {f32_spec(Shape(a.begin(), a.end() - 2)), f32_spec(Shape(b.begin(), b.end() - 2))};
  p.batch = broadcast_shape(s.op, batches);
  p.a_at = matrices_of(batches[0].shape, p.batch);
  p.b_at = matrices_of(batches[1].shape, p.batch);
  expect_operands(s, in, p.m, p.n);
  return p;
}

Kernel prepare_matmul(const Slots& s, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const std::vector<Spec> in = specs_of(request);
  const Matmul p = matmul_of(s, in);
  const std::int64_t a_count = in[s.a].count(), b_count = in[s.b].count();
  const Widen a = widen(in, s.a, s.a_zero, {DType::u8, p.k > 0 ? a_count / (p.m * p.k) : 0, p.m, p.k});
  // The zero points of b belong to its columns.
  const Widen b = widen(in, s.b, s.b_zero, {DType::u8, p.k > 0 ? b_count / p.n : 0, p.n, 1});
  const FinishPlan plan = finish_plan(s, in, request.out[0].dtype);
  Kernel kernel = dense_kernel(request);
  const auto sums = static_cast<std::size_t>(p.m * p.n);
  kernel.scratch_bytes = sums * 8 + static_cast<std::size_t>(a_count + b_count) * 4;
  kernel.run = [=](const KernelArgs& args) {
    auto* sum = static_cast<std::int64_t*>(args.scratch);
    auto* wide_a = reinterpret_cast<std::int32_t*>(sum + sums);
    std::int32_t* wide_b = wide_a + a_count;
    a(args.in[s.a], a.zero ? args.in[s.a_zero] : nullptr, wide_a);
    b(args.in[s.b], b.zero ? args.in[s.b_zero] : nullptr, wide_b);
    const Finish finish = plan.with(args);
    for (std::size_t i = 0; i < p.a_at.size(); ++i) {
      integer_matmul(wide_a + p.a_at[i] * p.m * p.k, wide_b + p.b_at[i] * p.k * p.n, sum, p.m, p.k, p.n);
      for (std::int64_t at = 0; at < p.m * p.n; ++at) {
        finish.store(sum[at], at / p.n, at % p.n, static_cast<std::int64_t>(i) * p.m * p.n + at, args.out[0]);
      }
    }
  };
  return kernel;
}

struct Conv {
  IntegerConv s;
  std::int64_t samples = 0;
  Shape out;
};

Conv conv_of(const Slots& slots, Specs in, const Attrs& attrs) {
  const Shape &x = in[slots.a].shape, &w = in[slots.b].shape;
  if (x.size() != w.size() || x.size() < 3 || x.size() > 5) op_error(slots.op, in, "takes one to three spatial axes");
  Conv c;
  c.s.groups = attrs.integer("groups", 1);
  if (c.s.groups < 1 || w[0] % c.s.groups != 0 || w[1] * c.s.groups != x[1])
    op_error(slots.op, in, "channels do not fit");
  const Window window = window_of(slots.op, in, attrs, Shape(w.begin() + 2, w.end()));
  c.samples = x[0], c.s.channels = x[1], c.s.outputs = w[0];
  c.out = {x[0], w[0]};
  const std::size_t skip = 5 - x.size();
  for (std::size_t a = 0; a + 2 < x.size(); ++a) {
    c.out.push_back(window.output(a, x[a + 2]));
    if (c.out.back() < 1) op_error(slots.op, in, "the kernel is larger than the padded input");
    c.s.in[skip + a] = x[a + 2], c.s.out[skip + a] = c.out.back(), c.s.kernel[skip + a] = w[a + 2];
    c.s.stride[skip + a] = window.stride[a], c.s.dilation[skip + a] = window.dilation[a];
    c.s.before[skip + a] = window.pad_before[a];
  }
  expect_operands(slots, in, 1, w[0]);
  if (slots.bias < in.size()) {
    expect_dtype(slots.op, in, slots.bias, DType::i32);
    if (in[slots.bias].shape != Shape{w[0]})
      op_error(slots.op, in, "the bias must have " + std::to_string(w[0]) + " elements");
  }
  return c;
}

Kernel prepare_conv(const Slots& s, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const std::vector<Spec> in = specs_of(request);
  const Conv c = conv_of(s, in, request.attrs);
  const std::int64_t x_sample = in[s.a].count() / c.samples, w_count = in[s.b].count(),
                     y_sample = element_count(c.out) / c.samples;
  const Widen x = widen(in, s.a, s.a_zero, {DType::u8, 1, 1, x_sample});
  const Widen w = widen(in, s.b, s.b_zero, {DType::u8, 1, c.s.outputs, w_count / c.s.outputs});
  const FinishPlan plan = finish_plan(s, in, request.out[0].dtype);
  const bool bias = s.bias < in.size();
  Kernel kernel = dense_kernel(request);
  kernel.scratch_bytes = static_cast<std::size_t>(y_sample * 8 + (x_sample + w_count) * 4);
  kernel.run = [=](const KernelArgs& args) {
    auto* sum = static_cast<std::int64_t*>(args.scratch);
    auto* wide_x = reinterpret_cast<std::int32_t*>(sum + y_sample);
    std::int32_t* wide_w = wide_x + x_sample;
    w(args.in[s.b], w.zero ? args.in[s.b_zero] : nullptr, wide_w);
    const Finish finish = plan.with(args);
    const std::int64_t plane = y_sample / c.s.outputs;
    for (std::int64_t n = 0; n < c.samples; ++n) {
      x(static_cast<const std::byte*>(args.in[s.a]) + n * x_sample, x.zero ? args.in[s.a_zero] : nullptr, wide_x);
      integer_conv(c.s, wide_x, wide_w, sum);
      for (std::int64_t at = 0; at < y_sample; ++at) {
        const std::int64_t o = at / plane, added = bias ? static_cast<const std::int32_t*>(args.in[s.bias])[o] : 0;
        finish.store(sum[at] + added, 0, o, n * y_sample + at, args.out[0]);
      }
    }
  };
  return kernel;
}

Spec result_spec(const Slots& s, Specs in, Shape shape) {
  return {s.scaled() ? in[s.y_zero].dtype : DType::i32, std::move(shape)};
}

OpCase case_of(const char* name, std::vector<Spec> in, Attrs attrs = {}) {
  return {.name = name, .in = std::move(in), .attrs = std::move(attrs), .lo = 0.1, .hi = 1, .integers_below = 9};
}

// Operands of a scaled op from those of the exact one: (a, b) and the shapes of their parameters.
std::vector<Spec> scaled(const Spec& a, const Spec& b, const Shape& a_shape, const Shape& b_shape, DType out) {
  return {a, f32_spec(a_shape), {a.dtype, a_shape}, b, f32_spec(b_shape), {b.dtype, b_shape}, f32_spec({}), {out, {}}};
}

void add_matmuls(Registry& registry) {
  const auto u8 = [](Shape s) { return Spec{DType::u8, std::move(s)}; };
  const auto s8 = [](Shape s) { return Spec{DType::s8, std::move(s)}; };
  for (const Slots* s : {&kMatmulInteger, &kQlinearMatmul}) {
    Op op;
    op.name = s->op;
    op.infer = [s](Specs in, const Attrs&) {
      expect_count(s->op, in, s->scaled() ? 8 : 2, s->scaled() ? 8 : 4);
      const Matmul p = matmul_of(*s, in);
      Shape out = p.batch;
      out.insert(out.end(), {p.m, p.n});
      return one(result_spec(*s, in, out));
    };
    op.prepare = [s](const PrepareRequest& request) { return prepare_matmul(*s, request); };
    op.cost = [s](Specs in, Specs out, const Attrs&) {
      return OpCost{static_cast<double>(out[0].count()) * static_cast<double>(in[s->a].shape.back()), 0};
    };
    if (s->scaled()) {
      op.onnx = "QLinearMatMul";
      op.doc =
          "a, a scale, a zero point, b, b scale, b zero point, y scale, y zero point -> saturate(round(product of the "
          "dequantised matrices / y scale) + y zero point); those of a may be one a row, of b one a column";
      op.cases = {case_of("plain", scaled(u8({5, 7}), u8({7, 3}), {}, {}, DType::u8)),
                  case_of("per row and column", scaled(u8({2, 3, 4}), s8({4, 5}), {3}, {5}, DType::s8)),
                  case_of("no rows", scaled(u8({0, 4}), u8({4, 5}), {}, {}, DType::u8))};
    } else {
      op.onnx = "MatMulInteger";
      op.doc =
          "a, b u8 or s8 [.., M, K], [.., K, N], a zero point? (or one a row), b zero point? (or one a column) -> "
          "i32 product";
      op.cases = {case_of("plain", {u8({5, 7}), s8({7, 3})}),
                  case_of("zero points", {u8({5, 7}), u8({7, 601}), u8({}), u8({601})}),
                  case_of("batch", {s8({2, 1, 3, 4}), u8({3, 4, 5}), s8({3})}),
                  case_of("nothing to sum", {u8({2, 0}), u8({0, 3})})};
    }
    registry.add(std::move(op));
  }
}

void add_convolutions(Registry& registry) {
  const auto u8 = [](Shape s) { return Spec{DType::u8, std::move(s)}; };
  const auto s8 = [](Shape s) { return Spec{DType::s8, std::move(s)}; };
  const Attrs strided = {{"stride", Shape{2, 1}}, {"pad", Shape{1, 0, 0, 2}}, {"groups", std::int64_t{2}}};
  for (const Slots* s : {&kConvInteger, &kQlinearConv}) {
    Op op;
    op.name = s->op;
    op.infer = [s](Specs in, const Attrs& attrs) {
      expect_count(s->op, in, s->scaled() ? 8 : 2, s->scaled() ? 9 : 4);
      return one(result_spec(*s, in, conv_of(*s, in, attrs).out));
    };
    op.prepare = [s](const PrepareRequest& request) { return prepare_conv(*s, request); };
    op.cost = [s](Specs in, Specs out, const Attrs&) {
      const Shape& w = in[s->b].shape;
      return OpCost{
          static_cast<double>(out[0].count()) * static_cast<double>(element_count(Shape(w.begin() + 1, w.end()))), 0};
    };
    if (s->scaled()) {
      op.onnx = "QLinearConv";
      op.doc =
          "x, x scale, x zero point, w, w scale, w zero point, y scale, y zero point, bias i32? -> saturate(round("
          "(convolution of the integers + bias) * scales) + y zero point); those of w may be one an output; conv2d's "
          "geometry, one to three spatial axes";
      std::vector<Spec> biased = scaled(u8({2, 4, 5, 4}), s8({6, 2, 3, 2}), {}, {6}, DType::u8);
      biased.push_back({DType::i32, {6}});
      op.cases = {
          case_of("per output, bias", biased, strided),
          case_of("line", scaled(s8({2, 3, 7}), s8({2, 3, 3}), {}, {}, DType::s8), {{"dilation", std::int64_t{2}}}),
          case_of("no samples", scaled(u8({0, 3, 5, 5}), u8({4, 3, 3, 3}), {}, {}, DType::u8))};
    } else {
      op.onnx = "ConvInteger";
      op.doc =
          "x, w u8 or s8, x zero point?, w zero point? (or one an output) -> i32; conv2d's geometry, one to three "
          "spatial axes";
      op.cases = {case_of("plain", {u8({2, 3, 5, 4}), u8({4, 3, 3, 2})}),
                  case_of("zero points", {u8({2, 4, 5, 4}), s8({6, 2, 3, 2}), u8({}), s8({6})}, strided),
                  case_of("volume", {s8({1, 2, 3, 4, 3}), s8({2, 2, 2, 2, 2}), s8({})}, {{"pad", std::int64_t{1}}})};
    }
    registry.add(std::move(op));
  }
}

}  // namespace

void register_integer_products(Registry& registry) {
  add_matmuls(registry);
  add_convolutions(registry);
}

}  // namespace assay::engine
