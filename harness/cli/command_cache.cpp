// assay cache list|verify|gc
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/running.hpp"
#include "harness/cli/workspace.hpp"
#include "harness/sched/cache_folder.hpp"

namespace assay::cli {
namespace {

struct CacheOptions {
  std::string format = "table";
  double older_than = -1;  // days; < 0: no artifact goes
  bool dry_run = false;
};

int list_cache(const CacheOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  Table table({{"kind", "kind"}, {"label", "label"}, {"bytes", "size", true}, {"days", "days old", true}, {"key", "key"}});
  double total = 0;
  const auto all = sched::cached_artifacts(artifact_folder());
  for (const auto& one : all) {
    total += static_cast<double>(one.bytes);
    const Json size = format == Format::json ? Json(one.bytes) : Json(bytes_text(static_cast<double>(one.bytes)));
    table.add({one.kind, one.label, size, one.age_days, format == Format::json ? one.key : short_key(one.key)});
  }
  table.print(format);
  remark(fmt::format("{} artifacts, {} in {}", all.size(), bytes_text(total), artifact_folder().string()));
  return exit_done;
}

int verify_cache(const CacheOptions& options) {
  const Format format = parse_format(options.format, {"table", "json"});
  Table table({{"kind", "kind"}, {"label", "label"}, {"problem", "problem"}, {"path", "path"}});
  std::size_t whole = 0;
  for (const auto& one : sched::cached_artifacts(artifact_folder())) {
    const std::string problem = sched::damage_of(one);
    whole += problem.empty();
    if (!problem.empty()) table.add({one.kind, one.label, problem, one.folder.string()}, Tone::bad);
  }
  if (table.rows() > 0 || format == Format::json) table.print(format);
  remark(fmt::format("{} artifacts are whole, {} damaged", whole, table.rows()));
  if (table.rows() > 0) remark("a damaged artifact is put aside and made again by the next run that needs it");
  return table.rows() == 0 ? exit_done : exit_usage;
}

int collect(const CacheOptions& options) {
  double freed = 0;
  std::size_t gone = 0, held = 0;
  const auto freeing = [&](std::uint64_t bytes, const std::string& what) {
    ++gone;
    freed += static_cast<double>(bytes);
    print("{} {}\n", options.dry_run ? "would remove" : "removed", what);
  };
  for (const auto& folder : sched::leftovers(artifact_folder())) {
    const std::uint64_t bytes = sched::bytes_below(folder);
    if (options.dry_run || sched::remove_cached(folder))
      freeing(bytes, folder.string());
    else
      ++held;
  }
  for (const auto& one : sched::cached_artifacts(artifact_folder())) {
    if (options.older_than < 0 || one.age_days < options.older_than) continue;
    if (options.dry_run || sched::remove_cached(one.folder))
      freeing(one.bytes, one.label + " (" + short_key(one.key) + ")");
    else
      ++held;
  }
  remark(fmt::format("{} {} of {}{}", options.dry_run ? "would free" : "freed", bytes_text(freed), gone,
                     held > 0 ? fmt::format("; {} in use by a run", held) : ""));
  return exit_done;
}

void declare(CLI::App& group, Action& action, const char* name, const char* says, const char* example,
             int (*work)(const CacheOptions&)) {
  auto options = std::make_shared<CacheOptions>();
  CLI::App* command = subcommand(group, name, says, example);
  if (std::string(name) == "gc") {
    command->add_option("--older-than", options->older_than, "also artifacts made more than so many days ago")
        ->check(CLI::NonNegativeNumber);
    command->add_flag("--dry-run", options->dry_run, "say what would go");
  } else {
    command->add_option("--format", options->format, "table or json");
  }
  command->callback([options, &action, work] { action = [options, work] { return work(*options); }; });
}

}  // namespace

void add_cache(CLI::App& app, Action& action) {
  CLI::App* group = subcommand(app, "cache", "Trained nets and prepared data of earlier runs: list, verify, gc", "assay cache list");
  group->require_subcommand(1);
  declare(*group, action, "list", "What is there, with size and age", "assay cache list --format json", list_cache);
  declare(*group, action, "verify", "Hashes every file", "assay cache verify", verify_cache);
  declare(*group, action, "gc", "Removes what killed runs left, and old artifacts where asked",
          "assay cache gc --older-than 30 --dry-run", collect);
}

}  // namespace assay::cli
