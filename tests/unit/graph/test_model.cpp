// The IR: validation messages, files, masks, costs, combinations.
#include "helpers.hpp"

#include <fstream>

#include "harness/base/files.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::graph {
namespace {

Graph tiny() { return build_net({"", "all-conv", R"({"width": 4, "depth": 1, "dropout": 0.2})", {1, 8, 8}}); }

}  // namespace

TEST_CASE("save and load give the same model and the same bytes") {
  TempDir dir;
  for (const NetCase& net : nets()) {
    CAPTURE(net.name);
    Graph graph = build_net(net);
    const std::string first = graph.parameters.begin()->first;
    std::vector<float> mask(static_cast<std::size_t>(graph.parameters[first].value.count()), 1.0F);
    mask[0] = 0;
    graph.set_mask(first, Tensor::f32(graph.parameters[first].value.shape(), mask));
    save_model(graph, dir.path() / "a");
    const Graph loaded = load_model(dir.path() / "a");
    save_model(loaded, dir.path() / "b");
    CHECK(read_bytes(dir.path() / "a") == read_bytes(dir.path() / "b"));
    CHECK(weight_digest(loaded) == weight_digest(graph));
    CHECK(structure_digest(loaded) == structure_digest(graph));
    CHECK(same_bits(loaded.masks.at(first), graph.masks.at(first)));
    CHECK(loaded.metadata == graph.metadata);
  }
}

TEST_CASE("a damaged model file gives an error that names the file and the fault") {
  TempDir dir;
  const auto file = dir.path() / "model";
  const Graph graph = tiny();
  save_model(graph, file);
  const Container good = load_container(file);
  const auto broken = [&](auto&& change) {
    Container c = good;
    change(c);
    save_container(file, c);
    return message_of([&] { load_model(file); });
  };
  const auto has = [&](const std::string& got, const std::string& text) {
    CHECK_MESSAGE(got.find(text) != std::string::npos, "message: " << got);
    CHECK_MESSAGE(got.find("model") != std::string::npos, "message: " << got);
  };
  has(broken([](Container& c) { c.arrays.erase("conv1_1.weight"); }), "conv1_1.weight");
  has(broken([](Container& c) { c.arrays["extra"] = c.arrays["bn1_1.bias"]; }), "'extra'");
  has(broken([](Container& c) { c.arrays["conv1_1.weight"].shape = {3, 4, 3, 1}; }), "conv1_1");
  has(broken([](Container& c) { c.metadata["format"] = "other"; }), "assay-graph");
  has(broken([](Container& c) { c.metadata["version"] = 99; }), "version 99");
  has(broken([](Container& c) { c.metadata["nodes"].array_ref()[0]["op"] = "conv2"; }), "did you mean 'conv2d'");
  has(broken([](Container& c) { c.metadata["nodes"].array_ref()[0]["inputs"] = 3; }), "conv1_1");
  has(broken([](Container& c) { c.metadata["outputs"]["logits"] = "nothing"; }), "'nothing'");
  has(broken([](Container& c) { c.metadata["nodes"].array_ref().erase(c.metadata["nodes"].array_ref().begin()); }), "'conv1_1', which is not defined");
  has(broken([](Container& c) { c.arrays["bn1_1.bias"].dtype = "I32"; }), "expected F32");
  save_container(file, good);
  const std::vector<std::byte> bytes = read_bytes(file);
  for (const std::size_t keep : {std::size_t{0}, std::size_t{5}, std::size_t{200}, bytes.size() - 1}) {
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(keep));
    CHECK_THROWS_AS(load_model(file), Error);
  }
  CHECK_THROWS_AS(load_model(dir.path() / "absent"), Error);
}

