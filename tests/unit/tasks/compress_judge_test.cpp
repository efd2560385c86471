// [rule 38] The judge of compress compares what was physically removed with the masked original, and is not fooled.
#include <doctest/doctest.h>

#include "cell.hpp"

using namespace assay;
using namespace assay::tasks_test;

TEST_CASE("[rule 38] an honest compaction agrees with the masked original") {
  Cell cell;
  cell.log_removed(cell.kept);
  const auto events = cell.judge();
  const Event* error = find(events, "score", "quantity", "compaction_error");
  REQUIRE(error != nullptr);
  CHECK(error->json.at("value").as_real() <= 1e-4);
  CHECK(find(events, "verdict", "rule", 38) == nullptr);
}

TEST_CASE("[rule 38] a net that computes something else is INVALID") {
  Cell cell;
  std::vector<std::int64_t> wrong = cell.kept;
  for (std::int64_t& index : wrong) --index;  // claims to have removed the last channel, removed the first
  cell.log_removed(wrong);
  const auto events = cell.judge();
  const Event* verdict = find(events, "verdict", "rule", 38);
  REQUIRE(verdict != nullptr);
  CHECK(verdict->json.at("level") == Json("INVALID"));
}

TEST_CASE("[rule 35] both ratios are original over kept") {
  Cell cell;
  const auto events = cell.judge();
  const Event* ratio = find(events, "score", "quantity", "compression_ratio");
  const Event* speedup = find(events, "score", "quantity", "theoretical_speedup");
  REQUIRE(ratio != nullptr);
  REQUIRE(speedup != nullptr);
  CHECK(ratio->json.at("value").as_real() == doctest::Approx(static_cast<double>(graph::nonzero_param_count(cell.original)) /
                                                              static_cast<double>(graph::nonzero_param_count(cell.small))));
  CHECK(speedup->json.at("value").as_real() ==
        doctest::Approx(graph::nonzero_macs(cell.original) / graph::nonzero_macs(cell.small)));
}
