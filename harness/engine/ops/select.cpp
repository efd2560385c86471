// argmax, argmin and the k largest or smallest values along an axis. Ties: the lower index first. NaN comes before
// everything.
#include <algorithm>
#include <numeric>

#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {
namespace {

// x seen as [outer, extent, inner].
struct Lines {
  std::int64_t extent = 1, inner = 1, count = 1;  // `count` lines of `extent` elements, `inner` apart
  std::int64_t start(std::int64_t line, std::int64_t of) const { return line / inner * of * inner + line % inner; }
};

Lines lines_of(const Shape& x, std::size_t axis) {
  Lines l;
  l.extent = x[axis];
  for (std::size_t i = axis + 1; i < x.size(); ++i) l.inner *= x[i];
  for (std::size_t i = 0; i < x.size(); ++i) l.count *= i == axis ? 1 : x[i];
  return l;
}


template <class T, bool kLargest>
bool before(T a, T b) {
  return kLargest ? above(a, b) : below(a, b);
}

template <class T, bool kLargest>
void arg_lines(const Lines& l, bool last, const void* in, void* out) {
  auto* to = static_cast<std::int64_t*>(out);
  for (std::int64_t line = 0; line < l.count; ++line) {
    const T* row = static_cast<const T*>(in) + l.start(line, l.extent);
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < l.extent; ++k) {
      const T a = row[k * l.inner], b = row[best * l.inner];
      best = (last ? !before<T, kLargest>(b, a) : before<T, kLargest>(a, b)) ? k : best;
    }
    to[line] = best;
  }
}

void add_arg(Registry& registry, const char* name, const char* onnx, bool largest) {
  Op op;
  op.name = name;
  op.onnx = onnx;
  op.doc = std::string("x -> index i64 of the first ") + (largest ? "maximum" : "minimum") +
           " along attribute axis (-1); attributes keepdims (0), select_last_index (0)";
  op.infer = [name](Specs in, const Attrs& attrs) {
    expect_count(name, in, 1, 1);
    expect_in(name, in, 0, kNumbersAndBool);
    Shape shape = in[0].shape;
    const std::size_t axis = axis_of(name, in, attrs.integer("axis", -1), shape.size());
    if (shape[axis] == 0) op_error(name, in, "there is no extreme over no elements");
    shape[axis] = 1;
    if (attrs.integer("keepdims", 0) == 0) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
    return one({DType::i64, shape});
  };
  op.prepare = [name, largest](const PrepareRequest& request) {
    const Spec x = request.in[0].spec;
    const std::size_t axis = axis_of(name, std::span(&x, 1), request.attrs.integer("axis", -1), x.shape.size());
    Kernel kernel = dense_kernel(request);
    const bool last = request.attrs.integer("select_last_index", 0) != 0;
    kernel.run = [l = lines_of(x.shape, axis), dtype = x.dtype, largest, last](const KernelArgs& args) {
      with_number(dtype, [&](auto type) {
        using T = decltype(type);
        (largest ? arg_lines<T, true> : arg_lines<T, false>)(l, last, args.in[0], args.out[0]);
      });
    };
    return kernel;
  };
  const Attrs middle = {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{1}}};
  const Attrs last = {{"axis", std::int64_t{0}}, {"select_last_index", std::int64_t{1}}};
  op.cases = {{.name = "last axis", .in = {make_spec({5, 7})}},
              {.name = "middle axis", .in = {make_spec({2, 5, 3})}, .attrs = middle},
              {.name = "F64", .in = {make_spec({2, 5}, DType::f64)}},
              {.name = "first of equal", .in = {make_spec({7, 5}, DType::i32)}, .integers_below = 3},
              {.name = "last of equal", .in = {make_spec({7, 5}, DType::s8)}, .attrs = last, .integers_below = 3},
              {.name = "I64", .in = {make_spec({3, 1}, DType::i64)}, .integers_below = 3},
              {.name = "no rows", .in = {make_spec({0, 3})}}};
  registry.add(std::move(op));
}

struct TopK {
  Lines lines;
  std::int64_t k;
};

