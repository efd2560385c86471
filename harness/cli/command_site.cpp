// assay site DIR
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/workspace.hpp"
#include "results/export/site.hpp"

namespace assay::cli {
namespace {

struct SiteCommand {
  std::string folder, front_end, db;
};

int write(const SiteCommand& command) {
  const store::Store db = open_database(command.db);
  site::SiteOptions options;
  options.front_end = command.front_end.empty() ? installed_layout().site : fs::path(command.front_end);
  options.target = command.folder;
  options.version = ASSAY_VERSION;
  options.artifacts = artifact_folder();
  const site::SiteReport report = site::write_site(db, options);
  print("{} boards, {} methods, {} cells in {} files, {}\n", report.boards, report.methods, report.cells, report.files,
        bytes_text(static_cast<double>(report.bytes)));
  print("open {}\n", (fs::absolute(options.target) / "index.html").lexically_normal().string());
  return exit_done;
}

}  // namespace

void add_site(CLI::App& app, Action& action) {
  auto options = std::make_shared<SiteCommand>();
  CLI::App* command =
      subcommand(app, "site", "All results as web pages that need no server", "assay site results-site");
  command->add_option("folder", options->folder, "where to write; made when absent, an older site in it is replaced")
      ->required();
  command->add_option("--front-end", options->front_end, "folder of the built pages (default: beside this program)");
  command->add_option("--db", options->db, "results database (default: $ASSAY_DB, else in the user's data folder)");
  command->callback([options, &action] { action = [options] { return write(*options); }; });
}

}  // namespace assay::cli
