#include "harness/cli/reproducing.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/cli/progress.hpp"
#include "harness/cli/running.hpp"

namespace assay::cli {
namespace {

const Descriptor* descriptor_of(const PlanContext& context, const Node& node) {
  const auto found = context.plugins.find(node.plugin_id);
  return found == context.plugins.end() ? nullptr : &found->second;
}

std::size_t index_of(const Plan& plan, const std::string& key) {
  const auto found = std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const Node& node) { return node.key == key; });
  return static_cast<std::size_t>(found - plan.nodes.begin());
}

// Which parts of the identity are others than recorded, as far as a name helps.
std::string what_changed(const store::CellRecord& cell, const Node& now) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : cell.identity.as_object()) {
    if (now.identity.has(key) && now.identity.at(key) == value) continue;
    if (key == "plugin" && now.plugin_id == cell.plugin_id)
      parts.push_back(fmt::format("plugin '{}' (built again: digest {} instead of {})", cell.plugin_id, short_key(now.plugin_sha256),
                                  short_key(cell.plugin_digest)));
    else if (key == "numerics")
      parts.push_back(fmt::format("numerics ({} instead of {})", now.numerics.str(), cell.numerics));
    else
      parts.push_back(key);
  }
  for (const auto& [key, value] : now.identity.as_object())
    if (!cell.identity.has(key)) parts.push_back(key);
  return fmt::format("{}", fmt::join(parts, ", "));
}

[[noreturn]] void refuse(const store::CellRecord& cell, const fs::path& file, const Plan& plan) {
  const std::string head = fmt::format("'{}' ({}) is not what {} asks for now", cell.label, short_key(cell.generation), file.string());
  for (const Node& node : plan.nodes)
    if (node.kind == NodeKind::cell && node.label == cell.label)
      throw Error(Fault::bad_input, fmt::format("{}: its {} changed; only what is the same can be reproduced", head,
                                                what_changed(cell, node)));
  throw Error(Fault::bad_input, head + ": the suite has no such cell any more; --suite names the file that it was planned from");
}

// The artifacts that the cell needs, as links: the cache itself is left alone.
std::set<std::string> link_artifacts(const PlannedAgain& planned, const fs::path& cache) {
  std::set<std::string> linked;
  for (const Node& node : planned.plan.nodes) {
    const fs::path relative = fs::path(node_kind_name(node.kind)) / node.key, from = artifact_folder() / relative;
    if (node.key == planned.key || !fs::exists(from / "manifest.json")) continue;
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      if (!entry.is_regular_file()) continue;
      const fs::path to = cache / relative / entry.path().lexically_relative(from);
      fs::create_directories(to.parent_path());
      std::error_code across;
      fs::create_hard_link(entry.path(), to, across);
      if (across) fs::copy_file(entry.path(), to);
    }
    linked.insert(node.key);
  }
  return linked;
}

std::string bytes_of(const store::Store& db, std::int64_t attempt) {
  std::string out;
  for (const store::ArtifactRecord& one : db.artifacts(attempt))
    if (one.made) out += one.name + "=" + one.sha256 + "\n";
  return out;
}

// What was made again instead of taken from the cache, beside what is recorded of it.
void compare_remade(const PlannedAgain& planned, const store::Store& db, const store::Store& scratch,
                    const std::set<std::string>& linked, Again& again) {
  for (const Node& node : planned.plan.nodes) {
    if (node.key == planned.key || linked.count(node.key) > 0 || node.kind == NodeKind::certify) continue;
    const auto before = db.find(node.key), now = scratch.find(node.key);
    if (!now || !now->standing || now->standing->status != "ok") continue;
    const std::string then = before && before->standing ? bytes_of(db, before->standing->id) : "";
    const bool same = then == bytes_of(scratch, now->standing->id);
    again.remade.emplace_back(node.label, then.empty() ? "not recorded" : same ? "same bytes" : "other bytes");
    if (!then.empty() && !same) again.reproduction.object("'" + node.label + "' was made again with other bytes");
  }
}

}  // namespace

