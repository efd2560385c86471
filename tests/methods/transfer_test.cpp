// CWA, AdaEA, PMA and untargeted FAB against PyTorch in float64 (fixtures/transfer.json, made by
// make_transfer_fixtures.py from the papers' equations) on three perceptrons whose inputs are three channels of two by
// two pixels.
#include "harness/tasks/ascent.hpp"
#include "world.hpp"

using namespace world;

namespace {

constexpr std::size_t kSamples = 24, kSize = 12;

Json read(const char* name) {
  return Json::parse(read_text(std::string(ASSAY_SOURCE_DIR) + "/tests/methods/fixtures/" + name), name);
}
const Json& reference() {
  static const Json all = read("transfer.json");
  return all;
}
const Json& samples() {
  static const Json all = read("attacks.json");
  return all;
}

// `scale` multiplies the weights of the last layer, for confident nets.
plugin::Model image_net(std::size_t which, float scale = 1) {
  Json params = Json::object({{"dropout", 0.0}});
  params["hidden"] = Json(Json::Array{16});
  auto net = std::make_shared<graph::Graph>(
      zoo::build("mlp", zoo::complete_params(zoo::find("mlp"), params), {3, 2, 2}, 5, 0));
  const auto from = perceptron(which);
  for (const auto& [name, parameter] : std::map(from->parameters)) {
    std::vector<float> values = parameter.value.to_f32();
    for (float& value : values) value *= name.rfind("classifier", 0) == 0 ? scale : 1.0f;
    net->set_parameter(name, Tensor::f32(parameter.value.shape(), values));
  }
  return plugin::Model(net, plugin::kWhiteBox, "net" + std::to_string(which), 4);
}

plugin::AttackInputs problem(double eps, const std::vector<std::size_t>& nets = {0, 1, 2}) {
  plugin::AttackInputs in;
  in.x = Tensor::f32({kSamples, 3, 2, 2}, floats(samples().at("x")));
  in.y = Tensor::i64({kSamples}, integers(samples().at("y")));
  in.ids = ids(kSamples);
  for (const std::size_t which : nets) in.victims.push_back(image_net(which));
  in.norm = "linf";
  in.eps = eps;
  return in;
}

using Settings = std::initializer_list<std::pair<std::string, Json>>;

std::vector<float> run(const std::string& id, const plugin::AttackInputs& in, const Settings& items) {
  Json params(Json::Object{});
  for (const auto& [key, value] : items) params[key] = value;
  return method(id, id, params, 5).perturb(plugin::attack_inputs(in)).tensor("x").to_f32();
}

// Rows that differ from the reference by more than a rounding: signs of gradients near 0.
std::size_t apart(const std::vector<float>& found, const std::string& key) {
  const auto want = floats(reference().at(key));
  REQUIRE(found.size() == want.size());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    double worst = 0;
    for (std::size_t j = i * kSize; j < (i + 1) * kSize; ++j) {
      worst = std::max(worst, std::abs(static_cast<double>(found[j]) - static_cast<double>(want[j])));
    }
    rows += worst > 1e-5 ? 1 : 0;
  }
  return rows;
}

