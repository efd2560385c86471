// Structured removal: masked equals compacted, ties are found, folding keeps the function.
#include "helpers.hpp"

#include <set>

#include "harness/graph/edit.hpp"

namespace assay::graph {
namespace {

std::vector<std::int64_t> every_other(std::int64_t channels) {
  std::vector<std::int64_t> kept;
  for (std::int64_t c = 0; c < channels; c += 2) kept.push_back(c);
  return kept;
}

// Nets whose channels meet in concatenations, or lie on the last axis of tokens.
const std::vector<NetCase>& joined_nets() {
  static const std::vector<NetCase> all = {
      {"densenet", "densenet", R"({"blocks": [3, 2], "growth": 4})", {3, 16, 16}},
      {"densenet, plain", "densenet", R"({"blocks": [2, 2], "growth": 4, "bottleneck": 0})", {3, 16, 16}},
      {"inception-v4", "inception-v4", R"({"blocks": [1, 1, 1], "width": 0.05})", {3, 16, 16}},
      {"inception-resnet", "inception-resnet", R"({"blocks": [1, 1, 1], "width": 0.05})", {3, 16, 16}},
      {"vit", "vit", R"({"width": 12, "depth": 2, "patch": 4, "mlp_ratio": 2})", {3, 8, 8}},
  };
  return all;
}

// conv1 -> tokens [HW, C] -> two linear layers over tokens -> image, joined with conv2 -> conv3 -> flat -> classifier.
Graph through_tokens() {
  GraphBuilder b({{"input", {engine::DType::f32, {3, 6, 4}}}}, 3, Weights::initial);
  const std::string a = b.relu("relu1", b.conv("conv1", b.input(), 8, {.bias = true}));
  std::string x = b.linear("fc1", b.tokens("tokens", a), 10);
  x = b.image("image", b.linear("fc2", b.relu("relu2", x), 6), 6, 4);
  const std::string other = b.conv("conv2", b.input(), 5, {.bias = true});
  x = b.relu("relu3", b.conv("conv3", b.concat("joined", {x, other, a}, 0), 7, {.stride = 2, .bias = true}));
  const std::string features = b.reshape("features", x, {7 * 3 * 2});
  return b.finish(b.linear("classifier", features, 10), features, Json::object({}));
}

Tensor logits_of(const Graph& graph, const NetCase& net) {
  return Executor(std::make_shared<Graph>(graph), 4).logits(random_tensor(batch_shape(net, 4), 3));
}

}  // namespace

TEST_CASE("for every removable group the compacted model equals the masked one within 1e-5 [rule 38]") {
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const Graph graph = build_net(net);
    int removable = 0;
    for (const ChannelGroup& group : channel_groups(graph)) {
      if (!group.removable) continue;
      ++removable;
      CAPTURE(group.producers[0]);
      const auto kept = every_other(group.channels);
      const Graph masked = mask_output_channels(graph, group.producers, kept);
      const Graph small = remove_output_channels(graph, group.producers, kept);
      CHECK(param_count(masked) == param_count(graph));
      CHECK(param_count(small) < param_count(graph));
      CHECK(macs(small) < macs(graph));
      CHECK(difference(logits_of(small, net), logits_of(masked, net)) < 1e-5);
      CHECK(difference(logits_of(masked, net), logits_of(graph, net)) > 1e-6);  // the test can fail
    }
    CHECK(removable > 0);
  }
}

TEST_CASE("compact removes all masked channels at once, residual nets included [rule 38]") {
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    Graph masked = build_net(net);
    for (const ChannelGroup& group : channel_groups(masked)) {
      if (group.removable) masked = mask_output_channels(masked, group.producers, every_other(group.channels));
    }
    const Graph small = compact(masked);
    CHECK(small.masks.size() == masked.masks.size());
    CHECK(static_cast<double>(param_count(small)) < 0.62 * static_cast<double>(param_count(masked)));
    CHECK(difference(logits_of(small, net), logits_of(masked, net)) < 1e-5);
    CHECK(param_count(compact(small)) == param_count(small));
  }
}

TEST_CASE("removal goes through concatenation, reshape and transpose: compacted equals masked [rule 38]") {
  for (const NetCase& net : joined_nets()) {
    CAPTURE(net.name);
    const Graph graph = build_net(net);
    Graph all = graph;
    int removable = 0, seen = 0;
    for (const ChannelGroup& group : channel_groups(graph)) {
      if (!group.removable) continue;
      ++removable;
      CAPTURE(group.producers[0]);
      const auto kept = every_other(group.channels);
      if (static_cast<std::int64_t>(kept.size()) == group.channels) continue;
      const Graph masked = mask_output_channels(graph, group.producers, kept);
      const Graph small = remove_output_channels(graph, group.producers, kept);
      CHECK(param_count(small) < param_count(graph));
      CHECK(difference(logits_of(small, net), logits_of(masked, net)) < 1e-5);
      seen += difference(logits_of(masked, net), logits_of(graph, net)) > 1e-6 ? 1 : 0;
      all = mask_output_channels(all, group.producers, kept);
    }
    CHECK(removable >= 2);
    CHECK(3 * seen > 2 * removable);  // the test can fail: what is removed mattered
    const Graph small = compact(all);
    CHECK(param_count(small) < param_count(graph));
    CHECK(difference(logits_of(small, net), logits_of(all, net)) < 1e-5);
    CHECK(param_count(compact(small)) == param_count(small));
  }
}

