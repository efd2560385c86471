// The attacks against PyTorch in float64 (fixtures/attacks.json, made by make_attack_fixtures.py from the papers'
// equations), and against what holds for each of them by definition.
#include "world.hpp"

using namespace world;

namespace {

constexpr std::size_t kSamples = 24, kSize = 12;

const Json& reference() {
  static const Json all =
      Json::parse(read_text(std::string(ASSAY_SOURCE_DIR) + "/tests/methods/fixtures/attacks.json"), "attacks.json");
  return all;
}

plugin::AttackInputs problem(const std::string& norm, double scale = 1) {
  plugin::AttackInputs in;
  in.x = Tensor::f32({kSamples, kSize}, floats(reference().at("x")));
  in.y = Tensor::i64({kSamples}, integers(reference().at("y")));
  in.ids = ids(kSamples);
  in.victims = {model()};
  in.norm = norm;
  in.eps = scale * reference().at("eps").at(norm).as_real();
  return in;
}

std::vector<float> run(const std::string& id, const plugin::AttackInputs& in, const Json& params = Json(Json::Object{}),
                       std::uint64_t seed = 5) {
  return method(id, id, params, seed).perturb(plugin::attack_inputs(in)).tensor("x").to_f32();
}

std::vector<std::int64_t> broken(const std::vector<float>& x) {
  const auto z = model().executor->logits(Tensor::f32({kSamples, kSize}, x)).to_f32();
  const auto y = integers(reference().at("y"));
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const auto row = z.begin() + static_cast<std::ptrdiff_t>(5 * i);
    out.push_back(std::max_element(row, row + 5) - row == y[i] ? 0 : 1);
  }
  return out;
}
std::int64_t count(const std::vector<std::int64_t>& flags) { return std::count(flags.begin(), flags.end(), 1); }

double length(const std::vector<float>& x, const std::vector<float>& clean, std::size_t row, const std::string& norm) {
  double total = 0;
  for (std::size_t j = row * kSize; j < (row + 1) * kSize; ++j) {
    const double d = std::abs(static_cast<double>(x[j]) - clean[j]);
    total = norm == "linf" ? std::max(total, d) : total + (norm == "l2" ? d * d : norm == "l0" ? (d != 0 ? 1 : 0) : d);
  }
  return norm == "l2" ? std::sqrt(total) : total;
}
double length(const std::vector<float>& x, std::size_t row, const std::string& norm) {
  return length(x, floats(reference().at("x")), row, norm);
}

// Rows that differ from the reference by more than a rounding: a sign of a gradient of nearly 0, a kink of the ReLU.
std::size_t apart(const std::vector<float>& found, const Json& want, double tolerance) {
  const auto expected_x = floats(want);
  REQUIRE(found.size() == expected_x.size());
  std::size_t rows = 0;
  for (std::size_t i = 0; i < kSamples; ++i) {
    double worst = 0;
    for (std::size_t j = i * kSize; j < (i + 1) * kSize; ++j) {
      worst = std::max(worst, std::abs(static_cast<double>(found[j]) - expected_x[j]));
    }
    rows += worst > tolerance ? 1 : 0;
  }
  return rows;
}

Json settings(std::initializer_list<std::pair<std::string, Json>> items) {
  Json params(Json::Object{});
  for (const auto& [key, value] : items) params[key] = value;
  return params;
}

// Rows inside the ball and the range.
void stays(const std::vector<float>& x, const std::string& norm, double eps) {
  for (std::size_t i = 0; i < kSamples; ++i) CHECK(length(x, i, norm) <= eps + 1e-6);
  CHECK(*std::min_element(x.begin(), x.end()) >= 0);
  CHECK(*std::max_element(x.begin(), x.end()) <= 1);
}

}  // namespace

