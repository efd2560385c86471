#include "harness/cli/junit.hpp"

#include <fmt/format.h>

namespace assay::cli {
namespace {

// Text in an attribute or an element; what XML 1.0 has no way to write becomes "?".
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += ' '; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

struct Case {
  std::string group, name;
  double seconds = 0;
  std::string element, message;  // failure, error, skipped or system-out; "" and "": passed without remark
};

std::string line(const Case& one) {
  std::string out = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", escaped(one.group),
                                escaped(one.name), one.seconds);
  if (one.element.empty()) return out + "/>\n";
  if (one.element == "system-out") return out + "><system-out>" + escaped(one.message) + "</system-out></testcase>\n";
  return out + fmt::format("><{} message=\"{}\"/></testcase>\n", one.element, escaped(one.message));
}

Case cell_case(const Plan& plan, const Node& node, const store::Store& db) {
  Case out{plan.suite + "." + node.method, node.label, 0, "", ""};
  const auto cell = db.find(node.key);
  if (!cell || !cell->standing) {
    out.element = "skipped";
    out.message = "not run";
    return out;
  }
  const store::AttemptRecord& attempt = *cell->standing;
  out.seconds = attempt.wall_seconds;
  std::string verdicts;
  for (const store::VerdictRecord& one : attempt.verdicts)
    verdicts += fmt::format("{}{} (rule {}): {}", verdicts.empty() ? "" : "; ", store::level_name(one.level), one.rule, one.reason);
  const bool killed = attempt.status == "crashed" || attempt.status == "timeout" || attempt.status == "oom";
  if (attempt.status != "ok") {
    out.element = attempt.status == "cancelled" ? "skipped" : killed ? "error" : "failure";
    out.message = attempt.status + ": " + attempt.reason;
  } else if (!verdicts.empty()) {
    out.element = attempt.level == store::Level::invalid ? "failure" : "system-out";
    out.message = verdicts;
  }
  return out;
}

Case claim_case(const Plan& plan, const claims::Verdict& verdict) {
  Case out{plan.suite + ".claims", verdict.claim.id, 0, "", claims::line(verdict)};
  switch (verdict.outcome) {
    case claims::Outcome::reproduced: out.element = "system-out"; break;
    case claims::Outcome::not_reproduced: out.element = verdict.claim.gate ? "failure" : "system-out"; break;
    default: out.element = "skipped";
  }
  return out;
}

}  // namespace

std::string junit_suite(const Plan& plan, const store::Store& db, const std::vector<claims::Verdict>& verdicts) {
  std::vector<Case> cases;
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell) cases.push_back(cell_case(plan, node, db));
  for (const claims::Verdict& verdict : verdicts) cases.push_back(claim_case(plan, verdict));
  int failures = 0, errors = 0, skipped = 0;
  double seconds = 0;
  std::string body;
  for (const Case& one : cases) {
    failures += one.element == "failure";
    errors += one.element == "error";
    skipped += one.element == "skipped";
    seconds += one.seconds;
    body += line(one);
  }
  return fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n",
                     escaped(plan.suite), cases.size(), failures, errors, skipped, seconds) +
         body + "  </testsuite>\n";
}

std::string junit_file(const std::vector<std::string>& suites) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay\">\n";
  for (const std::string& suite : suites) out += suite;
  return out + "</testsuites>\n";
}

}  // namespace assay::cli