TEST_CASE("every convolution of a densenet and of inception-v4 can lose channels, only the classifier cannot") {
  for (const NetCase& net : joined_nets()) {
    if (net.arch != "densenet" && net.arch != "inception-v4") continue;  // sums of joined values are not followed
    CAPTURE(net.name);
    for (const ChannelGroup& group : channel_groups(build_net(net))) {
      CAPTURE(group.producers[0]);
      CHECK_MESSAGE(group.removable == (group.producers[0] != "classifier"), group.reason);
    }
  }
}

TEST_CASE("channels are followed through tokens, images and a join of three [rule 38]") {
  const NetCase net = {"", "", "", {3, 6, 4}};
  const Graph graph = through_tokens();
  std::set<std::string> removable;
  for (const ChannelGroup& group : channel_groups(graph)) {
    if (!group.removable) continue;
    removable.insert(group.producers[0]);
    const std::vector<std::int64_t> kept = {1, 3, 4};
    const Graph masked = mask_output_channels(graph, group.producers, kept);
    const Graph small = remove_output_channels(graph, group.producers, kept);
    CAPTURE(group.producers[0]);
    CHECK(difference(logits_of(small, net), logits_of(masked, net)) < 1e-5);
    CHECK(difference(logits_of(masked, net), logits_of(graph, net)) > 1e-6);
  }
  CHECK(removable == std::set<std::string>{"conv1", "conv2", "conv3", "fc1", "fc2"});
}

TEST_CASE("a residual sum ties its producers: the group is found, a part of it refused") {
  const Graph graph = build_net({"", "resnet8", R"({"width": 8})", {3, 16, 16}});
  std::set<std::set<std::string>> groups;
  for (const ChannelGroup& g : channel_groups(graph)) {
    if (g.removable) groups.insert({g.producers.begin(), g.producers.end()});
  }
  const std::set<std::set<std::string>> want = {{"conv1", "stage1.1.conv2"}, {"stage1.1.conv1"}, {"stage2.1.conv1"},
                                                {"stage2.1.conv2", "stage2.1.conv3"}, {"stage3.1.conv1"},
                                                {"stage3.1.conv2", "stage3.1.conv3"}};
  CHECK(groups == want);
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"conv1"}, {0, 1}), "'stage1.1.conv2'; name them all");
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"conv1", "stage1.1.conv2", "stage2.1.conv1"}, {0}), "is not in the channel group");
}

TEST_CASE("what cannot be removed is refused with its reason") {
  const Graph graph = build_net({"", "lenet", "{}", {1, 28, 28}});
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"classifier"}, {0, 1}), "reaches output 'logits'");
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"conv"}, {0, 1}), "did you mean 'conv1'");
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"conv1"}, {}), "at least one");
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"conv1"}, {2, 1}), "ascending");
  CHECK_MESSAGE_HAS(remove_output_channels(graph, {"conv1"}, {6}), "[0, 6)");
  const Graph drawn = mc_dropout(build_net({"", "mlp", R"({"hidden": [8], "dropout": 0.5})", {4}}), 2, 1);
  CHECK_MESSAGE_HAS(remove_output_channels(drawn, {"d0/fc1", "d1/fc1"}, {0}), "several nodes");
}

TEST_CASE("folding batch norm keeps every output and tap and leaves no batch norm behind a convolution") {
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    const Graph graph = build_net(net), folded = fold_batch_norm(graph);
    CHECK(difference(logits_of(folded, net), logits_of(graph, net)) < 1e-5);
    for (const GraphNode& node : folded.nodes) CHECK(node.op != "batch_norm");
    CHECK(folded.taps.size() == graph.taps.size());
  }
  Graph tapped = build_net({"", "all-conv", R"({"width": 4})", {1, 8, 8}});
  tapped.taps["raw"] = "conv1_1";
  CHECK(fold_batch_norm(tapped).find_node("bn1_1") != nullptr);
}

TEST_CASE("input normalisation is part of the model: values, gradients, removal and files go through it") {
  const NetCase net = {"", "resnet8", R"({"width": 4})", {3, 8, 8}};
  const Graph graph = build_net(net), normal = normalize_input(graph, {0.5, 0.4, 0.3}, {0.2, 0.25, 0.5});
  const Tensor x = random_tensor({4, 3, 8, 8}, 1), y = random_labels(4, 10, 2);
  std::vector<float> moved = x.to_f32();
  const float mean[] = {0.5F, 0.4F, 0.3F}, sd[] = {0.2F, 0.25F, 0.5F};
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = (moved[i] - mean[i / 64 % 3]) / sd[i / 64 % 3];
  Executor plain(std::make_shared<Graph>(graph), 4), with(std::make_shared<Graph>(normal), 4);
  const LossGrad a = plain.loss_and_input_grad("cross-entropy", Tensor::f32({4, 3, 8, 8}, moved), y);
  const LossGrad b = with.loss_and_input_grad("cross-entropy", x, y);
  CHECK(difference(b.logits, a.logits) < 1e-5);
  std::vector<float> grad = a.grad.to_f32();
  for (std::size_t i = 0; i < grad.size(); ++i) grad[i] /= sd[i / 64 % 3];
  CHECK(relative_difference(b.grad, Tensor::f32({4, 3, 8, 8}, grad)) < 1e-5);
  CHECK(channel_groups(normal).size() == channel_groups(graph).size());
  CHECK(param_count(normal) == param_count(graph));
  CHECK_MESSAGE_HAS(normalize_input(graph, {0.5}, {0.2}), "3 channels");
  CHECK_MESSAGE_HAS(normalize_input(graph, {0, 0, 0}, {1, 0, 1}), "must be positive");
}

}  // namespace assay::graph
