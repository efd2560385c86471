// Fully connected autoencoder (Hinton & Salakhutdinov, Science 2006): 784-1000-500-250-30 and back, with sigmoids.
// Entry points "code" and "reconstruction".
#include "harness/graph/zoo/register.hpp"

namespace assay::zoo {
namespace {

using graph::GraphBuilder;

constexpr graph::Init autoencoder_init = {graph::InitKind::xavier_uniform};

graph::Graph build_dense(const BuildRequest& request) {
  GraphBuilder b = start(request);
  std::string x = b.flatten("flatten", b.input());
  std::vector<std::int64_t> widths = {b.shape(x)[0]};
  for (const Json& hidden : request.params.at("hidden").as_array()) widths.push_back(hidden.as_int());
  const auto last = static_cast<std::int64_t>(widths.size()) - 1;
  for (std::int64_t i = 1; i <= last; ++i) {
    x = b.linear(numbered("encode", i), x, widths[static_cast<std::size_t>(i)], {.init = autoencoder_init});
    if (i < last) x = b.apply(numbered("encode.sigmoid", i), "sigmoid", {x});  // the code is linear, as in the paper
  }
  b.output("code", x);
  b.tap("features", x);
  for (std::int64_t i = 1; i <= last; ++i) {
    x = b.linear(numbered("decode", i), x, widths[static_cast<std::size_t>(last - i)], {.init = autoencoder_init});
    x = b.apply(numbered("decode.sigmoid", i), "sigmoid", {x});
  }
  b.output("reconstruction", b.reshape("reconstruction", x, request.input));
  return b.finish(Json::object({}));
}

}  // namespace

Architecture arch_autoencoder() {
  return {
      "autoencoder",
      "fully connected encoder and decoder with sigmoids",
      "Hinton & Salakhutdinov, Reducing the dimensionality of data with neural networks, 2006",
      {{"hidden", Json::parse("[1000, 500, 250, 30]"), 1, 65536, "width of each encoder layer; the last is the code"}},
      build_dense};
}

}  // namespace assay::zoo