int broken(const plugin::Model& net, const std::vector<float>& x) {
  const auto z = net.executor->logits(Tensor::f32({kSamples, 3, 2, 2}, x)).to_f32();
  const auto y = integers(samples().at("y"));
  int count = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const auto row = z.begin() + static_cast<std::ptrdiff_t>(5 * i);
    count += std::max_element(row, row + 5) - row != y[i] ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("cwa agrees with torch, saturated and not, and so do its two halves alone") {
  const plugin::AttackInputs in = problem(0.1);
  CHECK(apart(run("cwa", in, {{"steps", 5}}), "cwa") <= 1);
  CHECK(apart(run("cwa", in, {{"steps", 5}, {"reach", 0.025}}), "cwa_small") <= 1);
  CHECK(apart(run("cwa", in, {{"steps", 5}, {"reach", 0.025}, {"reverse", 0.0}}), "cwa_encourage_only") <= 1);
  CHECK(apart(run("cwa", in, {{"steps", 5}, {"encourage", false}, {"reverse", 0.1}}), "cwa_flat_only") <= 1);
}

TEST_CASE("adaea agrees with torch: weights, filter, momentum, each alone and all together") {
  const plugin::AttackInputs in = problem(0.1);
  CHECK(apart(run("adaea", in, {{"steps", 5}, {"noise", 0.0}}), "adaea") <= 1);
  const auto without = [&](const std::string& key, bool modulate, bool filter, bool compat) {
    CAPTURE(key);
    const auto x = run("adaea", in,
                       {{"steps", 5},
                        {"noise", 0.0},
                        {"decay", 0.0},
                        {"eta", 0.1},
                        {"modulate", modulate},
                        {"filter", filter},
                        {"drf_compat", compat}});
    CHECK(apart(x, key) <= 1);
  };
  without("adaea_plain", false, false, false);
  without("adaea_modulate", true, false, false);
  without("adaea_filter", false, true, false);
  without("adaea_filter_released", false, true, true);
  plugin::AttackInputs targeted = in;
  targeted.targeted = true;
  CHECK_THROWS(run("adaea", targeted, {}));
}

TEST_CASE("adaea with equal weights and no filter is the ensemble in logits, with its resizing and smoothing too") {
  const plugin::AttackInputs in = problem(0.1);
  const Settings equal{{"steps", 5},   {"step", 0.2},       {"noise", 0.0},
                       {"decay", 1.0}, {"modulate", false}, {"filter", false}};
  CHECK(run("adaea", in, equal) == run("logit-ensemble", in, {{"steps", 5}}));
  // One source: nothing to weigh, nothing to disagree.
  const plugin::AttackInputs one = problem(0.1, {1});
  const auto alone = run("adaea", one, {{"steps", 5}, {"step", 0.2}, {"noise", 0.0}, {"decay", 1.0}, {"share", 0.5}});
  CHECK(alone == run("ti-fgsm", one, {{"steps", 5}, {"share", 0.5}}));
  const auto diverse =
      run("adaea", one, {{"steps", 5}, {"step", 0.2}, {"noise", 0.0}, {"decay", 1.0}, {"probability", 1.0}});
  CHECK(diverse == run("di-fgsm", one, {{"steps", 5}, {"probability", 1.0}}));
  CHECK(diverse != alone);
}

TEST_CASE("pma and md agree with torch: both runs, staged or not, with the released code's first step too") {
  const plugin::AttackInputs in = problem(reference().at("pma_eps").as_real(), {0});
  CHECK(apart(run("pma", in, {{"steps", 6}, {"random_start", false}}), "pma") <= 1);
  CHECK(apart(run("pma", in, {{"steps", 6}, {"random_start", false}, {"first_up", true}}), "pma_first_up") <= 1);
  CHECK(apart(run("pma", in, {{"steps", 6}, {"random_start", false}, {"staged", false}}), "pma_unstaged") <= 1);
  CHECK(apart(run("pma", in, {{"steps", 6}, {"random_start", false}, {"margin", "logit"}}), "md") <= 1);
}

TEST_CASE("pma breaks nets that are sure to the last bit, where cross-entropy's gradient is 0") {
  plugin::AttackInputs in = problem(0.3, {});
  in.victims = {image_net(0, 2000)};
  const int found = broken(in.victims.front(), run("pma", in, {{"steps", 20}}));
  CHECK(found == broken(image_net(0), run("pma", problem(0.3, {0}), {{"steps", 20}})));
  CHECK(found > broken(in.victims.front(), run("pgd", in, {{"steps", 40}})));
  plugin::AttackInputs targeted = in;
  targeted.targeted = true;
  CHECK_THROWS(run("pma", targeted, {}));
}

TEST_CASE("untargeted fab finds perturbations as short as torch's, in three norms") {
  const auto clean = floats(samples().at("x"));
  for (const std::string norm : {"linf", "l2", "l1"}) {
    CAPTURE(norm);
    plugin::AttackInputs in = problem(10, {0});
    in.norm = norm;
    const auto x = run("fab", in, {{"steps", 20}, {"restarts", 1}, {"minimal", true}});
    for (std::size_t i = 0; i < kSamples; ++i) {
      CAPTURE(i);
      double length = 0;
      for (std::size_t j = i * kSize; j < (i + 1) * kSize; ++j) {
        const double d = std::abs(static_cast<double>(x[j]) - static_cast<double>(clean[j]));
        length = norm == "linf" ? std::max(length, d) : length + (norm == "l2" ? d * d : d);
      }
      if (norm == "l2") length = std::sqrt(length);
      const double want = reference().at("fab_" + norm).at(i).as_real();
      if (want < 50) CHECK(length == doctest::Approx(want).epsilon(2e-3).scale(0.05));
    }
  }
  plugin::AttackInputs near = problem(0.1, {0});
  CHECK(broken(near.victims.front(), run("fab", near, {{"steps", 20}})) >=
        broken(near.victims.front(), run("pgd", near, {{"steps", 20}})));
}

TEST_CASE("several sources: no sample's point depends on the batch, and radius 0 moves nothing") {
  for (const std::string id : {"cwa", "adaea", "pma"}) {
    CAPTURE(id);
    const plugin::AttackInputs all = problem(0.1);
    const auto x = run(id, all, {});
    plugin::AttackInputs last = all;
    const auto clean = all.x.to_f32();
    last.x = Tensor::f32({2, 3, 2, 2}, std::vector<float>(clean.end() - 24, clean.end()));
    const auto y = integers(samples().at("y"));
    last.y = Tensor::i64({2}, std::vector<std::int64_t>(y.end() - 2, y.end()));
    last.ids = {all.ids[kSamples - 2], all.ids[kSamples - 1]};
    CHECK(run(id, last, {}) == std::vector<float>(x.end() - 24, x.end()));
    plugin::AttackInputs zero = all;
    zero.eps = 0;
    CHECK(run(id, zero, {}) == clean);
  }
}

TEST_CASE("pgd on a cosine schedule ends in small steps and is no weaker") {
  const plugin::AttackInputs in = problem(0.1, {0});
  const Settings cosine{{"steps", 20}, {"step", 2.0}, {"schedule", "cosine"}, {"random_start", false}};
  const auto x = run("pgd", in, cosine), constant = run("pgd", in, {{"steps", 20}, {"random_start", false}});
  CHECK(broken(in.victims.front(), x) >= broken(in.victims.front(), constant));
  CHECK(x != constant);
}

TEST_CASE("[rule 22] what the host sees of pgd: too short steps climb to the end, the usual ones settle, pma too") {
  const auto late = [](const std::string& id, const Json& params) {
    const plugin::AttackInputs in = problem(0.02, {0});
    tasks::Ascent ascent;
    ascent.begin(in.ids, integers(samples().at("y")));
    plugin::HostContext host;
    host.batch = 4;
    host.differentiated = [&](const plugin::Model& model, auto ids, const Tensor& logits) {
      CHECK(model.label == "net0");
      ascent.see(ids, logits);
    };
    const fs::path file = fs::path(ASSAY_BINARY_DIR) / "plugins" / (id + ".so");
    plugin::Instance attack = plugin::PluginLibrary::open(file).create(id, params, std::move(host));
    attack.perturb(plugin::attack_inputs(in));
    return tasks::still_climbing(std::vector<double>(kSamples, 1), ascent.late_gains());
  };
  const Json brief = Json::object({{"steps", 40}, {"step", 0.01}, {"random_start", false}});
  CHECK(late("pgd", brief).find("24 of 24") == 0);
  CHECK(late("pgd", Json::object({{"steps", 40}})).empty());
  CHECK(late("pma", Json::object({{"steps", 20}})).empty());
}
