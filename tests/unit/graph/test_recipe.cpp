// Recipes: JSON, validation, canonical form, rates.
#include "helpers.hpp"

#include "harness/base/files.hpp"
#include "harness/graph/optimizer.hpp"
#include "harness/graph/schedule.hpp"

namespace assay::graph {

TEST_CASE("a recipe survives JSON and refuses what it does not know") {
  Recipe r = recipe("standard");
  r.milestones = {3, 7};
  CHECK(Recipe::from_json(r.to_json()).to_json() == r.to_json());
  CHECK(Recipe::from_json(Json::parse(R"({"recipe": "standard", "epochs": 2})")).epochs == 2);
  CHECK(Recipe::from_json(Json::parse(R"({"recipe": "standard"})")).to_json() == recipe("standard").to_json());
  const auto read = [](const char* text) { return message_of([&] { Recipe::from_json(Json::parse(text), "model.train"); }); };
  const auto has = [](const std::string& got, const std::string& text) { CHECK_MESSAGE(got.find(text) != std::string::npos, "message: " << got); };
  has(read(R"({"epoch": 2})"), "model.train.epoch: unknown key; did you mean 'epochs'");
  has(read(R"({"epochs": 0})"), "model.train.epochs: must be from 1");
  has(read(R"({"epochs": "2"})"), "model.train.epochs");
  has(read(R"({"adversary": "pgdd"})"), "did you mean 'pgd'");
  has(read(R"({"adv_esp": 1})"), "did you mean 'adv_eps'");
  has(read(R"({"adv_eps": "8/"})"), "must be a fraction");
  has(read(R"({"recipe": "pgd-at", "adv_eps": 0})"), "training without an adversary");
  has(read(R"({"recipe": "free-at", "mixup": 1})"), "neither mixup nor cutmix");
  has(read(R"({"ema": 0.9, "swa_start": 2})"), "expected one of them");
  has(read(R"({"swa_start": 5})"), "must be smaller than epochs (5)");
  has(read(R"({"swa_lr": 0.1})"), "needs swa_start");
  has(read(R"({"schedule": "onecycle"})"), "did you mean 'one-cycle'");
  has(read(R"({"loss": "dlr"})"), "unknown value 'dlr'");
  has(read(R"({"recipe": "pgdat"})"), "did you mean 'pgd-at'");
  has(read(R"({"optimizer": "sdg"})"), "did you mean 'sgd'");
  has(read(R"({"schedule": "cosin"})"), "did you mean 'cosine'");
  has(read(R"({"recipe": "standart"})"), "did you mean 'standard'");
  has(read(R"({"warmup": 9})"), "longer than the training");
  has(read(R"({"lr": -1})"), "model.train.lr");
  has(read(R"([1])"), "must be a table");
}

TEST_CASE("schedules: warm-up, cosine, steps") {
  Recipe r;
  r.lr = 1;
  r.epochs = 10;
  r.warmup = 2;
  CHECK(r.lr_at(1) == doctest::Approx(0.5));
  CHECK(r.lr_at(2) == doctest::Approx(1));
  CHECK(r.lr_at(6) == doctest::Approx(0.5));
  CHECK(r.lr_at(10) == doctest::Approx(0).scale(1));
  r.schedule = "step";
  r.milestones = {4, 8};
  CHECK(r.lr_at(3.99) == doctest::Approx(1));
  CHECK(r.lr_at(4) == doctest::Approx(0.1));
  CHECK(r.lr_at(9) == doctest::Approx(0.01));
}

TEST_CASE("the canonical form of older recipes is what it was before there were more fields") {
  // Written by the version with 19 fields; identity hashes of every trained net depend on it.
  CHECK(recipe("standard").canonical().dump() ==
        R"({"batch":128,"beta1":0.9,"beta2":0.999,"crop":4,"decay_bias_and_norm":false,"epochs":30,"eps":1e-08,"flip":true,)"
        R"("gamma":0.1,"label_smoothing":0.0,"loss":"cross-entropy","lr":0.1,"milestones":[],"momentum":0.9,"nesterov":true,)"
        R"("optimizer":"sgd","schedule":"cosine","warmup":1.0,"weight_decay":5e-04})");
  Recipe r = recipe("quick");
  const std::string before = r.canonical().dump();
  for (const RecipeField& field : recipe_fields()) {
    if (field.first_version) continue;
    Recipe changed = r;  // every later field shows as soon as it differs
    if (const auto* m = std::get_if<double Recipe::*>(&field.member)) changed.*(*m) += 0.25;
    if (const auto* m = std::get_if<std::int64_t Recipe::*>(&field.member)) changed.*(*m) += 1;
    if (const auto* m = std::get_if<std::string Recipe::*>(&field.member)) changed.*(*m) = field.choices.back();
    if (const auto* m = std::get_if<Rational Recipe::*>(&field.member)) changed.*(*m) = {1, 3};
    if (const auto* m = std::get_if<std::vector<std::string> Recipe::*>(&field.member)) changed.*(*m) = {"*"};
    const std::string name = field.name;
    CAPTURE(name);
    // "none" and friends stand first, so the last choice is never the neutral one
    CHECK(changed.canonical().dump() != before);
    CHECK(changed.canonical().has(name));
    CHECK(Recipe::from_json(r.canonical()).to_json() == r.to_json());
  }
  CHECK(Recipe::from_json(recipe("trades").canonical()).to_json() == recipe("trades").to_json());
  CHECK(recipe("pgd-at").to_json().at("adv_eps") == Json("8/255"));  // exact
}

TEST_CASE("suites/RECIPES.md explains every key and every named recipe") {
  const std::string text = read_text(fs::path(ASSAY_SOURCE_DIR) / "suites/RECIPES.md");
  std::vector<std::string> names = recipe_names();
  for (const RecipeField& field : recipe_fields()) names.emplace_back(field.name);
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(text.find("`" + name + "`") != std::string::npos);
  }
}

