// Rank metrics of out-of-distribution detection (rule 30). Scores are sorted once by a radix sort of their bits; all
// statistics then walk groups of equal scores.
#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <numeric>

#include "harness/metrics/checks.hpp"
#include "harness/metrics/metrics.hpp"

namespace assay::metrics {
namespace {

void need_both(const char* metric, std::span<const double> in, std::span<const double> out) {
  if (in.empty()) detail::refuse(metric, "one class is missing: no in-distribution scores");
  if (out.empty()) detail::refuse(metric, "one class is missing: no out-of-distribution scores");
  detail::need_numbers(metric, in, "in");
  detail::need_numbers(metric, out, "out");
}

// A key whose unsigned order is the order of the doubles; -0 and +0 are one score.
std::uint64_t key_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  return bits >> 63 ? ~bits : bits | (std::uint64_t{1} << 63);
}

struct Item {
  std::uint64_t key;
  std::uint32_t index;  // into in ++ out
};

// Ascending, stable. Least significant digit first, 8 passes of 8 bits; passes in which all keys agree are skipped.
std::vector<Item> sorted(std::span<const double> in, std::span<const double> out) {
  std::vector<Item> items(in.size() + out.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    items[i] = {key_of(i < in.size() ? in[i] : out[i - in.size()]), static_cast<std::uint32_t>(i)};
  std::vector<Item> other(items.size());
  for (int shift = 0; shift < 64; shift += 8) {
    std::array<std::size_t, 257> start{};
    for (const Item& item : items) ++start[(item.key >> shift & 255) + 1];
    if (*std::max_element(start.begin(), start.end()) == items.size()) continue;
    std::partial_sum(start.begin(), start.end(), start.begin());
    for (const Item& item : items) other[start[item.key >> shift & 255]++] = item;
    items.swap(other);
  }
  return items;
}

// The keys of the scores, ascending. Eleven bits a pass, all counts in one sweep; passes in which all keys agree (the
// low bits of scores that were f32) are skipped.
std::vector<std::uint64_t> sorted_keys(std::span<const double> scores) {
  constexpr int bits = 11, passes = 6;
  constexpr std::uint64_t digits = std::uint64_t{1} << bits;
  std::vector<std::uint64_t> keys(scores.size()), other(scores.size());
  std::vector<std::array<std::uint32_t, digits>> counts(passes);  // sizes fit: indices of a run are 32 bits everywhere
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = key_of(scores[i]);
    for (int p = 0; p < passes; ++p) ++counts[static_cast<std::size_t>(p)][keys[i] >> (p * bits) & (digits - 1)];
  }
  for (int p = 0; p < passes; ++p) {
    auto& start = counts[static_cast<std::size_t>(p)];
    if (*std::max_element(start.begin(), start.end()) == keys.size()) continue;
    std::exclusive_scan(start.begin(), start.end(), start.begin(), std::uint32_t{0});
    for (const std::uint64_t key : keys) other[start[key >> (p * bits) & (digits - 1)]++] = key;
    keys.swap(other);
  }
  return keys;
}

struct Group {
  double in = 0, out = 0;  // how many of each class share one score
};

// Calls f with every group of equal scores, ascending by score.
template <class F>
void for_each_group(std::span<const double> in, std::span<const double> out, const F& f) {
  const auto a = sorted_keys(in), b = sorted_keys(out);
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const std::uint64_t key = j == b.size() || (i < a.size() && a[i] < b[j]) ? a[i] : b[j];
    const std::size_t first_i = i, first_j = j;
    while (i < a.size() && a[i] == key) ++i;
    while (j < b.size() && b[j] == key) ++j;
    f(Group{static_cast<double>(i - first_i), static_cast<double>(j - first_j)});
  }
}

std::vector<Group> groups_of(std::span<const double> in, std::span<const double> out) {
  std::vector<Group> groups;
  for_each_group(in, out, [&](const Group& g) { groups.push_back(g); });
  return groups;
}

// Sum over steps of recall times precision, positives first from the end named by `descending`.
double average_precision(std::vector<Group> groups, bool positive_out) {
  if (positive_out) std::reverse(groups.begin(), groups.end());
  double total = 0;
  for (const Group& g : groups) total += positive_out ? g.out : g.in;
  double hits = 0, seen = 0, sum = 0;
  for (const Group& g : groups) {
    const double positives = positive_out ? g.out : g.in;
    hits += positives;
    seen += g.in + g.out;
    sum += positives / total * (hits / seen);
  }
  return sum;
}

// Trapezoids over recall, from (0, 1) on.
double trapezoid_precision(std::vector<Group> groups, bool positive_out) {
  if (positive_out) std::reverse(groups.begin(), groups.end());
  double total = 0;
  for (const Group& g : groups) total += positive_out ? g.out : g.in;
  double hits = 0, seen = 0, area = 0, precision = 1;
  for (const Group& g : groups) {
    const double positives = positive_out ? g.out : g.in;
    hits += positives;
    seen += g.in + g.out;
    area += positives / total * (precision + hits / seen) / 2;
    precision = hits / seen;
  }
  return area;
}

}  // namespace

double auroc(std::span<const double> in, std::span<const double> out) {
  need_both("auroc", in, out);
  double below = 0, wins = 0;  // in-distribution scores below; pairs won by the out-of-distribution score
  for_each_group(in, out, [&](const Group& g) {
    wins += g.out * (below + g.in / 2);
    below += g.in;
  });
  return wins / (static_cast<double>(in.size()) * static_cast<double>(out.size()));
}

