// Command line: declaration of the commands, errors with the nearest name, exit codes.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <new>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"

namespace assay::cli {
namespace {

void add_commands(CLI::App& app, Action& action) {
  add_run(app, action);
  add_node(app, action);
  add_plan(app, action);
  add_leaderboard(app, action);
  add_compare(app, action);
  add_claims(app, action);
  add_rescore(app, action);
  add_submit(app, action);
  add_audit(app, action);
  add_reproduce(app, action);
  add_site(app, action);
  add_list(app, action);
  add_info(app, action);
  add_show(app, action);
  add_log(app, action);
  add_data(app, action);
  add_model(app, action);
  add_new(app, action);
  add_check(app, action);
  add_db(app, action);
  add_cache(app, action);
  add_doctor(app, action);
  add_completion(app, action);
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(one->get_name());
  return names;
}

// The subcommand that the arguments chose, down to the last level.
const CLI::App& chosen(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : chosen(*parsed.front());
}

std::vector<std::string> names_of_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

int usage_error(const CLI::App& app, std::string message) {
  const CLI::App& where = chosen(app);
  if (!message.empty() && message.back() == '.') message.pop_back();
  remark(paint("error: ", Tone::bad, 2) + message);
  std::string command = app.get_name();
  if (&where != &app) command += " " + where.get_name();
  remark("run '" + command + " --help' for the options and an example");
  return exit_usage;
}

// What nobody asked for: an unknown command, an unknown option, or one value too many.
std::string describe_extras(const CLI::App& app) {
  const CLI::App& where = chosen(app);
  std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return "unexpected arguments";
  const std::string& first = extras.front();
  if (first.rfind("--", 0) == 0) {
    const std::string name = first.substr(0, first.find('='));
    return "unknown option '" + name + "'" + suggestion(name, names_of_options(where));
  }
  const auto commands = names_of_commands(where);
  if (!commands.empty()) return "unknown command '" + first + "'" + suggestion(first, commands);
  return "unexpected argument '" + first + "'";
}

// "unknown command 'fecth'; did you mean 'fetch'?" for the first word that should name a command and does not, else "".
std::string unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* where = &app;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const auto names = names_of_commands(*where);
    if (names.empty()) return "";
    if (std::find(names.begin(), names.end(), argv[i]) == names.end())
      return std::string("unknown command '") + argv[i] + "'" + suggestion(argv[i], names);
    where = where->get_subcommand(argv[i]);
  }
  return "";
}

int exit_code_of(Fault fault) {
  if (fault == Fault::internal) return exit_internal;
  return fault == Fault::cancelled ? exit_interrupted : exit_usage;
}

int run_action(const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    const bool bug = error.fault() == Fault::internal;
    remark(paint(bug ? "internal error: " : "error: ", Tone::bad, 2) + error.what());
    return exit_code_of(error.fault());
  } catch (const std::bad_alloc&) {
    remark(paint("error: ", Tone::bad, 2) + "out of memory");
    return exit_internal;
  } catch (const std::exception& error) {
    remark(paint("internal error: ", Tone::bad, 2) + error.what());
    return exit_internal;
  }
}

}  // namespace

CLI::App* subcommand(CLI::App& app, const std::string& name, const std::string& says, const std::string& example) {
  CLI::App* command = app.add_subcommand(name, says);
  if (!example.empty()) command->footer("Example:\n  " + example);
  return command;
}

int run_program(int argc, const char* const* argv) {
  CLI::App app{"Runs deep-learning methods on data, checks what they did, and ranks them.", "assay"};
  app.set_version_flag("--version", std::string("assay ") + ASSAY_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error&) { return std::string(); });
  app.footer("Example:\n  assay run quickstart/attacks && assay leaderboard quickstart/attacks\n\n"
             "Exit codes: 0 done, 1 some cells failed, 2 usage or bad input, 3 internal error, 130 interrupted");
  Action action;
  add_commands(app, action);
  try {
    // An unknown word where a command is due is named before CLI11 complains that one is missing.
    const std::string unknown = unknown_command(app, argc, argv);
    if (!unknown.empty()) return usage_error(app, unknown);
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ExtrasError&) {
    return usage_error(app, describe_extras(app));
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error.what());
  }
  const int code = action ? run_action(action) : exit_usage;
  std::fflush(stdout);
  return code;
}

}  // namespace assay::cli
