// Claims in, measured rows out, in the forms of RobustBench and OpenOOD; out and in again gives the same numbers.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "boards.hpp"
#include "harness/metrics/metrics.hpp"
#include "results/board/format.hpp"
#include "results/board/interchange.hpp"

using namespace boards;
using namespace assay;
using board::ClaimImport;
using board::Terms;

namespace {

Terms attack_terms() { return {"attack", "series-attack", "cifar10", {}, {}}; }
Terms detect_terms() { return {"detect", "series-detect", "cifar10", {{"mnist", "far:mnist"}, {"kmnist", "near:kmnist"}}, {}}; }

Json model_info() {
  return Json::parse(R"({"link": "https://example.org/paper", "name": "A defence", "authors": "A, B", "additional_data": true,
    "number_forward_passes": 1, "dataset": "cifar10", "venue": "A conference", "architecture": "ResNet-18", "eps": "8/255",
    "clean_acc": "93.73", "reported": "71.28", "autoattack_acc": "71.20", "external": "64.20", "unreliable": true, "footnote": "none"})",
                     "test");
}

const store::ClaimedNumber& number(const ClaimImport& found, const std::string& quantity, const std::string& source = "") {
  for (const auto& one : found.numbers)
    if (one.quantity == quantity && one.source.rfind(source, 0) == 0) return one;
  FAIL("no claim of " << quantity);
  return found.numbers.front();
}

// Rows of a plain CSV without quotes.
board::Sheet sheet(const std::string& text) {
  board::Sheet out{"ood.csv", {}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto& row = out.rows.emplace_back();
    std::istringstream cells(line + ",");
    for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
  }
  return out;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

World detection() {
  Plan plan = synthetic::make_plan("detect", "auroc", "far:mnist");
  const Json far = Json::object({{"label", "mnist"}, {"group", "far"}}), near = Json::object({{"label", "kmnist"}, {"group", "near"}});
  plan.protocol["data"] = Json::object({{"ood", Json(Json::Array{far, near})}});
  plan.protocol_hash = sha256(plan.protocol.dump());
  World w(plan);
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    const Rng rng(static_cast<std::uint64_t>(seed), "interchange");
    const auto draw = [&](std::uint64_t salt, double shift) {
      std::vector<double> out(samples);
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = rng.normal(salt + i) + shift;
      return out;
    };
    std::vector<double> predicted(samples), label(samples);
    for (std::size_t i = 0; i < samples; ++i) {
      label[i] = static_cast<double>(i % 10);
      predicted[i] = i % 5 == 0 ? 3 : label[i];
    }
    std::vector<double> correct(samples);
    for (std::size_t i = 0; i < samples; ++i) correct[i] = predicted[i] == label[i] ? 1 : 0;
    const auto in = draw(0, 0), far_scores = draw(5000, 2), near_scores = draw(9000, 0.7);
    w.ok(w.add({"knn", seed}),
         {column_event(column("score", "id", in)), column_event(column("score", "far:mnist", far_scores)),
          column_event(column("score", "near:kmnist", near_scores)), column_event(column("predicted", "id", predicted)),
          column_event(column("label", "id", label)), column_event(column("predicted", "far:mnist", predicted)),
          column_event(column("correct", "id", correct)), score("auroc", "far:mnist", metrics::auroc(in, far_scores)),
          score("accuracy", "id", share(correct))});
  }
  w.import();
  return w;
}

}  // namespace

TEST_CASE("[rule 12] RobustBench's numbers become claims of a model, each with who says so") {
  const ClaimImport found = board::read_robustbench(model_info(), "Someone2021Thing", attack_terms());
  REQUIRE(found.numbers.size() == 4);
  CHECK(number(found, "accuracy").value == doctest::Approx(0.9373));
  CHECK(number(found, "accuracy").condition == "clean");
  CHECK(number(found, "robust_accuracy", "paper").value == doctest::Approx(0.7128));
  CHECK(number(found, "robust_accuracy", "RobustBench, AutoAttack").value == doctest::Approx(0.712));
  const auto& external = number(found, "robust_accuracy", "RobustBench, external");
  CHECK(external.value == doctest::Approx(0.642));
  CHECK(external.condition == "eps=8/255");
  CHECK(external.subject == "Someone2021Thing");
  CHECK(external.method.empty());
  CHECK(external.source == "RobustBench, external evaluation, A conference, https://example.org/paper, additional data, flagged unreliable");
}

