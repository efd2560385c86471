#include "harness/engine/ops/einsum_expression.hpp"

#include <algorithm>
#include <cctype>

namespace assay::engine {
namespace {

constexpr Label kEllipsis = 1000;  // the last axis of an ellipsis; earlier ones count up

struct Term {
  std::string before, after;  // letters around the ellipsis
  bool ellipsis = false;
};

[[noreturn]] void wrong(Specs in, const std::string& equation, const std::string& why) {
  op_error("einsum", in, "equation '" + equation + "': " + why);
}

Term term_of(Specs in, const std::string& equation, std::string text) {
  Term term;
  const std::size_t dots = text.find("...");
  if (dots != std::string::npos) {
    term.ellipsis = true;
    term.after = text.substr(dots + 3);
    text.resize(dots);
  }
  term.before = text;
  for (const char c : term.before + term.after) {
    if (!std::isalpha(static_cast<unsigned char>(c))) wrong(in, equation, std::string("'") + c + "' is no label");
  }
  return term;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == by) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

Labels labels_of(const Term& term, std::size_t ellipsis_axes) {
  Labels labels(term.before.begin(), term.before.end());
  for (std::size_t i = ellipsis_axes; term.ellipsis && i-- > 0;) labels.push_back(kEllipsis + static_cast<Label>(i));
  labels.insert(labels.end(), term.after.begin(), term.after.end());
  return labels;
}

Labels implicit_result(const std::vector<Labels>& operands, std::size_t ellipsis_axes) {
  Labels result;
  for (std::size_t i = ellipsis_axes; i-- > 0;) result.push_back(kEllipsis + static_cast<Label>(i));
  std::map<Label, int> uses;
  for (const Labels& labels : operands) {
    for (const Label l : labels) ++uses[l];
  }
  for (const auto& [label, count] : uses) {
    if (count == 1 && label < kEllipsis) result.push_back(label);
  }
  return result;
}

void add_extents(Specs in, const std::string& equation, EinsumExpression& e) {
  for (std::size_t k = 0; k < in.size(); ++k) {
    for (std::size_t a = 0; a < e.operands[k].size(); ++a) {
      const std::int64_t extent = in[k].shape[a];
      const auto [it, fresh] = e.extents.emplace(e.operands[k][a], extent);
      if (fresh || extent == it->second || extent == 1) continue;
      if (it->second != 1)
        wrong(in, equation, "an index has extents " + std::to_string(it->second) + " and " + std::to_string(extent));
      it->second = extent;
    }
  }
}

void check_result(Specs in, const std::string& equation, const EinsumExpression& e) {
  Labels sorted = e.result;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    wrong(in, equation, "the result repeats a label");
  for (const Label l : sorted) {
    if (e.extents.count(l) == 0) wrong(in, equation, "the result has a label that no operand has");
  }
}

}  // namespace

EinsumExpression parse_einsum(Specs in, const std::string& equation) {
  std::string text;
  for (const char c : equation) {
    if (c != ' ') text += c;
  }
  const std::size_t arrow = text.find("->");
  const std::vector<std::string> parts = split(text.substr(0, arrow), ',');
  if (parts.size() != in.size()) wrong(in, equation, "it has " + std::to_string(parts.size()) + " operands");
  std::vector<Term> terms;
  std::size_t ellipsis_axes = 0;
  std::vector<std::size_t> own_axes;
  for (std::size_t k = 0; k < in.size(); ++k) {
    const Term& t = terms.emplace_back(term_of(in, equation, parts[k]));
    const std::size_t letters = t.before.size() + t.after.size(), rank = in[k].shape.size();
    if (rank < letters || (rank > letters && !t.ellipsis)) {
      wrong(in, equation, "operand " + std::to_string(k) + " has " + std::to_string(rank) + " axes");
    }
    own_axes.push_back(rank - letters);
    ellipsis_axes = std::max(ellipsis_axes, rank - letters);
  }
  EinsumExpression e;
  for (std::size_t k = 0; k < in.size(); ++k) e.operands.push_back(labels_of(terms[k], own_axes[k]));
  e.result = arrow == std::string::npos ? implicit_result(e.operands, ellipsis_axes)
                                        : labels_of(term_of(in, equation, text.substr(arrow + 2)), ellipsis_axes);
  add_extents(in, equation, e);
  check_result(in, equation, e);
  return e;
}

}  // namespace assay::engine
