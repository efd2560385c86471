// Pareto fronts of quality against cost: sure where the gap is large, unsure where methods cannot be told apart.
#include <doctest/doctest.h>

#include <algorithm>

#include "boards.hpp"
#include "results/board/front.hpp"

using namespace boards;
using namespace assay;

namespace {

// An attack that leaves `robust` samples standing for `forward` passes, three seeds.
void add_attack(World& w, const std::string& method, std::size_t robust, std::int64_t forward) {
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    const Node& node = w.add({method, seed});
    Finished f;
    f.node = &node;
    f.status = "ok";
    f.host = Json::object({{"machine", "m"}, {"build", "b"}, {"shared", method == "shared"}});
    f.input_digests = {{"data", sha256("data")}, {"model:net", sha256("net")}};
    w.bench.add_stage(f, "run", "ok", {{Json::object({{"type", "counters"}, {"forward", forward}, {"backward", 1}, {"macs", 10}}), {}}});
    const auto salt = static_cast<std::uint64_t>(robust + static_cast<std::size_t>(forward));
    w.bench.add_stage(f, "judge", "ok", attacked(flags(180, 1), flags(robust, salt)));
    w.finished.push_back(f);
  }
}

board::Front front_of(const World& w, const std::string& cost) {
  Query query;
  query.protocol = w.plan.protocol_hash;
  query.resamples = 400;
  query.require_certificate = false;
  return board::make_front(w.db, query, w.board(), cost);
}

}  // namespace

TEST_CASE("a front of attacks: less robust accuracy is better, fewer passes are better, and each share says how sure") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  add_attack(w, "cheap", 150, 10);
  add_attack(w, "strong", 20, 1000);
  add_attack(w, "wasteful", 150, 5000);
  add_attack(w, "like-strong", 22, 999);
  w.import();
  const Board b = w.board();
  const board::Front front = front_of(w, "forward");
  REQUIRE(front.rows.size() == 4);
  const auto row = [&](const std::string& method) {
    return *std::find_if(front.rows.begin(), front.rows.end(), [&](const board::FrontRow& one) { return b.rows[one.row].method == method; });
  };
  CHECK(row("cheap").on_front);
  CHECK(row("cheap").probability == doctest::Approx(1));
  CHECK(row("strong").on_front);
  CHECK(row("strong").probability > 0.5);
  CHECK(row("strong").probability < 1);  // its rival for one pass less may be as good
  CHECK(row("like-strong").probability == doctest::Approx(1));
  CHECK_FALSE(row("wasteful").on_front);
  CHECK(row("wasteful").probability == 0);
  CHECK(row("cheap").cost == 10);
  CHECK(front.note.empty());
}

TEST_CASE("a front leaves out what has no comparable cost, and says so [rule 41]") {
  World w(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10"));
  add_attack(w, "a", 100, 10);
  add_attack(w, "b", 50, 20);
  add_attack(w, "shared", 10, 5);
  w.import();
  CHECK(front_of(w, "forward").rows.size() == 3);
  const board::Front timed = front_of(w, "cpu");
  CHECK(timed.rows.size() == 2);
  CHECK(timed.note.find("1 row is left out") == 0);
  CHECK(message_of([&] { front_of(w, "forwards"); }) == "unknown cost 'forwards'; did you mean 'forward'?");
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World subjects(plan);
  add_attack(subjects, "a", 100, 10);
  subjects.import();
  CHECK(front_of(subjects, "forward").note.find("no quality of methods") != std::string::npos);
}
