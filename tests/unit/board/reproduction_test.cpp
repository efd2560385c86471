// Two runs of one cell: identical, equivalent under another numerics class, or different.
#include <doctest/doctest.h>

#include "boards.hpp"
#include "results/board/reproduction.hpp"

using namespace assay;
using namespace assay::board;
using namespace boards;

namespace {

// A database with one cell and one attempt at it.
struct Single {
  World world;
  explicit Single(const std::vector<Event>& events, const std::string& isa = "avx2")
      : world(synthetic::make_plan("attack", "robust_accuracy", "eps=1/10")) {
    world.add({"fgsm", 0});
    world.plan.nodes[0].numerics.isa = isa;
    world.ok(world.plan.nodes[0], events);
    world.import();
  }
  store::AttemptRecord attempt() const { return *world.db.find(world.plan.nodes[0].key)->standing; }
};

Reproduction compare(const Single& before, const Single& now, bool clock_bounded = false) {
  const store::AttemptRecord a = before.attempt(), b = now.attempt();
  return compare_runs({before.world.db, a}, {now.world.db, b}, clock_bounded);
}

// `lost` of the first units become 0, `gained` of the zeros at the end become 1; of 200 units 100 are 1.
std::vector<Event> outcomes(std::size_t lost = 0, std::size_t gained = 0, double margin = 0) {
  std::vector<double> robust(samples), distance(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    robust[i] = (i < 100 && i >= lost) || i >= samples - gained ? 1 : 0;
    distance[i] = static_cast<double>(i) / samples + margin;
  }
  return {column_event(column("robust", "eps=1/10", robust)), column_event(column("distance", "eps=1/10", distance)),
          score("robust_accuracy", "eps=1/10", share(robust), samples), score("macs", "test", 1000 * (1 + margin), 1)};
}

}  // namespace

TEST_CASE("the same bits in the same class are identical [rule 7]") {
  const Reproduction r = compare(Single(outcomes()), Single(outcomes()));
  CHECK(r.sameness == Sameness::identical);
  CHECK((r.columns == 2 && r.units == 200 && r.scores == 2));
  CHECK(r.says() == "identical: 2 columns of up to 200 units and 2 scores, every byte (numerics " + r.numerics_now + ")");
}

TEST_CASE("one flipped unit of the same class is different, and says which [rule 7]") {
  const Reproduction r = compare(Single(outcomes()), Single(outcomes(1)));
  CHECK(r.sameness == Sameness::different);
  REQUIRE(r.deviations.size() == 2);
  CHECK(r.deviations[0].says() == "robust @ eps=1/10: 1 of 200 samples flipped, 1 lost and 0 gained (McNemar p = 1)");
  CHECK(r.deviations[1].says() == "robust_accuracy @ eps=1/10: 0.5 before, 0.495 now");
  const Json json = r.to_json();
  CHECK(json.at("verdict").as_string() == "different");
  CHECK(json.at("deviations").at(std::size_t{0}).at("lost").as_int() == 1);
  // A difference in the last bit of one real number counts too.
  CHECK(compare(Single(outcomes()), Single(outcomes(0, 0, 1e-16))).sameness == Sameness::different);
}

TEST_CASE("another class: flips without a direction are equivalent, one-sided ones are not") {
  const auto other = [](std::size_t lost, std::size_t gained) {
    return compare(Single(outcomes()), Single(outcomes(lost, gained), "avx512_core"));
  };
  CHECK(other(0, 0).sameness == Sameness::equivalent);
  const Reproduction balanced = other(6, 5);
  CHECK(balanced.sameness == Sameness::equivalent);
  CHECK(*balanced.deviations[0].p == doctest::Approx(1.0));
  // Exact binomial test: 2 * 0.5^8 = 0.0078, below 1 %; 2 * 0.5^7 = 0.0156 is not.
  CHECK(*other(8, 0).deviations[0].p == doctest::Approx(0.0078125));
  CHECK(other(8, 0).sameness == Sameness::different);
  CHECK(other(7, 0).sameness == Sameness::equivalent);
  CHECK(other(0, 8).says().find("0 lost and 8 gained") != std::string::npos);
}

TEST_CASE("another class: real outcomes may move by a hundredth of their spread, bare numbers by a hundredth") {
  const auto other = [](double margin) { return compare(Single(outcomes()), Single(outcomes(0, 0, margin), "avx512_core")); };
  CHECK(other(1e-6).sameness == Sameness::equivalent);
  const Reproduction moved = other(0.004);  // the spread of i / 200 is 0.2887
  CHECK(moved.sameness == Sameness::different);
  CHECK(moved.deviations[0].moved == doctest::Approx(0.004 / 0.288672).epsilon(1e-4));
  CHECK(moved.deviations[1].explained);  // MACs: 0.4 %
  CHECK(!other(0.02).deviations[1].explained);
  // Distances that are all but equal: a rounding is none of their spread's business.
  const auto flat = [](double value) {
    std::vector<double> all(samples, value);
    all[0] = 0.1;
    return std::vector<Event>{column_event(column("distance", "eps=1/10", all))};
  };
  CHECK(compare(Single(flat(0.1)), Single(flat(0.1 + 1e-9), "sse41")).sameness == Sameness::equivalent);
  CHECK(compare(Single(flat(0.1)), Single(flat(0.101), "sse41")).sameness == Sameness::different);
}

TEST_CASE("a method bounded by the clock is compared like another class") {
  CHECK(compare(Single(outcomes()), Single(outcomes(2, 2)), true).sameness == Sameness::equivalent);
  CHECK(compare(Single(outcomes()), Single(outcomes(2, 2)), false).sameness == Sameness::different);
}

TEST_CASE("missing columns, other units and other verdicts are differences in any class") {
  auto fewer = outcomes();
  fewer.erase(fewer.begin());
  CHECK(compare(Single(outcomes()), Single(fewer, "sse41")).deviations[0].trouble == "was recorded, is missing now");
  CHECK(compare(Single(fewer), Single(outcomes(), "sse41")).sameness == Sameness::different);
  auto shorter = outcomes();
  shorter[0] = column_event(column("robust", "eps=1/10", {1, 0}));
  CHECK(compare(Single(outcomes()), Single(shorter, "sse41")).deviations[0].trouble == "other units (200 before, 2 now)");
  auto suspect = outcomes();
  suspect.push_back(verdict("SUSPECT", 19, "3 % of samples have a zero gradient"));
  const Reproduction r = compare(Single(outcomes()), Single(suspect, "sse41"));
  CHECK(r.sameness == Sameness::different);
  CHECK(r.reasons.at(0) == "is SUSPECT (rule 19), was not before");
}

TEST_CASE("what a repetition said before is no difference") {
  Single before(outcomes());
  before.world.db.add_repeat(before.attempt().id, {"different", "x", "m", "b", "n", 2, 200, 2, Json::array()});
  CHECK(before.attempt().level == store::Level::suspect);
  CHECK(compare(before, Single(outcomes())).sameness == Sameness::identical);
}
