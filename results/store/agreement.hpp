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

// Throws Error(constraint) showing both numbers when an earlier ok attempt of the same identity, neither retracted nor
// INVALID, holds judged outcomes that the new one contradicts or lacks; what a newer judge records besides is no conflict.
// Attempts of another numerics class are replicates and are not compared.
void require_agreement(const Connection& db, const AttemptIdentity& identity, const Journal& outcome);

}  // namespace assay::store
