// Elementwise ops of three operands that broadcast: where and clamp_between.
#include "harness/engine/ops/pair.hpp"

namespace assay::engine {
namespace {

struct Where {
  static ASSAY_INLINE float f(float mask, float a, float b) { return mask != 0.0f ? a : b; }
};
struct ClampBetween {
  static ASSAY_INLINE float f(float x, float lo, float hi) {
    const float above = x < lo ? lo : x;
    return above > hi ? hi : above;
  }
};

struct Row {
  std::int64_t length, steps[3];
};

template <class F>
ASSAY_WIDE void row_loop(const float* a, const float* b, const float* c, float* out, const Row& row) {
  if (row.steps[0] == 1 && row.steps[1] == 1 && row.steps[2] == 1) {
    ASSAY_INDEPENDENT
    for (std::int64_t i = 0; i < row.length; ++i) out[i] = F::f(a[i], b[i], c[i]);
    return;
  }
  for (std::int64_t i = 0; i < row.length; ++i) {
    out[i] = F::f(a[i * row.steps[0]], b[i * row.steps[1]], c[i * row.steps[2]]);
  }
}

using RowLoop = void (*)(const float*, const float*, const float*, float*, const Row&);

// The generic path: the mask of `where` has a dtype of its own, M; elements are moved as integers E of their size.
struct TypedSteps {
  std::int64_t length, steps[3];
};
using Rows3 = std::array<const std::byte*, kMaxOperands>;
using TypedRow3 = void (*)(const Rows3& in, std::byte* out, const TypedSteps& row);

template <class M, class E>
void typed_where(const Rows3& in, std::byte* out, const TypedSteps& row) {
  const M* mask = reinterpret_cast<const M*>(in[0]);
  const E* a = reinterpret_cast<const E*>(in[1]);
  const E* b = reinterpret_cast<const E*>(in[2]);
  E* to = reinterpret_cast<E*>(out);
  for (std::int64_t i = 0; i < row.length; ++i) {
    to[i] = mask[i * row.steps[0]] != M{0} ? a[i * row.steps[1]] : b[i * row.steps[2]];
  }
}

template <class T>
void typed_clamp(const Rows3& in, std::byte* out, const TypedSteps& row) {
  const T* x = reinterpret_cast<const T*>(in[0]);
  const T* lo = reinterpret_cast<const T*>(in[1]);
  const T* hi = reinterpret_cast<const T*>(in[2]);
  for (std::int64_t i = 0; i < row.length; ++i) {
    const T low = lo[i * row.steps[1]], high = hi[i * row.steps[2]];
    const T above = x[i * row.steps[0]] < low ? low : x[i * row.steps[0]];
    reinterpret_cast<T*>(out)[i] = above > high ? high : above;
  }
}

TypedRow3 where_row(const PrepareRequest& request) {
  const std::size_t element = dtype_size(request.out[0].dtype);
  return with_number(request.in[0].spec.dtype, [element](auto mask) {
    return with_element(element, [](auto e) -> TypedRow3 { return typed_where<decltype(mask), decltype(e)>; });
  });
}

TypedRow3 clamp_row(const PrepareRequest& request) {
  return with_number(request.out[0].dtype, [](auto type) -> TypedRow3 { return typed_clamp<decltype(type)>; });
}

Kernel prepare_typed(TypedRow3 body, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  Kernel kernel = dense_kernel(request);
  const BroadcastLoop loop = plan_dense_broadcast(request).loop;
  const std::size_t last = loop.extents.size() - 1;
  const TypedSteps row{loop.extents[last], {loop.steps[0][last], loop.steps[1][last], loop.steps[2][last]}};
  std::array<std::size_t, 3> sizes{};
  for (std::size_t k = 0; k < 3; ++k) sizes[k] = dtype_size(request.in[k].spec.dtype);
  kernel.run = [loop, row, sizes, body, out = dtype_size(request.out[0].dtype)](const KernelArgs& args) {
    for_each_typed_row(loop, sizes, out, args, [&](const auto& in, std::byte* to) { body(in, to, row); });
  };
  return kernel;
}

bool all_f32(const PrepareRequest& request) {
  for (const MemDesc& m : request.in) {
    if (m.spec.dtype != DType::f32) return false;
  }
  return true;
}

Kernel prepare_three(RowLoop body, const PrepareRequest& request) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const BroadcastPlan plan = plan_broadcast(request, true);
  Kernel kernel;
  kernel.in = plan.in;
  kernel.out = {plan.out};
  kernel.in_place = {-1};
  kernel.run = [body, loop = plan.loop](const KernelArgs& args) {
    const std::size_t last = loop.extents.size() - 1;
    const Row row{loop.extents[last], {loop.steps[0][last], loop.steps[1][last], loop.steps[2][last]}};
    for_each_plane(loop, 3, [&](const auto& offset, std::int64_t at) {
      for (std::int64_t r = 0; r < loop.extents[last - 1]; ++r) {
        const float* in[3];
        for (std::size_t k = 0; k < 3; ++k) in[k] = floats(args, k) + offset[k] + r * loop.steps[k][last - 1];
        body(in[0], in[1], in[2], floats_out(args, 0) + at + r * row.length, row);
      }
    });
  };
  return kernel;
}

std::vector<OpCase> three_cases(double spread) {
  const std::vector<std::vector<Shape>> shapes = {{{2, 3, 5}, {2, 3, 5}, {2, 3, 5}},
                                                  {{2, 1, 5}, {3, 1}, {}},
                                                  {{2, 3, 4, 4}, {1, 3, 1, 1}, {2, 3, 4, 4}},
                                                  {{0, 3}, {3}, {1}}};
  std::vector<OpCase> cases;
  for (const auto& s : shapes) {
    OpCase c{.name = shape_str(s[0]), .in = {f32_spec(s[0]), f32_spec(s[1]), f32_spec(s[2])}};
    c.lo = -spread, c.hi = spread;
    cases.push_back(c);
  }
  return cases;
}

// The mask of `where` may be of any dtype; operands from `alike` on are of one.
void add_three(Registry& registry, const char* name, RowLoop body, Op op, std::size_t alike) {
  op.name = name;
  const DTypeSet dtypes = alike == 1 ? kAnyDType : kNumbers;
  op.infer = [name, dtypes, alike](Specs in, const Attrs&) {
    expect_count(name, in, 3, 3);
    expect_in(name, in, 0, kNumbersAndBool);
    expect_alike(name, in.subspan(alike), dtypes);
    return one({in[2].dtype, broadcast_shape(name, in)});
  };
  op.prepare = [body, alike](const PrepareRequest& request) {
    if (all_f32(request)) return prepare_three(body, request);
    return prepare_typed(alike == 1 ? where_row(request) : clamp_row(request), request);
  };
  op.cases = three_cases(1);
  for (const DType dtype : {DType::f64, DType::i64, DType::i32, DType::u8, DType::s8, DType::boolean}) {
    if (!in_set(dtype, dtypes)) continue;
    OpCase c{.name = dtype_name(dtype), .in = {make_spec({2, 1, 5}, dtype), make_spec({3, 1}, dtype), make_spec({}, dtype)}};
    if (alike == 1) c.in[0].dtype = DType::boolean;
    c.integers_below = 2;
    op.cases.push_back(c);
  }
  registry.add(std::move(op));
}

std::vector<Value> where_vjp(const VjpArgs& v) {
  const Value mask = v.in[0], g = v.cotangents[0];
  const Value zero = scalar_like(g, 0.0);
  std::vector<Value> grads(3);
  if (v.wanted[1]) grads[1] = reduce_to(call("where", {mask, g, zero}), shape_of(v.in[1]));
  if (v.wanted[2]) grads[2] = reduce_to(call("where", {mask, zero, g}), shape_of(v.in[2]));
  return grads;
}

// Where the bounds cross, hi wins, and takes the gradient.
std::vector<Value> clamp_vjp(const VjpArgs& v) {
  const Value x = v.in[0], lo = v.in[1], hi = v.in[2], g = v.cotangents[0];
  const Value above = cast_like(call("greater", {call("maximum", {x, lo}), hi}), x);
  const Value below = cast_like(call("less", {x, lo}), x);
  const Value kept = g * (-above + 1.0);
  std::vector<Value> grads(3);
  if (v.wanted[0]) grads[0] = reduce_to(kept * (-below + 1.0), shape_of(x));
  if (v.wanted[1]) grads[1] = reduce_to(kept * below, shape_of(lo));
  if (v.wanted[2]) grads[2] = reduce_to(g * above, shape_of(hi));
  return grads;
}

}  // namespace

void register_eltwise_ternary(Registry& registry) {
  Op where;
  where.onnx = "Where";
  where.doc = "mask (any dtype), a, b of one dtype -> a where mask is not 0, else b";
  where.vjp = where_vjp;
  add_three(registry, "where", row_loop<Where>, std::move(where), 1);
  Op clamp;
  clamp.doc = "x, lo, hi -> x limited to [lo, hi], bounds that broadcast; hi wins where they cross";
  clamp.vjp = clamp_vjp;
  add_three(registry, "clamp_between", row_loop<ClampBetween>, std::move(clamp), 0);
}

}  // namespace assay::engine
