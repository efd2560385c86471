// one_hot of labels, and hardmax: one_hot of the first maximum.
#include "harness/base/error.hpp"
#include "harness/engine/ops/dtypes.hpp"

namespace assay::engine {
namespace {

struct OneHot {
  std::int64_t outer = 1, classes = 1, inner = 1;  // labels [outer, inner] -> [outer, classes, inner]
  float on = 1, off = 0;
  bool lenient = false;

  // The class of a label, negative ones counted from the end when lenient; -1: none.
  std::int64_t class_of(std::int64_t label) const {
    if (label >= 0 && label < classes) return label;
    if (lenient) return label < 0 && label >= -classes ? label + classes : -1;
    throw Error(Fault::bad_input,
                "one_hot: label " + std::to_string(label) + " is outside [0, " + std::to_string(classes) + ")");
  }
};

// The place of the new axis among those of the result.
std::size_t new_axis(Specs in, const Attrs& attrs) {
  return axis_of("one_hot", in, attrs.integer("axis", -1), in[0].shape.size() + 1);
}

Kernel prepare_one_hot(const PrepareRequest& request) {
  const Spec labels = request.in[0].spec;
  const std::size_t axis = new_axis(std::span(&labels, 1), request.attrs);
  OneHot h;
  for (std::size_t i = 0; i < labels.shape.size(); ++i) (i < axis ? h.outer : h.inner) *= labels.shape[i];
  h.classes = request.out[0].shape[axis];
  h.on = static_cast<float>(request.attrs.real("on", 1)), h.off = static_cast<float>(request.attrs.real("off", 0));
  h.lenient = request.attrs.integer("lenient", 0) != 0;
  Kernel kernel = dense_kernel(request);
  kernel.run = [h, dtype = labels.dtype](const KernelArgs& args) {
    const Indices label(args.in[0], dtype);
    float* out = floats_out(args, 0);
    for (std::int64_t i = 0; i < h.outer * h.classes * h.inner; ++i) out[i] = h.off;
    for (std::int64_t i = 0; i < h.outer * h.inner; ++i) {
      const std::int64_t k = h.class_of(label[i]);
      if (k >= 0) out[(i / h.inner * h.classes + k) * h.inner + i % h.inner] = h.on;
    }
  };
  return kernel;
}

void add_one_hot(Registry& registry) {
  Op op;
  op.name = "one_hot";
  op.onnx = "OneHot";
  op.doc = "labels -> f32 with a new axis of attribute classes at attribute axis (-1); attributes on (1), off (0), "
           "lenient (0: a label outside is an error; 1: ONNX's rule, negative labels count from the end, others give "
           "no class)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("one_hot", in, 1, 1);
    expect_index("one_hot", in, 0);
    Shape shape = in[0].shape;
    const std::int64_t classes = attrs.integer("classes", 0);
    if (classes < 1) op_error("one_hot", in, "attribute classes must be positive");
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(new_axis(in, attrs)), classes);
    return one(f32_spec(shape));
  };
  op.prepare = prepare_one_hot;
  const Attrs three = {{"classes", std::int64_t{3}}};
  const Attrs middle = {{"classes", std::int64_t{5}}, {"axis", std::int64_t{1}}, {"on", 3.0}, {"off", -1.0}};
  const Attrs lenient = {{"classes", std::int64_t{3}}, {"axis", std::int64_t{0}}, {"lenient", std::int64_t{1}}};
  op.cases = {
      {.name = "labels", .in = {make_spec({5}, DType::i64)}, .attrs = three, .integers_below = 3},
      {.name = "middle axis", .in = {make_spec({2, 3}, DType::i32)}, .attrs = middle, .integers_below = 5},
      {.name = "lenient", .in = {make_spec({17}, DType::i64)}, .attrs = lenient, .integers_below = -5},
      {.name = "no labels", .in = {make_spec({0}, DType::i64)}, .attrs = three, .integers_below = 3}};
  registry.add(std::move(op));
}

void add_hardmax(Registry& registry) {
  Op op;
  op.name = "hardmax";
  op.onnx = "Hardmax";
  op.doc = "1 at the first maximum along attribute axis (-1), else 0";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("hardmax", in, 1, 1);
    expect_in("hardmax", in, 0, kReals);
    axis_of("hardmax", in, attrs.integer("axis", -1), in[0].shape.size());
    return one(in[0]);
  };
  op.prepare = [](const PrepareRequest& request) {
    const Spec x = request.in[0].spec;
    const std::size_t axis = axis_of("hardmax", std::span(&x, 1), request.attrs.integer("axis", -1), x.shape.size());
    const std::int64_t extent = x.shape[axis];
    std::int64_t inner = 1;
    for (std::size_t i = axis + 1; i < x.shape.size(); ++i) inner *= x.shape[i];
    if (any_zero_extent(request)) return zero_fill_kernel(request);
    Kernel kernel = dense_kernel(request);
    kernel.run = [=, rows = x.count() / extent](const KernelArgs& args) {
      with_number(x.dtype, [&](auto type) {
        using T = decltype(type);
        for (std::int64_t r = 0; r < rows; ++r) {
          const std::int64_t start = r / inner * extent * inner + r % inner;
          const T* from = static_cast<const T*>(args.in[0]) + start;
          T* to = static_cast<T*>(args.out[0]) + start;
          std::int64_t best = 0;
          for (std::int64_t k = 1; k < extent; ++k) best = above(from[k * inner], from[best * inner]) ? k : best;
          for (std::int64_t k = 0; k < extent; ++k) to[k * inner] = static_cast<T>(k == best ? 1 : 0);
        }
      });
    };
    return kernel;
  };
  op.vjp = [](const VjpArgs&) { return std::vector<Value>{{}}; };
  op.cases = {{.name = "last axis", .in = {make_spec({5, 7})}, .differentiable = {false}},
              {.name = "middle axis",
               .in = {make_spec({2, 5, 3}, DType::f64)},
               .attrs = {{"axis", std::int64_t{1}}},
               .differentiable = {false}},
              {.name = "no rows", .in = {make_spec({0, 3})}}};
  registry.add(std::move(op));
}

}  // namespace

void register_one_hot(Registry& registry) {
  add_one_hot(registry);
  add_hardmax(registry);
}

}  // namespace assay::engine
