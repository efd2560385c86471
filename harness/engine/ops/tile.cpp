// tile: the whole tensor repeated along its axes. trilu: the upper or lower triangle of matrices. eye_like. detach.
#include <cstring>

#include "harness/engine/ops/dtypes.hpp"
#include "harness/engine/ops/strided.hpp"

namespace assay::engine {
namespace {

Shape repeats_of(Specs in, const Attrs& attrs) {
  Shape repeats = attrs.ints("repeats", Shape(in[0].shape.size(), 1));
  if (repeats.size() != in[0].shape.size()) op_error("tile", in, "attribute repeats must name every axis");
  for (const std::int64_t r : repeats) {
    if (r < 0) op_error("tile", in, "attribute repeats must not be negative");
  }
  return repeats;
}

// [r0, d0, r1, d1, ...]: x broadcast over the repeats.
Shape interleaved(const Shape& repeats, const Shape& extents) {
  Shape out;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    out.push_back(repeats[i]);
    out.push_back(extents[i]);
  }
  return out;
}

void add_tile(Registry& registry) {
  Op op;
  op.name = "tile";
  op.onnx = "Tile";
  op.doc = "x -> x repeated attribute repeats (one an axis) times along its axes";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("tile", in, 1, 1);
    const Shape repeats = repeats_of(in, attrs);
    Shape out = in[0].shape;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] *= repeats[i];
    return one({in[0].dtype, out});
  };
  op.prepare = [](const PrepareRequest& request) {
    const Spec in = request.in[0].spec;
    const Shape repeats = repeats_of(std::span(&in, 1), request.attrs);
    const Shape both = interleaved(repeats, in.shape);
    const Shape from = interleaved(Shape(repeats.size(), 0), row_major(in.shape));
    const StridedCopy copy = make_copy({both, from, row_major(both), 0, 0, dtype_size(in.dtype)});
    Kernel kernel = dense_kernel(request);
    kernel.run = [copy](const KernelArgs& args) { copy(args.in[0], args.out[0]); };
    return kernel;
  };
  op.vjp = [](const VjpArgs& v) {
    const Shape x = shape_of(v.in[0]);
    const Shape repeats = v.attrs.ints("repeats", Shape(x.size(), 1));
    Shape axes;
    for (std::size_t i = 0; i < x.size(); ++i) axes.push_back(static_cast<std::int64_t>(2 * i));
    const Value parts = reshape(v.cotangents[0], interleaved(repeats, x));
    return std::vector<Value>{reshape(call("reduce_sum", {parts}, {{"axes", axes}}), x)};
  };
  op.cases = {{.name = "matrix", .in = {make_spec({2, 3})}, .attrs = {{"repeats", Shape{2, 3}}}},
              {.name = "one axis", .in = {make_spec({5})}, .attrs = {{"repeats", Shape{3}}}},
              {.name = "image", .in = {make_spec({2, 3, 2, 2})}, .attrs = {{"repeats", Shape{1, 2, 1, 3}}}},
              {.name = "scalar", .in = {make_spec({})}},
              {.name = "F64", .in = {make_spec({1, 3}, DType::f64)}, .attrs = {{"repeats", Shape{2, 1}}}},
              {.name = "I8", .in = {make_spec({3}, DType::s8)}, .attrs = {{"repeats", Shape{2}}}, .integers_below = 9},
              {.name = "nothing", .in = {make_spec({2, 3})}, .attrs = {{"repeats", Shape{0, 1}}}}};
  registry.add(std::move(op));
}

struct Triangle {
  std::int64_t rows, columns, k;
  bool upper;
  bool keeps(std::int64_t row, std::int64_t column) const {
    return upper ? column - row >= k : column - row <= k;
  }
};

