// The table of checks and the ways to ask for them.
#include "harness/validate/validate.hpp"

#include "harness/validate/check_list.hpp"

namespace assay::validate {
namespace {

struct Row {
  Check check;
  CheckFn run;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {{"scan-time", "loading and reading the descriptors takes less than a second", "", false}, check_scan_time},
      {{"one-symbol", "the library exports assay_plugin_v0 and nothing else", "", false}, check_one_symbol},
      {{"descriptor-complete", "id, version, summary, citation, slots and parameter docs are all there", "", false},
       check_descriptor_complete},
      {{"defaults-in-range", "every parameter's default is a value that the parameter allows", "", false},
       check_defaults_in_range},
      {{"roles-declared-are-answered", "role() answers exactly the roles of the descriptor", "", false},
       check_roles_answered},
      {{"unknown-id-refused", "create() of an unknown id gives NOT_FOUND and no instance", "", false},
       check_unknown_id},
      {{"bounds-run", "the method runs with every parameter at its lowest and highest value", "", false},
       check_bounds_run},
      {{"missing-service-reported", "a service that the host lacks ends in UNSUPPORTED with a reason", "", false},
       check_missing_service},
      {{"fail-nth-call", "a failing host call ends the call cleanly: a status, no output, no leak", "", false},
       check_fail_nth_call},
      {{"handles-balance", "every handle that the method got is released when it is destroyed", "", false},
       check_handles_balance},
      {{"same-seed-same-bytes", "two runs with one seed give the same bytes", "", false}, check_same_seed},
      {{"any-batch-same-rows", "a row's result depends neither on the rows that travel with it nor on their order", "",
        false},
       check_any_batch},
      {{"cancel-within-1s", "a cancelled call returns within a second", "", false}, check_cancel},
      {{"create-destroy-1000", "a thousand instances come and go without growth", "", false}, check_create_destroy},
      {{"attack-stays-in-threat-model", "adversarial inputs stay in the ball and in the valid range", "attack", false},
       check_threat_model},
      {{"scores-finite-one-per-row", "every input gets one finite score, extreme inputs too", "detector", false},
       check_scores},
      {{"compressor-meets-target", "the compressed model meets the target ratio or the method says that it cannot",
        "compressor", false},
       check_compressor_target},
      {{"reducer-set-is-adopted", "the reduced set is of the training set's types and of at most the size asked", "reducer", false},
       check_reducer_set},
      {{"analyzer-verdicts", "every region gets a verdict, and every counter-example is in its region and real", "analyzer", false},
       check_analyzer_verdicts},
      {{"certificate-attack", "finds planted adversarial examples of a model whose margins are known", "attack", true},
       certify_attack},
      {{"certificate-detector", "separates perfectly separable out-of-distribution inputs", "detector", true},
       certify_detector},
      {{"certificate-compressor", "keeps the function of a network whose best mask is known", "compressor", true},
       certify_compressor},
      {{"certificate-reducer", "leaves a set that teaches a known problem, or as a poison one that does not", "reducer", true},
       certify_reducer},
      {{"certificate-analyzer", "is never wrong about regions whose answers are known, and finds the wide violations", "analyzer", true},
       certify_analyzer},
      {{"certificate-ensemble", "gives the known answer for members with known outputs", "ensemble", true},
       certify_ensemble},
      {{"certificate-trainer", "reaches the known optimum of a separable problem", "trainer", true}, certify_trainer},
      {{"certificate-architecture", "builds a network that learns a separable problem", "architecture", true},
       certify_architecture},
  };
  return table;
}

Json list_item(const std::string& plugin, const Check& check) {
  return Json::object({{"plugin", plugin}, {"check", check.id}, {"says", check.says}});
}

bool of_file(const Check& check) {
  return check.id == "scan-time" || check.id == "one-symbol" || check.id == "descriptor-complete";
}

}  // namespace

const std::vector<Check>& checks() {
  static const std::vector<Check> list = [] {
    std::vector<Check> result;
    for (const Row& row : rows()) result.push_back(row.check);
    return result;
  }();
  return list;
}

CheckResult run_check(const std::string& check, const std::filesystem::path& plugin, const std::string& id) {
  std::vector<std::string> names;
  for (const Row& row : rows()) {
    names.push_back(row.check.id);
    if (row.check.id != check) continue;
    Subject subject(plugin, id);
    try {
      if (!row.check.role.empty() && !subject.descriptor().has_role(row.check.role)) {
        return skipped("the method has no role " + row.check.role);
      }
      if (row.check.certificate && subject.descriptor().baseline)
        return skipped("baselines need no certificate [rule 4]");
      return row.run(subject);
    } catch (const Error& error) {
      if (error.fault() == Fault::internal || error.fault() == Fault::io) throw;
      return failed(error.what());
    }
  }
  throw Error(Fault::bad_input, "unknown check '" + check + "'" + suggestion(check, names));
}

Json certificates_by_role() {
  Json result = Json::object({});
  for (const Check& check : checks()) {
    if (check.certificate) result[check.role].push_back(check.id);
  }
  return result;
}

Json list_checks(const std::filesystem::path& plugin) {
  Json list = Json::array();
  try {
    const plugin::PluginLibrary library = plugin::PluginLibrary::open(plugin, false);
    for (const Descriptor& descriptor : library.descriptors()) {
      for (const Check& check : checks()) {
        const bool applies = check.role.empty() || descriptor.has_role(check.role);
        if (applies && !(check.certificate && descriptor.baseline)) list.push_back(list_item(descriptor.id, check));
      }
    }
  } catch (const Error& error) {
    if (error.fault() == Fault::io) throw;
    for (const Check& check : checks()) {
      if (of_file(check)) list.push_back(list_item("", check));
    }
  }
  return list;
}

Json check_to_json(const std::filesystem::path& plugin, const std::string& id, const std::string& check) {
  const CheckResult result = run_check(check, plugin, id);
  return Json::object({{"status", result.status}, {"detail", result.detail}});
}

void certify(tasks::StageContext& context) {
  std::string broken;
  const Json& wanted = context.spec().at("checks");
  for (const Json& item : wanted.as_array()) {
    const std::string& check = item.as_string();
    const CheckResult result = run_check(check, context.job().plugin_path, context.job().plugin_id);
    const bool good = result.status == "passed" || result.status == "skipped";
    context.shard().append(Json::object(
        {{"type", "trace"}, {"name", check}, {"step", 0}, {"value", good ? 1.0 : 0.0}, {"grade", "host-measured"}}));
    context.host_score(check, "", result.value, 1, Json::object({{"detail", result.detail}}));
    if (!good) broken += (broken.empty() ? "" : "; ") + check + ": " + result.detail;
  }
  if (!broken.empty()) throw Error(Fault::constraint, "not certified: " + broken);
}

}  // namespace assay::validate
