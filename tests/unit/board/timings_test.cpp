// Boards ranked by a time: told apart by rounds and a factor, never by a resampling of three medians.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "boards.hpp"
#include "results/board/compare.hpp"
#include "results/board/front.hpp"
#include "results/board/pairs.hpp"

using namespace boards;
using namespace assay;

namespace {

std::vector<double> rounds_around(double seconds, const std::string& salt) {
  const Rng rng(44, salt);
  std::vector<double> out(12);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = seconds * (1 + 0.01 * rng.uniform(i));
  return out;
}

Event round_column(std::vector<double> values) {
  std::vector<std::int64_t> ids(values.size());
  std::iota(ids.begin(), ids.end(), 0);
  return column_event({"round_seconds", "test", "", "round", "host-measured", std::move(ids), std::move(values)});
}

// Three seeds of a method whose batch takes so long, with the rounds that say so or without.
void add_timed(World& w, const std::string& method, double seconds, bool rounds = true) {
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    const auto values = rounds_around(seconds, method + std::to_string(seed));
    Json event = Json::object({{"type", "score"}, {"quantity", "latency"}, {"condition", "test"}, {"grade", "host-measured"},
                               {"shared", false}, {"value", values[0]}});
    std::vector<Event> events{{event, {}}};
    if (rounds) events.push_back(round_column(values));
    w.ok(w.add({method, seed}), events);
  }
}

}  // namespace

TEST_CASE("a board of timings tells rows apart by their rounds and a factor [rule 44]") {
  World w(synthetic::make_plan("predict", "latency", "test"));
  add_timed(w, "quick", 0.010);
  add_timed(w, "nearly", 0.0103);
  add_timed(w, "slow", 0.013);
  w.import();
  const Board b = w.board();
  CHECK((row_of(b, "quick").rank->lo == 1 && row_of(b, "quick").rank->hi == 2));
  CHECK((row_of(b, "nearly").rank->lo == 1 && row_of(b, "nearly").rank->hi == 2));
  CHECK((row_of(b, "slow").rank->lo == 3 && row_of(b, "slow").rank->hi == 3));

  Query query;
  query.protocol = w.plan.protocol_hash;
  query.require_certificate = false;
  const auto pairs = board::make_pairs(w.db, query, b);
  REQUIRE(pairs.pairs.size() == 3);
  CHECK(pairs.note.find("more than 1.05 times the other (rule 44)") != std::string::npos);
  for (const auto& pair : pairs.pairs) {
    const bool slow = b.rows[pair.a].method == "slow" || b.rows[pair.b].method == "slow";
    CHECK((pair.p_holm < 0.01) == slow);
    CHECK(pair.interval.over == "seeds");
  }
}

TEST_CASE("a board of timings has no front: nothing says how sure it would be") {
  World w(synthetic::make_plan("predict", "latency", "test"));
  add_timed(w, "quick", 0.010);
  add_timed(w, "slow", 0.013);
  w.import();
  Query query;
  query.protocol = w.plan.protocol_hash;
  query.require_certificate = false;
  const auto front = board::make_front(w.db, query, w.board(), "forward");
  CHECK(front.rows.empty());
  CHECK(front.note.find("timings are not resampled") == 0);
}

TEST_CASE("timings without rounds are not told apart, and the rows say why [rule 44]") {
  World w(synthetic::make_plan("predict", "latency", "test"));
  add_timed(w, "quick", 0.010);
  add_timed(w, "bare", 0.1, false);
  w.import();
  const Board b = w.board();
  for (const char* method : {"quick", "bare"}) {
    const Row& row = row_of(b, method);
    CHECK((row.rank->lo == 1 && row.rank->hi == 2));
    CHECK(std::find(row.notes.begin(), row.notes.end(), "no rounds to compare by (rule 44)") != row.notes.end());
  }
}

TEST_CASE("a comparison of timings over seeds calls nothing within the factor different [rule 44]") {
  const auto compared = [](double second, double least_factor) {
    board::WideTable wide;
    wide.unit = board::Unit::seeds;
    wide.least_factor = least_factor;
    wide.table.methods = {"a", "b"};
    wide.table.higher_is_better = false;
    for (int seed = 0; seed < 12; ++seed) {
      wide.table.data_sets.push_back(std::to_string(seed));
      wide.table.values.push_back({1 + 0.0001 * seed, second + 0.0001 * seed * seed});
    }
    return board::compare(wide);
  };
  CHECK(compared(1.03, 1).pairs[0].outcome == board::Outcome::better);
  const auto near = compared(1.03, stats::least_timing_factor);
  CHECK(near.pairs[0].outcome == board::Outcome::no_difference_found);
  CHECK(near.sentences[0].find("A change below a factor of 1.05 is no difference (rule 44)") != std::string::npos);
  CHECK(compared(1.2, stats::least_timing_factor).pairs[0].outcome == board::Outcome::better);

  World w(synthetic::make_plan("predict", "latency", "test"));
  add_timed(w, "quick", 0.010);
  add_timed(w, "slow", 0.013);
  w.import();
  CHECK(board::wide_of(w.db, w.board(), {{"quick", "slow"}, "", std::nullopt}).least_factor == stats::least_timing_factor);
}