TEST_CASE("bim, and pgd on the dlr loss and in the l1 ball, agree with torch") {
  CHECK(apart(run("bim", problem("linf"), settings({{"steps", 7}, {"step", 0.25}})), reference().at("bim"), 1e-5) == 0);
  const Json dlr = settings({{"steps", 7}, {"step", 0.25}, {"loss", "dlr"}, {"random_start", false}});
  const auto fooled = integers(reference().at("pgd_dlr_fooled"));
  const auto by_dlr = run("pgd", problem("linf"), dlr);
  const auto want = floats(reference().at("pgd_dlr"));
  CHECK(broken(by_dlr) == fooled);
  for (std::size_t at = 0; at < by_dlr.size(); ++at) {
    // Where the true class is the third, the ratio is 1 and its gradient 0: nothing but rounding moves such a sample.
    if (fooled[at / kSize] == 0) CHECK(by_dlr[at] == doctest::Approx(want[at]).epsilon(1e-5));
  }
  const Json l1 = settings({{"steps", 9}, {"step", 0.25}, {"sparsity", 0.2}, {"random_start", false}});
  CHECK(apart(run("pgd", problem("l1"), l1), reference().at("pgd_l1"), 1e-5) == 0);
}

TEST_CASE("auto-pgd agrees with torch: loss, norm, and who is broken") {
  for (const std::string norm : {"linf", "l2"}) {
    for (const std::string id : {"apgd-ce", "apgd-dlr", "apgd-t"}) {
      CAPTURE(id);
      CAPTURE(norm);
      const Json params = settings({{"steps", id == "apgd-t" ? 30 : 40}, {"random_start", false}});
      const auto x = run(id, problem(norm), params);
      const Json& want = reference().at(id + "_" + norm);
      stays(x, norm, problem(norm).eps);
      CHECK(broken(x) == integers(want.at("broken")));
      CHECK(apart(x, want.at("x"), 1e-4) <= 1);
    }
  }
}

TEST_CASE("auto-pgd in the l1 ball agrees with torch, in one ball and in three") {
  for (const std::string id : {"apgd-ce", "apgd-dlr"}) {
    for (const bool wide : {false, true}) {
      CAPTURE(id);
      CAPTURE(wide);
      const auto x = run(id, problem("l1"), settings({{"steps", 40}, {"random_start", false}, {"wide", wide}}));
      const Json& want = reference().at(id + "_l1" + (wide ? "_wide" : ""));
      stays(x, "l1", problem("l1").eps);
      const auto fooled = integers(want.at("broken"));
      if (id == "apgd-dlr" && wide) {
        // In the larger balls the true class falls to third: the ratio is 1, its gradient 0, and rounding leads on.
        CHECK(std::abs(count(broken(x)) - count(fooled)) <= 2);
        continue;
      }
      CHECK(broken(x) == fooled);
      CHECK(apart(x, want.at("x"), 1e-4) <= 2);
    }
  }
  const auto x = run("apgd-t", problem("l1"), settings({{"steps", 30}}));
  stays(x, "l1", problem("l1").eps);
  CHECK(count(broken(x)) >= count(integers(reference().at("apgd-ce_l1").at("broken"))));
}

TEST_CASE("jsma agrees with torch: the same elements, to the same ends") {
  const auto x = run("jsma", problem("l0"));
  stays(x, "l0", problem("l0").eps);
  CHECK(broken(x) == integers(reference().at("jsma").at("broken")));
  CHECK(apart(x, reference().at("jsma").at("x"), 1e-6) == 0);
  CHECK(count(broken(x)) > 4);
  CHECK(count(broken(x)) < 24);
  const auto rising = run("jsma", problem("l0"), settings({{"falling", false}}));
  const auto clean = floats(reference().at("x"));
  for (std::size_t j = 0; j < rising.size(); ++j) CHECK(rising[j] >= clean[j]);
  CHECK(count(broken(rising)) <= count(broken(x)));
}

TEST_CASE("cw-l2 finds shorter perturbations than deepfool on average, at the ends of the range too") {
  plugin::AttackInputs in = problem("l2", 100);
  const Json& ends = reference().at("ends");
  const auto clean = floats(ends.at("x"));
  in.x = Tensor::f32({kSamples, kSize}, clean);
  in.y = Tensor::i64({kSamples}, integers(ends.at("y")));
  const auto lengths = [&](const std::string& id, const Json& params) {
    const auto x = run(id, in, params);
    std::vector<double> all;
    for (std::size_t i = 0; i < kSamples; ++i) all.push_back(length(x, clean, i, "l2"));
    return all;
  };
  const auto mean = [](const std::vector<double>& all) {
    double total = 0;
    for (const double d : all) total += d;
    return total / kSamples;
  };
  const auto cw = lengths("cw-l2", settings({{"minimal", true}}));
  const auto fool = lengths("deepfool", settings({{"steps", 50}}));
  for (std::size_t i = 0; i < kSamples; ++i) {
    CAPTURE(i);
    CHECK(fool[i] == doctest::Approx(ends.at("deepfool_l2").at(i).as_real()).epsilon(2e-3).scale(0.05));
    CHECK(cw[i] == doctest::Approx(ends.at("cw").at(i).as_real()).epsilon(0.02).scale(0.05));
  }
  CHECK(mean(cw) < mean(fool));
  // What left the attack weak: elements at an end of the range cannot leave it in a hundred steps of length 0.01. A sample
  // that it does not break stays where it is.
  const Json brief = settings({{"minimal", true}, {"steps", 100}, {"rate", 0.01}, {"guard", 0.999999}});
  const auto unmoved = [](const std::vector<double>& all) { return std::count(all.begin(), all.end(), 0.0); };
  CHECK(unmoved(lengths("cw-l2", brief)) > unmoved(cw));
}