void add_trilu(Registry& registry) {
  Op op;
  op.name = "trilu";
  op.onnx = "Trilu";
  op.doc = "matrices [.., R, C] -> 0 outside the upper (attribute upper = 1) or lower triangle from diagonal k (0) on";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("trilu", in, 1, 1);
    if (in[0].shape.size() < 2) op_error("trilu", in, "takes matrices");
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& request) {
    const Spec& x = request.in[0].spec;
    const std::size_t rank = x.shape.size();
    const Triangle t{x.shape[rank - 2], x.shape[rank - 1], request.attrs.integer("k", 0),
                     request.attrs.integer("upper", 1) != 0};
    Kernel kernel = dense_kernel(request);
    kernel.in_place = {0};
    kernel.run = [t, total = x.count(), size = dtype_size(x.dtype)](const KernelArgs& args) {
      with_element(size, [&](auto element) {
        using E = decltype(element);
        for (std::int64_t i = 0; i < total; ++i) {
          const bool kept = t.keeps(i / t.columns % t.rows, i % t.columns);
          static_cast<E*>(args.out[0])[i] = kept ? static_cast<const E*>(args.in[0])[i] : E{0};
        }
      });
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs& v) { return std::vector<Value>{call("trilu", {v.cotangents[0]}, v.attrs)}; };
  const std::int64_t no = 0;
  op.cases = {{.name = "upper", .in = {make_spec({4, 5})}},
              {.name = "lower", .in = {make_spec({2, 5, 3})}, .attrs = {{"upper", no}}},
              {.name = "above", .in = {make_spec({3, 3})}, .attrs = {{"k", std::int64_t{1}}}},
              {.name = "below", .in = {make_spec({3, 5})}, .attrs = {{"k", std::int64_t{-1}}, {"upper", no}}},
              {.name = "far", .in = {make_spec({3, 3})}, .attrs = {{"k", std::int64_t{7}}}},
              {.name = "F64", .in = {make_spec({3, 3}, DType::f64)}, .attrs = {{"upper", no}}},
              {.name = "I64", .in = {make_spec({3, 2}, DType::i64)}, .integers_below = 9},
              {.name = "no rows", .in = {make_spec({0, 5})}}};
  registry.add(std::move(op));
}

void add_eye_like(Registry& registry) {
  Op op;
  op.name = "eye_like";
  op.onnx = "EyeLike";
  op.doc = "matrix [R, C], only its shape -> 1 on diagonal k (0), else 0; attribute dtype (that of x)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("eye_like", in, 1, 1);
    expect_rank("eye_like", in, 0, 2);
    const Spec out{dtype_from_name(attrs.text("dtype", dtype_name(in[0].dtype))), in[0].shape};
    expect_in("eye_like", std::span(&out, 1), 0, kNumbersAndBool);
    return one(out);
  };
  op.prepare = [](const PrepareRequest& request) {
    const Spec out = request.out[0];
    Kernel kernel = dense_kernel(request);
    kernel.run = [out, k = request.attrs.integer("k", 0)](const KernelArgs& args) {
      if (out.bytes() > 0) std::memset(args.out[0], 0, out.bytes());
      const std::size_t size = dtype_size(out.dtype);
      for (std::int64_t row = std::max<std::int64_t>(0, -k); row < out.shape[0] && row + k < out.shape[1]; ++row) {
        const auto at = static_cast<std::size_t>(row * out.shape[1] + row + k);
        fill_elements(out.dtype, static_cast<std::byte*>(args.out[0]) + at * size, 1, 1.0);
      }
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs&) { return std::vector<Value>{{}}; };
  op.cases = {{.name = "square", .in = {make_spec({3, 3})}},
              {.name = "above", .in = {make_spec({3, 5})}, .attrs = {{"k", std::int64_t{2}}}},
              {.name = "below", .in = {make_spec({5, 3})}, .attrs = {{"k", std::int64_t{-1}}, {"dtype", std::string("I64")}}},
              {.name = "I32", .in = {make_spec({2, 2}, DType::i32)}, .integers_below = 9},
              {.name = "no rows", .in = {make_spec({0, 3})}}};
  registry.add(std::move(op));
}

void add_detach(Registry& registry) {
  Op op;
  op.name = "detach";
  op.doc = "x -> x, without gradient (stop gradient)";
  op.infer = [](Specs in, const Attrs&) {
    expect_count("detach", in, 1, 1);
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& request) {
    const Layout layout = request.in[0].layout;
    Kernel kernel;
    kernel.in = kernel.out = {layout};
    kernel.in_place = {0};
    kernel.run = [bytes = layout.bytes()](const KernelArgs& args) {
      if (args.out[0] != args.in[0] && bytes > 0) std::memcpy(args.out[0], args.in[0], bytes);
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs&) { return std::vector<Value>{{}}; };
  op.cases = {{.name = "image", .in = {make_spec({2, 3, 3, 5})}, .differentiable = {false}},
              {.name = "labels", .in = {make_spec({5}, DType::i64)}, .integers_below = 9},
              {.name = "no elements", .in = {make_spec({0, 3})}, .differentiable = {false}}};
  registry.add(std::move(op));
}

}  // namespace

void register_tile(Registry& registry) {
  add_tile(registry);
  add_trilu(registry);
  add_eye_like(registry);
  add_detach(registry);
}

}  // namespace assay::engine
