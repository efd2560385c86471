// assay check PLUGIN.so: the validator. Every check runs in a process of its own, so one that crashes is one row.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/worker_client.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

struct CheckOptions {
  std::string plugin, format = "table";
  std::vector<std::string> only;
  double timeout = 120;
  bool list = false;
};

bool is_library(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) return false;
  constexpr std::string_view magic =
      "\x7f"
      "ELF";
  const MappedFile content(file);
  const auto bytes = content.bytes();
  return bytes.size() >= magic.size() &&
         std::string_view(reinterpret_cast<const char*>(bytes.data()), magic.size()) == magic;
}

// A file, or the id of an installed method.
std::filesystem::path library_of(const std::string& name, const WorkerClient& worker) {
  if (std::filesystem::exists(name)) {
    if (!is_library(name))
      throw Error(Fault::bad_input, name + ": not a plugin library; expected an ELF shared object (*.so)");
    return name;
  }
  if (name.find('/') != std::string::npos || std::filesystem::path(name).extension() == ".so")
    throw Error(Fault::bad_input, "no plugin file '" + name + "'");
  std::vector<std::string> ids;
  for (const Descriptor& one : load_plugins(worker)) {
    if (one.id == name) return one.path;
    ids.push_back(one.id);
  }
  throw Error(Fault::bad_input, "no plugin file and no method '" + name + "'" + suggestion(name, ids));
}

std::vector<CheckCase> wanted(std::vector<CheckCase> cases, const std::vector<std::string>& only) {
  if (only.empty()) return cases;
  std::vector<CheckCase> kept;
  std::vector<std::string> names;
  names.reserve(cases.size());
  for (const CheckCase& one : cases) names.push_back(one.check);
  for (const std::string& name : only) {
    const std::size_t before = kept.size();
    for (const CheckCase& one : cases)
      if (one.check == name) kept.push_back(one);
    if (kept.size() == before)
      throw Error(Fault::bad_input, "--only: no check '" + name + "'" + suggestion(name, names));
  }
  return kept;
}

Tone tone_of(const std::string& status) {
  if (status == "passed") return Tone::good;
  if (status == "skipped") return Tone::dim;
  return status == "warning" ? Tone::warn : Tone::bad;
}

bool is_bad(const std::string& status) { return status != "passed" && status != "skipped" && status != "warning"; }

int list_checks(const std::vector<CheckCase>& cases, Format format) {
  Table table({{"plugin", "method"}, {"check", "check"}, {"says", "what it demands"}});
  for (const CheckCase& one : cases) table.add({one.plugin, one.check, one.says});
  table.print(format);
  return exit_done;
}

int check(const CheckOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  const WorkerClient worker = WorkerClient::standard();
  const std::filesystem::path library = library_of(options.plugin, worker);
  const std::vector<CheckCase> cases = wanted(worker.checks(library), options.only);
  if (options.list) return list_checks(cases, format);
  Table table(
      {{"plugin", "method"}, {"check", "check"}, {"status", "status"}, {"seconds", "s", true}, {"detail", "detail"}});
  std::map<std::string, int> counts;
  bool bad = false;
  for (const CheckCase& one : cases) {
    if (is_terminal(2)) fmt::print(stderr, "\r{} {}\033[K", one.plugin, one.check);
    const CheckResult result = worker.check(library, one, options.timeout);
    ++counts[result.status];
    bad = bad || is_bad(result.status);
    table.add({one.plugin, one.check, result.status, fmt::format("{:.1f}", result.seconds),
               result.detail.empty() && is_bad(result.status) ? one.says : result.detail},
              tone_of(result.status));
  }
  if (is_terminal(2)) fmt::print(stderr, "\r\033[K");
  table.print(format);
  std::string summary;
  for (const auto& [status, count] : counts)
    summary += (summary.empty() ? "" : ", ") + std::to_string(count) + " " + status;
  remark(library.filename().string() + ": " + std::to_string(cases.size()) + " checks: " + summary);
  return bad ? exit_some_failed : exit_done;
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = subcommand(app, "check", "The plugin validator: valid and hostile inputs, a process each",
                                 "assay check build/plugins/pgd.so --only handles-balance");
  command->add_option("plugin", options->plugin, "a plugin library, or the id of an installed method")->required();
  command->add_option("--only", options->only, "run this check only; may be repeated")->type_name("CHECK");
  command->add_flag("--list", options->list, "show the checks and what they demand");
  command->add_option("--timeout", options->timeout, "seconds for one check")->check(CLI::PositiveNumber);
  command->add_option("--format", options->format, "table or json");
  command->callback([options, &action] { action = [options] { return check(*options); }; });
}

}  // namespace assay::cli
