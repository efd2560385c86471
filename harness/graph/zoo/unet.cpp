// U-Net with time embedding (Ho et al., NeurIPS 2020, appendix B): what a diffusion model predicts noise with. Inputs:
// an image and its time step as a number; output "noise" in the image's shape.
#include <cmath>
#include <set>

#include "harness/base/error.hpp"
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;
using graph::InitKind;

constexpr graph::Init uniform_average = {InitKind::xavier_uniform};

struct Net {
  GraphBuilder& b;
  std::string time;  // the embedding, through silu: input of every block
  std::int64_t groups = 32;
  double dropout = 0;
  std::set<std::int64_t> attended;  // sides of the planes that attention looks at
};

std::string silu(GraphBuilder& b, const std::string& x) { return b.apply(x + ".silu", "silu", {x}); }

std::string normed(const Net& net, const std::string& name, const std::string& x) {
  return net.b.group_norm(name, x, std::min(net.groups, net.b.shape(x)[0]), 1e-6);
}

// Group norm, silu, convolution, twice, with the time added between them; a 1x1 convolution where channels differ.
std::string residual(const Net& net, const std::string& name, const std::string& x, std::int64_t channels) {
  GraphBuilder& b = net.b;
  const graph::ConvOptions conv = {.kernel = 3, .bias = true, .init = uniform_average};
  std::string y = b.conv(name + ".conv1", silu(b, normed(net, name + ".norm1", x)), channels, conv);
  const std::string time = b.linear(name + ".time", net.time, channels, {.init = uniform_average});
  y = b.add(name + ".timed", y, b.reshape(name + ".time.plane", time, {channels, 1, 1}));
  y = b.dropout(name + ".drop", silu(b, normed(net, name + ".norm2", y)), net.dropout);
  graph::ConvOptions last = conv;
  last.init = {InitKind::normal, 1e-3};  // nearly the identity at the start; the paper's code starts at 0
  y = b.conv(name + ".conv2", y, channels, last);
  if (b.shape(x)[0] == channels) return b.add(name + ".sum", x, y);
  return b.add(name + ".sum",
               b.conv(name + ".shortcut", x, channels, {.kernel = 1, .bias = true, .init = uniform_average}), y);
}

// One head over the pixels.
std::string attended(const Net& net, const std::string& name, const std::string& x) {
  GraphBuilder& b = net.b;
  const engine::Shape in = b.shape(x);
  const std::string y = b.attention(name, b.tokens(name + ".tokens", normed(net, name + ".norm", x)),
                                    {.heads = 1, .init = uniform_average, .out_init = {InitKind::normal, 1e-3}});
  return b.add(name + ".sum", x, b.image(name + ".image", y, in[1], in[2]));
}

std::string time_block(const Net& net, const std::string& name, const std::string& x, std::int64_t channels) {
  const std::string y = residual(net, name, x, channels);
  return net.attended.count(net.b.shape(y)[1]) != 0 ? attended(net, name + ".attention", y) : y;
}

// sin and cos of the time step at `width / 2` frequencies from 1 to 1/10000, then two layers.
std::string time_embedding(GraphBuilder& b, std::int64_t width) {
  const std::int64_t half = width / 2;
  std::vector<float> frequencies;
  for (std::int64_t i = 0; i < half; ++i) {
    frequencies.push_back(static_cast<float>(std::exp(-std::log(10000.0) * static_cast<double>(i) /
                                                      static_cast<double>(std::max<std::int64_t>(1, half - 1)))));
  }
  const std::string table = b.buffer("time.frequencies", engine::Tensor::f32({1, half}, frequencies));
  const std::string angles = b.mul("time.angles", b.reshape("time.column", "time", {1}), table);
  const std::string waves =
      b.concat("time.waves", {b.apply("time.sin", "sin", {angles}), b.apply("time.cos", "cos", {angles})}, 0);
  const graph::LinearOptions layer = {.init = uniform_average};
  const std::string hidden = silu(b, b.linear("time.fc1", waves, 4 * width, layer));
  return silu(b, b.linear("time.fc2", hidden, 4 * width, layer));
}

std::vector<std::int64_t> extents_of(const BuildRequest& request, const char* name) {
  std::vector<std::int64_t> values;
  for (const Json& item : request.params.at(name).as_array()) values.push_back(item.as_int());
  return values;
}

