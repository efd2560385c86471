// A comparison as text, markdown, LaTeX (booktabs) and JSON.
#include <fmt/format.h>

#include <cmath>

#include "harness/base/error.hpp"
#include "results/board/compare.hpp"
#include "results/board/text.hpp"

namespace assay::board {
namespace {

using Lines = std::vector<std::vector<std::string>>;

std::string bracket(const stats::Interval& i) { return "[" + short_number(i.lo) + ", " + short_number(i.hi) + "]"; }

std::string p_cell(double p) { return p < 0.0001 ? "<0.0001" : fmt::format("{:.4f}", p); }

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::better:
      return "better";
    case Outcome::worse:
      return "worse";
    case Outcome::no_difference_found:
      break;
  }
  return "no difference found";
}

Lines method_lines(const Comparison& c) {
  Lines out{{"method", "mean " + c.quantity, fmt::format("{:.4g} % interval", 100 * (1 - c.alpha)), "average rank"}};
  for (const MethodLine& m : c.methods)
    out.push_back({m.method, short_number(m.mean), bracket(m.interval), fmt::format("{:.2f}", m.rank)});
  return out;
}

Lines pair_lines(const Comparison& c) {
  if (c.pairs.empty()) return {};
  Lines out{{"a", "b", "a - b", "interval", c.pairs[0].effect_name, "p", "p (Holm)", "a is"}};
  const bool judged = c.pairs[0].practical.has_value();
  if (judged) out[0].push_back("practically");
  for (const PairLine& p : c.pairs) {
    out.push_back({p.a, p.b, short_number(p.difference), bracket(p.interval), short_number(p.effect), p_cell(p.p),
                   p_cell(p.adjusted), outcome_name(p.outcome)});
    if (judged) out.back().push_back(stats::practical_name(p.practical->verdict));
  }
  return out;
}

std::string as_text(const Comparison& c) {
  std::string out;
  for (const std::string& s : c.sentences) out += s + "\n";
  return out + "\n" + aligned(method_lines(c), 1) + "\n" + aligned(pair_lines(c), 2);
}

std::string escaped(const std::string& text, const std::string& special, const auto& replacement) {
  std::string out;
  for (const char ch : text) out += special.find(ch) == std::string::npos ? std::string(1, ch) : replacement(ch);
  return out;
}

std::string markdown_cell(const std::string& text) {
  return escaped(text, "|\n", [](char ch) { return std::string(ch == '|' ? "\\|" : " "); });
}

std::string markdown_table(const Lines& lines, std::size_t left) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const std::string& cell : lines[i]) out += "| " + markdown_cell(cell) + " ";
    out += "|\n";
    for (std::size_t k = 0; i == 0 && k < lines[0].size(); ++k) out += k < left ? "|---" : "|---:";
    if (i == 0) out += "|\n";
  }
  return out;
}

std::string as_markdown(const Comparison& c) {
  std::string out;
  for (const std::string& s : c.sentences) out += "- " + markdown_cell(s) + "\n";
  return out + "\n" + markdown_table(method_lines(c), 1) + "\n" + markdown_table(pair_lines(c), 2);
}

std::string latex_text(const std::string& text) {
  return escaped(text, "\\{}$&#_%^~<>", [](char ch) -> std::string {
    switch (ch) {
      case '\\':
        return "\\textbackslash{}";
      case '^':
        return "\\textasciicircum{}";
      case '~':
        return "\\textasciitilde{}";
      case '<':
        return "\\textless{}";
      case '>':
        return "\\textgreater{}";
      default:
        return std::string("\\") + ch;
    }
  });
}

// The first line is the head. `left` columns to the left, the others to the right.
std::string latex_table(const Lines& lines, std::size_t left, const std::string& caption) {
  std::string out = "\\begin{table}\n\\centering\n\\caption{" + latex_text(caption) + "}\n\\begin{tabular}{";
  for (std::size_t k = 0; k < lines[0].size(); ++k) out += k < left ? "l" : "r";
  out += "}\n\\toprule\n";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t k = 0; k < lines[i].size(); ++k) out += (k == 0 ? "" : " & ") + latex_text(lines[i][k]);
    out += i == 0 ? " \\\\\n\\midrule\n" : " \\\\\n";
  }
  return out + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

std::string as_latex(const Comparison& c) {
  std::string out = "% needs \\usepackage{booktabs}\n";
  out += latex_table(method_lines(c), 1, c.sentences[0]);
  if (c.pairs.empty()) return out;
  std::string text;
  for (std::size_t i = 1; i < c.sentences.size(); ++i) text += latex_text(c.sentences[i]) + "\n";
  return out + latex_table(pair_lines(c), 2, "All pairs, by " + c.test + ".") + "\n" + text;
}

