// The zoo against published sizes, its parameter checks, and the initialisation.
#include "helpers.hpp"

namespace assay::graph {

TEST_CASE("sizes at the published shapes are the published ones") {
  const Graph resnet = zoo::build("resnet20", {}, {3, 32, 32}, 10, 0);
  CHECK(static_cast<double>(param_count(resnet)) == doctest::Approx(0.27e6).epsilon(0.02));
  CHECK(macs(resnet) == doctest::Approx(40.8e6).epsilon(0.005));
  const Graph lenet = zoo::build("lenet", {}, {1, 32, 32}, 10, 0);
  CHECK(param_count(lenet) == 61706);
  CHECK(macs(lenet) == 416520);
  const Graph vgg = zoo::build("vgg11-small", Json::object({{"width", 64}}), {3, 32, 32}, 10, 0);
  CHECK(static_cast<double>(param_count(vgg)) == doctest::Approx(9.23e6).epsilon(0.005));
  CHECK(macs(vgg) == doctest::Approx(152.9e6).epsilon(0.005));
  const Graph mlp = zoo::build("mlp", {}, {1, 28, 28}, 10, 0);
  CHECK(param_count(mlp) == 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10);
  CHECK(macs(mlp) == 784 * 512 + 512 * 512 + 5120);
  const Graph resnet8 = zoo::build("resnet8", {}, {3, 32, 32}, 10, 0);
  CHECK(static_cast<double>(param_count(resnet8)) == doctest::Approx(0.078e6).epsilon(0.02));
}

TEST_CASE("every architecture builds, is described and has features and logits") {
  CHECK(zoo::describe().size() == zoo::architectures().size());
  for (const NetCase& net : nets()) {
    const Graph graph = build_net(net);
    CHECK(graph.classes() == 10);
    CHECK(graph.taps.count("features") == 1);
    CHECK(graph.metadata.at("arch").as_string() == net.arch);
    const auto table = cost_table(graph);
    std::int64_t params = 0;
    for (const NodeCost& row : table) params += row.params;
    CHECK(params == param_count(graph));
  }
}

TEST_CASE("initial weights are He's, keyed by seed and name") {
  const Graph a = zoo::build("mlp", {}, {1, 28, 28}, 10, 5), b = zoo::build("mlp", {}, {1, 28, 28}, 10, 5),
              c = zoo::build("mlp", {}, {1, 28, 28}, 10, 6);
  CHECK(weight_digest(a) == weight_digest(b));
  CHECK(weight_digest(a) != weight_digest(c));
  const std::vector<float> w = a.parameters.at("fc1.weight").value.to_f32();
  double sum = 0, squares = 0;
  for (const float v : w) {
    sum += static_cast<double>(v);
    squares += static_cast<double>(v) * static_cast<double>(v);
  }
  const double n = static_cast<double>(w.size());
  CHECK(sum / n == doctest::Approx(0).scale(1).epsilon(1e-3));
  CHECK(std::sqrt(squares / n) == doctest::Approx(std::sqrt(2.0 / 784)).epsilon(0.01));
  CHECK_FALSE(same_bits(a.parameters.at("fc1.bias").value, a.parameters.at("fc1.weight").value));
}

TEST_CASE("bad builds are refused with the nearest name") {
  const Shape image = {1, 28, 28};
  CHECK_MESSAGE_HAS(zoo::build("resnet-20", {}, image, 10, 0), "did you mean 'resnet20'");
  CHECK_MESSAGE_HAS(zoo::build("all-conv", Json::parse(R"({"widht": 3})"), image, 10, 0), "did you mean 'width'");
  CHECK_MESSAGE_HAS(zoo::build("all-conv", Json::parse(R"({"width": 0})"), image, 10, 0), "params.width");
  CHECK_MESSAGE_HAS(zoo::build("all-conv", Json::parse(R"({"width": "x"})"), image, 10, 0), "must be an integer");
  CHECK_MESSAGE_HAS(zoo::build("mlp", Json::parse(R"({"hidden": [1.5]})"), image, 10, 0), "params.hidden");
  CHECK_MESSAGE_HAS(zoo::build("lenet", {}, {784}, 10, 0), "needs an image");
  CHECK_MESSAGE_HAS(zoo::build("lenet", {}, {1, 4, 4}, 10, 0), "lenet");
  CHECK_MESSAGE_HAS(zoo::build("mlp", {}, image, 1, 0), "classes");
}

}  // namespace assay::graph