PlannedAgain plan_again(const store::CellRecord& cell, const fs::path& file, const PlanContext& context) {
  const SuiteSpec suite = load_suite(file);
  const Plan plan = make_plan(suite, context);
  std::size_t at = index_of(plan, cell.generation);
  const bool same_key = at < plan.nodes.size();
  if (!same_key && cell.identity.is_object() && cell.identity.has("numerics")) {
    PlanContext then = context;
    then.machine = Numerics::from_json(cell.identity.at("numerics"));
    // Nodes stand in an order that numerics has no part in.
    const Plan recorded = make_plan(suite, then);
    if (recorded.nodes.size() == plan.nodes.size()) at = index_of(recorded, cell.generation);
  }
  if (at >= plan.nodes.size()) refuse(cell, file, plan);
  PlannedAgain out;
  out.key = plan.nodes[at].key;
  out.same_key = same_key;
  out.plan = filter(plan, {{"key", out.key}});
  for (Node& node : out.plan.nodes)  // times are not compared
    std::erase_if(node.stages, [](const Stage& stage) { return stage.alone; });
  return out;
}

fs::path suite_of(const store::Store& db, const store::CellRecord& cell, const store::AttemptRecord& attempt) {
  std::vector<store::PlannedIn> planned = db.planned_in(cell.id);
  std::stable_partition(planned.begin(), planned.end(), [&](const auto& one) { return one.protocol == attempt.protocol; });
  for (const store::PlannedIn& one : planned)
    if (fs::exists(one.file)) return one.file;
  for (const store::PlannedIn& one : planned)
    for (const SuiteFile& installed : installed_suites())
      if (load_suite(installed.path).name.value == one.suite) return installed.path;
  const std::string last = planned.empty() ? "" : fmt::format(": '{}' of suite '{}' is gone", planned[0].file, planned[0].suite);
  throw Error(Fault::bad_input, fmt::format("'{}': no suite file to plan it from{}; --suite names one", cell.label, last));
}

Again run_again(const PlannedAgain& planned, const store::Store& db, const store::AttemptRecord& attempt,
                const PlanContext& context, const AgainOptions& options) {
  // Beside the cache, so that links reach.
  const TempDir folder("reproduce", assay_home() / "work");
  const std::set<std::string> linked = options.fresh ? std::set<std::string>() : link_artifacts(planned, folder.path() / "cache");
  store::Store scratch = store::Store::open(folder.path() / "assay.db");
  scratch.record_plan(planned.plan);
  ProgressView view;
  sched::Callbacks callbacks;
  callbacks.on_progress = [&](const sched::Progress& progress) { view.update(progress, options.stop ? options.stop->load() : 0); };
  callbacks.on_finished = [&](const Finished& finished) {
    scratch.import(planned.plan, finished, descriptor_of(context, *finished.node));
  };
  sched::SchedOptions how;
  how.jobs = options.jobs;
  how.cache = folder.path() / "cache";
  how.work = folder.path() / "work";
  how.worker = installed_layout().worker;
  how.stop = options.stop;
  how.sandbox = options.sandbox;
  const sched::Summary summary = sched::run(planned.plan, how, callbacks);
  view.close();

  Again again;
  again.seconds = summary.wall_seconds;
  again.interrupted = summary.interrupted;
  if (again.interrupted) return again;
  const Node& cell = planned.cell();
  const auto now = scratch.find(cell.key);
  if (!now || !now->standing) throw Error(Fault::internal, "reproduce: '" + cell.label + "' ended without a record");
  const Descriptor* plugin = descriptor_of(context, cell);
  again.reproduction = board::compare_runs({db, attempt}, {scratch, *now->standing},
                                           cell.has_time_budget() || (plugin != nullptr && plugin->clock_bounded));
  if (planned.same_key) compare_remade(planned, db, scratch, linked, again);
  return again;
}

}  // namespace assay::cli