TEST_CASE("random damage of a model file never crashes the reader") {
  TempDir dir;
  const auto file = dir.path() / "model";
  save_model(build_net({"", "mlp", R"({"hidden": [3]})", {4}}), file);
  const std::vector<std::byte> good = read_bytes(file);
  const Rng rng(1, "damage");
  for (std::uint64_t trial = 0; trial < 400; ++trial) {
    std::vector<std::byte> bytes = good;
    for (std::uint64_t k = 0; k < 3; ++k) {
      bytes[rng.below(trial * 8 + k, bytes.size())] = static_cast<std::byte>(rng.below(trial * 8 + 4 + k, 256));
    }
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    try {
      load_model(file).validate();
    } catch (const Error&) {
    }
  }
  CHECK(true);  // reaching this line is the test
}

TEST_CASE("validation names the node and the reason") {
  const auto broken = [](auto&& change) {
    Graph graph = tiny();
    change(graph);
    return message_of([&] { graph.validate(); });
  };
  const auto has = [](const std::string& got, const std::string& text) { CHECK_MESSAGE(got.find(text) != std::string::npos, "message: " << got); };
  has(broken([](Graph& g) { g.find_node("relu1_1")->op = "rellu"; }), "unknown op 'rellu'; did you mean 'relu'");
  has(broken([](Graph& g) { g.find_node("relu1_1")->inputs[0] = "bn1_"; }), "did you mean 'bn1_1'");
  has(broken([](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }), "a cycle or a wrong order");
  has(broken([](Graph& g) { g.find_node("relu1_1")->inputs[0] = "relu1_1"; }), "makes only itself");
  has(broken([](Graph& g) { g.find_node("conv2_1")->attrs.set("stride", std::int64_t{0}); }), "conv2_1");
  has(broken([](Graph& g) { g.parameters.at("classifier.weight").value = Tensor::full({10, 5}, 0); }), "classifier");
  has(broken([](Graph& g) { g.find_node("bn1_1")->outputs[0] = "conv1_1"; }), "a second time");
  has(broken([](Graph& g) { g.nodes[1].name = g.nodes[0].name; }), "two nodes are named");
  has(broken([](Graph& g) { g.taps["features"] = "gone"; }), "tap 'features'");
  has(broken([](Graph& g) { g.find_node("drop3")->attrs.set("p", 1.5); }), "p must be in [0, 1)");
  has(broken([](Graph& g) { g.masks["conv1_1.weight"] = Tensor::full(g.parameters["conv1_1.weight"].value.shape(), 0); }), "under its mask");
  has(broken([](Graph& g) { g.outputs.clear(); }), "no output");
}

TEST_CASE("a mask zeroes its weights at once and at every later setting") {
  Graph graph = tiny();
  const std::string name = "conv2_1.weight";
  const Shape shape = graph.parameters[name].value.shape();
  std::vector<float> mask(static_cast<std::size_t>(engine::element_count(shape)), 1.0F);
  for (std::size_t i = 0; i < mask.size(); i += 3) mask[i] = 0;
  graph.set_mask(name, Tensor::f32(shape, mask));
  graph.set_parameter(name, Tensor::full(shape, 2));
  const std::vector<float> values = graph.parameters[name].value.to_f32();
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == (i % 3 == 0 ? 0.0F : 2.0F));
  CHECK(nonzero_param_count(graph) < param_count(graph));
  CHECK(nonzero_macs(graph) < macs(graph));
  CHECK_MESSAGE_HAS(graph.set_mask("conv2_1.wait", {}), "did you mean 'conv2_1.weight'");
  CHECK_MESSAGE_HAS(graph.set_mask(name, Tensor::full(shape, 0.5F)), "expected 0 or 1");
  CHECK_MESSAGE_HAS(graph.set_parameter(name, Tensor::full({1}, 0.5F)), "has shape");
}

