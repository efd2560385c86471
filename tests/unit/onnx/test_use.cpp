// An imported net is a net of ours: it trains, is attacked, loses channels, is exported again.
#include <filesystem>

#include "harness/graph/edit.hpp"
#include "harness/graph/train.hpp"
#include "tests/unit/onnx/helpers.hpp"

using namespace assay;
using namespace assay::onnx;
using namespace assay::onnx::testing;

namespace {

Graph imported(const char* name) {
  return import_onnx(std::filesystem::path(ASSAY_SOURCE_DIR) / "tests/conformance/torch_models" / name).graph;
}

// Images whose mean brightness tells the class.
graph::TrainData shades(std::int64_t n, const Shape& shape) {
  graph::TrainData data;
  data.sample_shape = shape;
  const auto size = static_cast<std::size_t>(engine::element_count(shape));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t label = i % 4;
    std::vector<float> image(size);
    Rng(3, "shade", static_cast<std::uint64_t>(i)).fill_uniform(image, 0, 0.3F);
    for (float& v : image) v += 0.2F * static_cast<float>(label);
    data.f32.insert(data.f32.end(), image.begin(), image.end());
    data.labels.push_back(label);
    data.ids.push_back(static_cast<std::uint64_t>(i) + 7);
  }
  return data;
}

}  // namespace

TEST_CASE("it trains: the loss falls, weights and batch norm statistics move") {
  const Graph start = imported("resnet_bn_kept.onnx");
  graph::Recipe recipe;
  recipe.epochs = 5;
  recipe.batch = 16;
  recipe.lr = 0.02;
  const graph::TrainData data = shades(96, {3, 16, 16});
  graph::Trainer trainer(start, data, recipe, 1);
  trainer.run();
  CHECK(trainer.epoch_losses().back() < 0.6 * trainer.epoch_losses().front());
  const Graph trained = trainer.graph();
  CHECK(largest_difference(trained.parameters.at("fc.weight").value, start.parameters.at("fc.weight").value) > 1e-3);
  int moved = 0;
  for (const auto& [name, buffer] : start.buffers) {
    if (buffer.dtype() == DType::f32 && buffer.shape().size() == 1) moved += largest_difference(trained.buffers.at(name), buffer) > 1e-4 ? 1 : 0;
  }
  CHECK(moved >= 16);  // mean and variance of eight norms
}

TEST_CASE("it is attacked: a step along the sign of the input gradient raises every loss") {
  const Graph net = imported("mobilenetv2.onnx");
  graph::Executor executor(std::make_shared<const Graph>(net), 4);
  const Tensor x = uniform({6, 3, 12, 12}, 3, 0, 1);
  const Tensor y = Tensor::i64({6}, std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  const graph::LossGrad before = executor.loss_and_input_grad("cross-entropy", x, y);
  std::vector<float> stepped = x.to_f32();
  const std::vector<float> grad = before.grad.to_f32();
  for (std::size_t i = 0; i < stepped.size(); ++i) stepped[i] += grad[i] > 0 ? 0.01F : -0.01F;
  const std::vector<float> after = executor.loss_and_input_grad("cross-entropy", Tensor::f32(x.shape(), stepped), y).loss.to_f32();
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(after[i] > before.loss.to_f32()[i]);
}

TEST_CASE("it loses channels with all that follows, equal to the masked net, and goes back to ONNX") {
  const Graph net = imported("resnet_bn_kept.onnx");
  int removable = 0;
  for (const graph::ChannelGroup& group : graph::channel_groups(net)) {
    if (!group.removable || group.channels < 4) continue;
    ++removable;
    const std::vector<std::int64_t> kept = {0, 2, 3};
    const Graph small = graph::remove_output_channels(net, group.producers, kept);
    const Graph masked = graph::mask_output_channels(net, group.producers, kept);
    CHECK(graph::param_count(small) < graph::param_count(net));
    const Tensor x = uniform({2, 3, 16, 16}, 5);
    CHECK(largest_difference(run(small, x, "logits", 2), run(masked, x, "logits", 2)) < 1e-4);
    const std::string bytes = serialize(export_model(small));
    check_onnx(bytes, "small");
    const Graph again = import_model(parse_onnx(std::as_bytes(std::span(bytes.data(), bytes.size())), "small")).graph;
    CHECK(largest_difference(run(again, x, "logits", 2), run(small, x, "logits", 2)) < 1e-5);
  }
  CHECK(removable >= 3);  // the inner convolution of each block at least
}
