// MobileNetV3 large and small (Howard et al., ICCV 2019, tables 1 and 2): inverted residuals with squeeze-excite and
// hard swish. For small images the stem and the first halving block keep the resolution.
#include <cmath>

#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

struct Row {
  std::int64_t kernel, expanded, channels;
  bool squeeze, swish;
  std::int64_t stride;
};

struct Variant {
  std::vector<Row> rows;
  std::int64_t hidden = 0;  // features of the layer before the classifier
};

const Variant& large_variant() {
  static const Variant variant = {{{3, 16, 16, false, false, 1},
                                   {3, 64, 24, false, false, 2},
                                   {3, 72, 24, false, false, 1},
                                   {5, 72, 40, true, false, 2},
                                   {5, 120, 40, true, false, 1},
                                   {5, 120, 40, true, false, 1},
                                   {3, 240, 80, false, true, 2},
                                   {3, 200, 80, false, true, 1},
                                   {3, 184, 80, false, true, 1},
                                   {3, 184, 80, false, true, 1},
                                   {3, 480, 112, true, true, 1},
                                   {3, 672, 112, true, true, 1},
                                   {5, 672, 160, true, true, 2},
                                   {5, 960, 160, true, true, 1},
                                   {5, 960, 160, true, true, 1}},
                                  1280};
  return variant;
}

const Variant& small_variant() {
  static const Variant variant = {{{3, 16, 16, true, false, 2},
                                   {3, 72, 24, false, false, 2},
                                   {3, 88, 24, false, false, 1},
                                   {5, 96, 40, true, true, 2},
                                   {5, 240, 40, true, true, 1},
                                   {5, 240, 40, true, true, 1},
                                   {5, 120, 48, true, true, 1},
                                   {5, 144, 48, true, true, 1},
                                   {5, 288, 96, true, true, 2},
                                   {5, 576, 96, true, true, 1},
                                   {5, 576, 96, true, true, 1}},
                                  1024};
  return variant;
}

constexpr double eps = 1e-3;  // of the batch norms, as in the paper's code
const graph::Init mobilenet_init = {graph::InitKind::he_normal_out};

std::string blocks(graph::GraphBuilder& b, const std::string& stem, const Variant& variant, double width, bool large) {
  std::string x = stem;
  std::int64_t number = 0;
  bool kept = large;  // has the resolution of a small image been kept once?
  for (const Row& row : variant.rows) {
    InvertedResidual block;
    block.expanded = make_divisible(static_cast<double>(row.expanded) * width);
    block.channels = make_divisible(static_cast<double>(row.channels) * width);
    block.kernel = row.kernel;
    block.stride = row.stride;
    if (row.stride == 2 && !kept) {
      block.stride = 1;
      kept = true;
    }
    block.squeezed = row.squeeze ? make_divisible(static_cast<double>(block.expanded) / 4) : 0;
    block.act = row.swish ? "hard_swish" : "relu";
    block.gate = "hard_sigmoid";
    block.eps = eps;
    const std::string name = numbered("block", ++number);
    x = inverted_residual(b, name, x, block);
    b.tap(name, x);
  }
  return x;
}

graph::Graph build_mobilenet_v3(const BuildRequest& request, const Variant& variant) {
  graph::GraphBuilder b = start(request);
  const double width = real_param(request, "width");
  const bool large = int_param(request, "large") == 1;
  std::string x = conv_norm(
      b, "stem", b.input(),
      {make_divisible(16 * width), {.kernel = 3, .stride = large ? 2 : 1, .init = mobilenet_init}, "hard_swish", eps});
  x = blocks(b, x, variant, width, large);
  x = conv_norm(b, "head", x, {6 * b.shape(x)[0], {.kernel = 1, .init = mobilenet_init}, "hard_swish", eps});
  x = b.linear("fc", b.global_pool("pool", x), make_divisible(static_cast<double>(variant.hidden) * width),
               {.init = {graph::InitKind::normal, 0.01}});
  const std::string features = b.apply("fc.hardswish", "hard_swish", {x});
  x = b.dropout("drop", features, real_param(request, "dropout"));
  return b.finish(b.linear("classifier", x, request.classes, {.init = {graph::InitKind::normal, 0.01}}), features,
                  Json::object({}));
}

Architecture with_variant(const std::string& name, const Variant& (*variant)()) {
  return {name,
          "inverted residuals with squeeze-excite and hard swish",
          "Howard et al., Searching for MobileNetV3, 2019, arXiv:1905.02244",
          {scale_param(),
           large_param("1: stride 2 in the stem and the first halving block, as for images of 224 pixels; 0: stride 1"),
           dropout_param()},
          [variant](const BuildRequest& request) { return build_mobilenet_v3(request, variant()); }};
}

}  // namespace

Architecture arch_mobilenet_v3_large() { return with_variant("mobilenet-v3-large", large_variant); }
Architecture arch_mobilenet_v3_small() { return with_variant("mobilenet-v3-small", small_variant); }

}  // namespace assay::zoo
