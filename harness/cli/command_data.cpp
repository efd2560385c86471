// assay data list|fetch|verify
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/data/catalog.hpp"
#include "harness/data/fetch.hpp"

namespace assay::cli {
namespace {

struct DataOptions {
  std::vector<std::string> names;
  std::string format = "table", root;
  bool offline = false, all = false;
};

std::filesystem::path root_of(const DataOptions& options) {
  return options.root.empty() ? data::data_root() : std::filesystem::path(options.root);
}

std::vector<CatalogEntry> chosen_entries(const DataOptions& options) {
  const data::Catalog catalog = data::load_catalog();
  if (options.all || options.names.empty()) return catalog.entries;
  std::vector<CatalogEntry> entries;
  for (const std::string& name : options.names) entries.push_back(catalog.at(name));
  return entries;
}

int list_data(const DataOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  Table table(
      {{"set", "set"}, {"state", "state"}, {"bytes", "bytes", true}, {"sources", "sources"}, {"folder", "folder"}});
  for (const CatalogEntry& entry : chosen_entries(options)) {
    const data::SetStatus status = data::status(entry, root_of(options));
    std::uint64_t bytes = 0;
    for (const CatalogFile& file : entry.files) bytes += file.bytes;
    Json sources = Json::array();
    for (const CatalogSource& source : entry.sources) sources.push_back(source.kind);
    table.add({entry.name, status.summary(), bytes, sources, status.folder.string()},
              status.complete() ? Tone::plain : Tone::dim);
  }
  table.print(format);
  return exit_done;
}

// Says on a terminal how far a download is, elsewhere only what it does now.
class FetchView {
 public:
  void update(const data::FetchProgress& now) {
    const std::string what = now.set + ": " + now.what + " (" + now.source + ")";
    if (!is_terminal(2)) {
      if (what != last_) remark(what);
      last_ = what;
      return;
    }
    const auto time = std::chrono::steady_clock::now();
    if (drawn_ && time - at_ < std::chrono::milliseconds(100)) return;
    at_ = time;
    drawn_ = true;
    std::string amount;
    if (now.done > 0) amount = " " + bytes_text(static_cast<double>(now.done));
    if (now.total > 0) amount += " of " + bytes_text(static_cast<double>(now.total));
    fmt::print(stderr, "\r{}{}\033[K", what, amount);
    std::fflush(stderr);
  }
  void close() {
    if (drawn_) fmt::print(stderr, "\r\033[K");
    drawn_ = false;
  }

 private:
  std::string last_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point at_{};
};

int fetch(const DataOptions& options) {
  if (options.names.empty() && !options.all)
    throw Error(Fault::bad_input,
                "name the sets to fetch, or say --all" + suggestion("", data::load_catalog().names()));
  int code = exit_done;
  for (const CatalogEntry& entry : chosen_entries(options)) {
    FetchView view;
    data::FetchOptions how;
    how.offline = options.offline;
    how.progress = [&view](const data::FetchProgress& now) { view.update(now); };
    try {
      const data::FetchReport report = data::fetch(entry, root_of(options), how);
      view.close();
      for (const std::string& failure : report.failures) remark(entry.name + ": passed over " + failure);
      const std::string from = report.already ? "was there already" : "from " + report.source;
      print("{}: {}, {} ({})\n", entry.name, from, report.status.summary(), report.status.folder.string());
    } catch (const Error& error) {
      view.close();
      remark(paint("error: ", Tone::bad, 2) + error.what());
      code = exit_usage;
    }
  }
  return code;
}

int verify(const DataOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  Table table({{"set", "set"}, {"file", "file"}, {"state", "state"}, {"path", "path"}});
  int code = exit_done;
  for (const CatalogEntry& entry : chosen_entries(options)) {
    const data::SetStatus status = data::verify(entry, root_of(options));
    const bool named = !options.names.empty();
    for (const data::FileStatus& file : status.files) {
      const bool good = file.state == data::FileState::verified;
      const bool absent = file.state == data::FileState::absent;
      // What was never fetched is a fault only when it was asked for by name.
      if (!good && (named || !absent)) code = exit_usage;
      table.add({entry.name, file.name, data::file_state_name(file.state), file.path.string()}, good     ? Tone::good
                                                                                                : absent ? Tone::dim
                                                                                                         : Tone::bad);
    }
  }
  table.print(format);
  return code;
}

void declare_data(CLI::App& group, Action& action, const char* name, const char* says, const char* example,
                  int (*work)(const DataOptions&)) {
  auto options = std::make_shared<DataOptions>();
  CLI::App* command = subcommand(group, name, says, example);
  command->add_option("set", options->names, "names of data sets (default: all)");
  command->add_option("--root", options->root, "data folder (default: $ASSAY_DATA, else in the user's data folder)");
  if (std::string(name) == "fetch") {
    command->add_flag("--all", options->all, "every set of the catalogue");
    command->add_flag("--offline", options->offline, "local sources only");
  } else {
    command->add_option("--format", options->format, "table or json");
  }
  command->callback([options, &action, work] { action = [options, work] { return work(*options); }; });
}

}  // namespace

void add_data(CLI::App& app, Action& action) {
  CLI::App* group = subcommand(app, "data", "Data sets: list, fetch, verify", "assay data fetch fashion-mnist mnist");
  group->require_subcommand(1);
  declare_data(*group, action, "list", "Data sets and whether they are here", "assay data list --format json",
               list_data);
  declare_data(*group, action, "fetch", "Gets sets from the first source that serves, verified",
               "assay data fetch fashion-mnist", fetch);
  declare_data(*group, action, "verify", "Hashes what is here", "assay data verify mnist", verify);
}

}  // namespace assay::cli
