#include "harness/cli/audit.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "harness/metrics/registry.hpp"
#include "results/board/format.hpp"
#include "results/board/text.hpp"

namespace assay::cli {
namespace {

Rational times(const Rational& eps, std::int64_t up, std::int64_t down) {
  return Rational::parse(fmt::format("{}/{}", eps.num * up, eps.den * down)).value_or(eps);
}

std::string quoted(const std::vector<Rational>& radii) {
  std::string out;
  for (const Rational& radius : radii) out += (out.empty() ? "\"" : ", \"") + radius.str() + "\"";
  return out;
}

// TOML's basic strings.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  return out;
}

std::string head(const AuditQuestion& question, const std::string& part, const std::string& task) {
  return fmt::format(
      "# {} of {} on {}, written by `assay audit`. It may be edited and run: assay run FILE\n\n"
      "[suite]\nname = \"audit-{}-{}\"\ntask = \"{}\"\nversion = 1\nseeds = [{}]\nrank = \"none\"\n\n",
      part, question.name, question.set, question.name, part, task, fmt::join(question.seeds, ", "));
}

std::string data(const AuditQuestion& question, std::int64_t samples) {
  const std::string some = samples > 0 ? fmt::format(", limit = {}, balanced = true", samples) : "";
  return fmt::format("[data]\ntrain = {{ set = \"{0}\", split = \"train\" }}\ntest = {{ set = \"{0}\", split = \"test\"{1} }}\n\n"
                     "[[model]]\nid = \"{2}\"\nonnx = \"{3}\"\n\n",
                     question.set, some, question.name, escaped(question.model));
}

std::string threat(const AuditQuestion& question, const std::vector<Rational>& radii) {
  return fmt::format("[threat]\nnorm = \"{}\"\neps = [{}]\nrank_eps = \"{}\"\n\n", question.norm, quoted(radii), question.eps.str());
}

constexpr const char* noise = "[[method]]\nuse = \"noise\"\n\n";
constexpr const char* limits = "[limits]\nseconds_per_cell = 86400\nmemory_mb = 8192\n";

void add_numbers(std::vector<AuditNumber>& out, const board::Board& made, const std::string& method, const std::string& quantity) {
  for (const board::Row& row : made.rows) {
    if (row.method != method) continue;
    for (std::size_t m = 0; m < made.metrics.size(); ++m) {
      const board::Metric& metric = made.metrics[m];
      if ((!quantity.empty() && metric.quantity != quantity) || metric.grade != "judged" || !row.values[m].mean) continue;
      const auto* info = metrics::find(metric.quantity);
      out.push_back({metric.quantity, metric.condition, row.values[m], quantity.empty() && info != nullptr ? info->definition : method});
    }
  }
}

// The judge's words once, whichever cells they were said of; what never got as far as a judge is missing.
void add_verdicts(AuditReport& out, const board::Board& made, std::set<std::string>& said) {
  for (const board::Row& row : made.rows) {
    for (const std::string& reason : row.reasons) {
      auto& place = row.coverage.done == 0 ? out.missing : out.findings;
      if (const std::string text = row.method + ": " + reason; said.insert(text).second) place.push_back(text);
    }
    if (row.coverage.done == 0 && row.reasons.empty()) out.missing.push_back(row.method + ": " + row.status);
  }
}

std::string table(const std::vector<AuditNumber>& numbers, const std::string& title) {
  if (numbers.empty()) return "";
  std::string out = fmt::format("\n## {}\n\n| what | at | value | interval | |\n|---|---|---:|---|---|\n", title);
  for (const AuditNumber& one : numbers)
    out += fmt::format("| {} | {} | {} | {} | {} |\n", one.what, one.condition, board::number_text(one.value),
                       board::interval_text(one.value), one.means);
  return out;
}

std::string list(const std::vector<std::string>& items, const std::string& title) {
  if (items.empty()) return "";
  std::string out = fmt::format("\n## {}\n\n", title);
  for (const std::string& item : items) out += "- " + item + "\n";
  return out;
}

Json numbers_json(const std::vector<AuditNumber>& numbers) {
  Json out = Json::array();
  for (const AuditNumber& one : numbers) {
    Json item = Json::object({{"metric", one.what}, {"condition", one.condition}, {"by", one.means}, {"mean", *one.value.mean}});
    if (one.value.interval)
      item["interval"] = Json::object({{"lo", one.value.interval->lo}, {"hi", one.value.interval->hi}, {"over", one.value.interval->over}});
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

std::vector<Rational> audit_radii(const std::string& norm, const Rational& eps) {
  std::vector<Rational> out{Rational{0, 1}};
  constexpr std::pair<std::int64_t, std::int64_t> factors[] = {{1, 8}, {1, 4}, {1, 2}, {1, 1}, {2, 1}};
  for (const auto& [up, down] : factors) out.push_back(times(eps, up, down));
  if (norm == "linf" && out.back().value() < 0.5) out.push_back({1, 2});
  return out;
}

std::vector<AuditSuite> audit_suites(const AuditQuestion& question) {
  const std::string attacked = data(question, question.samples);
  const std::string stop = question.half_width ? fmt::format("stop = {{ half_width = \"{}\" }}\n", question.half_width->str()) : "";
  return {
      {"quality", head(question, "quality", "predict") + data(question, 0) + "[[method]]\nuse = \"single\"\n\n" + limits},
      {"curve", head(question, "curve", "attack") + attacked + threat(question, audit_radii(question.norm, question.eps)) + noise +
                    "[[method]]\nuse = \"pgd\"\nparams = { steps = 20 }\n\n" + limits},
      {"autoattack", head(question, "autoattack", "attack") + attacked + threat(question, {Rational{0, 1}, question.eps}) + noise +
                         "[[method]]\nname = \"autoattack\"\nchain = [\"apgd-ce\", \"apgd-t\", \"fab-t\", \"square\"]\n" + stop + "\n" + limits},
  };
}

AuditReport audit_report(const store::Store& db, const AuditQuestion& question, const std::vector<std::string>& protocols) {
  AuditReport out;
  out.name = question.name;
  out.set = question.set;
  out.norm = question.norm;
  out.eps = question.eps.str();
  out.protocols = protocols;
  std::vector<board::Board> boards;
  for (const std::string& protocol : protocols) {
    board::Query query;
    query.protocol = protocol;
    query.require_certificate = false;
    boards.push_back(board::make_board(db, query));
  }
  add_numbers(out.quality, boards.at(0), "single", "");
  for (const char* method : {"noise", "pgd"}) add_numbers(out.curve, boards.at(1), method, "robust_accuracy");
  add_numbers(out.worst, boards.at(2), "autoattack", "accuracy");
  add_numbers(out.worst, boards.at(2), "autoattack", "robust_accuracy");
  std::set<std::string> said;
  for (const board::Board& made : boards) add_verdicts(out, made, said);
  return out;
}

Json to_json(const AuditReport& report) {
  return Json::object({{"model", report.name},
                       {"data", report.set},
                       {"norm", report.norm},
                       {"eps", report.eps},
                       {"quality", numbers_json(report.quality)},
                       {"curve", numbers_json(report.curve)},
                       {"worst_case", numbers_json(report.worst)},
                       {"findings", Json(report.findings)},
                       {"missing", Json(report.missing)},
                       {"protocols", Json(report.protocols)}});
}

std::string to_markdown(const AuditReport& report) {
  std::string out = fmt::format("# {} on {}\n", report.name, report.set);
  out += table(report.worst, fmt::format("AutoAttack, {} {}", report.norm, report.eps));
  out += table(report.curve, "Robust accuracy by radius");
  out += table(report.quality, "Without attack, on the whole test split");
  out += list(report.findings, "What the judges object to");
  out += list(report.missing, "What gave no number");
  if (report.findings.empty() && report.missing.empty()) out += "\nNo judge objected (rules 15 to 20).\n";
  return out;
}

}  // namespace assay::cli
