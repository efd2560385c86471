// How small a difference a comparison could have found, and how many pairs (seeds, samples) it still needs: at a stated
// level alpha and power, two-sided. For planning and for wording "no difference found"; never computed from the
// observed difference to excuse it. Pure. [any-thread] Throws Error(bad_input) on NaN or values out of range.
#pragma once

#include <cstdint>
#include <optional>

namespace assay::stats {

struct PowerOptions {
  double alpha = 0.05;
  double power = 0.8;
};

// --- paired t test: seeds, data sets, per-sample values ---
// `sd`: of the paired differences, > 0. Power by the noncentral t distribution, both tails (Cohen 1988).
double paired_power(double difference, double sd, std::int64_t n, double alpha = 0.05);  // n >= 2
double paired_detectable(double sd, std::int64_t n, const PowerOptions& options = {});   // the least difference, >= 0
// Least n >= 2; nullopt beyond 10^8 or when the difference is 0.
std::optional<std::int64_t> paired_needed(double difference, double sd, const PowerOptions& options = {});

// --- exact McNemar test: accuracies on the same samples ---
// Shares of samples that only a, only b has right, >= 0, together at most 1. The difference of accuracies is their
// difference.
struct Discordance {
  double only_a = 0, only_b = 0;
};
// Unconditional: over the binomial number of discordant samples (Schork & Williams 1980); terms below 1e-12 in sum left
// out.
double mcnemar_power(const Discordance& truth, std::int64_t n, double alpha = 0.05);
// Least difference of accuracies that n samples can detect when a share `discordant` in (0, 1] of them differs; nullopt
// when even a one-sided difference of that size cannot be.
std::optional<double> mcnemar_detectable(double discordant, std::int64_t n, const PowerOptions& options = {});
// An n that has the power while n - 1 has not, by doubling and bisection; nullopt beyond 10^7. Power is all but rising
// in n; where nearly every sample is discordant it has saw teeth, and a somewhat smaller n may do too.
std::optional<std::int64_t> mcnemar_needed(const Discordance& truth, const PowerOptions& options = {});

// --- any estimate that is near normal with a known standard error, such as a difference of AUROCs (DeLong) ---
double normal_power(double difference, double standard_error, double alpha = 0.05);
double normal_detectable(double standard_error, const PowerOptions& options = {});
// By what factor both classes must grow for the difference to be detected: a standard error falls as the root of the
// size at fixed class balance. nullopt when the difference is 0. Below 1: the data suffice.
std::optional<double> normal_growth_needed(double difference, double standard_error, const PowerOptions& options = {});

}  // namespace assay::stats
