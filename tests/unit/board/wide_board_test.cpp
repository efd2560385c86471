// Rows of a board as a table to compare: what pairs are, and what is refused.
#include <doctest/doctest.h>

#include "boards.hpp"
#include "results/board/compare.hpp"

using namespace assay;
using namespace assay::board;
using namespace boards;

namespace {

std::string refusal(const World& w, const RowChoice& choice) {
  return message_of([&] { wide_of(w.db, w.board(), choice); });
}

}  // namespace

TEST_CASE("methods of a board by sample: a row a sample, its value the mean over seeds [rule 45]") {
  const World w = attack_world();
  const WideTable wide = wide_of(w.db, w.board(), {{"pgd", "fgsm"}, "", {}});
  CHECK(wide.unit == Unit::samples);
  CHECK(wide.replicates == 3);
  CHECK_FALSE(wide.table.higher_is_better);  // an attack is the better for leaving less
  REQUIRE(wide.table.data_sets.size() == samples);
  double difference = 0;
  for (const auto& row : wide.table.values) difference += (*row[0] - *row[1]) / samples;
  const Board b = w.board();
  CHECK(difference == doctest::Approx(*row_of(b, "pgd").values[0].mean - *row_of(b, "fgsm").values[0].mean));
  const Comparison report = compare(wide);
  CHECK(report.pairs.at(0).outcome == Outcome::better);
  CHECK(report.pairs.at(0).a == "pgd steps=20");
  CHECK(report.sentences.at(0).find("mean of 3 seeds on one sample") != std::string::npos);
}

TEST_CASE("by seed: where asked for, and where the metric is no mean over samples") {
  const World w = attack_world();
  const WideTable seeds = wide_of(w.db, w.board(), {{"pgd", "fgsm", "mi-fgsm"}, "", Unit::seeds});
  CHECK(seeds.unit == Unit::seeds);
  CHECK(seeds.table.data_sets == std::vector<std::string>{"0", "1", "2"});
  const Board b = w.board();
  for (std::size_t s = 0; s < 3; ++s) CHECK(*seeds.table.values[s][1] == row_of(b, "fgsm").values[0].per_seed[s]);
  const World detect = detect_world();
  CHECK(wide_of(detect.db, detect.board(), {{"msp", "mahalanobis"}, "", {}}).unit == Unit::seeds);
  CHECK(wide_of(detect.db, detect.board(), {{"msp", "mahalanobis"}, "", {}}).table.higher_is_better);
  CHECK(refusal(detect, {{"msp", "mahalanobis"}, "", Unit::samples}).find("has no per-sample values of auroc") != std::string::npos);
}

TEST_CASE("what cannot be compared says why [rule 2]") {
  const World w = attack_world();
  CHECK(refusal(w, {{"pgd", "fgms"}, "", {}}) == "compare: no row 'fgms'; did you mean 'fgsm'?");
  CHECK(refusal(w, {{"pgd", "flaky"}, "", {}}) == "compare: 'flaky' has 2 of 3 cells (1 of 3 oom); expected all of them");
  CHECK(refusal(w, {{"pgd", "crashing"}, "", {}}).find("'crashing' has 0 of 3 cells") != std::string::npos);
  CHECK(refusal(w, {{"pgd", "pgd"}, "", {}}) == "compare: 'pgd' stands twice");
  CHECK(refusal(w, {{"pgd", "fgsm"}, "other", {}}).find("no row 'pgd' on subject 'other'") != std::string::npos);
  const World curves = compress_world();  // compared at the board's rank point
  CHECK(wide_of(curves.db, curves.board(), {{"magnitude", "random"}, "", {}}).table.data_sets.size() == samples);
}
