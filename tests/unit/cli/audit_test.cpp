// The suites of an audit: they parse, and ask what an audit is to answer.
#include "harness/cli/audit.hpp"

#include <doctest/doctest.h>

#include "harness/suite/suite.hpp"

using namespace assay;
using namespace assay::cli;

namespace {

std::vector<std::string> texts(const std::vector<Rational>& radii) {
  std::vector<std::string> out;
  for (const Rational& radius : radii) out.push_back(radius.str());
  return out;
}

}  // namespace

TEST_CASE("the suites of an audit parse, share their subject, and differ in what they ask") {
  AuditQuestion question;
  question.model = "/nets/a \"strange\\ name.onnx";
  question.name = "my-net";
  question.set = "cifar10";
  question.seeds = {0, 1};
  const auto suites = audit_suites(question);
  REQUIRE(suites.size() == 3);
  for (const AuditSuite& suite : suites) {
    CAPTURE(suite.part);
    const SuiteSpec spec = parse_suite(suite.text, suite.part + ".toml");
    CHECK(spec.name.value == "audit-my-net-" + suite.part);
    CHECK(spec.rank == "none");
    CHECK(spec.seeds == std::vector<std::int64_t>{0, 1});
    CHECK(spec.models.at(0).onnx->value == question.model);
    CHECK(spec.data.test->balanced == (suite.part != "quality"));
  }
  const SuiteSpec curve = parse_suite(suites[1].text, "curve.toml");
  CHECK(texts(curve.threat->eps) == std::vector<std::string>{"0", "1/255", "2/255", "4/255", "8/255", "16/255", "1/2"});
  CHECK(curve.threat->rank_eps == Rational{8, 255});
  const SuiteSpec chain = parse_suite(suites[2].text, "autoattack.toml");
  REQUIRE(chain.methods.at(1).chain.size() == 4);
  CHECK(chain.methods[1].chain[3].use.value == "square");
  CHECK(texts(chain.threat->eps) == std::vector<std::string>{"0", "8/255"});
  CHECK_FALSE(chain.methods[1].stop);
  question.half_width = Rational{1, 50};
  const SuiteSpec early = parse_suite(audit_suites(question)[2].text, "autoattack.toml");
  REQUIRE(early.methods.at(1).stop);
  CHECK(early.methods[1].stop->half_width == Rational{1, 50});
}

TEST_CASE("radii of an audit grow, and end where nothing may stand only in linf") {
  CHECK(texts(audit_radii("l2", {1, 2})) == std::vector<std::string>{"0", "1/16", "1/8", "1/4", "1/2", "1"});
  CHECK(texts(audit_radii("linf", {3, 10})).back() == "3/5");  // beyond 1/2 already
}

TEST_CASE("a report lists numbers with their intervals, and objections only where there are any") {
  AuditReport report;
  report.name = "net";
  report.set = "cifar10";
  report.norm = "linf";
  report.eps = "8/255";
  board::Value value;
  value.mean = 0.25;
  value.interval = stats::Interval{0.2, 0.3, 0.95, "samples", 100};
  report.worst.push_back({"robust_accuracy", "eps=8/255", value, "autoattack"});
  CHECK(to_markdown(report).find("| robust_accuracy | eps=8/255 | 0.2500 | [0.2000, 0.3000] | autoattack |") != std::string::npos);
  CHECK(to_markdown(report).find("No judge objected") != std::string::npos);
  CHECK(to_json(report).at("worst_case").at(0).at("interval").at("over").as_string() == "samples");
  report.findings.push_back("pgd: INVALID (rule 20): random");
  CHECK(to_markdown(report).find("- pgd: INVALID (rule 20): random") != std::string::npos);
  CHECK(to_markdown(report).find("No judge objected") == std::string::npos);
}