TEST_CASE("the mean over draws attacks a random model's expectation") {
  // Noise on the input, another at every seed and draw: what one draw says is not what another does.
  const auto net = std::make_shared<graph::Graph>(*perceptron());
  const std::string input = net->inputs[0].name;
  graph::GraphNode noise{"noise", "dropout", {{"p", 0.3}, {"always", std::int64_t{1}}}, {input}, {"noise"}};
  for (graph::GraphNode& node : net->nodes) std::replace(node.inputs.begin(), node.inputs.end(), input, noise.name);
  net->nodes.insert(net->nodes.begin(), noise);
  net->validate();
  plugin::AttackInputs in = problem("linf");
  in.victims = {plugin::Model(net, plugin::kWhiteBox, "random", 4)};
  const auto expected =
      [&](const std::vector<float>& x) {  // mean margin over draws that no attack saw, lower: stronger
        graph::Executor judge(net, 4);
        const auto y = integers(reference().at("y"));
        double total = 0;
        for (std::uint64_t draw = 0; draw < 64; ++draw) {
          const auto names = ids(kSamples);
          const std::vector<std::uint64_t> keys(names.begin(), names.end());
          const auto z = judge.logits(Tensor::f32({kSamples, kSize}, x), {graph::Mode::eval, 99, draw, keys}).to_f32();
          for (std::size_t i = 0; i < kSamples; ++i) {
            const auto own = static_cast<std::size_t>(y[i]);
            float other = -1e30f;
            for (std::size_t k = 0; k < 5; ++k) other = k == own ? other : std::max(other, z[5 * i + k]);
            total += static_cast<double>(z[5 * i + own] - other);
          }
        }
        return total;
      };
  const auto params = [](std::int64_t draws) {
    return settings({{"steps", 20}, {"random_start", false}, {"draws", draws}, {"loss", "cw-margin"}});
  };
  CHECK(expected(run("pgd", in, params(16))) < expected(run("pgd", in, params(1))));
  plugin::AttackInputs plain = problem("linf");
  CHECK(run("pgd", plain, params(4)) == run("pgd", plain, params(1)));  // nothing to average
}

TEST_CASE("minimal perturbations are as long as torch's") {
  const auto compare = [](const std::string& id, const std::string& norm, const Json& params, const Json& want) {
    CAPTURE(id);
    CAPTURE(norm);
    const auto x = run(id, problem(norm, 100), params);
    for (std::size_t i = 0; i < kSamples; ++i) {
      CAPTURE(i);
      CHECK(length(x, i, norm) == doctest::Approx(want.at(i).as_real()).epsilon(2e-3).scale(0.05));
    }
  };
  for (const std::string norm : {"linf", "l2"}) {
    compare("deepfool", norm, settings({{"steps", 50}}), reference().at("deepfool_" + norm));
  }
  for (const std::string norm : {"linf", "l2", "l1"}) {
    compare("fab-t", norm, settings({{"steps", 20}, {"minimal", true}}), reference().at("fab-t_" + norm));
  }
  const Json brief = settings({{"steps", 100}, {"rate", 0.01}, {"guard", 0.999999}, {"minimal", true}});
  compare("cw-l2", "l2", brief, reference().at("cw"));
}

