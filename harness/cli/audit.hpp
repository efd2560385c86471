// An audit of a user's own model: which suites it takes, and what their boards say of it, in one report. Pure but for
// audit_report, which reads the database. Nothing here prints. [one thread: the store's]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"
#include "results/board/board.hpp"

namespace assay::cli {

struct AuditQuestion {
  std::string model;                // path of an ONNX file
  std::string name;                 // of the model, in suites and reports: lower-case letters, digits, '-', '_', '.'
  std::string set;                  // data set of the catalogue; its splits train and test
  std::string norm = "linf";
  Rational eps{8, 255};             // the radius that counts; the curve goes from an eighth of it to twice it
  std::int64_t samples = 1000;      // test samples that are attacked, balanced over classes; quality is of all
  std::vector<std::int64_t> seeds{0};
  std::optional<Rational> half_width;  // AutoAttack stops when the interval of robust accuracy is no wider than twice this
};

struct AuditSuite {
  std::string part;                 // quality | curve | autoattack
  std::string text;                 // TOML
};
// quality: predictions of the whole test split; curve: noise and PGD with 20 steps at growing radii; autoattack: noise and the
// standard chain at eps. Suites of the user's own: they can be edited and run again.
std::vector<AuditSuite> audit_suites(const AuditQuestion& question);

// From an eighth of eps to twice it, 0 first; for linf 1/2 last, where nothing may stand (rule 17).
std::vector<Rational> audit_radii(const std::string& norm, const Rational& eps);

struct AuditNumber {
  std::string what, condition;      // metric; "" or "eps=8/255"
  board::Value value;
  std::string means;                // definition of the metric, or which attack
};
struct AuditReport {
  std::string name, set, norm, eps;
  std::vector<AuditNumber> quality, curve, worst;  // worst: without attack and under AutoAttack
  std::vector<std::string> findings;               // verdicts of the judges, each once; empty: none objected
  std::vector<std::string> missing;                // cells that came to no number, with the reason
  std::vector<std::string> protocols;              // of the three boards
};
// `protocols`: hashes of the suites that audit_suites gave, in that order.
AuditReport audit_report(const store::Store& db, const AuditQuestion& question, const std::vector<std::string>& protocols);

Json to_json(const AuditReport& report);
// Tables in markdown, which read as text too.
std::string to_markdown(const AuditReport& report);

}  // namespace assay::cli
