#include "results/board/groups.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <tuple>

#include "harness/base/rational.hpp"
#include "harness/metrics/registry.hpp"
#include "results/board/sentence.hpp"

namespace assay::board {
namespace {

auto group_key(const store::CellRecord& c) {
  return std::make_tuple(c.method, c.plugin_version, c.plugin_digest, c.params.dump(), c.subject, c.axes.dump());
}

std::size_t registry_place(const std::string& quantity) {
  const auto& all = metrics::registry();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].id == quantity) return i;
  return all.size();
}

// Rules 31 and 35: what must be read together stands together, right behind the ranked column.
int companion_place(const Metric& m) {
  if (m.ranked) return 0;
  if (m.quantity == "accuracy" && (m.condition == "id" || m.condition == "clean")) return 1;
  if (m.quantity == "compression_ratio" || m.quantity == "theoretical_speedup") return 2;
  return 3;
}

// Splits off a leading number ("3", "0.5") or fraction ("1/20").
std::string take_number(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && (std::isdigit(static_cast<unsigned char>(text[n])) != 0 || text[n] == '.' || text[n] == '/')) ++n;
  std::string out(text.substr(0, n));
  text.remove_prefix(n);
  return out;
}

std::string take_text(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && std::isdigit(static_cast<unsigned char>(text[n])) == 0) ++n;
  std::string out(text.substr(0, n));
  text.remove_prefix(n);
  return out;
}

void add_failures(Row& row, const Group& group) {
  std::map<std::string, int> failures;
  for (const auto* cell : group.cells) {
    if (done(*cell)) continue;
    if (!cell->standing) ++failures["not run"];
    else if (cell->standing->status == "ok") ++failures["invalid"];
    else ++failures[cell->standing->status];
  }
  for (const auto& [status, count] : failures)
    row.status += (row.status.empty() ? "" : ", ") + std::to_string(count) + " of " + std::to_string(group.cells.size()) + " " + status;
  if (row.status.empty()) row.status = "ok";
}

void add_reasons(Row& row, const Group& group) {
  std::set<std::string> seen;
  const auto add = [&](const std::string& reason) {
    if (!reason.empty() && seen.insert(reason).second) row.reasons.push_back(reason);
  };
  for (const auto* cell : group.cells) {
    if (!cell->standing) continue;
    const auto& attempt = *cell->standing;
    row.level = std::max(row.level, attempt.level);
    for (const auto& v : attempt.verdicts)
      add(std::string(store::level_name(v.level)) + (v.rule > 0 ? " (rule " + std::to_string(v.rule) + ")" : "") + ": " + v.reason);
    if (attempt.status != "ok") add(attempt.status + ": " + (attempt.reason.empty() ? "no reason given" : attempt.reason));
  }
}

void add_cost(Row& row, std::vector<const store::CellRecord*> cells) {
  const auto measured = std::partition(cells.begin(), cells.end(), [](const auto* cell) { return !cell->submitted(); });
  row.cost.known = cells.empty() || measured != cells.begin();
  cells.erase(measured, cells.end());
  if (cells.empty()) return;
  const double n = static_cast<double>(cells.size());
  for (const auto* cell : cells) {
    const auto& a = *cell->standing;
    row.cost.cpu_seconds += (a.cpu_seconds + a.links_cpu_seconds) / n;
    row.cost.wall_seconds += (a.wall_seconds + a.links_wall_seconds) / n;
    row.cost.forward += static_cast<double>(a.forward) / n;
    row.cost.backward += static_cast<double>(a.backward) / n;
    row.cost.macs += static_cast<double>(a.macs) / n;
    row.cost.peak_rss_bytes += static_cast<double>(a.peak_rss_bytes) / n;
    const bool host_shared = a.host.is_object() && a.host.get("shared", false);
    bool told = false, clock_shared = false;
    for (const auto& score : a.scores) {  // a timed stage says it of its own times
      if (score.grade != "host-measured" || !score.extra.is_object() || !score.extra.has("shared")) continue;
      told = true;
      clock_shared = clock_shared || score.extra.get("shared", false);
    }
    row.cost.shared = row.cost.shared || host_shared || clock_shared;
    row.cost.clock_shared = row.cost.clock_shared || (told ? clock_shared : host_shared);
  }
}

}  // namespace

bool described(const store::CellRecord& cell) { return cell.descriptor != nullptr && cell.descriptor->is_object(); }

bool done(const store::CellRecord& cell) {
  return cell.standing && cell.standing->status == "ok" && cell.standing->level != store::Level::invalid;
}

std::vector<const store::CellRecord*> done_cells(const Group& group) {
  std::vector<const store::CellRecord*> out;
  for (const auto* cell : group.cells)
    if (done(*cell)) out.push_back(cell);
  return out;
}

const store::ScoreRecord* find_score(const store::CellRecord& cell, const Metric& metric) {
  if (!done(cell)) return nullptr;
  for (const auto& score : cell.standing->scores)
    if (score.quantity == metric.quantity && score.condition == metric.condition &&
        score.configuration == metric.configuration && score.grade == metric.grade && score.value == score.value)
      return &score;
  return nullptr;
}

