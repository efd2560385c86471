// Results in the forms of other boards: RobustBench's model_info (one JSON object a model) and OpenOOD's ood.csv (one row a
// data set) with its score files. In as claimed numbers, which are shown beside measured ones and never ranked (rule 12);
// out from measured rows. Pure but for what takes a store. [any-thread; with a store: the store's]
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/record/safetensors.hpp"
#include "results/board/board.hpp"

namespace assay::board {

// What a suite's names are in those forms.
struct Terms {
  std::string task, series;
  std::string data_set;                            // of the test list; "" when the database does not know it
  std::map<std::string, std::string> conditions;   // detect: label of an out-of-distribution list -> "near:x", "far:x"
  std::map<std::string, std::string> architecture; // model id -> what it was built from; "" for an import
};
Terms terms_of(const store::Store& db, const store::SuiteRecord& suite);

struct ClaimImport {
  std::vector<store::ClaimedNumber> numbers;
  std::vector<std::string> remarks;  // what was passed over, and why
};

// `model`: the file's name without .json, which RobustBench uses as the id: the suite's subject. Percent become shares.
// Up to four numbers: clean accuracy, and robust accuracy as the paper says, as AutoAttack found, as somebody else found.
// Throws Error(bad_input) naming the field; for another task than attack; for another data set than the suite's.
ClaimImport read_robustbench(const Json& info, const std::string& model, const Terms& terms);

// Rows of a CSV file as text, the header first: data set names in the column without name or "dataset", perhaps a column
// "method", and FPR@95, AUROC, ACC in percent ("90.64" or "90.64 ± 0.2"). AUPR is passed over: OpenOOD's is the trapezoid, ours
// average precision. Throws Error(bad_input) when no data set is one of the suite's.
struct Sheet {
  std::string file;
  std::vector<std::vector<std::string>> rows;
};
ClaimImport read_openood(const Sheet& sheet, const std::string& method, const Terms& terms);

// One object a subject of the suite's attack board, by subject: the worst case over its VALID attacks, in percent with two
// decimals. "autoattack_acc" only where the suite ran the four attacks of AutoAttack; else "external". What nobody told
// (authors, venue) is "", what is not known null.
std::map<std::string, Json> robustbench_of(const store::Store& db, const Query& query);

// What OpenOOD writes of one run.
struct OpenOodRun {
  std::string folder;                                  // "<row>/s<seed>"
  std::string csv;                                     // ood.csv: a row a list, "nearood" and "farood" the means
  std::map<std::string, std::map<std::string, Array>> scores;  // data set -> pred, conf (higher = in), label (-1 = out)
  bool predictions = true;                             // false: judged before predictions were recorded; no "pred"
};
std::vector<OpenOodRun> openood_of(const store::Store& db, const std::string& protocol);

// Every stored column of each done cell: "<row>/s<seed>" (of several subjects "<row>/<subject>/s<seed>") -> arrays "<quantity>@<condition>", with configuration in
// brackets, and the ids as "<the same>.id".
std::map<std::string, std::map<std::string, Array>> columns_of(const store::Store& db, const std::string& protocol);

// The claims that stand beside a row's number; a claim about a model belongs to boards of subjects.
std::vector<const store::ClaimedNumber*> claims_beside(const Board& board, const Row& row, const Metric& metric);

}  // namespace assay::board