Json interval_json(const stats::Interval& i) {
  return Json::object(
      {{"lo", i.lo}, {"hi", i.hi}, {"level", i.level}, {"over", i.over}, {"n", i.n}, {"method", i.method}});
}

Json practical_json(const stats::Equivalence& e) {
  return Json::object(
      {{"verdict", stats::practical_name(e.verdict)}, {"p_equivalence", e.p}, {"interval", interval_json(e.interval)}});
}

Json pair_json(const PairLine& p) {
  return Json::object({{"a", p.a},
                       {"b", p.b},
                       {"difference", p.difference},
                       {"interval", interval_json(p.interval)},
                       {"p", p.p},
                       {"p_holm", p.adjusted},
                       {"effect", Json::object({{"name", p.effect_name}, {"value", p.effect}})},
                       {"a_is", outcome_name(p.outcome)},
                       {"practical", p.practical ? practical_json(*p.practical) : Json()},
                       {"detectable", p.detectable ? Json(*p.detectable) : Json()},
                       {"rows_needed", p.needed ? Json(*p.needed) : Json()}});
}

const char* omnibus_name(stats::Omnibus omnibus) {
  switch (omnibus) {
    case stats::Omnibus::rejected:
      return "rejected";
    case stats::Omnibus::not_rejected:
      return "not rejected";
    case stats::Omnibus::not_needed:
      break;
  }
  return "not needed";
}

Json names_of(const std::vector<std::size_t>& indices, const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::size_t i : indices) out.push_back(names[i]);
  return out;
}

Json omnibus_json(const stats::ManyComparison& many) {
  const stats::Friedman& f = many.friedman;
  return Json::object({{"outcome", omnibus_name(many.omnibus)},
                       {"chi_squared", f.chi_squared},
                       {"chi_squared_p", f.p},
                       {"f", f.f},
                       {"f_p", f.f_p},
                       {"df", Json(std::vector<int>{f.df1, f.df2})}});
}

// What a critical-difference diagram needs: bars join exactly the pairs that were not told apart.
Json diagram_json(const Comparison& c) {
  const stats::ManyComparison& many = *c.many;
  std::vector<std::string> names(c.methods.size());
  for (std::size_t i = 0; i < many.order.size(); ++i) names[many.order[i]] = c.methods[i].method;
  Json bars = Json::array();
  for (const stats::Bar& bar : many.bars)
    bars.push_back(Json::object({{"methods", names_of(bar.methods, names)},
                                 {"skipped", names_of(bar.skipped, names)},
                                 {"from", bar.from},
                                 {"to", bar.to},
                                 {"row", bar.row}}));
  return Json::object({{"drawable", many.drawable}, {"why_not", many.why_not}, {"bars", bars}});
}

std::string as_json(const Comparison& c) {
  Json methods = Json::array(), pairs = Json::array(), alike = Json::array();
  for (const MethodLine& m : c.methods)
    methods.push_back(Json::object(
        {{"method", m.method}, {"mean", m.mean}, {"interval", interval_json(m.interval)}, {"average_rank", m.rank}}));
  for (const PairLine& p : c.pairs) pairs.push_back(pair_json(p));
  for (const auto& set : c.alike) alike.push_back(Json(set));
  Json out = Json::object({{"unit", unit_name(c.unit)},
                           {"quantity", c.quantity},
                           {"higher_is_better", c.higher_is_better},
                           {"alpha", c.alpha},
                           {"rows", c.rows},
                           {"test", c.test},
                           {"methods", methods},
                           {"pairs", pairs},
                           {"not_told_apart", alike},
                           {"report", Json(c.sentences)}});
  if (c.many) {
    out["omnibus"] = omnibus_json(*c.many);
    out["critical_difference_diagram"] = diagram_json(c);
  }
  return out.dump(2) + "\n";
}

}  // namespace

CompareFormat parse_compare_format(const std::string& name) {
  const std::vector<std::string> names{"text", "markdown", "latex", "json"};
  for (std::size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<CompareFormat>(i);
  bad_input("format '" + name + "' is unknown" + suggestion(name, names));
}

std::string format(const Comparison& comparison, CompareFormat kind) {
  switch (kind) {
    case CompareFormat::markdown:
      return as_markdown(comparison);
    case CompareFormat::latex:
      return as_latex(comparison);
    case CompareFormat::json:
      return as_json(comparison);
    case CompareFormat::text:
      break;
  }
  return as_text(comparison);
}

}  // namespace assay::board
