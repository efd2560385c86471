// cross_entropy: losses are per sample; a mean over the batch is reduce_mean.
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"
#include "harness/engine/ops/vector_math.hpp"

namespace assay::engine {
namespace {

std::int64_t checked_label(const char* op, std::int64_t label, std::int64_t classes) {
  if (label >= 0 && label < classes) return label;
  throw Error(Fault::bad_input, std::string(op) + ": label " + std::to_string(label) + " is outside [0, " +
                                    std::to_string(classes) + ")");
}

const std::int64_t* labels(const KernelArgs& args, std::size_t index) {
  return static_cast<const std::int64_t*>(args.in[index]);
}

ASSAY_WIDE void cross_entropy_row(const float* x, std::int64_t classes, std::int64_t label, float* loss) {
  float max = x[0];
  for (std::int64_t k = 1; k < classes; ++k) max = x[k] > max || x[k] != x[k] ? x[k] : max;
  float sum = 0;
  for (std::int64_t k = 0; k < classes; ++k) sum += vm::exp(x[k] - max);
  *loss = vm::log(sum) - (x[label] - max);
}

Kernel prepare_cross_entropy(const PrepareRequest& request) {
  Kernel kernel = dense_kernel(request);
  const std::int64_t n = request.in[0].spec.shape[0], classes = request.in[0].spec.shape[1];
  kernel.run = [n, classes](const KernelArgs& args) {
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t label = checked_label("cross_entropy", labels(args, 1)[i], classes);
      cross_entropy_row(floats(args, 0) + i * classes, classes, label, floats_out(args, 0) + i);
    }
  };
  return kernel;
}

std::vector<Value> cross_entropy_vjp(const VjpArgs& v) {
  std::vector<Value> grads(2);
  if (!v.wanted[0]) return grads;
  const Shape shape = shape_of(v.in[0]);
  const Value target = call("one_hot", {v.in[1]}, {{"classes", shape[1]}});
  grads[0] = (call("softmax", {v.in[0]}) - target) * reshape(v.cotangents[0], {shape[0], 1});
  return grads;
}

}  // namespace

void register_losses(Registry& registry) {
  Op loss;
  loss.name = "cross_entropy";
  loss.onnx = "SoftmaxCrossEntropyLoss";
  loss.doc = "logits [N, C], labels i64 [N] -> -log softmax(logits)[label] per sample [N]";
  loss.infer = [](Specs in, const Attrs&) {
    expect_count("cross_entropy", in, 2, 2);
    expect_dtype("cross_entropy", in, 0, DType::f32);
    expect_dtype("cross_entropy", in, 1, DType::i64);
    expect_rank("cross_entropy", in, 0, 2);
    const Shape& s = in[0].shape;
    if (in[1].shape != Shape{s[0]} || s[1] < 1) op_error("cross_entropy", in, "takes logits [N, C] and labels [N]");
    return one(f32_spec({s[0]}));
  };
  loss.prepare = prepare_cross_entropy;
  loss.vjp = cross_entropy_vjp;
  loss.cases = {
      {.name = "batch",
       .in = {make_spec({5, 7}), make_spec({5}, DType::i64)},
       .attrs = {},
       .lo = -3,
       .hi = 3,
       .integers_below = 7},
      {.name = "large logits",
       .in = {make_spec({3, 4}), make_spec({3}, DType::i64)},
       .attrs = {},
       .lo = -90,
       .hi = 90,
       .integers_below = 4},
      {.name = "no samples", .in = {make_spec({0, 7}), make_spec({0}, DType::i64)}, .attrs = {}, .integers_below = 7}};
  registry.add(std::move(loss));
}

}  // namespace assay::engine