// Down: every value that the way up reads, the newest last.
std::vector<std::string> go_down(const Net& net, const BuildRequest& request) {
  GraphBuilder& b = net.b;
  const std::int64_t width = int_param(request, "width"), blocks = int_param(request, "blocks");
  const std::vector<std::int64_t> multiples = extents_of(request, "multiples");
  const graph::ConvOptions conv = {.kernel = 3, .bias = true, .init = uniform_average};
  std::vector<std::string> kept = {b.conv("in", b.input(), width, conv)};
  for (std::size_t level = 0; level < multiples.size(); ++level) {
    const std::string name = numbered("down", static_cast<std::int64_t>(level) + 1);
    for (std::int64_t i = 1; i <= blocks; ++i)
      kept.push_back(time_block(net, name + "." + std::to_string(i), kept.back(), width * multiples[level]));
    if (level + 1 == multiples.size()) continue;
    // Padded behind only, as in the paper's code: a plane of even side is halved exactly.
    graph::ConvOptions halve = conv;
    halve.stride = 2;
    halve.pads = {0, 0, 1, 1};
    kept.push_back(b.conv(name + ".halve", kept.back(), b.shape(kept.back())[0], halve));
  }
  return kept;
}

std::string go_up(const Net& net, const BuildRequest& request, std::vector<std::string> kept,
                  const std::string& bottom) {
  GraphBuilder& b = net.b;
  const std::vector<std::int64_t> multiples = extents_of(request, "multiples");
  std::string x = bottom;
  for (std::size_t level = multiples.size(); level-- > 0;) {
    const std::string name = numbered("up", static_cast<std::int64_t>(level) + 1);
    for (std::int64_t i = 1; i <= int_param(request, "blocks") + 1; ++i) {
      const std::string own = name + "." + std::to_string(i);
      x = time_block(net, own, b.concat(own + ".join", {x, kept.back()}, 0),
                     int_param(request, "width") * multiples[level]);
      kept.pop_back();
    }
    if (level == 0) continue;
    x = b.conv(name + ".conv", b.resize_nearest(name + ".double", x, 2), b.shape(x)[0],
               {.kernel = 3, .bias = true, .init = uniform_average});
  }
  return x;
}

graph::Graph build_unet(const BuildRequest& request) {
  if (request.input.size() != 3)
    throw Error(Fault::bad_input, "needs an image [C, H, W], not " + engine::shape_str(request.input));
  GraphBuilder b({{"input", {engine::DType::f32, request.input}}, {"time", {engine::DType::f32, {}}}}, request.seed,
                 request.weights);
  Net net{b,
          time_embedding(b, int_param(request, "width")),
          int_param(request, "groups"),
          real_param(request, "dropout"),
          {}};
  for (const std::int64_t side : extents_of(request, "attention")) net.attended.insert(side);
  const std::vector<std::string> kept = go_down(net, request);
  const std::int64_t channels = b.shape(kept.back())[0];
  std::string x = residual(net, "middle1", kept.back(), channels);
  x = residual(net, "middle2", attended(net, "middle.attention", x), channels);
  b.tap("features", b.global_pool("pool", x));
  x = silu(b, normed(net, "out.norm", go_up(net, request, kept, x)));
  b.output("noise", b.conv("out", x, request.input[0], {.kernel = 3, .bias = true, .init = {InitKind::normal, 1e-3}}));
  return b.finish(Json::object({}));
}

}  // namespace

Architecture arch_unet() {
  return {"unet",
          "U-Net with time embedding, of diffusion models (width 128, multiples [1, 2, 2, 2], attention at 16: the "
          "paper's CIFAR-10 net)",
          "Ho et al., Denoising diffusion probabilistic models, 2020, arXiv:2006.11239",
          {{"width", 32, 2, 1024, "channels of the first level; even"},
           {"multiples", Json::parse("[1, 2, 2, 2]"), 1, 16, "channels of each level, as multiples of width"},
           {"blocks", 2, 1, 16, "residual blocks of each level on the way down; one more on the way up"},
           {"attention", Json::parse("[16]"), 1, 4096, "sides of the planes that attention looks at"},
           {"groups", 32, 1, 256, "groups of the group norms; every level's channels must be multiples"},
           dropout_param()},
          build_unet};
}

}  // namespace assay::zoo