TEST_CASE("RobustBench entries that do not fit are told, and nothing is guessed") {
  const auto refused = [](const std::string& key, const Json& value, Terms terms = attack_terms()) {
    Json info = model_info();
    info[key] = value;
    return message_of([&] { board::read_robustbench(info, "M", terms); });
  };
  CHECK(refused("clean_acc", "high") == "RobustBench model 'M': 'clean_acc' is no percentage: 'high'");
  CHECK(contains(refused("clean_acc", "937.3"), "no percentage"));
  CHECK(contains(refused("dataset", "imagenet"), "its data set is 'imagenet', the suite tests on 'cifar10'"));
  CHECK(contains(refused("x", 1, detect_terms()), "task 'attack'"));
  CHECK(contains(message_of([] { board::read_robustbench(Json::array(), "M", attack_terms()); }), "expected one JSON object"));
  Json corruptions = model_info();
  corruptions["eps"] = Json();
  corruptions["corruptions_acc"] = "80.1";
  const ClaimImport found = board::read_robustbench(corruptions, "M", attack_terms());
  CHECK(found.numbers.size() == 1);
  CHECK(found.remarks.size() == 2);
  Json numeric = model_info();  // some entries have numbers where others have text
  numeric["clean_acc"] = 93.5;
  CHECK(number(board::read_robustbench(numeric, "M", attack_terms()), "accuracy").value == doctest::Approx(0.935));
}

TEST_CASE("[rule 12] OpenOOD's rows become claims of a method at the suite's conditions") {
  const ClaimImport found = board::read_openood(
      sheet(",FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC\nkmnist,40.51,88.03,85,89,95.06\nnearood,40.51,88.03,85,89,95.06\nMNIST,20.1,92.96 ± 0.14,9,9,95.06\n"),
      "knn", detect_terms());
  CHECK(found.numbers.size() == 6);
  for (const auto& one : found.numbers) CHECK(one.method == "knn");
  const auto at = std::find_if(found.numbers.begin(), found.numbers.end(), [](const auto& n) { return n.quantity == "auroc" && n.condition == "far:mnist"; });
  REQUIRE(at != found.numbers.end());
  CHECK(at->value == doctest::Approx(0.9296));
  CHECK(number(found, "accuracy").condition == "id");
  CHECK(found.remarks.size() == 3);  // two AUPR, one mean
  const ClaimImport several = board::read_openood(sheet("method,dataset,AUROC\nmsp,mnist,90.73\nknn,mnist,92.96\n"), "", detect_terms());
  CHECK(several.numbers[0].method == "msp");
  CHECK(several.numbers[1].method == "knn");
}

TEST_CASE("OpenOOD tables that do not fit are told") {
  const auto refused = [](const std::string& text, const std::string& method = "m", Terms terms = detect_terms()) {
    return message_of([&] { board::read_openood(sheet(text), method, terms); });
  };
  CHECK(contains(refused(",AUROC\nmnist,9x\n"), "'9x' is no percentage"));
  CHECK(contains(refused(",AUROC\nmnist,90\n", ""), "say --method"));
  CHECK(contains(refused("a,b\n1,2\n"), "expected OpenOOD's columns"));
  CHECK(contains(refused(",AUROC\nsvhn,90\n"), "none of its data sets is a list of the suite; expected one of kmnist, mnist"));
  CHECK(contains(refused(",AUROC\n"), "no rows"));
  CHECK(contains(refused(",AUROC\nmnist,1,2\n"), "3 cells, expected 2"));
  CHECK(contains(refused(",AUROC\nmnist,1\n", "m", attack_terms()), "task 'detect'"));
}

TEST_CASE("a claim stands beside the measured number and changes no rank [rule 12]") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    w.ok(w.add({"pgd", seed}), attacked(flags(180, 1), flags(60, 2)));
    w.ok(w.add({"fgsm", seed}), attacked(flags(180, 1), flags(120, 3)));
  }
  w.import();
  const Board before = w.board();
  w.db.add_claimed({w.plan.series, "fgsm", "", "robust_accuracy", "eps=1/10", "paper", 0.0001});
  w.db.add_claimed({w.plan.series, "", "net", "robust_accuracy", "eps=1/10", "paper", 0.5});  // of the model: on boards of subjects
  const Board after = w.board();
  for (std::size_t i = 0; i < before.rows.size(); ++i) {
    CHECK(before.rows[i].method == after.rows[i].method);
    CHECK(before.rows[i].rank->lo == after.rows[i].rank->lo);
    CHECK(board::claims_beside(after, after.rows[i], after.metrics[0]).size() == (after.rows[i].method == "fgsm" ? 1 : 0));
  }
  CHECK(contains(board::format(after, board::Format::table, {}), "claimed"));
  CHECK_FALSE(contains(board::format(before, board::Format::table, {}), "claimed"));
  CHECK(contains(board::format(after, board::Format::json, {}), "\"source\": \"paper\""));
}

