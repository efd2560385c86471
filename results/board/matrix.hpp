// Transfer matrices: what attacks on one net do to another, sources by victims. [one thread: the board's]
#pragma once

#include <string>
#include <vector>

#include "results/board/board.hpp"

namespace assay::board {

struct Pairing {
  std::size_t row = 0;      // of Board::rows; meaningless where `there` is false
  bool there = false;       // the suite has such a cell
  bool diagonal = false;    // source and victim are one net, which the attack had before it (rule 27)
};

// One method's cells, as rows of the board.
struct Matrix {
  std::string method;       // with the parameters that tell it from others
  bool baseline = false;
  std::vector<std::string> sources, victims;    // in the order of the suite
  std::vector<std::vector<Pairing>> pairings;   // [source][victim]
};

// A matrix a method, in the order of the rows; empty unless the suite says threat.matrix.
std::vector<Matrix> make_matrices(const Board& board);

// For a terminal: the ranked metric with half the width of its interval where that fits in `width`, one line a source. Lines end
// in "\n"; "" without matrices.
std::string matrix_text(const Board& board, std::size_t width);

}  // namespace assay::board