// The order is total: equal values by their index.
template <class T, bool kLargest>
void top_lines(const TopK& t, const void* in, void* values, void* indices) {
  const Lines& l = t.lines;
  std::vector<std::int64_t> order(static_cast<std::size_t>(l.extent));
  for (std::int64_t line = 0; line < l.count; ++line) {
    const T* row = static_cast<const T*>(in) + l.start(line, l.extent);
    const std::int64_t to = l.start(line, t.k);
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + t.k, order.end(), [&](std::int64_t i, std::int64_t j) {
      const T a = row[i * l.inner], b = row[j * l.inner];
      return before<T, kLargest>(a, b) || (!before<T, kLargest>(b, a) && i < j);
    });
    for (std::int64_t i = 0; i < t.k; ++i) {
      const std::int64_t from = order[static_cast<std::size_t>(i)];
      static_cast<T*>(values)[to + i * l.inner] = row[from * l.inner];
      static_cast<std::int64_t*>(indices)[to + i * l.inner] = from;
    }
  }
}

std::size_t top_axis(Specs in, const Attrs& attrs) {
  return axis_of("top_k", in, attrs.integer("axis", -1), in[0].shape.size());
}

Kernel prepare_top_k(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const Spec x = request.in[0].spec;
  const std::size_t axis = top_axis(std::span(&x, 1), request.attrs);
  const TopK t{lines_of(x.shape, axis), request.out[0].shape[axis]};
  const bool largest = request.attrs.integer("largest", 1) != 0;
  kernel.run = [t, largest, dtype = x.dtype](const KernelArgs& args) {
    with_number(dtype, [&](auto type) {
      using T = decltype(type);
      (largest ? top_lines<T, true> : top_lines<T, false>)(t, args.in[0], args.out[0], args.out[1]);
    });
  };
  return kernel;
}

void add_top_k(Registry& registry) {
  Op op;
  op.name = "top_k";
  op.onnx = "TopK";
  op.doc = "x -> the k largest along attribute axis (-1) in falling order, their indices i64; attributes k (1), "
           "largest (1; 0: the smallest in rising order)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("top_k", in, 1, 1);
    expect_in("top_k", in, 0, kNumbers);
    Shape shape = in[0].shape;
    const std::int64_t k = attrs.integer("k", 1);
    const std::size_t axis = top_axis(in, attrs);
    if (k < 0 || k > shape[axis]) op_error("top_k", in, "attribute k must be in [0, extent of the axis]");
    shape[axis] = k;
    return std::vector<Spec>{{in[0].dtype, shape}, {DType::i64, shape}};
  };
  op.prepare = prepare_top_k;
  op.vjp = [](const VjpArgs& v) {
    if (!v.cotangents[0].defined()) return std::vector<Value>{{}};
    return std::vector<Value>{call("put_along_add", {v.cotangents[0], v.out[1]},
                                   {{"axis", v.attrs.integer("axis", -1)}, {"shape", shape_of(v.in[0])}})};
  };
  const std::int64_t no = 0;
  op.cases = {{.name = "three", .in = {make_spec({4, 7})}, .attrs = {{"k", std::int64_t{3}}}},
              {.name = "all", .in = {make_spec({2, 2, 5})}, .attrs = {{"k", std::int64_t{5}}}},
              {.name = "smallest",
               .in = {make_spec({2, 5, 3})},
               .attrs = {{"k", std::int64_t{2}}, {"axis", std::int64_t{1}}, {"largest", no}}},
              {.name = "F64", .in = {make_spec({2, 5}, DType::f64)}, .attrs = {{"k", std::int64_t{2}}}},
              {.name = "equal ones",
               .in = {make_spec({17, 2}, DType::i64)},
               .attrs = {{"k", std::int64_t{9}}, {"axis", no}},
               .integers_below = 4},
              {.name = "no rows", .in = {make_spec({0, 5})}}};
  registry.add(std::move(op));
}

}  // namespace

void register_select(Registry& registry) {
  add_arg(registry, "argmax", "ArgMax", true);
  add_arg(registry, "argmin", "ArgMin", false);
  add_top_k(registry);
}

}  // namespace assay::engine
