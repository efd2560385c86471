// Who may be ranked, and the order. Inside of the board.
#pragma once

#include "results/board/groups.hpp"
#include "results/board/replicates.hpp"

namespace assay::board {

// A row while it is made.
struct Candidate {
  Row row;
  const Group* group = nullptr;
  double value = 0;                  // what it is ranked by: the mean, failed cells imputed where the suite says so
  std::vector<double> replicates;    // of value, with the seeds as they are
};

struct RankRules {
  const store::SuiteRecord& suite;
  const Metric* metric = nullptr;    // nullptr: nothing of the ranked metric was measured
  bool lower_is_better = false;
  bool require_certificate = true;
  double level = 0.95;
};

// Whether smaller is better on this board: an attack is better for a lower robust accuracy, a subject for a higher.
bool lower_is_better(const std::string& quantity, const std::string& task, const std::string& rank);

// Why a plugin's results may not count yet, or "" when it has passed its certificate.
std::string certificate_problem(const store::Store& db, const std::string& plugin_id, const std::string& digest);

// Sets ranked, unranked_because and value of every candidate.
void decide(std::vector<Candidate>& candidates, const RankRules& rules, const store::Store& db);
// Sets replicates, rank ranges within each subject, and orders the rows.
void rank(std::vector<Candidate>& candidates, const RankRules& rules, Replicator& replicator);
// Order without ranks too: subject, then ranked by value, baselines, the others.
void order(std::vector<Candidate>& candidates, const RankRules& rules);

}  // namespace assay::board
