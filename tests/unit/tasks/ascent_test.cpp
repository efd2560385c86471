// What the host makes of the margins at an attack's gradient passes.
#include "harness/tasks/ascent.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

using namespace assay;
using engine::Tensor;

namespace {

const std::vector<std::int64_t> kIds{7, 9}, kLabels{0, 1};

// Logits of two samples and three classes whose margins are a and b.
Tensor logits(double a, double b) {
  const auto x = static_cast<float>(a), y = static_cast<float>(b);
  return Tensor::f32({2, 3}, std::vector<float>{1, 1 + x, -50, 2 + y, 2, -50});
}

std::vector<double> after(int passes, const std::function<double(int)>& a, const std::function<double(int)>& b) {
  tasks::Ascent ascent;
  ascent.begin(kIds, kLabels);
  for (int k = 0; k < passes; ++k) ascent.see(std::vector<std::uint64_t>{7, 9}, logits(a(k), b(k)));
  return ascent.late_gains();
}

}  // namespace

TEST_CASE("[rule 22] the last tenth's share of what a margin gained") {
  const auto steady = [](int k) { return -10 + 0.1 * k; };
  const auto settled = [](int k) { return -std::exp(-0.2 * k); };
  const auto gains = after(41, steady, settled);
  CHECK(gains[0] == doctest::Approx(0.1).epsilon(1e-4));  // four of forty steps
  CHECK(gains[1] < 0.005);
  CHECK(after(19, steady, settled) == std::vector<double>{-1, -1});
  // Only the best so far counts: a search that falls back gains nothing.
  const auto falling = after(
      40, [](int k) { return -0.1 * k; }, [](int k) { return k < 20 ? 0.1 * k : 0.0; });
  CHECK(falling == std::vector<double>{0, 0});
}

TEST_CASE("passes of unnamed rows are the batch's where they are as many; others are nobody's") {
  tasks::Ascent ascent;
  ascent.begin(kIds, kLabels);
  for (int k = 0; k < 20; ++k) ascent.see({}, logits(k, -k));
  CHECK(ascent.late_gains()[0] == doctest::Approx(2.0 / 19));
  CHECK(ascent.late_gains()[1] == 0);
  ascent.begin(kIds, kLabels);
  for (int k = 0; k < 40; ++k) {
    ascent.see({}, Tensor::f32({1, 3}, std::vector<float>{1, 2, 3}));
    ascent.see(std::vector<std::uint64_t>{7, 8}, logits(k, k));
    ascent.see(std::vector<std::uint64_t>{9, 9}, logits(NAN, NAN));
  }
  CHECK(ascent.late_gains()[0] == doctest::Approx(4.0 / 39));
  CHECK(ascent.late_gains()[1] == -1);
}

TEST_CASE("[rule 22] more than half of the unbroken samples, beyond chance") {
  const std::vector<double> standing(30, 1), climbing(30, 0.1), settled(30, 0.01);
  CHECK(tasks::still_climbing(standing, climbing).find("30 of 30 unbroken samples") == 0);
  CHECK(tasks::still_climbing(standing, settled).empty());
  CHECK(tasks::still_climbing(std::vector<double>(30, 0), climbing).empty());
  std::vector<double> half = climbing;
  std::fill(half.begin(), half.begin() + 14, 0.0);
  CHECK(tasks::still_climbing(standing, half).empty());  // 16 of 30: chance
  std::fill(half.begin(), half.begin() + 14, -1.0);
  CHECK(tasks::still_climbing(standing, half).find("16 of 16") == 0);
}