double auroc_trapezoid(std::span<const double> in, std::span<const double> out) {
  need_both("auroc", in, out);
  std::vector<double> a(in.begin(), in.end()), b(out.begin(), out.end());
  std::sort(a.begin(), a.end(), std::greater<>());
  std::sort(b.begin(), b.end(), std::greater<>());
  double area = 0, fpr = 0, tpr = 0;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    const double threshold = j == b.size() || (i < a.size() && a[i] > b[j]) ? a[i] : b[j];
    while (i < a.size() && a[i] >= threshold) ++i;
    while (j < b.size() && b[j] >= threshold) ++j;
    const double next_fpr = static_cast<double>(i) / static_cast<double>(a.size());
    const double next_tpr = static_cast<double>(j) / static_cast<double>(b.size());
    area += (next_fpr - fpr) * (next_tpr + tpr) / 2;
    fpr = next_fpr;
    tpr = next_tpr;
  }
  return area;
}

double fpr_at_tpr(std::span<const double> in, std::span<const double> out, double tpr) {
  need_both("fpr_at_95", in, out);
  if (!(tpr > 0 && tpr <= 1)) detail::refuse("fpr_at_95", "true positive rate " + std::to_string(tpr) + " is outside (0, 1]");
  const auto groups = groups_of(in, out);
  double flagged_in = 0, flagged_out = 0;
  for (auto g = groups.rbegin(); g != groups.rend(); ++g) {
    flagged_in += g->in;
    flagged_out += g->out;
    if (flagged_out / static_cast<double>(out.size()) >= tpr) break;
  }
  return flagged_in / static_cast<double>(in.size());
}

double fpr_at_95_in(std::span<const double> in, std::span<const double> out) {
  need_both("fpr_at_95_in", in, out);
  const auto negated = [](std::span<const double> scores) {
    std::vector<double> result(scores.size());
    std::transform(scores.begin(), scores.end(), result.begin(), std::negate<>());
    return result;
  };
  return fpr_at_tpr(negated(out), negated(in), 0.95);
}

double detection_error(std::span<const double> in, std::span<const double> out) {
  need_both("detection_error", in, out);
  const auto n_in = static_cast<double>(in.size()), n_out = static_cast<double>(out.size());
  double accepted_in = 0, accepted_out = 0, least = 0.5;  // a threshold below all scores flags everything
  for_each_group(in, out, [&](const Group& g) {
    accepted_in += g.in;
    accepted_out += g.out;
    least = std::min(least, ((n_in - accepted_in) / n_in + accepted_out / n_out) / 2);
  });
  return least;
}

double aupr_out(std::span<const double> in, std::span<const double> out) {
  need_both("aupr_out", in, out);
  return average_precision(groups_of(in, out), true);
}

double aupr_in(std::span<const double> in, std::span<const double> out) {
  need_both("aupr_in", in, out);
  return average_precision(groups_of(in, out), false);
}

double aupr_out_trapezoid(std::span<const double> in, std::span<const double> out) {
  need_both("aupr_out_trapezoid", in, out);
  return trapezoid_precision(groups_of(in, out), true);
}

double aupr_in_trapezoid(std::span<const double> in, std::span<const double> out) {
  need_both("aupr_in_trapezoid", in, out);
  return trapezoid_precision(groups_of(in, out), false);
}

WeightedAuroc::WeightedAuroc(std::span<const double> in, std::span<const double> out)
    : in_size_(in.size()), out_size_(out.size()) {
  need_both("auroc", in, out);
  const auto items = sorted(in, out);
  order_.resize(items.size());
  new_group_.resize(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    order_[i] = items[i].index;
    new_group_[i] = i == 0 || items[i].key != items[i - 1].key;
    tied_ = tied_ || !new_group_[i];
  }
}

// Without ties, in whole numbers and without a branch that nobody can predict: resampling spends its time here. Sums are exact
// in both ways, so they agree to the bit.
double WeightedAuroc::without_ties(std::span<const std::uint32_t> in_counts, std::span<const std::uint32_t> out_counts) const {
  const std::uint32_t* const counts[2] = {in_counts.data(), out_counts.data()};
  std::uint64_t below = 0, wins = 0, outs = 0;
  for (const std::uint32_t at : order_) {
    const bool is_out = at >= in_size_;
    const std::uint64_t count = counts[is_out][at - (is_out ? in_size_ : 0)], out_count = is_out ? count : 0;
    wins += out_count * below;
    outs += out_count;
    below += count - out_count;
  }
  if (below == 0 || outs == 0) detail::refuse("auroc", "one class is missing from the resample");
  return static_cast<double>(wins) / (static_cast<double>(below) * static_cast<double>(outs));
}

double WeightedAuroc::operator()(std::span<const std::uint32_t> in_counts, std::span<const std::uint32_t> out_counts) const {
  detail::need_same("auroc", in_counts.size(), in_size_, "in-distribution counts");
  detail::need_same("auroc", out_counts.size(), out_size_, "out-of-distribution counts");
  if (!tied_) return without_ties(in_counts, out_counts);
  double below = 0, group_in = 0, group_out = 0, wins = 0, outs = 0;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (new_group_[i]) {
      wins += group_out * (below + group_in / 2);
      below += group_in;
      outs += group_out;
      group_in = group_out = 0;
    }
    const std::uint32_t at = order_[i];
    if (at < in_size_) group_in += in_counts[at];
    else group_out += out_counts[at - in_size_];
  }
  wins += group_out * (below + group_in / 2);
  below += group_in;
  outs += group_out;
  if (below == 0 || outs == 0) detail::refuse("auroc", "one class is missing from the resample");
  return wins / (below * outs);
}

}  // namespace assay::metrics
