// [budget]: what a method may spend; one number a key, or a list for a curve over it.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "harness/suite/blocks.hpp"

namespace assay::suite {
namespace {

struct Key {
  const char* name;
  RealRange range;
  bool whole;
};
constexpr double max_passes = 1e15;
constexpr Key limited[] = {{"forward_per_sample", {1, max_passes}, true},
                        {"backward_per_sample", {1, max_passes}, true},
                        {"seconds", {0.001, 1e7}, false},
                        {"memory_mb", {1, 1 << 24}, true}};

// Neighbours of a geometric series have one factor between them; whole numbers such as 1, 2, 5, 10 come near enough.
constexpr double most_factor_spread = 1.3, least_factor = 1.2;

// Rule 43: a curve whose points crowd at one end shows where someone looked, not where a method gains.
void check_geometric(const Place& place, const std::string& name, const std::vector<Rational>& levels) {
  double smallest = std::numeric_limits<double>::infinity(), largest = 0;
  for (std::size_t i = 1; i < levels.size(); ++i) {
    const double factor = levels[i].value() / levels[i - 1].value();
    smallest = std::min(smallest, factor);
    largest = std::max(largest, factor);
  }
  if (levels.size() < 2 || (smallest >= least_factor && largest <= most_factor_spread * smallest)) return;
  fail(place, fmt::format("{}: expected budgets that grow geometrically (rule 43), such as 5, 10, 20, 40; found factors from {:.3g} to "
                          "{:.3g} between neighbours", name, smallest, largest));
}

void check_levels(const Fields& fields, const Key& key, const Place& place, const std::vector<Rational>& levels) {
  for (const Rational& level : levels)
    if (level.value() < key.range.min || level.value() > key.range.max || (key.whole && level.den != 1))
      fail(place, fmt::format("{}: expected {} from {:g} to {:g}, found {}", fields.name(key.name),
                              key.whole ? "whole numbers" : "numbers", key.range.min, key.range.max, level.str()));
  check_geometric(place, fields.name(key.name), levels);
}

void read_curve(const Fields& fields, const Key& key, const Toml& written, BudgetSpec& out) {
  if (!out.curve.empty())
    fail(written.place, fmt::format("{}: {} is a list already; expected a curve over one budget", fields.name(key.name), fields.name(out.curve)));
  out.curve = key.name;
  out.levels = fields.rationals(key.name);
  check_levels(fields, key, written.place, out.levels);
  out.rank_level = pick_rank(fields, "rank_at", key.name, out.levels);
}

}  // namespace

BudgetSpec parse_budget(const Toml& root) {
  BudgetSpec out;
  const Toml* table = root.find("budget");
  if (!table) return out;
  const Fields fields(*table, "budget", {"forward_per_sample", "backward_per_sample", "seconds", "memory_mb", "rank_at"});
  out.place = fields.place();
  for (const char* key : {"forward_per_sample", "backward_per_sample"})
    if (const Toml* written = fields.find(key)) out.per_sample_place = written->key_place;
  for (const Key& key : limited)
    if (const Toml* written = fields.find(key.name); written && written->kind == Toml::Kind::array) read_curve(fields, key, *written, out);
  const auto whole = [&](const Key& key) {
    return out.curve == key.name ? 0
                                 : fields.integer(key.name, 0, {static_cast<std::int64_t>(key.range.min), static_cast<std::int64_t>(key.range.max)});
  };
  out.forward_per_sample = whole(limited[0]);
  out.backward_per_sample = whole(limited[1]);
  out.seconds = out.curve == "seconds" ? 0 : fields.real("seconds", 0, limited[2].range);
  out.memory_mb = whole(limited[3]);
  if (const Toml* rank = fields.find("rank_at"); rank && out.curve.empty())
    fail(rank->key_place, "budget.rank_at: no budget is a list; expected it beside one");
  return out;
}

}  // namespace assay::suite

namespace assay {

BudgetSpec BudgetSpec::at(const Rational& level) const {
  BudgetSpec out = *this;
  if (curve == "forward_per_sample") out.forward_per_sample = level.num;
  if (curve == "backward_per_sample") out.backward_per_sample = level.num;
  if (curve == "seconds") out.seconds = level.value();
  if (curve == "memory_mb") out.memory_mb = level.num;
  return out;
}

}  // namespace assay