TEST_CASE("rates of every step equal torch's schedulers") {
  const Json fixture = Json::parse(read_text(fs::path(ASSAY_SOURCE_DIR) / "tests/unit/graph/fixtures/schedules.json"));
  const std::int64_t epochs = fixture.at("epochs").as_int(), steps = fixture.at("steps").as_int();
  for (const Json& one : fixture.at("cases").as_array()) {
    Json fields = one.at("recipe");
    fields["epochs"] = epochs;
    fields["lr"] = fixture.at("lr");
    const std::string what = fields.dump();
    CAPTURE(what);
    const Schedule schedule(Recipe::from_json(fields), steps);
    const Json::Array& rates = one.at("rates").as_array();
    REQUIRE(rates.size() == static_cast<std::size_t>(epochs * steps));
    for (std::int64_t t = 0; t < epochs * steps; ++t) {
      CHECK(schedule.rate(t / steps, t % steps) == doctest::Approx(rates[static_cast<std::size_t>(t)].as_real()).epsilon(1e-9));
    }
  }
}

TEST_CASE("a plateau lowers the rate as torch's does, and a checkpoint keeps it") {
  const Json fixture = Json::parse(read_text(fs::path(ASSAY_SOURCE_DIR) / "tests/unit/graph/fixtures/schedules.json"));
  const Json& plateau = fixture.at("plateau");
  Recipe r;
  r.schedule = "plateau";
  r.lr = fixture.at("lr").as_real();
  r.gamma = 0.3;
  r.plateau_patience = 2;
  r.lr_end = 0.01;
  r.epochs = 20;
  Schedule schedule(r, 3);
  const Json::Array &rates = plateau.at("rates").as_array(), &losses = plateau.at("losses").as_array();
  for (std::size_t e = 0; e < losses.size(); ++e) {
    CHECK(schedule.rate(static_cast<std::int64_t>(e), 2) == doctest::Approx(rates[e].as_real()).epsilon(1e-9));
    schedule.epoch_done(losses[e].as_real());
    Schedule again(r, 3);  // as if every epoch ended with a restart
    again.set_state(Json::parse(schedule.state().dump()));
    schedule = again;
  }
}

TEST_CASE("warm-up leads into every schedule without a jump") {
  for (const char* name : {"cosine", "linear", "constant", "step", "one-cycle", "plateau"}) {
    CAPTURE(name);
    Recipe r;
    r.schedule = name;
    r.rate_at = "start";
    r.warmup = 2;
    r.epochs = 12;
    const Schedule schedule(r, 50);
    const double before = schedule.rate(1, 49), at = schedule.rate(2, 0);
    CHECK(before < at);
    CHECK(before > 0.97 * at);
    CHECK(schedule.rate(0, 0) == 0);
  }
}

TEST_CASE("patterns of parameter names") {
  CHECK(name_matches("conv*", "conv1.weight"));
  CHECK(name_matches("*.bias", "a.b.bias"));
  CHECK(name_matches("a*b*c", "a.b.b.c"));
  CHECK(name_matches("*", ""));
  CHECK_FALSE(name_matches("conv", "conv1"));
  CHECK_FALSE(name_matches("*.bias", "bias.x"));
}

}  // namespace assay::graph
