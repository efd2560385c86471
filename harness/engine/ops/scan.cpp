// cumsum: running sums along one axis, in f64 for reals. Linear; its adjoint runs the other way.
#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {
namespace {

struct Scan {
  std::int64_t outer = 1, extent = 1, inner = 1;
  bool exclusive = false, reverse = false;
};

Scan scan_of(Specs in, const Attrs& attrs) {
  const Shape& x = in[0].shape;
  const std::size_t axis = axis_of("cumsum", in, attrs.integer("axis", 0), x.size());
  Scan s;
  for (std::size_t i = 0; i < axis; ++i) s.outer *= x[i];
  s.extent = x[axis];
  for (std::size_t i = axis + 1; i < x.size(); ++i) s.inner *= x[i];
  s.exclusive = attrs.integer("exclusive", 0) != 0;
  s.reverse = attrs.integer("reverse", 0) != 0;
  return s;
}

template <class T>
void run(const Scan& s, const void* in, void* out) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t i = 0; i < s.inner; ++i) {
      const std::int64_t start = o * s.extent * s.inner + i;
      Wide<T> sum = 0;
      for (std::int64_t k = 0; k < s.extent; ++k) {
        const std::int64_t at = start + (s.reverse ? s.extent - 1 - k : k) * s.inner;
        const Wide<T> with = wrap_add(sum, widened(static_cast<const T*>(in)[at]));
        static_cast<T*>(out)[at] = static_cast<T>(s.exclusive ? sum : with);
        sum = with;
      }
    }
  }
}

std::vector<OpCase> scan_cases() {
  const std::int64_t yes = 1;
  std::vector<OpCase> cases = {{.name = "rows", .in = {make_spec({5, 3})}},
                               {.name = "last axis", .in = {make_spec({2, 3, 7})}, .attrs = {{"axis", std::int64_t{-1}}}},
                               {.name = "exclusive", .in = {make_spec({7})}, .attrs = {{"exclusive", yes}}},
                               {.name = "reverse", .in = {make_spec({7})}, .attrs = {{"reverse", yes}}},
                               {.name = "both",
                                .in = {make_spec({2, 5, 3})},
                                .attrs = {{"axis", yes}, {"exclusive", yes}, {"reverse", yes}}},
                               {.name = "one", .in = {make_spec({1})}},
                               {.name = "no elements", .in = {make_spec({0, 3})}}};
  for (const DType dtype : {DType::f64, DType::i64, DType::i32, DType::u8}) {
    cases.push_back({.name = dtype_name(dtype), .in = {make_spec({5, 3}, dtype)}, .integers_below = 99});
  }
  return cases;
}

}  // namespace

void register_scan(Registry& registry) {
  Op op;
  op.name = "cumsum";
  op.onnx = "CumSum";
  op.doc = "x -> running sums along attribute axis (0); attributes exclusive (0), reverse (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("cumsum", in, 1, 1);
    expect_in("cumsum", in, 0, kNumbers);
    scan_of(in, attrs);
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& request) {
    const Spec in = request.in[0].spec;
    const Scan scan = scan_of(std::span(&in, 1), request.attrs);
    Kernel kernel = dense_kernel(request);
    kernel.in_place = {0};
    kernel.run = [scan, dtype = in.dtype](const KernelArgs& args) {
      with_number(dtype, [&](auto type) { run<decltype(type)>(scan, args.in[0], args.out[0]); });
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs& v) {
    Attrs attrs = v.attrs;
    attrs.set("reverse", std::int64_t{v.attrs.integer("reverse", 0) == 0 ? 1 : 0});
    return std::vector<Value>{call("cumsum", {v.cotangents[0]}, attrs)};
  };
  op.cases = scan_cases();
  registry.add(std::move(op));
}

}  // namespace assay::engine
