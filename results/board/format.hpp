// Boards as text. Pure; no colour, no terminal codes; lines end in "\n". [any-thread]
#pragma once

#include <string>

#include "results/board/board.hpp"

namespace assay::board {

enum class Format { table, markdown, csv, json };
Format parse_format(const std::string& name);  // throws Error(bad_input) with the nearest name

struct FormatOptions {
  int width = 100;      // of the terminal, table only; columns that do not fit are named below the table
  bool ascii = false;   // table bars and signs in plain ASCII
};

std::string format(const Board& board, Format kind, const FormatOptions& options = {});
std::string format(const Curves& curves, Format kind, const FormatOptions& options = {});

// "0.9134" with digits that the interval supports; "-" when absent.
std::string number_text(const Value& value);

}  // namespace assay::board
