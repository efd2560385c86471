// Selections and blinding.
#include "harness/data/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "harness/base/error.hpp"

namespace assay::data {
namespace {

[[noreturn]] void refuse(const RecordSet& records, const std::string& what) { bad_input_in(records.origin, what); }

std::vector<std::int64_t> balanced_rows(const RecordSet& records, const Selection& selection) {
  const auto labels = records.labels();
  const std::int64_t classes = records.find("target").type.classes;
  std::vector<std::int64_t> available(static_cast<std::size_t>(classes), 0);
  for (std::int64_t i = selection.first; i < records.size(); ++i)
    ++available[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
  const auto scarcest = std::min_element(available.begin(), available.end());
  if (selection.limit % classes != 0)
    refuse(records, "a balanced limit of " + std::to_string(selection.limit) + " is no multiple of the " +
                        std::to_string(classes) + " classes");
  const std::int64_t quota = selection.limit == 0 ? *scarcest : selection.limit / classes;
  if (*scarcest < quota || quota == 0)
    refuse(records, "class " + std::to_string(scarcest - available.begin()) + " has " + std::to_string(*scarcest) +
                        " samples, a balanced selection needs " + std::to_string(std::max<std::int64_t>(quota, 1)));
  std::vector<std::int64_t> taken(static_cast<std::size_t>(classes), 0), rows;
  for (std::int64_t i = selection.first; i < records.size(); ++i) {
    std::int64_t& count = taken[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
    if (count == quota) continue;
    ++count;
    rows.push_back(i);
  }
  return rows;
}

std::vector<std::int64_t> leading_rows(const RecordSet& records, const Selection& selection) {
  const std::int64_t left = records.size() - selection.first;
  if (selection.limit > left)
    refuse(records, std::to_string(selection.limit) + " samples after " + std::to_string(selection.first) +
                        " were asked for, there are " + std::to_string(left));
  std::vector<std::int64_t> rows(static_cast<std::size_t>(selection.limit == 0 ? left : selection.limit));
  std::iota(rows.begin(), rows.end(), selection.first);
  return rows;
}

RecordSet only_classes(const RecordSet& records, const std::vector<std::int64_t>& classes) {
  const std::int64_t all = records.find("target").type.classes;
  std::vector<std::int64_t> map(static_cast<std::size_t>(all), -1);
  std::vector<std::string> names;
  for (const std::int64_t one : classes) {
    if (one < 0 || one >= all || map[static_cast<std::size_t>(one)] >= 0)
      refuse(records, fmt::format("class {} of {} cannot be chosen, or was before", one, all));
    map[static_cast<std::size_t>(one)] = static_cast<std::int64_t>(names.size());
    const auto index = static_cast<std::size_t>(one);
    names.push_back(index < records.classes.size() ? records.classes[index] : std::to_string(one));
  }
  return records.relabel(map, std::move(names));
}

void resize(RecordSet& records, std::int64_t side) {
  for (Field& field : records.fields) {
    if (field.name != "input") continue;
    if (field.values.shape.size() != 4) refuse(records, "only images can be resized");
    field.values = resize_images(field.values, side, side);
    field.type.shape[1] = field.type.shape[2] = side;
  }
  records.provenance["resize"] = side;
}

}  // namespace

RecordSet take(const RecordSet& records, const Selection& selection) {
  if (!selection.classes.empty()) {
    Selection rest = selection;
    rest.classes.clear();
    return take(only_classes(records, selection.classes), rest);
  }
  if (selection.first < 0 || selection.limit < 0) refuse(records, "first and limit are not negative");
  if (selection.first >= records.size())
    refuse(records, "skipping " + std::to_string(selection.first) + " of " + std::to_string(records.size()) +
                        " samples leaves none");
  RecordSet out =
      records.select(selection.balanced ? balanced_rows(records, selection) : leading_rows(records, selection));
  out.provenance = Json::object({{"from", records.provenance},
                                 {"first", selection.first},
                                 {"limit", selection.limit},
                                 {"balanced", selection.balanced}});
  if (selection.resize > 0) resize(out, selection.resize);
  return out;
}

Blinded blind(const RecordSet& records) {
  std::vector<std::int64_t> order(records.ids.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return records.ids[static_cast<std::size_t>(a)] < records.ids[static_cast<std::size_t>(b)];
  });
  const RecordSet sorted = records.select(order);
  constexpr Role visible[] = {Role::input, Role::condition};
  constexpr Role hidden[] = {Role::target, Role::group, Role::weight, Role::truth, Role::tag};
  Blinded out{sorted.with_roles(visible), sorted.with_roles(hidden)};
  if (out.visible.fields.empty()) refuse(records, "there is no input field to show");
  return out;
}

}  // namespace assay::data
