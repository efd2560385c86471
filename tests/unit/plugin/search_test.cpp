// Passes in bf16 for methods that look for inputs: the classes that they see are f32's, a row's numbers are its own, and
// the handle uses them for what it may.
#include "world.hpp"

#include "harness/base/rng.hpp"
#include "harness/graph/builder.hpp"

using namespace world;
using engine::Tensor;
using graph::Precision;

namespace {

// The test runs where products on BF16 exist; what is said elsewhere is tested with the plans (unit/graph).
bool available() { return graph::unsupported_reason(Precision::bf16).empty(); }

constexpr std::int64_t kSide = validate::kSide;

Tensor noise(std::int64_t rows, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(rows * kSide * kSide));
  Rng(seed, "search test").fill_uniform(values, 0, 1);
  return Tensor::f32({rows, 1, kSide, kSide}, values);
}

std::vector<std::size_t> classes(const Tensor& logits) {
  const std::vector<float> z = logits.to_f32();
  const auto k = static_cast<std::size_t>(logits.dim(1));
  std::vector<std::size_t> best;
  for (std::size_t row = 0; row < z.size(); row += k)
    best.push_back(static_cast<std::size_t>(std::max_element(z.begin() + static_cast<std::ptrdiff_t>(row),
                                                             z.begin() + static_cast<std::ptrdiff_t>(row + k)) -
                                            z.begin() - static_cast<std::ptrdiff_t>(row)));
  return best;
}

// Ten classes in pairs whose weights differ by less than BF16 resolves.
std::shared_ptr<const graph::Graph> twins() {
  graph::GraphBuilder net({1, kSide, kSide}, 4);
  const std::string features = net.flatten("flatten", net.relu("relu", net.conv("conv", net.input(), 8, {.kernel = 3, .bias = true})));
  graph::Graph made = net.finish(net.linear("fc", features, 10), features, Json::object({{"arch", "twins"}}));
  for (auto& [name, parameter] : made.parameters) {
    if (parameter.value.shape().size() != 2) continue;
    std::vector<float> w = parameter.value.to_f32();
    const std::size_t row = w.size() / 10;
    Rng rng(1, "twins");
    std::vector<float> shift(row);
    for (std::size_t pair = 0; pair < 10; pair += 2) {
      rng.fill_uniform(shift, -2e-4F, 2e-4F);
      for (std::size_t j = 0; j < row; ++j) w[(pair + 1) * row + j] = w[pair * row + j] + shift[j];
    }
    parameter.value = Tensor::f32(parameter.value.shape(), w);
  }
  return std::make_shared<const graph::Graph>(std::move(made));
}

}  // namespace

TEST_CASE("a search in bf16 sees the classes of f32, also where bf16 alone does not") {
  if (!available()) return;
  const auto net = twins();
  const Tensor x = noise(200, 7);
  const auto exact = classes(graph::Executor(net, 16).logits(x));
  CHECK(classes(graph::Executor(net, 16, Precision::bf16).logits(x)) != exact);  // or the test could not fail
  plugin::Search search(net, 16, Precision::bf16);
  CHECK(classes(search.logits(x, {})) == exact);
  CHECK(search.asked_again() > 0);
  const Tensor y = Tensor::i64({200}, std::vector<std::int64_t>(200, 3));
  CHECK(classes(search.loss_and_input_grad("cross-entropy", x, y, {}, {}).logits) == exact);
  CHECK(classes(search.pull(x, {Tensor::full({200, 10}, 1.0F)}, {}).logits) == exact);
}

TEST_CASE("clear calls are not asked again, and no row depends on its neighbours [rule 8]") {
  if (!available()) return;
  const auto net = validate::random_net(1);
  const Tensor x = noise(40, 9);
  plugin::Search search(net, 16, Precision::bf16);
  const std::vector<float> all = search.logits(x, {}).to_f32();
  CHECK(search.asked_again() < 40);
  const std::size_t k = all.size() / 40, size = x.f32s().size() / 40;
  for (std::size_t row = 0; row < 40; ++row) {
    const auto one = Tensor::f32({1, 1, kSide, kSide}, std::vector<float>(x.f32s().begin() + static_cast<std::ptrdiff_t>(row * size),
                                                                          x.f32s().begin() + static_cast<std::ptrdiff_t>((row + 1) * size)));
    const std::vector<float> z = search.logits(one, {}).to_f32();
    CHECK(std::equal(z.begin(), z.end(), all.begin() + static_cast<std::ptrdiff_t>(row * k)));
  }
}

TEST_CASE("a handle that searches in bf16 charges the same passes; one in f32 is the model itself") {
  if (!available()) return;
  const auto outcome = [](const plugin::Model& model) {
    Instance method = attack_library().create("good-attack", Json(Json::Object{}), context());
    const plugin::Bundle out = method.perturb(plugin::attack_inputs(attack_in(model)));
    return std::pair(out.tensor("x").to_f32(), method.counters().forward + method.counters().backward);
  };
  const auto plain = outcome(victim());
  CHECK(outcome(victim().with_search(Precision::f32)) == plain);
  CHECK(outcome(victim().with_search(Precision::bf16)).second == plain.second);
}