TEST_CASE("a mean ensemble gives the log of the mean of its members' probabilities [rule 33]") {
  std::vector<Graph> members;
  for (std::uint64_t s = 1; s <= 3; ++s) members.push_back(build_net({"", "mlp", R"({"hidden": [8]})", {1, 4, 4}}, s));
  const Graph ensemble = mean_ensemble(members);
  CHECK(param_count(ensemble) == 3 * param_count(members[0]));
  CHECK(macs(ensemble) == doctest::Approx(3 * macs(members[0])));
  const Tensor x = random_tensor({5, 1, 4, 4}, 7, -8, 8);
  std::vector<double> mean(50, 0.0);
  for (const Graph& m : members) {
    const std::vector<float> z = Executor(std::make_shared<Graph>(m), 5).logits(x).to_f32();
    for (std::size_t i = 0; i < 5; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < 10; ++k) sum += std::exp(static_cast<double>(z[i * 10 + k]));
      for (std::size_t k = 0; k < 10; ++k) mean[i * 10 + k] += std::exp(static_cast<double>(z[i * 10 + k])) / sum / 3;
    }
  }
  Executor executor(std::make_shared<Graph>(ensemble), 5);
  const std::vector<float> got = executor.logits(x).to_f32();
  for (std::size_t i = 0; i < mean.size(); ++i) CHECK(static_cast<double>(got[i]) == doctest::Approx(std::log(mean[i])).epsilon(1e-5));
  const auto one = executor.forward(x, {"member:1"});
  CHECK(difference(one[0], Executor(std::make_shared<Graph>(members[1]), 5).logits(x)) < 1e-6);
  CHECK(executor.loss_and_input_grad("cross-entropy", x, random_labels(5, 10, 1)).grad.shape() == x.shape());
}

TEST_CASE("monte carlo dropout is a host graph: keyed draws, deterministic, independent of the batch [rule 8]") {
  const Graph base = build_net({"", "all-conv", R"({"width": 8, "dropout": 0.5})", {1, 16, 16}});
  const auto graph = std::make_shared<Graph>(mc_dropout(base, 4, 11));
  CHECK(graph->stochastic());
  CHECK(param_count(*graph) == param_count(base));
  const Tensor x = random_tensor({6, 1, 16, 16}, 1);
  const auto ids = test_ids(6);
  Executor four(graph, 4);
  ForwardOptions o;
  o.sample_ids = ids;
  const Tensor a = four.logits(x, o), b = Executor(graph, 4).logits(x, o);
  CHECK(same_bits(a, b));
  CHECK(difference(Executor(graph, 6).logits(x, o), a) < 1e-5);  // another compute batch: same masks
  CHECK(difference(four.forward_recorded(x, {"logits"}, o).values[0], a) < 1e-5);
  const auto draws = four.forward(x, {"member:0", "member:1"}, o);
  CHECK_FALSE(same_bits(draws[0], draws[1]));
  CHECK_FALSE(same_bits(Executor(std::make_shared<Graph>(mc_dropout(base, 4, 12)), 4).logits(x, o), a));
  // A draw equals a stochastic pass of the base model with the same seed and draw index.
  Executor plain(std::make_shared<Graph>(base), 4);
  CHECK(difference(plain.logits(x, {Mode::stochastic, 11, 1, ids}), draws[1]) < 1e-5);
  CHECK_MESSAGE_HAS(mc_dropout(build_net({"", "mlp", "{}", {4}}), 2, 1), "no");
  CHECK_MESSAGE_HAS(four.logits(x), "sample id");
}

TEST_CASE("what precedes the first dropout is computed once for all draws") {
  const Graph base = build_net({"", "resnet8", R"({"width": 8, "dropout": 0.5})", {3, 16, 16}});
  CompileOptions o;
  o.batch = 2;
  const auto convolutions = [&](int draws) {
    const std::string text = compile(mc_dropout(base, draws, 1), o).to_text();
    std::size_t count = 0;
    for (std::size_t at = text.find(" conv2d "); at != std::string::npos; at = text.find(" conv2d ", at + 1)) ++count;
    return count;
  };
  CHECK(convolutions(1) == 9);  // resnet8 with its two projections
  CHECK(convolutions(8) == 9);
}

