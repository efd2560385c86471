// DCGAN (Radford et al., ICLR 2016), generator and discriminator in one graph: entry points "image" (of the latent
// input) and "realness", the discriminator's logit for the image input. The input shape is that of the images.
#include "harness/base/error.hpp"
#include "harness/graph/zoo/blocks.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

const graph::Init dcgan_init = {graph::InitKind::normal, 0.02};
const graph::ConvOptions halving = {.kernel = 4, .stride = 2, .pad = 1, .init = dcgan_init};

// Doublings between the 4 x 4 plane and the image.
std::int64_t doublings(const engine::Shape& image) {
  std::int64_t n = 0;
  if (image.size() == 3) {
    while (4LL << n < image[1]) ++n;
  }
  if (image.size() != 3 || image[1] != image[2] || 4LL << n != image[1] || n < 1) {
    throw Error(Fault::bad_input,
                "needs a square image [C, S, S] with S = 8, 16, 32, 64 ..., not " + engine::shape_str(image));
  }
  return n;
}

void add_generator(GraphBuilder& b, const engine::Shape& image, std::int64_t width, std::int64_t latent) {
  const std::int64_t steps = doublings(image);
  std::string x = b.reshape("g.latent", "latent", {latent, 1, 1});
  x = b.conv_transpose("g.conv0", x, width << (steps - 1), {.kernel = 4, .stride = 1, .pad = 0, .init = dcgan_init});
  for (std::int64_t i = 1; i <= steps; ++i) {
    x = b.relu(numbered("g.relu", i), b.batch_norm(numbered("g.bn", i), x));
    const std::int64_t channels = i == steps ? image[0] : width << (steps - 1 - i);
    x = b.conv_transpose(numbered("g.conv", i), x, channels, halving);
  }
  b.output("image", b.apply("g.tanh", "tanh", {x}));
}

void add_discriminator(GraphBuilder& b, const engine::Shape& image, std::int64_t width) {
  const std::int64_t steps = doublings(image);
  std::string x = b.input();
  for (std::int64_t i = 1; i <= steps; ++i) {
    x = b.conv(numbered("d.conv", i), x, width << (i - 1), halving);
    if (i > 1) x = b.batch_norm(numbered("d.bn", i), x);
    x = b.apply(numbered("d.leaky_relu", i), "leaky_relu", {x}, {{"alpha", 0.2}});
  }
  b.tap("features", x);
  x = b.conv("d.last", x, 1, {.kernel = 4, .stride = 1, .pad = 0, .init = dcgan_init});
  b.output("realness", b.flatten("d.realness", x));
}

graph::Graph build_dcgan(const BuildRequest& request) {
  const std::int64_t latent = int_param(request, "latent");
  GraphBuilder b({{"input", {engine::DType::f32, request.input}}, {"latent", {engine::DType::f32, {latent}}}},
                 request.seed, request.weights);
  add_generator(b, request.input, int_param(request, "width"), latent);
  add_discriminator(b, request.input, int_param(request, "width"));
  return b.finish(Json::object({}));
}

}  // namespace

Architecture arch_dcgan() {
  return {"dcgan",
          "generator and discriminator of convolutions",
          "Radford et al., Unsupervised representation learning with deep convolutional generative adversarial "
          "networks, 2016, arXiv:1511.06434",
          {width_param(64, "channels next to the image; doubled towards the 4 x 4 plane"),
           {"latent", 100, 1, 4096, "features of the generator's input"}},
          build_dcgan};
}

}  // namespace assay::zoo
