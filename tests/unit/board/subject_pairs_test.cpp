// Subjects against each other: pairs and comparisons by the worst case of all attacks (rules 14, 45, 50).
#include <doctest/doctest.h>

#include "boards.hpp"
#include "results/board/compare.hpp"
#include "results/board/pairs.hpp"

using namespace boards;
using namespace assay;

namespace {

// Subject "strong" loses `strong` samples fewer than "weak"; two attacks each, three seeds.
World world(std::size_t weak, std::size_t strong) {
  Plan plan = synthetic::make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World w(plan);
  for (std::int64_t seed = 0; seed < 3; ++seed)
    for (const auto& [subject, robust] : {std::pair("weak", weak), std::pair("strong", strong)}) {
      synthetic::CellSpec spec{"pgd", seed};
      spec.subject = subject;
      w.ok(w.add(spec), attacked(flags(180, 1), flags(robust, 2)));
      spec.method = "square";
      w.ok(w.add(spec), attacked(flags(180, 1), flags(190, 3)));
    }
  w.import();
  return w;
}

board::Pairs pairs_of(const World& w) {
  Query query;
  query.protocol = w.plan.protocol_hash;
  query.resamples = 400;
  return board::make_pairs(w.db, query, w.board());
}

}  // namespace

TEST_CASE("subjects are compared in pairs by their worst cases, corrected for all pairs [rule 50]") {
  const World w = world(60, 120);
  const board::Pairs pairs = pairs_of(w);
  REQUIRE(pairs.pairs.size() == 1);
  const Board b = w.board();
  const auto& pair = pairs.pairs[0];
  CHECK(pair.difference == doctest::Approx(*b.rows[pair.a].values[0].mean - *b.rows[pair.b].values[0].mean));
  CHECK(b.rows[pair.a].subject == "strong");
  CHECK(pair.interval.lo > 0);
  CHECK(pair.p_holm < 0.01);
  CHECK(pairs_of(world(60, 60)).pairs[0].p_holm == 1);
}

TEST_CASE("compare takes subjects where the board ranks them, by samples and by seeds [rule 45]") {
  const World w = world(60, 120);
  const Board b = w.board();
  const board::WideTable samples_table = board::wide_of(w.db, b, {{"strong", "weak"}, "", std::nullopt});
  CHECK(samples_table.table.data_sets.size() == samples);
  CHECK(samples_table.replicates == 3);
  double mean = 0;
  for (const auto& row : samples_table.table.values) mean += *row[0] / static_cast<double>(samples);
  CHECK(mean == doctest::Approx(*b.rows[0].values[0].mean));
  const board::WideTable seeds = board::wide_of(w.db, b, {{"strong", "weak"}, "", board::Unit::seeds});
  REQUIRE(seeds.table.values.size() == 3);
  CHECK(*seeds.table.values[2][0] == doctest::Approx(b.rows[0].values[0].per_seed[2]));
  CHECK(message_of([&] { board::wide_of(w.db, b, {{"strong", "week"}, "", std::nullopt}); }) == "compare: no subject 'week'; did you mean 'weak'?");
  CHECK(message_of([&] { board::wide_of(w.db, b, {{"weak", "weak"}, "", std::nullopt}); }).find("stands twice") != std::string::npos);
}
