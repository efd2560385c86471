// Residual nets with pre-activation (He et al., ECCV 2016): batch norm and relu come before each convolution, and once
// more at the end.
#include "harness/graph/zoo/preact.hpp"

namespace assay::zoo {

using graph::GraphBuilder;

std::string preact_block(GraphBuilder& b, const std::string& name, const std::string& x, const PreactBlock& block) {
  const std::string active = b.relu(name + ".relu1", b.batch_norm(name + ".bn1", x));
  std::string y = b.conv(name + ".conv1", active, block.channels, {.kernel = 3, .stride = block.stride});
  y = b.dropout(name + ".drop", b.relu(name + ".relu2", b.batch_norm(name + ".bn2", y)), block.dropout);
  y = b.conv(name + ".conv2", y, block.channels);
  std::string shortcut = x;
  if (block.stride != 1 || b.shape(x)[0] != block.channels) {
    shortcut = b.conv(name + ".shortcut", active, block.channels, {.kernel = 1, .stride = block.stride});
  }
  return b.add(name + ".sum", y, shortcut);
}

std::string preact_stages(GraphBuilder& b, const std::string& x, const std::vector<PreactStage>& stages, double dropout) {
  std::string y = x;
  std::int64_t number = 0;
  for (const PreactStage& stage : stages) {
    const std::string name = numbered("stage", ++number);
    for (std::int64_t i = 1; i <= stage.blocks; ++i) {
      y = preact_block(b, name + "." + std::to_string(i), y, {stage.channels, number > 1 && i == 1 ? 2 : 1, dropout});
    }
    b.tap(name, y);
  }
  return b.relu("relu", b.batch_norm("bn", y));
}

namespace {

graph::Graph build_preact(const BuildRequest& request) {
  GraphBuilder b = start(request);
  std::int64_t channels = int_param(request, "width");
  const std::string stem = b.conv("stem", b.input(), channels);
  std::vector<PreactStage> stages;
  for (const Json& blocks : request.params.at("blocks").as_array()) {
    stages.push_back({blocks.as_int(), channels});
    channels *= 2;
  }
  return pooled_classifier(b, request, preact_stages(b, stem, stages, 0));
}

}  // namespace

Architecture arch_preact_resnet() {
  return {"preact-resnet", "residual net with pre-activation blocks, for small images",
          "He et al., Identity mappings in deep residual networks, 2016, arXiv:1603.05027",
          {{"blocks", Json::parse("[2, 2, 2, 2]"), 1, 200, "blocks of each stage ([18, 18, 18] at width 16: 110 layers)"}, width_param(64), dropout_param()},
          build_preact};
}

}  // namespace assay::zoo