TEST_CASE("RobustBench: out and in again gives the measured numbers, and says what they are") {
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World w(plan);
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    w.ok(w.add({"apgd-ce", seed}), attacked(flags(180, 1), flags(60, 2)));
    w.ok(w.add({"square", seed}), attacked(flags(180, 1), flags(90, 3)));
  }
  w.import();
  const Board b = w.board();
  Query query;
  query.protocol = w.plan.protocol_hash;
  const auto models = board::robustbench_of(w.db, query);
  REQUIRE(models.count("net") == 1);
  const Json& info = models.at("net");
  CHECK(info.at("autoattack_acc").is_null());  // two of its four attacks are no AutoAttack
  CHECK(info.at("external").is_string());
  CHECK(info.get("eps", "") == "1/10");
  CHECK(contains(info.get("footnote", ""), "apgd-ce, square"));
  const ClaimImport back = board::read_robustbench(info, "net", board::terms_of(w.db, w.db.protocol(w.plan.protocol_hash)));
  CHECK(std::abs(number(back, "robust_accuracy").value - *b.rows[0].values[0].mean) < 5.1e-5);
  CHECK(std::abs(number(back, "accuracy").value - *b.rows[0].values[1].mean) < 5.1e-5);
  for (const auto& one : back.numbers) w.db.add_claimed(one);
  CHECK(board::claims_beside(w.board(), w.board().rows[0], b.metrics[0]).size() == 1);
  const World other = detection();
  Query wrong;
  wrong.protocol = other.plan.protocol_hash;
  CHECK(contains(message_of([&] { board::robustbench_of(other.db, wrong); }), "suites of task 'attack'"));
}

TEST_CASE("OpenOOD: each run's table and score files, and back as claims") {
  const World w = detection();
  const auto runs = board::openood_of(w.db, w.plan.protocol_hash);
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].folder == "knn/s0");
  const board::Sheet table = sheet(runs[0].csv);
  REQUIRE(table.rows.size() == 5);  // head, near list and mean, far list and mean
  CHECK(table.rows[0][1] == "FPR@95");
  CHECK(table.rows[2][0] == "nearood");
  CHECK(table.rows[1][2] == table.rows[2][2]);
  const auto cells = w.db.cells(w.plan.protocol_hash);
  const double measured = cells[0].standing->scores[1].quantity == "auroc" ? cells[0].standing->scores[1].value : cells[0].standing->scores[0].value;
  const ClaimImport back = board::read_openood(table, "knn", board::terms_of(w.db, w.db.protocol(w.plan.protocol_hash)));
  const auto at = std::find_if(back.numbers.begin(), back.numbers.end(), [](const auto& n) { return n.quantity == "auroc" && n.condition == "far:mnist"; });
  REQUIRE(at != back.numbers.end());
  CHECK(std::abs(at->value - measured) < 5.1e-5);

  const auto& in = runs[0].scores.at("id");
  const auto& far = runs[0].scores.at("mnist");
  CHECK(in.at("pred").as_i64()[0] == 3);
  CHECK(in.at("label").as_i64()[1] == 1);
  CHECK(far.at("label").as_i64()[0] == -1);
  CHECK(far.at("pred").as_i64()[0] == 3);
  CHECK(runs[0].scores.at("kmnist").count("pred") == 0);
  CHECK_FALSE(runs[0].predictions);
  // conf is the score turned round: in-distribution is higher
  const auto a = in.at("conf").as_f64(), b = far.at("conf").as_f64();
  CHECK(metrics::auroc(b, a) == doctest::Approx(measured).epsilon(1e-12));
}

TEST_CASE("every stored column of a cell, under a name that says which") {
  const World w = detection();
  const auto all = board::columns_of(w.db, w.plan.protocol_hash);
  REQUIRE(all.count("knn/s2") == 1);
  const auto& arrays = all.at("knn/s2");
  CHECK(arrays.size() == 14);
  CHECK(arrays.at("score@far:mnist").shape[0] == static_cast<std::int64_t>(samples));
  CHECK(arrays.at("score@far:mnist.id").as_i64()[1] == 1007);
}
