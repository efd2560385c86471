// Small pieces of text that the formatters share. Inside of the board. [any-thread]
#pragma once

#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

std::string short_number(double value);        // four decimals near 1, fewer above 10
std::string exact_number(double value);        // shortest text that reads back to the same bits
std::string count_text(double value);          // 950, 12.3k, 4.5M, 6.7G
std::string seconds_text(double seconds);      // 0.45s, 12.3s, 3m20s, 2h05m
std::string rank_text(const Row& row);         // "1", "2-3", "base", "single" (rule 5), "sub.", "-"
std::string row_name(const Row& row);          // method and what tells it from its neighbours: "pgd steps=20"
std::string axes_text(const Row& row);         // "steps=20 ratio=8", without the subject
std::string interval_text(const Value& value); // "[0.4012, 0.4388]", with "s" behind it when over seeds
// What was claimed of the row's number, without repeats: "0.7128 / 0.6420"; "" for nothing (rule 12).
std::string claimed_text(const Board& board, const Row& row, const Metric& metric);
std::string join(const std::vector<std::string>& parts, const std::string& between);
std::string verdict_text(const Row& row);      // level, or the failures where nothing was measured
std::string remarks(const Row& row);           // notes, reasons and why it is not ranked, in one line; "" when plain
std::string bar(double share, int width, bool ascii);

// Lines of cells, aligned: the first `left` columns to the left, the others to the right.
std::string aligned(const std::vector<std::vector<std::string>>& lines, std::size_t left);
std::size_t display_width(const std::string& text);  // code points

// csv.cpp, json.cpp
std::string csv_of(const Board& board);
std::string csv_of(const Curves& curves);
std::string json_of(const Board& board);
std::string json_of(const Curves& curves);

}  // namespace assay::board
