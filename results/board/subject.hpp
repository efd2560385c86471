// What is left of a subject under all its attacks, sample by sample (rule 14). Inside of the board.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "results/board/groups.hpp"

namespace assay::board {

using BySeed = std::map<std::uint64_t, std::vector<double>>;  // of a subject's nets, one value a sample

// One subject's nets under all their attacks, one entry a subject seed.
struct WorstCase {
  std::vector<std::int64_t> ids;
  BySeed robust;                          // 1 where no attack succeeded
  BySeed clean;                           // 1 where the net is right without attack
  std::map<std::string, BySeed> attacks;  // each attack by itself, as `robust`
};

// By subject, from the cells of the protocol that are done, on the samples that all of them were judged on: fewer than the
// suite's list where a chain stopped early. Throws Error(constraint) when the attacks of one subject were judged on different
// lists.
std::map<std::string, WorstCase> worst_cases(const store::Store& db, const std::string& protocol, const std::string& condition);

// A subject's cells, with those whose attack did not go far enough (rules 21 and 22) cleared of that where another attack of
// the same net did and leaves no more.
struct Covered {
  std::vector<const store::CellRecord*> cells;  // as given, or cleared
  std::deque<store::CellRecord> own;            // the cleared ones
  std::set<std::string> notes;                  // which, and by what
};
Covered covered(const std::vector<const store::CellRecord*>& cells, const std::string& condition);

// What one method's examples from other nets break of samples that every attack of a subject's suite left standing, over
// its nets.
struct Transferred {
  std::int64_t broken = 0, samples = 0;
};
// A done cell of the database's transfer suites whose attack never saw its victim, and what it is about: one net under one
// norm on one list of samples.
struct TransferCell {
  std::string net, method;
  std::int64_t attempt = 0;
};
std::vector<TransferCell> transfer_cells(const store::Store& db);
// By method, from those of `cells` that are about a net of the groups, on the same samples at the same condition.
std::map<std::string, Transferred> transferred(const store::Store& db, const std::vector<TransferCell>& cells,
                                               const std::vector<Group>& groups, const WorstCase& worst,
                                               const std::string& condition);
// More than 0.2 points, and more than a paired 1 % test allows (rule 21).
bool beyond_chance(const Transferred& transfer);

// What a subject is compared by: the mean over seeds, its replicates on resamples that all subjects share, each seed.
stats::RankInput rank_input(const WorstCase& worst, const stats::BootstrapOptions& options);

}  // namespace assay::board
