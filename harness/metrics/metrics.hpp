// Metrics as pure functions on arrays, in double. The judge computes scores with them, `rescore` computes them again
// from stored columns, the board bootstraps them. [any-thread]
//
// Every function throws Error(bad_input) naming the metric when an input is empty, has the wrong length, holds a NaN,
// or lacks a class that the definition needs. Nothing is clamped or skipped in silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace assay::metrics {

// Row-major class scores of n samples: either logits or probabilities.
enum class Scale { logits, probabilities };
struct ClassScores {
  std::span<const float> values;  // rows * classes
  std::size_t classes = 0;
  Scale scale = Scale::logits;
  std::size_t rows() const { return classes == 0 ? 0 : values.size() / classes; }
};

// --- per sample: what is stored as outcome columns ---

// Arg max of each row; the lowest index wins a tie.
std::vector<std::int64_t> predictions(const ClassScores& scores);
// Softmax in double of each row, or the rows themselves widened when the scale is probabilities (which must lie in
// [0,1] and sum to 1 within 1e-3).
std::vector<double> probabilities(const ClassScores& scores);
// 1 where the prediction equals the label, else 0.
std::vector<double> correct(const ClassScores& scores, std::span<const std::int64_t> labels);
// 1 where the label is among the k largest scores. A tie at the border is resolved by the lower index.
std::vector<double> top_k_correct(const ClassScores& scores, std::span<const std::int64_t> labels, std::size_t k);
// -log p(label), nats. From logits by log-sum-exp; from probabilities with p clipped to [1e-12, 1] (stated in the
// definition, so that one zero does not make the mean infinite).
std::vector<double> nll_values(const ClassScores& scores, std::span<const std::int64_t> labels);
// Multi-class Brier score sum_k (p_k - [k = label])^2, in [0, 2] (Brier 1950).
std::vector<double> brier_values(const ClassScores& scores, std::span<const std::int64_t> labels);
// Largest probability of each row.
std::vector<double> confidence(const ClassScores& scores);

enum class Norm { linf, l2, l1, l0 };
Norm parse_norm(const std::string& name);  // "linf" "l2" "l1" "l0"; throws Error(bad_input) with the nearest name
// Norm of (a - b) for each of n samples of `size` values. l0 counts values that differ.
std::vector<double> distances(std::span<const float> a, std::span<const float> b, std::size_t size, Norm norm);

// --- aggregates of 0/1 or real columns ---

double mean(std::span<const double> values);
double accuracy(std::span<const double> correct);         // values must be 0 or 1
double robust_accuracy(std::span<const double> robust);   // values must be 0 or 1; a misclassified clean sample is 0 (rule 14)

// Rule 25: numerator and denominator are stored, not only their ratio.
struct Ratio {
  double numerator = 0, denominator = 0;
  double value() const { return numerator / denominator; }
};
// Successes among `eligible` samples (1 where correctly classified without attack, or 1 everywhere: the caller says
// which in the score's "denominator" field). A success outside `eligible` is not counted.
Ratio attack_success_rate(std::span<const double> success, std::span<const double> eligible);

double nll(const ClassScores& scores, std::span<const std::int64_t> labels);
double brier(const ClassScores& scores, std::span<const std::int64_t> labels);

// Expected calibration error: bins of equal width over (0,1], right-closed (a confidence of exactly 0 falls in the
// first), L1 norm, weighted by bin count (Naeini et al. 2015; Guo et al. 2017). Rule 34: the binning is named by `bins`.
double ece(std::span<const double> confidence, std::span<const double> correct, std::size_t bins = 15);

// Share of samples on which two prediction lists differ.
double disagreement(std::span<const std::int64_t> a, std::span<const std::int64_t> b);
// Mean of disagreement over all pairs of members; needs at least two.
double mean_pairwise_disagreement(const std::vector<std::vector<std::int64_t>>& members);

// --- detection: higher score = more anomalous, the positive class is out-of-distribution unless stated ---

// Rule 30: tie-corrected Mann-Whitney statistic P(out > in) + P(out = in) / 2, by ranks after a radix sort.
double auroc(std::span<const double> in, std::span<const double> out);
// The same by the trapezoid rule over the ROC curve: the second implementation that the first is held against.
double auroc_trapezoid(std::span<const double> in, std::span<const double> out);
// Share of in-distribution inputs flagged at the first (highest) threshold t whose true positive rate
// P(out >= t) reaches `tpr`; no interpolation between thresholds.
double fpr_at_tpr(std::span<const double> in, std::span<const double> out, double tpr = 0.95);
inline double fpr_at_95(std::span<const double> in, std::span<const double> out) { return fpr_at_tpr(in, out, 0.95); }
// Average precision sum_k (R_k - R_{k-1}) P_k over distinct thresholds. aupr_out: positive = out-of-distribution,
// ordered by score; aupr_in: positive = in-distribution, ordered by the negated score.
double aupr_out(std::span<const double> in, std::span<const double> out);
double aupr_in(std::span<const double> in, std::span<const double> out);

// AUROC of resamples without sorting again: prepared once, then evaluated on integer multiplicities of each sample.
class WeightedAuroc {
 public:
  WeightedAuroc(std::span<const double> in, std::span<const double> out);
  // in_counts[i] copies of in[i], out_counts[j] copies of out[j]; both sums must be > 0.
  double operator()(std::span<const std::uint32_t> in_counts, std::span<const std::uint32_t> out_counts) const;

 private:
  std::vector<std::uint32_t> order_;  // indices into in ++ out, ascending by score
  std::vector<std::uint8_t> new_group_;  // 1 where order_[k] starts a group of equal scores
  std::size_t in_size_ = 0, out_size_ = 0;
};

// --- compression ---

double compression_ratio(double original_parameters, double kept_parameters);    // rule 35: original / kept
double theoretical_speedup(double original_macs, double kept_macs);              // rule 35: original / kept multiply-adds

}  // namespace assay::metrics
