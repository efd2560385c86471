#include "results/export/site.hpp"

#include <algorithm>
#include <set>
#include <system_error>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "results/export/chunks.hpp"
#include "results/export/examples.hpp"
#include "results/export/sections.hpp"

namespace assay::site {
namespace {

constexpr const char* front_end_files[] = {"site.js", "site.css", "index.html"};

void check_front_end(const fs::path& folder) {
  for (const char* name : front_end_files)
    if (folder.empty() || !fs::exists(folder / name))
      throw Error(
          Fault::bad_input,
          "the site's front end is not built" +
              (folder.empty() ? std::string() : " (no " + (folder / name).string() + ")") +
              "; 'cmake --build BUILD --target assay-site-bundle' builds it and needs nodejs 18 or newer and npm");
}

// Makes the target, or empties the data of the site that it holds.
void prepare(const fs::path& target) {
  std::error_code code;
  if (fs::exists(target) && !fs::is_directory(target)) bad_input(target.string() + ": expected a folder, found a file");
  const bool site = fs::exists(target / "data" / "index.js");
  if (fs::exists(target) && !fs::is_empty(target) && !site)
    bad_input(target.string() + ": the folder is neither empty nor a site; name another one");
  for (const char* part : {"board", "cells", "compare", "examples", "method"}) fs::remove_all(target / "data" / part, code);
  fs::create_directories(target / "data", code);
  if (code) throw Error(Fault::io, target.string() + ": cannot make the folder: " + code.message());
}

// Digits of a key that name its chunk, so that a chunk holds a hundred cells at most: some hundred kilobytes.
int prefix_digits(std::size_t cells) {
  int digits = 0;
  for (std::size_t chunks = 1; chunks * 100 < cells && digits < 4; chunks *= 16) ++digits;
  return digits;
}

// Rows by cell key: which cells stand behind a rank.
std::set<std::string> ranked_cells(const board::Board& board) {
  std::set<std::string> out;
  for (const auto& row : board.rows)
    if (row.ranked) out.insert(row.cells.begin(), row.cells.end());
  return out;
}

// Bytes of a stage's log that are kept: all logs together stay within log_total, whatever the number of cells.
std::size_t cap_of_logs(const std::vector<BoardData>& boards, const std::map<const BoardData*, std::set<std::string>>& ranked) {
  std::size_t stages = 0;
  for (const BoardData& data : boards)
    for (const auto& cell : data.cells)
      if (troubled(cell) || ranked.at(&data).count(cell.generation) > 0) stages += 2;  // a run and a judge, mostly
  return stages == 0 ? log_cap : std::clamp(log_total / stages, least_log_cap, log_cap);
}

std::size_t write_cells(const store::Store& db, const std::vector<BoardData>& boards, int digits, ChunkWriter& writer) {
  // One chunk in memory at a time.
  std::map<std::string, std::vector<std::pair<const BoardData*, const store::CellRecord*>>> chunks;
  for (const BoardData& data : boards)
    for (const auto& cell : data.cells)
      chunks[cell.generation.substr(0, static_cast<std::size_t>(digits))].push_back({&data, &cell});
  std::map<const BoardData*, std::set<std::string>> ranked;
  for (const BoardData& data : boards) ranked[&data] = ranked_cells(data.board);
  const std::size_t kept = cap_of_logs(boards, ranked);
  std::set<std::string> written;
  for (const auto& [prefix, items] : chunks) {
    Json::Object records;
    for (const auto& [data, cell] : items) {
      // Two suites may share a cell; the record of the first board stands for both.
      if (!written.insert(cell->generation).second) continue;
      const bool counts = ranked[data].count(cell->generation) > 0;
      records[short_cell(cell->generation)] = cell_record(db, *cell, {*data, counts, counts || troubled(*cell) ? kept : 0});
    }
    writer.write("cells/" + (prefix.empty() ? std::string("all") : prefix), Json(std::move(records)));
  }
  return written.size();
}

}  // namespace

SiteReport write_site(const store::Store& db, const SiteOptions& options) {
  check_front_end(options.front_end);
  const auto suites = db.suites();
  if (suites.empty()) bad_input(db.file().string() + ": no suite has been run; 'assay run SUITE' makes results");
  prepare(options.target);

  ChunkWriter writer(options.target / "data");
  std::vector<BoardData> boards;
  std::uint64_t pictures = 0;
  store::EarlierLimits history;
  history.cells = std::min(history.cells, std::max(1, earlier_total / static_cast<int>(suites.size())));
  for (const store::SuiteRecord& suite : suites) {
    const auto same = [&](const BoardData& b) { return b.board.suite.protocol_hash == suite.protocol_hash; };
    if (std::any_of(boards.begin(), boards.end(), same)) continue;
    boards.push_back(read_board(db, suite, history));
    boards.back().examples = write_examples(db, boards.back(), options.artifacts, writer, pictures);
    writer.write("board/" + boards.back().id, board_chunk(boards.back()));
    writer.write("compare/" + boards.back().id, compare_chunk(boards.back()));
  }
  SiteReport report;
  report.boards = boards.size();
  std::size_t planned = 0;
  for (const BoardData& data : boards) planned += data.cells.size();
  const int digits = prefix_digits(planned);
  report.cells = write_cells(db, boards, digits, writer);
  const auto cards = method_cards(db, boards);
  for (const auto& [name, card] : cards) writer.write("method/" + safe_name(name), card);
  report.methods = cards.size();

  for (const char* name : front_end_files) write_atomic(options.target / name, read_text(options.front_end / name));
  writer.write_last("index", index_chunk(db, boards, options.version, digits));
  report.files = writer.files() + std::size(front_end_files);
  report.bytes = writer.bytes();
  for (const char* name : front_end_files) report.bytes += fs::file_size(options.target / name);
  return report;
}

}  // namespace assay::site
