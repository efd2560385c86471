// depth_to_space and space_to_depth: channels for pixels and back. Compositions.
#include "harness/base/error.hpp"
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

struct Blocks {
  std::int64_t n, c, h, w, b;
};

Blocks blocks_of(const char* op, Specs in, const Attrs& attrs) {
  expect_count(op, in, 1, 1);
  expect_rank(op, in, 0, 4);
  const Shape& x = in[0].shape;
  const std::int64_t b = attrs.integer("blocksize", 1);
  if (b < 1) op_error(op, in, "attribute blocksize must be positive");
  return {x[0], x[1], x[2], x[3], b};
}

// Whether the block's position varies slower than the channel (DCR) or faster (CRD).
bool depth_first(Specs in, const Attrs& attrs) {
  const std::string mode = attrs.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") op_error("depth_to_space", in, "attribute mode is DCR or CRD, not " + mode);
  return mode == "DCR";
}

Value permuted(Value v, Shape perm) { return call("transpose", {v}, {{"perm", std::move(perm)}}); }

void add_space_to_depth(Registry& registry) {
  Op op;
  op.name = "space_to_depth";
  op.onnx = "SpaceToDepth";
  op.doc = "x [N, C, H, W] -> [N, b b C, H / b, W / b], the pixel in its block slowest; attribute blocksize b (1)";
  op.infer = [](Specs in, const Attrs& attrs) {
    const Blocks k = blocks_of("space_to_depth", in, attrs);
    if (k.h % k.b != 0 || k.w % k.b != 0) op_error("space_to_depth", in, "blocksize does not divide the plane");
    return one({in[0].dtype, {k.n, k.c * k.b * k.b, k.h / k.b, k.w / k.b}});
  };
  op.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    const Spec x = to.spec(in[0]);  // NOLINT(performance-unnecessary-copy-initialization): emitting moves it
    const Blocks k = blocks_of("space_to_depth", std::span(&x, 1), attrs);
    const Value split = reshape(in[0], {k.n, k.c, k.h / k.b, k.b, k.w / k.b, k.b});
    return std::vector<Value>{
        reshape(permuted(split, {0, 3, 5, 1, 2, 4}), {k.n, k.c * k.b * k.b, k.h / k.b, k.w / k.b})};
  };
  op.cases = {{.name = "blocks", .in = {make_spec({2, 3, 4, 6})}, .attrs = {{"blocksize", std::int64_t{2}}}},
              {.name = "nothing", .in = {make_spec({0, 3, 4, 6})}, .attrs = {{"blocksize", std::int64_t{2}}}}};
  registry.add(std::move(op));
}

}  // namespace

void register_space_to_depth(Registry& registry) {
  Op op;
  op.name = "depth_to_space";
  op.onnx = "DepthToSpace";
  op.doc =
      "x [N, C, H, W] -> [N, C / (b b), H b, W b]; attributes blocksize b (1), mode: DCR (the pixel in its block is "
      "slowest among the channels) or CRD (fastest: PyTorch's pixel shuffle)";
  op.infer = [](Specs in, const Attrs& attrs) {
    const Blocks k = blocks_of("depth_to_space", in, attrs);
    depth_first(in, attrs);
    if (k.c % (k.b * k.b) != 0) op_error("depth_to_space", in, "blocksize^2 does not divide the channels");
    return one({in[0].dtype, {k.n, k.c / (k.b * k.b), k.h * k.b, k.w * k.b}});
  };
  op.compose = [](Emitter& to, std::span<const Value> in, const Attrs& attrs) {
    const Spec x = to.spec(in[0]);  // NOLINT(performance-unnecessary-copy-initialization): emitting moves it
    const Blocks k = blocks_of("depth_to_space", std::span(&x, 1), attrs);
    const std::int64_t c = k.c / (k.b * k.b);
    const bool dcr = depth_first(std::span(&x, 1), attrs);
    const Value split =
        dcr ? reshape(in[0], {k.n, k.b, k.b, c, k.h, k.w}) : reshape(in[0], {k.n, c, k.b, k.b, k.h, k.w});
    const Value mixed = permuted(split, dcr ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3});
    return std::vector<Value>{reshape(mixed, {k.n, c, k.h * k.b, k.w * k.b})};
  };
  const Attrs crd = {{"blocksize", std::int64_t{2}}, {"mode", std::string("CRD")}};
  op.cases = {{.name = "DCR", .in = {make_spec({2, 8, 2, 3})}, .attrs = {{"blocksize", std::int64_t{2}}}},
              {.name = "CRD", .in = {make_spec({2, 8, 2, 3})}, .attrs = crd},
              {.name = "nothing", .in = {make_spec({0, 4, 2, 3})}, .attrs = crd}};
  registry.add(std::move(op));
  add_space_to_depth(registry);
}

}  // namespace assay::engine
