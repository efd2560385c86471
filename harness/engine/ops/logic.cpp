// and, or, xor, not: operands of any dtype count as true where they are not 0 (NaN is true); results are f32 masks.
#include <algorithm>

#include "harness/engine/ops/pair.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kChunk = 256;

// 0 or 1 for each of n <= kChunk elements, `step` 0 or 1 apart.
using Truth = void (*)(const void* from, std::int64_t step, std::int64_t n, std::uint8_t* to);

Truth truth_of(DType dtype) {
  return with_number(dtype, [](auto type) -> Truth {
    using T = decltype(type);
    return [](const void* from, std::int64_t step, std::int64_t n, std::uint8_t* to) {
      const T* values = static_cast<const T*>(from);
      for (std::int64_t i = 0; i < n; ++i) to[i] = values[i * step] != T{0} ? 1 : 0;
    };
  });
}

using Combine = std::uint8_t (*)(std::uint8_t a, std::uint8_t b);

struct LogicRow {
  Combine combine;
  std::array<Truth, 2> truth;
  std::array<std::size_t, 2> sizes;
  std::array<std::int64_t, 2> steps;
  std::int64_t length;

  void operator()(const std::array<const std::byte*, kMaxOperands>& in, std::byte* out) const {
    float* to = reinterpret_cast<float*>(out);
    std::uint8_t values[2][kChunk];
    for (std::int64_t at = 0; at < length; at += kChunk) {
      const std::int64_t n = std::min(kChunk, length - at);
      for (std::size_t k = 0; k < 2; ++k) {
        truth[k](in[k] + static_cast<std::size_t>(at * steps[k]) * sizes[k], steps[k], n, values[k]);
      }
      for (std::int64_t i = 0; i < n; ++i) to[at + i] = static_cast<float>(combine(values[0][i], values[1][i]));
    }
  }
};

Kernel prepare_logic(const PrepareRequest& request, Combine combine) {
  if (request.out[0].count() == 0) return zero_fill_kernel(request);
  const BroadcastLoop loop = plan_dense_broadcast(request).loop;
  const std::size_t last = loop.extents.size() - 1;
  const DType a = request.in[0].spec.dtype, b = request.in[1].spec.dtype;
  const LogicRow row{combine,
                     {truth_of(a), truth_of(b)},
                     {dtype_size(a), dtype_size(b)},
                     {loop.steps[0][last], loop.steps[1][last]},
                     loop.extents[last]};
  Kernel kernel = dense_kernel(request);
  kernel.run = [loop, row](const KernelArgs& args) {
    for_each_typed_row(loop, row.sizes, sizeof(float), args, row);
  };
  return kernel;
}

std::vector<OpCase> logic_cases() {
  std::vector<OpCase> cases;
  for (const DType a : {DType::f32, DType::boolean, DType::i64}) {
    for (const DType b : {DType::boolean, DType::f32}) {
      OpCase c{.name = std::string(dtype_name(a)) + " with " + dtype_name(b),
               .in = {make_spec({3, 1, 307}, a), make_spec({2, 1}, b)}};
      c.integers_below = 2;
      cases.push_back(c);
    }
  }
  OpCase empty = cases.front();
  empty.name = "no elements";
  empty.in = {make_spec({0, 3}, DType::boolean), make_spec({1}, DType::boolean)};
  cases.push_back(empty);
  return cases;
}

void add_logic(Registry& registry, const char* name, const char* onnx, const char* doc, Combine combine) {
  Op op;
  op.name = name;
  op.onnx = onnx;
  op.doc = doc;
  op.infer = [name](Specs in, const Attrs&) {
    expect_count(name, in, 2, 2);
    for (std::size_t i = 0; i < 2; ++i) expect_in(name, in, i, kNumbersAndBool);
    return one(f32_spec(broadcast_shape(name, in)));
  };
  op.prepare = [combine](const PrepareRequest& request) { return prepare_logic(request, combine); };
  op.vjp = no_pair_vjp;
  op.cases = logic_cases();
  registry.add(std::move(op));
}

void add_not(Registry& registry) {
  Op op;
  op.name = "not";
  op.onnx = "Not";
  op.doc = "f32 mask: 1 where x is 0, else 0";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("not", in, 1, 1);
    expect_in("not", in, 0, kNumbersAndBool);
    return one(f32_spec(in[0].shape));
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    kernel.run = with_number(request.in[0].spec.dtype, [n = request.out[0].count()](auto type) {
      using T = decltype(type);
      return std::function<void(const KernelArgs&)>([n](const KernelArgs& args) {
        const T* x = static_cast<const T*>(args.in[0]);
        for (std::int64_t i = 0; i < n; ++i) floats_out(args, 0)[i] = x[i] == T{0} ? 1.0f : 0.0f;
      });
    });
    return kernel;
  };
  op.vjp = [](const VjpArgs&) { return std::vector<Value>{{}}; };
  op.cases = {{.name = "mask", .in = {make_spec({3, 5}, DType::boolean)}, .integers_below = 2},
              {.name = "integers", .in = {make_spec({2, 3, 5, 7}, DType::i32)}, .integers_below = 3},
              {.name = "reals", .in = {make_spec({2, 3})}},
              {.name = "no elements", .in = {make_spec({0, 3}, DType::boolean)}, .integers_below = 2}};
  registry.add(std::move(op));
}

}  // namespace

void register_logic(Registry& r) {
  add_logic(r, "and", "And", "f32 mask: 1 where a and b are not 0", [](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(a & b);
  });
  add_logic(r, "or", "Or", "f32 mask: 1 where a or b is not 0", [](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(a | b);
  });
  add_logic(r, "xor", "Xor", "f32 mask: 1 where exactly one of a and b is not 0", [](std::uint8_t a, std::uint8_t b) {
    return static_cast<std::uint8_t>(a ^ b);
  });
  add_not(r);
}

}  // namespace assay::engine
