// assay doctor: is this machine and installation fit to run?
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/workspace.hpp"
#include "harness/data/fetch.hpp"

namespace assay::cli {
namespace {

struct DoctorOptions {
  std::string format = "table", db;
};

struct Finding {
  std::string state, detail;  // ok, warning, fault
};

constexpr double scarce_bytes = 2e9, fatal_bytes = 2e8;

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

Finding worker_program() { return {"ok", WorkerClient::standard().program().string()}; }

Finding engine() {
  const Numerics numerics = Numerics::from_json(WorkerClient::standard().info("numerics"));
  return {"ok", cpu_name() + "; instruction set " + numerics.isa + "; oneDNN " + numerics.dnnl + "; numerics " +
                    numerics.str()};
}

Finding precision() {
  std::string here, missing;
  const Json precisions = WorkerClient::standard().info("precisions");
  for (const Json& one : precisions.as_array()) {
    const std::string id = one.at("id").as_string(), reason = one.at("unsupported").as_string();
    if (reason.empty()) here += (here.empty() ? "" : ", ") + id;
    if (!reason.empty()) missing += "; " + reason;
  }
  return {"ok", here + missing};
}

Finding plugins() {
  const PluginSet set = WorkerClient::standard().describe_all(plugin_libraries());
  std::string detail = std::to_string(set.descriptors.size()) + " methods";
  for (const BrokenPlugin& one : set.broken) detail += "; " + one.path + ": " + one.reason;
  if (set.descriptors.empty()) return {"fault", detail + "; build the plugins or set ASSAY_PLUGINS"};
  return {set.broken.empty() ? "ok" : "warning", detail};
}

Finding suites() {
  std::string bad;
  const auto all = installed_suites();
  for (const SuiteFile& one : all) {
    try {
      load_suite(one.path);
    } catch (const Error& error) {
      bad += std::string("; ") + error.what();
    }
  }
  return {bad.empty() && !all.empty() ? "ok" : "warning", std::to_string(all.size()) + " suites" + bad};
}

Finding data_sets() {
  const data::Catalog catalog = data::load_catalog();
  std::string here, broken;
  for (const CatalogEntry& entry : catalog.entries) {
    const data::SetStatus status = data::status(entry, data::data_root());
    if (status.complete()) here += (here.empty() ? "" : ", ") + entry.name;
    for (const data::FileStatus& file : status.files)
      if (file.state == data::FileState::wrong_size) broken += "; " + file.path.string() + " has the wrong size";
  }
  if (here.empty())
    return {"warning",
            "none of " + std::to_string(catalog.entries.size()) + " sets is here; 'assay data fetch NAME'" + broken};
  return {broken.empty() ? "ok" : "fault", here + broken};
}

Finding home() {
  const std::filesystem::path folder = assay_home();
  const std::filesystem::path probe = folder / ".doctor";
  write_atomic(probe, "x");
  std::filesystem::remove(probe);
  const double free = static_cast<double>(std::filesystem::space(folder).available);
  const std::string detail = folder.string() + ", " + bytes_text(free) + " free";
  return {free < fatal_bytes ? "fault" : free < scarce_bytes ? "warning" : "ok", detail};
}

Finding database(const std::string& given) {
  const std::filesystem::path file = database_path(given);
  if (!std::filesystem::exists(file)) return {"ok", file.string() + ": none yet"};
  const store::Store db = open_database(given);
  return {"ok", fmt::format("{}: schema {}, journal {}, {} suites", file.string(), db.schema_version(),
                            db.journal_mode(), db.suites().size())};
}

Finding load() {
  double average = 0;
  if (getloadavg(&average, 1) != 1) return {"warning", "the load average cannot be read"};
  const int cores = default_jobs(Plan{});
  const std::string detail = fmt::format("{} core{} usable, load {:.1f}", cores, cores == 1 ? "" : "s", average);
  if (average > 0.5 * cores) return {"warning", detail + ": times will be marked as shared"};
  return {"ok", detail};
}

// What holds a worker here, each with its mechanism.
Finding isolation() {
  const std::filesystem::path worker = WorkerClient::standard().program();
  const std::string trouble = sched::sandbox_trouble(worker);
  const Json by = sched::limits_in_force(trouble.empty() ? sched::SandboxMode::require : sched::SandboxMode::off, worker);
  std::string detail = trouble.empty() ? "sandbox by bubblewrap" : "no sandbox (" + trouble + ")";
  for (const char* what : {"memory", "processes", "disk"}) detail += std::string("; ") + what + " by " + by.get(what, "");
  return {trouble.empty() ? "ok" : "warning", detail};
}

Finding guarded(const std::function<Finding()>& look) {
  try {
    return look();
  } catch (const std::exception& error) {
    return {"fault", error.what()};
  }
}

int doctor(const DoctorOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const std::pair<const char*, std::function<Finding()>> looks[] = {{"worker", worker_program},
                                                                    {"engine", engine},
                                                                    {"precision", precision},
                                                                    {"plugins", plugins},
                                                                    {"suites", suites},
                                                                    {"data", data_sets},
                                                                    {"home", home},
                                                                    {"database", [&] { return database(options.db); }},
                                                                    {"isolation", isolation},
                                                                    {"load", load}};
  Table table({{"what", "what"}, {"state", "state"}, {"detail", "detail"}});
  bool fit = true;
  for (const auto& [name, look] : looks) {
    const Finding found = guarded(look);
    fit = fit && found.state != "fault";
    table.add({name, found.state, found.detail}, found.state == "ok"        ? Tone::plain
                                                 : found.state == "warning" ? Tone::warn
                                                                            : Tone::bad);
  }
  table.print(format);
  return fit ? exit_done : exit_usage;
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = subcommand(
      app, "doctor", "Checks machine and installation: worker, plugins, data, home, database, isolation, load", "assay doctor");
  command->add_option("--format", options->format, "table or json");
  command->add_option("--db", options->db, "results database");
  command->callback([options, &action] { action = [options] { return doctor(*options); }; });
}

}  // namespace assay::cli