std::vector<Group> make_groups(const std::vector<store::CellRecord>& cells) {
  std::map<decltype(group_key(cells.front())), Group> groups;
  std::map<std::shared_ptr<const Json>, std::shared_ptr<const Descriptor>> descriptors;
  for (const auto& cell : cells) {
    Group& group = groups[group_key(cell)];
    if (group.cells.empty()) {
      group.method = cell.method;
      group.plugin_id = cell.plugin_id;
      group.plugin_version = cell.plugin_version;
      group.plugin_digest = cell.plugin_digest;
      group.subject = cell.subject;
      group.params = cell.params;
      group.axes = cell.axes;
      auto& descriptor = descriptors[cell.descriptor];
      if (!descriptor) descriptor = std::make_shared<const Descriptor>(described(cell) ? Descriptor::from_json(*cell.descriptor) : Descriptor());
      group.descriptor = descriptor;
    }
    group.baseline = group.baseline || cell.baseline || group.descriptor->baseline;
    group.cells.push_back(&cell);
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) {
    std::stable_sort(group.cells.begin(), group.cells.end(),
                     [](const auto* a, const auto* b) { return a->seeds.values < b->seeds.values; });
    out.push_back(std::move(group));
  }
  return out;
}

bool natural_less(const std::string& a, const std::string& b) {
  std::string_view x = a, y = b;
  while (!x.empty() && !y.empty()) {
    const std::string tx = take_text(x), ty = take_text(y);
    if (tx != ty) return tx < ty;
    const std::string nx = take_number(x), ny = take_number(y);
    if (nx == ny) continue;
    const auto rx = Rational::parse(nx), ry = Rational::parse(ny);
    if (rx && ry && rx->value() != ry->value()) return rx->value() < ry->value();
    return nx < ny;
  }
  return x.size() < y.size();
}

std::vector<Metric> make_metrics(const std::vector<Group>& groups, const std::string& by, const std::string& condition) {
  std::vector<Metric> out;
  for (const Group& group : groups)
    for (const auto* cell : done_cells(group))
      for (const auto& s : cell->standing->scores) {
        const bool known = std::any_of(out.begin(), out.end(), [&](const Metric& m) {
          return m.quantity == s.quantity && m.condition == s.condition && m.configuration == s.configuration && m.grade == s.grade;
        });
        if (!known) out.push_back({s.quantity, s.condition, s.configuration, s.grade, s.quantity == by && s.condition == condition});
      }
  std::stable_sort(out.begin(), out.end(), [](const Metric& a, const Metric& b) {
    const auto key = [](const Metric& m) { return std::make_tuple(companion_place(m), registry_place(m.quantity), m.quantity); };
    if (key(a) != key(b)) return key(a) < key(b);
    if (a.condition != b.condition) return natural_less(a.condition, b.condition);
    return std::tie(a.configuration, a.grade) < std::tie(b.configuration, b.grade);
  });
  return out;
}

bool at_rank_point(const Json& axes, const Json& rank_axes) {
  if (!rank_axes.is_object()) return true;
  for (const auto& [axis, value] : rank_axes.as_object())
    if (!axes.has(axis) || !(axes.at(axis) == value)) return false;
  return true;
}

std::string single_run_note(std::size_t seeds) {
  return "single run: " + std::to_string(seeds) + " seed" + (seeds == 1 ? "" : "s") + " of at least 3";
}

Row start_row(const Group& group) {
  Row row;
  row.method = group.method;
  row.plugin_version = group.plugin_version;
  row.plugin_digest = group.plugin_digest;
  row.subject = group.subject;
  row.params = group.params;
  row.axes = group.axes;
  row.baseline = group.baseline;
  row.uses_outliers = group.descriptor->uses_outliers;
  row.transductive = group.descriptor->transductive;
  const auto cells = done_cells(group);
  row.coverage = {static_cast<std::int64_t>(cells.size()), static_cast<std::int64_t>(group.cells.size())};
  row.single_run = cells.size() < 3;  // rule 5
  for (const auto* cell : group.cells) row.cells.push_back(cell->generation);
  add_failures(row, group);
  add_reasons(row, group);
  add_cost(row, cells);
  row.submitted = group.plugin_version == submitted_version;
  if (row.baseline) row.notes.emplace_back("baseline");
  if (row.submitted) row.notes.emplace_back(submitted_note);
  if (row.single_run && !cells.empty())
    row.notes.push_back(single_run_note(cells.size()));
  if (row.uses_outliers) row.notes.emplace_back("uses outlier data");
  if (row.transductive) row.notes.emplace_back("saw unlabelled test inputs");
  if (row.cost.shared) row.notes.emplace_back(shared_note);
  if (row.axes.is_object() && row.axes.has("diagonal")) row.notes.emplace_back("source and victim are one model");
  return row;
}

std::string Metric::title() const {
  return quantity + (condition.empty() ? "" : " @ " + condition) + (configuration.empty() ? "" : " [" + configuration + "]") +
         (grade == "reported" ? " (reported)" : "");
}

}  // namespace assay::board
