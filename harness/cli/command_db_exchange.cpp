// assay db claim|share: numbers of other boards in, as claims; measured rows and per-sample outcomes out, in their forms.
#include <CLI/CLI.hpp>
#include <memory>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/reference.hpp"
#include "harness/cli/workspace.hpp"
#include "harness/data/loaders/formats.hpp"
#include "results/board/interchange.hpp"

namespace assay::cli {
namespace {

struct ExchangeOptions {
  std::string suite, method, source, folder, form, condition, db;
  std::vector<std::string> files;
};

// All rows as text: OpenOOD's header has a column without a name.
board::Sheet sheet_of(const std::filesystem::path& file) {
  data::CsvOptions how;
  how.header = false;
  const data::CsvTable table = data::read_csv(file, how);
  board::Sheet sheet{file.filename().string(), {}};
  for (std::size_t r = 0; r < static_cast<std::size_t>(table.rows); ++r) {
    auto& row = sheet.rows.emplace_back();
    for (const data::CsvColumn& column : table.columns) row.push_back(column.texts[r]);
  }
  return sheet;
}

board::ClaimImport read_claims(const std::filesystem::path& file, const ExchangeOptions& options, const board::Terms& terms) {
  if (!std::filesystem::exists(file)) throw Error(Fault::bad_input, "no file '" + file.string() + "'");
  if (file.extension() == ".csv") return board::read_openood(sheet_of(file), options.method, terms);
  if (file.extension() == ".json")
    return board::read_robustbench(Json::parse(read_text(file), file.string()), file.stem().string(), terms);
  throw Error(Fault::bad_input, "expected RobustBench's .json or OpenOOD's .csv, found '" + file.string() + "'");
}

int claim(const ExchangeOptions& options) {
  store::OpenOptions how;
  how.create = false;
  const std::filesystem::path path = database_path(options.db);
  if (!std::filesystem::exists(path)) throw Error(Fault::bad_input, "no results database at '" + path.string() + "'; 'assay run SUITE' makes one");
  store::Store db = store::Store::open(path, how);
  const board::Terms terms = board::terms_of(db, db.protocol(protocol_of(db, options.suite)));
  // Every file is read before the first number is stored.
  std::vector<store::ClaimedNumber> numbers;
  for (const std::string& file : options.files) {
    board::ClaimImport found = read_claims(file, options, terms);
    for (const std::string& one : found.remarks) remark(file + ": " + one);
    numbers.insert(numbers.end(), found.numbers.begin(), found.numbers.end());
  }
  for (store::ClaimedNumber& one : numbers) {
    if (!options.source.empty()) one.source += "; " + options.source;
    db.add_claimed(one);
  }
  print("{} claimed numbers from {} file{}\n", numbers.size(), options.files.size(), options.files.size() == 1 ? "" : "s");
  return exit_done;
}

int share_robustbench(const store::Store& db, const board::Query& query, const std::filesystem::path& folder) {
  const auto models = board::robustbench_of(db, query);
  for (const auto& [subject, info] : models) {
    write_atomic(folder / (subject + ".json"), info.dump(2) + "\n");
    print("{}\n", (folder / (subject + ".json")).string());
  }
  return models.empty() ? exit_some_failed : exit_done;
}

int share_openood(const store::Store& db, const std::string& protocol, const std::filesystem::path& folder) {
  const auto runs = board::openood_of(db, protocol);
  for (const board::OpenOodRun& run : runs) {
    write_atomic(folder / run.folder / "ood.csv", run.csv);
    for (const auto& [set, arrays] : run.scores) {
      std::filesystem::create_directories(folder / run.folder / "scores");
      data::write_npz(folder / run.folder / "scores" / (set + ".npz"), arrays);
    }
    if (!run.predictions) remark(run.folder + ": judged before predictions were recorded; its score files have no 'pred'");
    print("{}\n", (folder / run.folder).string());
  }
  return runs.empty() ? exit_some_failed : exit_done;
}

int share_npz(const store::Store& db, const std::string& protocol, const std::filesystem::path& folder) {
  const auto cells = board::columns_of(db, protocol);
  for (const auto& [name, arrays] : cells) {
    const std::filesystem::path file = folder / (name + ".npz");
    std::filesystem::create_directories(file.parent_path());
    data::write_npz(file, arrays);
    print("{}\n", file.string());
  }
  return cells.empty() ? exit_some_failed : exit_done;
}

int share(const ExchangeOptions& options) {
  const store::Store db = open_database(options.db);
  board::Query query;
  query.protocol = protocol_of(db, options.suite);
  query.condition = options.condition;
  if (options.form == "robustbench") return share_robustbench(db, query, options.folder);
  if (!options.condition.empty()) throw Error(Fault::bad_input, "--condition goes with --as robustbench");
  if (options.form == "reference") {
    write_reference(db, query.protocol, options.folder);
    print("{}\n", options.folder);
    return exit_done;
  }
  return options.form == "openood" ? share_openood(db, query.protocol, options.folder) : share_npz(db, query.protocol, options.folder);
}

}  // namespace

void add_db_exchange(CLI::App& group, Action& action) {
  const auto in = std::make_shared<ExchangeOptions>(), out = std::make_shared<ExchangeOptions>();
  CLI::App* claiming = subcommand(group, "claim", "Numbers of other boards as claims beside the measured ones; never ranked",
                                  "assay db claim my-suite robustbench/model_info/cifar10/Linf/Rice2020Overfitting.json");
  claiming->add_option("suite", in->suite, "suite, by file or name, or a protocol hash")->required();
  claiming->add_option("files", in->files, "RobustBench's model_info JSON (the file's name is the subject), or OpenOOD's ood.csv")->required();
  claiming->add_option("--method", in->method, "of a CSV without a column 'method'");
  claiming->add_option("--source", in->source, "added to the source of every number");
  claiming->add_option("--db", in->db, "results database");
  claiming->callback([in, &action] { action = [in] { return claim(*in); }; });
  CLI::App* sharing = subcommand(group, "share", "A suite's results for others: in the forms of other boards, or whole",
                                 "assay db share quickstart-ood there --as openood");
  sharing->add_option("suite", out->suite, "suite, by file or name, or a protocol hash")->required();
  sharing->add_option("folder", out->folder, "where the files go")->required();
  sharing->add_option("--as", out->form, "robustbench: one JSON a model; openood: ood.csv and score files a run; npz: every stored column; reference: board, database and nets, which merge reads back")
      ->required()
      ->check(CLI::IsMember({"robustbench", "openood", "npz", "reference"}));
  sharing->add_option("--condition", out->condition, "radius of robustbench, e.g. eps=8/255 (default: the suite's)");
  sharing->add_option("--db", out->db, "results database");
  sharing->callback([out, &action] { action = [out] { return share(*out); }; });
}

}  // namespace assay::cli
