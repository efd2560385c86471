// The form of a user's outputs: what becomes a journal, and the one message that each broken file gets.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/submission.hpp"
#include "harness/data/loaders/formats.hpp"
#include "harness/record/shard.hpp"

using namespace assay;

namespace {

using Arrays = std::map<std::string, Array>;

Plan suite_of(const std::string& task) {
  Plan plan;
  plan.suite = "s";
  plan.task = task;
  plan.protocol = Json::object({{"threat", Json::object({{"norm", "linf"}, {"eps", Json(Json::Array{"0", "1/10"})}})}});
  return plan;
}

Array ids(std::vector<std::int64_t> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  return Array::i64({n}, values);
}
Array reals(std::vector<std::int64_t> shape, std::vector<float> values) { return Array::f32(std::move(shape), values); }

struct Desk {
  TempDir folder;
  fs::path file = folder.path() / "out.npz", journal = folder.path() / "journal";

  // The batches of what was written, or the message.
  std::vector<std::pair<std::string, Container>> take(const std::string& task, const Arrays& arrays) {
    data::write_npz(file, arrays);
    return taken(task);
  }
  std::vector<std::pair<std::string, Container>> taken(const std::string& task) {
    fs::remove(journal);
    cli::write_journal(suite_of(task), file, journal);
    std::vector<std::pair<std::string, Container>> out;
    for (const Event& event : read_shard(journal).events) {
      CHECK(event.type() == "batch");
      out.emplace_back(event.json.get("condition", ""), decode(event.blob, "batch"));
    }
    return out;
  }
  std::string refused(const std::string& task, const Arrays& arrays) {
    try {
      take(task, arrays);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  std::string refused_text(const std::string& task, const std::string& name, const std::string& text) {
    file = folder.path() / name;
    write_atomic(file, text);
    try {
      taken(task);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("adversarial inputs become batches of f32 under their radius") {
  Desk desk;
  const auto made = desk.take("attack", {{"id", ids({4, 9})}, {"x", reals({2, 1, 2}, {0, 0.5f, 1, 0.25f})}});
  REQUIRE(made.size() == 1);
  CHECK(made[0].first == "eps=1/10");
  CHECK(made[0].second.at("id").as_i64()[1] == 9);
  CHECK(made[0].second.at("x").as_f32()[3] == 0.25f);
  const std::vector<std::uint8_t> bytes{0, 255};
  const auto whole = desk.take("attack", {{"id", ids({4, 9})}, {"eps=1/10", Array::u8({2, 1}, bytes)}});
  CHECK(whole[0].second.at("x").as_f32()[1] == 1.0f);  // bytes mean v / 255
}

TEST_CASE("many rows become several batches, in order") {
  Desk desk;
  std::vector<std::int64_t> id(700);
  std::vector<float> x(1400);
  for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::int64_t>(i) * 3;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const auto made = desk.take("attack", {{"id", ids(id)}, {"x", reals({700, 2}, x)}});
  REQUIRE(made.size() == 3);
  CHECK(made[2].second.at("x").shape == std::vector<std::int64_t>{188, 2});
  CHECK(made[2].second.at("x").as_f32()[0] == 1024);
  CHECK(made[2].second.at("id").as_i64()[0] == 512 * 3);
}

TEST_CASE("scores and predictions, as npz and as a table with 64-bit ids") {
  Desk desk;
  const std::vector<double> scores{0.1, -2};
  CHECK(desk.take("detect", {{"id", ids({1, 2})}, {"score", Array::f64({2}, scores)}})[0].second.at("score").as_f64()[1] == -2);
  CHECK(desk.take("predict", {{"id", ids({1, 2})}, {"logits", reals({2, 3}, {1, 2, 3, 4, 5, 6})}})[0].second.at("logits").shape[1] == 3);
  CHECK(desk.take("predict", {{"id", ids({1, 2})}, {"prediction", ids({0, 7})}})[0].second.at("prediction").as_f32()[1] == 7);
  CHECK(desk.refused_text("detect", "s.csv", "id,score\n9223372036854775807,0.5\n-4,1e-3\n").empty());
  const Event event = read_shard(desk.journal).events.at(0);
  CHECK(decode(event.blob, "b").at("id").as_i64()[0] == 9223372036854775807);
  CHECK(desk.refused_text("predict", "p.csv", "id,prediction\n3,1\n").empty());
}

TEST_CASE("each broken file gets one clear message") {
  Desk desk;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Array x = reals({2, 1}, {0, 1});
  CHECK(contains(desk.refused("attack", {{"x", x}}), "no array 'id'; it holds x"));
  CHECK(contains(desk.refused("attack", {{"id", reals({2}, {1, 2})}, {"x", x}}), "no list of 64-bit integers"));
  CHECK(contains(desk.refused("attack", {{"id", ids({3, 3})}, {"x", x}}), "id 3 occurs twice"));
  CHECK(contains(desk.refused("attack", {{"id", ids({1, 2, 3})}, {"x", x}}), "'x' has 2 rows for 3 ids"));
  CHECK(contains(desk.refused("attack", {{"id", ids({1, 2})}, {"eps=1/5", x}}), "array 'eps=1/5' is no radius of the suite; did you mean 'eps=1/10'?"));
  CHECK(contains(desk.refused("attack", {{"id", ids({1, 2})}}), "no array for eps=1/10"));
  CHECK(contains(desk.refused("attack", {{"id", ids({1, 2})}, {"x", reals({2, 2}, {0, 1, nan, 1})}}), "'x' of id 2 is not a finite number"));
  CHECK(contains(desk.refused("detect", {{"id", ids({1, 2})}, {"scores", x}}), "no array 'score'; it holds id, scores"));
  CHECK(contains(desk.refused("detect", {{"id", ids({1, 2})}, {"score", reals({2, 2}, {0, 1, 2, 3})}}), "expected one score an input"));
  CHECK(contains(desk.refused("predict", {{"id", ids({1, 2})}, {"probs", x}}), "expected one of the arrays logits, probabilities, prediction"));
  CHECK(contains(desk.refused("predict", {{"id", ids({1, 2})}, {"logits", reals({2}, {0, 1})}}), "1 dimensions"));
  CHECK(contains(desk.refused_text("detect", "a.csv", "id,score\n1,\n"), "something else than finite numbers"));
  CHECK(contains(desk.refused_text("detect", "b.csv", "id,score\n1.5,2\n"), "'1.5' is no id"));
  CHECK(contains(desk.refused_text("detect", "c.csv", "sample,score\n1,2\n"), "no column 'id'"));
  CHECK(contains(desk.refused_text("attack", "d.csv", "id,x\n1,2\n"), "adversarial inputs come as .npz"));
  CHECK(contains(desk.refused_text("detect", "e.txt", "x"), "expected FILE.npz or FILE.csv"));
}

TEST_CASE("the template's page says what to bring and how to submit it") {
  Node site;
  site.subject = "net";
  site.seeds.values = {{"method", 2}};
  const std::string attack = cli::template_page(suite_of("attack"), site, "my/suite");
  CHECK(contains(attack, "`eps=1/10`"));
  CHECK(contains(attack, "assay submit my/suite --name my-method --outputs FILE --subject net --seed 2"));
  CHECK(contains(cli::template_page(suite_of("detect"), site, "s"), "higher = more anomalous"));
}