TEST_CASE("attacks that stop at the radius break exactly the samples whose smallest perturbation is shorter") {
  for (const std::string norm : {"linf", "l2", "l1"}) {
    const auto x = run("fab-t", problem(norm), settings({{"steps", 20}}));
    stays(x, norm, problem(norm).eps);
    std::vector<std::int64_t> want;
    for (const Json& d : reference().at("fab-t_" + norm).as_array()) want.push_back(d.as_real() <= problem(norm).eps);
    CHECK(broken(x) == want);
  }
  const auto x = run("cw-l2", problem("l2"));
  stays(x, "l2", problem("l2").eps);
  CHECK(count(broken(x)) >= 11);
  stays(run("deepfool", problem("linf")), "linf", problem("linf").eps);
}

TEST_CASE("transfer attacks agree with torch") {
  const auto compare = [](const std::string& id, Json params) {
    CAPTURE(id);
    params["steps"] = 5;
    plugin::AttackInputs in = problem("linf");
    if (id == "logit-ensemble") in.victims = {model(0), model(1), model(2)};
    CHECK(apart(run(id, in, params), reference().at(id), 1e-5) <= 1);
  };
  compare("ni-fgsm", settings({}));
  compare("si-fgsm", settings({{"copies", 3}}));
  compare("ti-fgsm", settings({{"share", 0.17}}));
  compare("logit-ensemble", settings({}));
}

TEST_CASE("without their own ingredient the transfer attacks are momentum iterative fgsm") {
  const plugin::AttackInputs in = problem("linf");
  const auto plain = run("mi-fgsm", in);
  const auto same = [&](const std::string& id, const Json& params) {
    CAPTURE(id);
    const auto x = run(id, in, params);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(static_cast<double>(x[i]) - plain[i]));
    CHECK(worst < 1e-5);
  };
  same("di-fgsm", settings({{"probability", 0.0}}));
  same("di-fgsm", settings({{"probability", 1.0}, {"least", 1.0}}));
  same("si-fgsm", settings({{"copies", 1}, {"nesterov", false}}));
  same("ti-fgsm", settings({{"share", 0.0}}));
  same("vmi-fgsm", settings({{"beta", 0.0}}));
  same("logit-ensemble", settings({}));
  same("ghost-networks", settings({{"erosion", 0.0}}));
  CHECK(run("ghost-networks", in, settings({{"erosion", 0.3}})) != plain);
  CHECK(run("vmi-fgsm", in) != plain);
  CHECK(run("di-fgsm", in, settings({{"probability", 1.0}})) != plain);
}

TEST_CASE("square search: scores only, no false alarm, close to what gradients find") {
  for (const std::string norm : {"linf", "l2"}) {
    CAPTURE(norm);
    plugin::AttackInputs in = problem(norm);
    in.victims = {plugin::Model(perceptron(), plugin::kDecision | plugin::kScores, "scores", 4)};
    const auto few = run("square", in, settings({{"queries", 5}})),
               many = run("square", in, settings({{"queries", 2000}}));
    stays(many, norm, in.eps);
    const auto gradient = integers(reference().at("apgd-t_" + norm).at("broken"));
    const auto found = broken(many);
    CHECK(count(found) >= count(broken(few)));
    CHECK(count(found) >= count(gradient) - 2);
    for (std::size_t i = 0; i < kSamples; ++i) {  // no example can lie nearer than the nearest that torch found
      if (found[i] == 1) CHECK(reference().at("fab-t_" + norm).at(i).as_real() < 1.05 * in.eps);
    }
  }
}

TEST_CASE("targeted: the dlr and cross-entropy attacks, square and cw-l2 reach targets; multi-targeted ones refuse") {
  for (const std::string id : {"apgd-ce", "apgd-dlr", "bim", "square", "ni-fgsm", "logit-ensemble"}) {
    CAPTURE(id);
    plugin::AttackInputs in = problem("linf", 5);
    auto target = integers(reference().at("y"));
    for (auto& t : target) t = (t + 1) % 5;
    in.y = Tensor::i64({kSamples}, target);
    in.targeted = true;
    const auto z = model().executor->logits(Tensor::f32({kSamples, kSize}, run(id, in))).to_f32();
    int hits = 0;
    for (std::size_t i = 0; i < kSamples; ++i) {
      const auto row = z.begin() + static_cast<std::ptrdiff_t>(5 * i);
      hits += std::max_element(row, row + 5) - row == target[i];
    }
    CHECK(hits >= 12);
  }
  plugin::AttackInputs in = problem("linf");
  in.targeted = true;
  CHECK_THROWS(run("apgd-t", in));
  CHECK_THROWS(run("fab-t", in));
  CHECK_THROWS(run("deepfool", in));
}

