// assay site DIR
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/pages.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/workspace.hpp"

namespace assay::cli {
namespace {

struct SiteCommand {
  std::string folder, front_end, db;
};

int write(const SiteCommand& command) {
  const site::SiteReport report = write_pages(open_database(command.db), command.folder, command.front_end);
  print("{} board{}, {} methods, {} cells in {} files, {}\n", report.boards, report.boards == 1 ? "" : "s", report.methods, report.cells, report.files,
        bytes_text(static_cast<double>(report.bytes)));
  print("open {}\n", page_of(command.folder));
  return exit_done;
}

}  // namespace

site::SiteReport write_pages(const store::Store& db, const std::string& folder, const std::string& front_end) {
  site::SiteOptions options;
  options.front_end = front_end.empty() ? installed_layout().site : fs::path(front_end);
  options.target = folder;
  options.version = ASSAY_VERSION;
  options.artifacts = artifact_folder();
  return site::write_site(db, options);
}

std::string page_of(const std::string& folder) { return (fs::absolute(folder) / "index.html").lexically_normal().string(); }

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
