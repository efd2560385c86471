// Rule 7 at the store's door: the same cell under the same numerics class gives the same bits. Inside of the store.
#pragma once

#include <string>

#include "results/store/journal.hpp"
#include "results/store/sqlite.hpp"

namespace assay::store {

struct AttemptIdentity {
  std::int64_t cell = 0;
  std::string judgement, numerics, protocol, label;
  int n = 0;  // number the new attempt would get
};

// Row id of the last ok attempt of the identity that is neither retracted nor INVALID; 0: there is none. Attempts of
// another numerics class are replicates and are not compared.
std::int64_t comparable_attempt(const Connection& db, const AttemptIdentity& identity);

// Throws Error(constraint) showing both numbers when comparable_attempt holds judged outcomes that the new one contradicts or
// lacks; what a newer judge records besides is no conflict.
void require_agreement(const Connection& db, const AttemptIdentity& identity, const Journal& outcome);

// What messages call the two sides: "was 1, is 0", "was recorded, is missing". Empty only_now: what only the new side has is
// no difference.
struct Sides {
  std::string before = "was ", now = "is ", only_before = "was recorded, is missing", only_now = "";
};
// Judged columns and scores of a stored attempt against others, bit for bit: up to three differences, each a line that
// begins with a line break and two spaces, and how many more there are; "" when they agree.
std::string disagreement(const Connection& db, std::int64_t attempt, const Journal& outcome, const Sides& sides);

// Columns and scores of a stored attempt. Throws Error(bad_input) for a damaged column.
Journal stored_outcome(const Connection& db, std::int64_t attempt);

}  // namespace assay::store
