// Rules 21 and 22 on a board of subjects: an attack that was too short, beside one that was not.
#include <doctest/doctest.h>

#include "tests/unit/board/boards.hpp"

using namespace boards;

namespace {

// `pgd` leaves 80 samples of 200 and is said to be too short; `autoattack` leaves `strong`.
Row subject(std::size_t strong, int rule = 21, bool strong_short = false) {
  Plan plan = make_plan("attack", "robust_accuracy", "eps=1/10");
  plan.rank = "subject";
  World w(plan);
  const Json none{Json::Object{}};
  for (std::int64_t s = 0; s < 3; ++s) {
    const std::vector<double> clean(samples, 1);
    auto pgd = attacked(clean, flags(80, 3));
    pgd.push_back(verdict("SUSPECT", rule, "a longer one breaks more"));
    w.ok(w.add({"pgd", s, false, none, none, "net"}), pgd);
    auto stronger = attacked(clean, flags(strong, 3));
    if (strong_short) stronger.push_back(verdict("SUSPECT", 21, "a longer one breaks more of it, too"));
    w.ok(w.add({"autoattack", s, false, none, none, "net"}), stronger);
    w.ok(w.add({"noise", s, true, none, none, "net"}), attacked(clean, clean));
  }
  w.import();
  return w.board().rows.at(0);
}

}  // namespace

TEST_CASE("a short attack does not make a subject suspect beside one that went far enough and leaves no more [rule 21] [rule 22]") {
  for (const int rule : {21, 22}) {
    const Row row = subject(60, rule);
    CHECK(row.level == assay::store::Level::valid);
    CHECK(row.rank);
    CHECK(row.reasons.empty());
    REQUIRE(row.notes.size() == 1);
    CHECK(row.notes[0] == "pgd alone did not go far enough (rules 21, 22); autoattack did, and leaves no more");
  }
  CHECK(subject(80).level == assay::store::Level::valid);  // exactly as much
}

TEST_CASE("it does where it is the strongest, where the stronger one was short as well, and for any other rule") {
  for (const Row& row : {subject(90), subject(60, 21, true), subject(60, 19)}) {
    CHECK(row.level == assay::store::Level::suspect);
    CHECK_FALSE(row.rank);
    CHECK(row.reasons.size() >= 1);
  }
}
