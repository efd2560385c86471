// Rules 21 and 22 say that an attack could have gone further. What counts for a subject is the worst case, so they object to it
// only where no attack that did go far enough leaves as little.
#include <algorithm>

#include "results/board/subject.hpp"

namespace assay::board {
namespace {

bool is_of_length(const store::VerdictRecord& verdict) { return verdict.rule == 21 || verdict.rule == 22; }

bool too_short(const store::CellRecord& cell) {
  return std::any_of(cell.standing->verdicts.begin(), cell.standing->verdicts.end(), is_of_length);
}

std::optional<double> left_by(const store::CellRecord& cell, const std::string& condition) {
  for (const auto& score : cell.standing->scores)
    if (score.quantity == "robust_accuracy" && score.condition == condition) return score.value;
  return std::nullopt;
}

// One that went far enough, on the same net, and left no more.
const store::CellRecord* better(const std::vector<const store::CellRecord*>& cells, const store::CellRecord& cell, const std::string& condition) {
  const auto left = left_by(cell, condition);
  for (const auto* other : cells) {
    if (!done(*other) || too_short(*other) || other->baseline || other->seeds.get("subject") != cell.seeds.get("subject")) continue;
    if (const auto theirs = left_by(*other, condition); left && theirs && *theirs <= *left) return other;
  }
  return nullptr;
}

store::CellRecord without_length(const store::CellRecord& cell) {
  store::CellRecord out = cell;
  auto& verdicts = out.standing->verdicts;
  std::erase_if(verdicts, is_of_length);
  out.standing->level = store::Level::valid;
  for (const auto& verdict : verdicts) out.standing->level = std::max(out.standing->level, verdict.level);
  return out;
}

}  // namespace

Covered covered(const std::vector<const store::CellRecord*>& cells, const std::string& condition) {
  Covered out;
  for (const auto* cell : cells) {
    const store::CellRecord* by = done(*cell) && too_short(*cell) ? better(cells, *cell, condition) : nullptr;
    if (by == nullptr) {
      out.cells.push_back(cell);
      continue;
    }
    out.own.push_back(without_length(*cell));
    out.cells.push_back(&out.own.back());
    out.notes.insert(cell->method + " alone did not go far enough (rules 21, 22); " + by->method + " did, and leaves no more");
  }
  return out;
}

}  // namespace assay::board
