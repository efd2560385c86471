// Ensembles, compressors, the objective and the architecture.
#include "harness/graph/edit.hpp"
#include "world.hpp"

using namespace world;

namespace {

std::vector<float> logits(const std::shared_ptr<const graph::Graph>& net, std::uint64_t seed = 0) {
  graph::Executor executor(net, 4);
  const auto names = ids();
  const std::vector<std::uint64_t> keys(names.begin(), names.end());
  graph::ForwardOptions options;
  options.seed = seed;
  options.sample_ids = keys;
  return executor.logits(inputs(), options).to_f32();
}

std::shared_ptr<const graph::Graph> combined(plugin::Instance method, const std::vector<plugin::Model>& members) {
  return plugin::model_of(method.combine(plugin::combine_inputs(members, nullptr, 5)));
}

std::shared_ptr<const graph::Graph> compressed(plugin::Instance method, const plugin::Model& net, double ratio) {
  return plugin::model_of(method.compress(plugin::compress_inputs(net, records(), "ratio", ratio)));
}

void check_masks(const graph::Graph& net, const std::string& key) {
  std::size_t i = 0;
  for (const char* name : {"fc1.weight", "classifier.weight"}) {
    const auto kept = net.parameters.at(name).value.to_f32();
    const auto& want = expected().at(key).at(i++).as_array();
    std::int64_t wrong = 0;
    for (std::size_t j = 0; j < kept.size(); ++j) wrong += (kept[j] != 0) != (want[j].as_real() != 0);
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE("the deep ensemble is the log of numpy's mean softmax") {
  CHECK(worst(logits(combined(method("deep-ensemble"), {model(0), model(1), model(2)})), "deep_ensemble") < 1e-5);
  CHECK_THROWS_AS(combined(method("deep-ensemble"), {model(0)}), Error);
}

TEST_CASE("the single baseline is its first member") {
  CHECK(logits(combined(method("single"), {model(0), model(1)})) == logits(perceptron(0)));
}

TEST_CASE("mc-dropout: without dropout the plain softmax, with it seeded and near its mean") {
  const auto draws = [](std::int64_t n, std::uint64_t seed) {
    return method("mc-dropout", "mc-dropout", Json::object({{"draws", n}}), seed);
  };
  const auto plain = logits(combined(draws(4, 5), {model(0)})), z = logits(perceptron(0));
  for (std::size_t i = 0; i < z.size(); i += 5) {
    double sum = 0;
    for (std::size_t k = 0; k < 5; ++k) sum += std::exp(static_cast<double>(z[i + k]));
    for (std::size_t k = 0; k < 5; ++k) CHECK(plain[i + k] == doctest::Approx(z[i + k] - std::log(sum)).epsilon(1e-4));
  }
  const auto drawn = combined(draws(64, 5), {model(0, 0.3)});
  CHECK(drawn->stochastic());
  CHECK(logits(drawn) == logits(drawn));
  CHECK(logits(drawn) == logits(combined(draws(64, 5), {model(0, 0.3)})));
  CHECK(logits(drawn) != logits(combined(draws(64, 6), {model(0, 0.3)})));  // the method's seed keys the masks
  // 64 draws and 256 others estimate the same probabilities; a mean of 64 values in [0, 1] strays by 1/16 at one sigma.
  const auto a = logits(drawn), b = logits(combined(draws(256, 9), {model(0, 0.3)}));
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(std::exp(a[i]) - std::exp(b[i])) < 0.15);
  CHECK_THROWS_AS(combined(method("mc-dropout"), {}), Error);
}

TEST_CASE("magnitude pruning keeps exactly numpy's weights") {
  check_masks(*compressed(method("weight-pruning", "magnitude-global"), model(), 2), "global_2");
  check_masks(*compressed(method("weight-pruning", "magnitude-global"), model(), 4), "global_4");
  check_masks(*compressed(method("weight-pruning", "magnitude-layer"), model(), 2), "layer_2");
  check_masks(*compressed(method("weight-pruning", "magnitude-layer"), model(), 4), "layer_4");
}

TEST_CASE("a ratio that leaves no weight is refused with its reason") {
  CHECK_THROWS_WITH_AS(compressed(method("weight-pruning", "magnitude-global"), model(), 32), doctest::Contains("leaves no weight"), Error);
}

TEST_CASE("[rule 37] random pruning meets the ratio exactly and follows its seed") {
  const auto nonzero = [](const graph::Graph& net) { return graph::nonzero_param_count(net); };
  const std::int64_t all = graph::param_count(*perceptron());
  const auto a = compressed(method("weight-pruning", "random-pruning"), model(), 4);
  CHECK(nonzero(*a) == all / 4);
  const auto b = compressed(method("weight-pruning", "random-pruning", Json(Json::Object{}), 6), model(), 4);
  CHECK(nonzero(*b) == all / 4);
  CHECK(graph::weight_digest(*a) != graph::weight_digest(*b));
  CHECK(graph::weight_digest(*a) == graph::weight_digest(*compressed(method("weight-pruning", "random-pruning"), model(), 4)));
  CHECK(graph::weight_digest(*compressed(method("weight-pruning", "no-pruning"), model(), 4)) == graph::weight_digest(*perceptron()));
}

TEST_CASE("[rule 38] l1-filter removes the filters of smallest norm physically") {
  const auto params = zoo::complete_params(zoo::find("all-conv"), Json::object({{"width", 8}}));
  const auto net = std::make_shared<graph::Graph>(zoo::build("all-conv", params, {1, 28, 28}, 10, 4));
  const plugin::Model original(net, plugin::kWhiteBox, "net", 4);
  const auto small = compressed(method("l1-filter"), original, 3);
  CHECK(static_cast<double>(graph::param_count(*net)) / static_cast<double>(graph::param_count(*small)) >= 3);
  CHECK(graph::macs(*small) < graph::macs(*net) / 2);
  REQUIRE(small->metadata.has("removed"));
  graph::Graph masked = *net;
  for (const Json& step : small->metadata.at("removed").as_array()) {
    const std::string producer = step.at("producers").at(std::size_t{0}).as_string();
    const auto kept = integers(step.at("kept"));
    const auto w = net->parameters.at(net->node(producer).inputs.at(1)).value;
    const auto values = w.to_f32();
    const std::size_t size = values.size() / static_cast<std::size_t>(w.dim(0));
    std::vector<double> norm(static_cast<std::size_t>(w.dim(0)));
    for (std::size_t i = 0; i < values.size(); ++i) norm[i / size] += std::abs(values[i]);
    double least_kept = 1e30, most_removed = 0;
    for (std::size_t f = 0; f < norm.size(); ++f) {
      const bool stays = std::find(kept.begin(), kept.end(), static_cast<std::int64_t>(f)) != kept.end();
      (stays ? least_kept : most_removed) = stays ? std::min(least_kept, norm[f]) : std::max(most_removed, norm[f]);
    }
    CHECK(least_kept >= most_removed);
    masked = graph::mask_output_channels(masked, {producer}, kept);
  }
  std::vector<float> image(2 * 784);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 17) / 17;
  const Tensor x = Tensor::f32({2, 1, 28, 28}, image);
  graph::Executor a(std::make_shared<graph::Graph>(masked), 4), b(small, 4);
  const auto za = a.logits(x).to_f32(), zb = b.logits(x).to_f32();
  for (std::size_t i = 0; i < za.size(); ++i) CHECK(za[i] == doctest::Approx(zb[i]).epsilon(1e-4));
}

TEST_CASE("label smoothing gives numpy's gradient of the logits") {
  auto smoothing = method("label-smoothing");
  const auto hook = plugin::objective_hook(smoothing, 1);
  const auto names = ids();
  const std::vector<std::uint64_t> keys(names.begin(), names.end());
  const Tensor x = inputs(), z = model().executor->logits(x), y = Tensor::i64({6}, integers(expected().at("y")));
  graph::ObjectiveBatch batch{keys, x, z, y, 0, 0};
  CHECK(worst(hook(batch).dlogits.to_f32(), "label_smoothing") < 1e-6);
}

TEST_CASE("mobilenet-mini has the parameters and multiply-adds of its table") {
  auto build = method("mobilenet-mini", "mobilenet-mini", Json::object({{"width", 8}}));
  const auto net = plugin::model_of(build.build(plugin::build_inputs({1, 28, 28}, 10)));
  const std::int64_t w = 8, c[] = {w, 2 * w, 2 * w, 4 * w, 4 * w};
  const std::int64_t area[] = {28 * 28, 14 * 14, 14 * 14, 7 * 7, 7 * 7};
  std::int64_t params = 9 * w + 2 * w, macs = 9 * w * area[0];
  for (int block = 1; block < 5; ++block) {
    const std::int64_t in = c[block - 1], out = c[block];
    params += 9 * in + 2 * in + in * out + 2 * out;
    macs += (9 * in + in * out) * area[block];
  }
  params += 10 * c[4] + 10;
  macs += 10 * c[4];
  CHECK(graph::param_count(*net) == params);
  CHECK(graph::macs(*net) == doctest::Approx(static_cast<double>(macs)));
}