TEST_CASE("dropout keeps the expected share and depends on every key") {
  const Graph base = build_net({"", "mlp", R"({"hidden": [400], "dropout": 0.25})", {4}});
  Executor executor(std::make_shared<Graph>(base), 8);
  const Tensor x = random_tensor({8, 4}, 1, 0.5F, 1);
  const auto ids = test_ids(8), others = test_ids(8, 900);
  const auto features = [&](std::uint64_t seed, std::uint64_t draw, const std::vector<std::uint64_t>& of) {
    return executor.forward(x, {"features"}, {Mode::stochastic, seed, draw, of})[0];
  };
  const Tensor hidden = executor.forward(x, {"hidden1"})[0], dropped = features(1, 0, ids);
  const std::vector<float> h = hidden.to_f32(), d = dropped.to_f32();
  int active = 0, kept = 0;
  for (std::size_t i = 0; i < h.size(); ++i) {
    if (h[i] == 0) continue;
    ++active;
    if (d[i] == 0) continue;
    ++kept;
    CHECK(d[i] == doctest::Approx(h[i] / 0.75).epsilon(1e-5));
  }
  CHECK(static_cast<double>(kept) / active == doctest::Approx(0.75).epsilon(0.05));
  CHECK(same_bits(features(1, 0, ids), dropped));
  CHECK_FALSE(same_bits(features(2, 0, ids), dropped));
  CHECK_FALSE(same_bits(features(1, 1, ids), dropped));
  CHECK_FALSE(same_bits(features(1, 0, others), dropped));
}

TEST_CASE("drop path drops whole samples, keyed by their ids, in every way of running [rule 8]") {
  GraphBuilder b({{"input", {engine::DType::f32, {3, 4, 4}}}}, 1, Weights::initial);
  const std::string branch = b.drop_path("path", b.conv("conv", b.input(), 3, {}), 0.4);
  const std::string sum = b.add("sum", b.input(), branch);
  b.tap("branch", branch);
  const Graph graph = b.finish(b.linear("classifier", b.reshape("flat", sum, {48}), 5), sum, Json::object({}));
  const std::int64_t n = 2000;
  const Tensor x = random_tensor({n, 3, 4, 4}, 2, 0.1F, 1);
  const auto ids = test_ids(n);
  Executor executor(std::make_shared<Graph>(graph), 64);
  const std::vector<float> whole = executor.forward(x, {"branch"})[0].to_f32();
  const Tensor dropped = executor.forward(x, {"branch"}, {Mode::stochastic, 7, 0, ids})[0];
  const std::vector<float> got = dropped.to_f32();
  double lost = 0;
  for (std::size_t r = 0; r < static_cast<std::size_t>(n); ++r) {
    const bool gone = got[r * 48] == 0.0F;
    lost += gone ? 1 : 0;
    for (std::size_t i = r * 48; i < (r + 1) * 48; ++i) CHECK(got[i] == doctest::Approx(gone ? 0.0F : whole[i] / 0.6F).epsilon(1e-5));
  }
  CHECK(lost / static_cast<double>(n) == doctest::Approx(0.4).epsilon(0.1));
  const ForwardOptions same = {Mode::stochastic, 7, 0, ids}, other = {Mode::stochastic, 8, 0, ids};
  CHECK(same_bits(executor.forward_recorded(x, {"branch"}, same).values[0], dropped));
  CHECK_FALSE(same_bits(executor.forward(x, {"branch"}, other)[0], dropped));
  const std::vector<std::uint64_t> last(ids.end() - 5, ids.end());  // a sample's fate does not depend on its neighbours
  const auto tail = engine::apply1("slice", {x}, {{"begin", Shape{n - 5, 0, 0, 0}}, {"size", Shape{5, 3, 4, 4}}});
  const std::vector<float> alone = executor.forward(tail, {"branch"}, {Mode::stochastic, 7, 0, last})[0].to_f32();
  CHECK(std::equal(alone.begin(), alone.end(), got.end() - 5 * 48));
}

TEST_CASE("the text form names every node, parameter count and output") {
  const Graph graph = tiny();
  const std::string text = graph.to_text();
  for (const GraphNode& node : graph.nodes) CHECK(text.find(node.name) != std::string::npos);
  CHECK(text.find("output  logits = classifier") != std::string::npos);
  CHECK(text.find("params " + std::to_string(param_count(graph))) != std::string::npos);
}

}  // namespace assay::graph
