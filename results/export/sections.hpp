// The chunks of a site, each made from what the store and the boards say. Inside of the export; pure but for reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "results/board/board.hpp"
#include "results/board/history.hpp"
#include "results/board/report.hpp"
#include "results/claims/claims.hpp"

namespace assay::site {

// Which rows of a board have pictures.
struct ExamplesOf {
  std::string about;                        // what the pictures are and which rows may have them; "": none of this task
  std::map<std::size_t, std::string> rows;  // why a row has none; "" where it has
  std::map<std::string, std::size_t> cells; // generation hash of the cell that is shown, its row
};

// Everything that one board's chunks are made from.
struct BoardData {
  std::string id;  // of its chunks and addresses
  board::Query query;
  board::Board board;
  std::optional<board::Curves> curves;
  board::Pairs pairs;
  std::vector<board::Front> fronts;
  std::vector<store::CellRecord> cells;  // all planned cells of the protocol
  std::string caption;                   // the protocol in one sentence
  std::vector<claims::Verdict> claims;   // of the suite's latest plan; none on an earlier protocol
  std::vector<board::Earlier> earlier;   // what the board does not show any more
  ExamplesOf examples;
};

inline constexpr int earlier_total = 20'000;  // cells of a site's histories
BoardData read_board(const store::Store& db, const store::SuiteRecord& suite, const store::EarlierLimits& history);

// caption.cpp. "adversarial attacks on all-conv (white-box, untargeted, linf radius 0, 1/10); test: fashion-mnist test,
// 1000 balanced; suite version 1, protocol 7da787da3fb1."
std::string caption(const store::Store& db, const store::SuiteRecord& suite);
// What a net of the protocol is, in words: "resnet8 (width 16), trained against pgd, eps 8/255"; "" when it does not say.
std::string net_words(const Json& protocol, const std::string& subject);
// Content keys that a protocol names, with their place: {"test", key}, {"ood far mnist", key}.
std::vector<std::pair<std::string, std::string>> data_keys(const Json& protocol);

// claims_json.cpp
Json claims_json(const BoardData& data);
Json critical_difference(const board::Board& board);

// [mean, lo, hi, over, n, per_seed, numerator, denominator]; `over` collects the words that "over" indexes.
Json value_json(const board::Value& value, std::vector<std::string>& over);
Json board_chunk(const BoardData& data);
Json compare_chunk(const BoardData& data);

struct CellContext {
  const BoardData& board;
  bool ranked = false;
  std::size_t log_bytes = 0;  // of a stage's log that are kept; 0: no log
};
// Bytes of a stage's log that are kept: log_cap, less where all logs of the site would be more than log_total.
inline constexpr std::size_t log_cap = 4096, least_log_cap = 400, log_total = 24'000'000;
bool troubled(const store::CellRecord& cell);  // nothing stands, or it is not ok and VALID
Json cell_record(const store::Store& db, const store::CellRecord& cell, const CellContext& context);

// Cards by method name.
std::map<std::string, Json> method_cards(const store::Store& db, const std::vector<BoardData>& boards);

Json index_chunk(const store::Store& db, const std::vector<BoardData>& boards, const std::string& version,
                 int cell_prefix);

}  // namespace assay::site