TEST_CASE("more targets than other classes are refused [rule 24]") {
  CHECK_THROWS(run("apgd-t", problem("linf"), settings({{"targets", 5}})));
  CHECK_THROWS(run("fab-t", problem("linf"), settings({{"targets", 5}})));
  CHECK_NOTHROW(run("apgd-t", problem("linf"), settings({{"targets", 4}, {"steps", 2}})));
}

TEST_CASE(
    "score-based searches and label-based walks come near what gradients find, with no more access than they declare") {
  const auto attempt = [](const std::string& id, const std::string& norm, plugin::Access access, const Json& params) {
    CAPTURE(id);
    CAPTURE(norm);
    plugin::AttackInputs in = problem(norm);
    in.victims = {plugin::Model(perceptron(), access, "black box", 4)};
    const auto x = run(id, in, params);
    stays(x, norm, in.eps);
    CHECK(count(broken(x)) >= count(integers(reference().at("apgd-t_" + norm).at("broken"))) - 2);
    in.victims = {plugin::Model(perceptron(), plugin::kNoAccess, "no access", 4)};
    CHECK_THROWS(run(id, in, params));
  };
  constexpr plugin::Access scores = plugin::kDecision | plugin::kScores;
  for (const std::string norm : {"linf", "l2"}) {
    attempt("nes", norm, scores, settings({{"steps", 30}}));
    attempt("spsa", norm, scores, settings({{"steps", 30}}));
    attempt("hop-skip-jump", norm, plugin::kDecision, settings({{"steps", 15}}));
  }
  attempt("bandits", "linf", scores, settings({{"steps", 200}, {"tile", 1}}));
  attempt("boundary", "l2", plugin::kDecision, settings({}));
}

TEST_CASE("the smallest perturbations that labels lead to are close to those of gradients") {
  plugin::AttackInputs in = problem("l2", 100);
  in.victims = {plugin::Model(perceptron(), plugin::kDecision, "labels", 4)};
  const Json& nearest = reference().at("fab-t_l2");
  for (const std::string id : {"hop-skip-jump", "boundary"}) {
    CAPTURE(id);
    const auto x = run(id, in, settings({{"minimal", true}, {"steps", id == "boundary" ? 4000 : 25}}));
    std::vector<double> ratio;
    for (std::size_t i = 0; i < kSamples; ++i) {
      if (nearest.at(i).as_real() > 0.01) ratio.push_back(length(x, i, "l2") / nearest.at(i).as_real());
    }
    std::sort(ratio.begin(), ratio.end());
    CHECK(ratio.front() > 0.93);            // torch took 20 steps: not the last word
    CHECK(ratio[ratio.size() / 2] < 1.25);  // the median; a walk may end at a farther boundary
  }
}

TEST_CASE("ead: the smallest elastic-net perturbation is found, sparser with a larger beta") {
  const auto total = [](const std::vector<float>& x, const std::string& norm) {
    double sum = 0;
    for (std::size_t i = 0; i < kSamples; ++i) sum += length(x, i, norm);
    return sum;
  };
  const auto zeros = [](const std::vector<float>& x) {
    const auto clean = floats(reference().at("x"));
    std::int64_t same = 0;
    for (std::size_t j = 0; j < x.size(); ++j) same += x[j] == clean[j] ? 1 : 0;
    return same;
  };
  const auto of = [&](double beta) {
    return run("ead", problem("l1", 100), settings({{"minimal", true}, {"steps", 300}, {"beta", beta}}));
  };
  const auto dense = of(0), sparse = of(0.01);
  double nearest = 0;
  for (const Json& d : reference().at("fab-t_l1").as_array()) nearest += d.as_real();
  CHECK(count(broken(sparse)) == kSamples);
  CHECK(total(sparse, "l1") < total(dense, "l1"));
  CHECK(total(sparse, "l1") < 1.2 * nearest);
  CHECK(zeros(sparse) > zeros(dense) + 24);
  stays(run("ead", problem("l2")), "l2", problem("l2").eps);
  stays(run("ead", problem("l1")), "l1", problem("l1").eps);
}
