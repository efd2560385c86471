// Exact intervals of a proportion. Pure. [any-thread]
#pragma once

#include <cstdint>

namespace assay::metrics {

// Clopper & Pearson (1934): the end points for k of n, 0 <= k <= n, with `tail` in (0, 1/2) on each side.
double binomial_lower(std::int64_t k, std::int64_t n, double tail);
double binomial_upper(std::int64_t k, std::int64_t n, double tail);

}  // namespace assay::metrics
