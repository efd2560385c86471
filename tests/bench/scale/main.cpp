// assay-scale: the parts of scale.py that must be quick or must see what the store does. One JSON line each.
//   assay-scale generate FILE CELLS SHOWN SUITES SAMPLES     a database (generate.hpp)
//   assay-scale boards FILE ROUNDS SQL                       boards of the largest and of a usual suite; their statements into SQL
//   assay-scale site FILE FRONT_END TARGET SQL               a site, and every statement that it took into SQL
//   assay-scale shards FOLDER CELLS                          two shards a cell (shards.hpp)
//   assay-scale import FILE FOLDER CELLS TOGETHER [SQL]      their import, and its statements into SQL
// "Statements" are what SQLite ran, with the values in them, ready for the sqlite3 command line.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "results/board/board.hpp"
#include "results/export/site.hpp"
#include "results/store/sqlite.hpp"
#include "results/store/store.hpp"
#include "tests/bench/scale/clock.hpp"
#include "tests/bench/scale/generate.hpp"
#include "tests/bench/scale/shards.hpp"

namespace {

using assay::Json;
using scale::Stopwatch;

std::ofstream* trace_into = nullptr;

int on_statement(unsigned, void*, void* statement, void*) {
  if (trace_into == nullptr) return 0;
  char* expanded = sqlite3_expanded_sql(static_cast<sqlite3_stmt*>(statement));
  *trace_into << (expanded == nullptr ? "" : expanded) << ";\n";
  sqlite3_free(expanded);
  return 0;
}

int on_open(sqlite3* db, char**, const void*) { return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, nullptr); }

// Of every connection that is opened while it lives.
class Trace {
 public:
  explicit Trace(const std::string& file) : out_(file) {
    trace_into = &out_;
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(on_open));
  }
  ~Trace() {
    sqlite3_reset_auto_extension();
    trace_into = nullptr;
  }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

 private:
  std::ofstream out_;
};

assay::store::Store reader(const std::string& file) {
  assay::store::OpenOptions options;
  options.write = false;
  return assay::store::Store::open(file, options);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Work>
Json timed(int rounds, const Work& work) {
  std::vector<double> cpu, wall;
  for (int i = 0; i < rounds; ++i) {
    const Stopwatch watch;
    work();
    cpu.push_back(watch.cpu());
    wall.push_back(watch.wall());
  }
  return Json::object({{"cpu", median(cpu)}, {"wall", median(wall)}, {"first", wall.front()}});
}

// What a board is read from, and the board with its intervals and ranks.
Json boards(const std::string& file, int rounds, const std::string& sql) {
  const auto db = reader(file);
  const auto suites = db.suites();
  Json out = Json::array();
  for (const auto& [name, at] : {std::pair{"largest", std::size_t{0}}, {"usual", suites.size() / 2}}) {
    const std::string& protocol = suites.at(at).protocol_hash;
    assay::board::Query query;
    query.protocol = protocol;
    const std::string file_of_it = sql + "." + name + ".sql";
    {
      const Trace trace(file_of_it);
      reader(file).leaderboard(protocol);
    }
    out.push_back(Json::object({{"board", name},
                                {"suite", suites[at].name},
                                {"rows", static_cast<std::int64_t>(db.leaderboard(protocol).size())},
                                {"cells", static_cast<std::int64_t>(db.cells(protocol).size())},
                                {"sql", file_of_it},
                                {"query", timed(rounds, [&] { db.leaderboard(protocol); })},
                                {"read", timed(rounds, [&] { db.cells(protocol); })},
                                {"board_with_statistics", timed(rounds, [&] { make_board(db, query); })}}));
  }
  return out;
}

Json site(const std::string& file, const std::string& front_end, const std::string& target, const std::string& sql) {
  const Trace trace(sql);
  const auto db = reader(file);
  const auto report = assay::site::write_site(db, {front_end, target, "scale"});
  return Json::object({{"boards", static_cast<std::int64_t>(report.boards)}, {"cells", static_cast<std::int64_t>(report.cells)}});
}

Json import(const std::vector<std::string>& words) {
  const int cells = std::stoi(words[3]), together = std::stoi(words[4]);
  if (words.size() == 5) return scale::import_shards(words[1], words[2], cells, together);
  const Trace trace(words[5]);
  return scale::import_shards(words[1], words[2], cells, together);
}

Json run(const std::vector<std::string>& words) {
  const std::string what = words.empty() ? "" : words[0];
  if (what == "generate" && words.size() == 6) {
    const Stopwatch watch;
    const auto made = scale::generate(words[1], {std::stoll(words[2]), std::stoll(words[3]), std::stoi(words[4]), std::stoi(words[5])});
    return Json::object({{"cells", made.cells}, {"shown", made.shown}, {"builds", made.builds}, {"seconds", watch.wall()}});
  }
  if (what == "boards" && words.size() == 4) return boards(words[1], std::stoi(words[2]), words[3]);
  if (what == "site" && words.size() == 5) return site(words[1], words[2], words[3], words[4]);
  if (what == "shards" && words.size() == 3) {
    scale::write_shards(words[1], std::stoi(words[2]));
    return Json(Json::Object{});
  }
  if (what == "import" && (words.size() == 5 || words.size() == 6)) return import(words);
  assay::bad_input("assay-scale: expected one of the commands at the top of main.cpp");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::cout << run({argv + 1, argv + argc}).dump() << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
