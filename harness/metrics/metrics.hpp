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

// Least perturbation that was found for each sample: 0 where it is misclassified as it is (neither success nor robust), the
// distance where the attack succeeded, infinite where the sample withstood it (robust).
std::vector<double> minimal_perturbations(std::span<const double> distance, std::span<const double> success, std::span<const double> robust);
// Its curve: for each radius the share of samples that no perturbation up to it, the radius included, is known to break.
std::vector<double> perturbation_curve(std::span<const double> minimal, std::span<const double> radii);
// Infinite where half of the samples withstood. Brendel et al. 2019, arXiv:1907.01003.
double median_perturbation(std::span<const double> distance, std::span<const double> success, std::span<const double> robust);

double nll(const ClassScores& scores, std::span<const std::int64_t> labels);
double brier(const ClassScores& scores, std::span<const std::int64_t> labels);

// Expected calibration error: bins of equal width over (0,1], right-closed (a confidence of exactly 0 falls in the
// first), L1 norm, weighted by bin count (Naeini et al. 2015; Guo et al. 2017). Rule 34: the binning is named by `bins`.
double ece(std::span<const double> confidence, std::span<const double> correct, std::size_t bins = 15);
// The same over bins of equal mass: of n samples in order of confidence, the i-th (from 0) is in bin floor(i bins / n), and
// equal confidences are in the bin of the first of them (Nguyen and O'Connor 2015; "adaptive ECE" of Mukhoti et al. 2020).
double ece_equal_mass(std::span<const double> confidence, std::span<const double> correct, std::size_t bins = 15);
// The same with the largest number of bins up to which the accuracies of the bins that hold samples never fall from a bin
// to the next (Roelofs et al. 2022, ECE_sweep).
double ece_sweep(std::span<const double> confidence, std::span<const double> correct);

// --- classes: columns of class indices, as the judge stores them ---

// 1 + the number of classes ahead of the label: a larger score, or an equal one of a lower index.
std::vector<double> label_ranks(const ClassScores& scores, std::span<const std::int64_t> labels);
// Share of ranks up to k.
double top_k_accuracy(std::span<const double> ranks, std::size_t k);
// Mean over the classes that occur among the labels of the share of their samples that is predicted right (Brodersen et
// al. 2010).
double balanced_accuracy(std::span<const double> predicted, std::span<const double> labels);
// Mean over the classes that occur among labels or predictions of 2 TP / (2 TP + FP + FN).
double macro_f1(std::span<const double> predicted, std::span<const double> labels);

// --- selective prediction: accept the samples of confidence >= t; risk is the share of errors among those accepted ---

// Mean over samples of the risk at t = the sample's own confidence, so equal confidences are accepted together (Geifman and
// El-Yaniv 2017).
double aurc(std::span<const double> confidence, std::span<const double> correct);
// aurc minus the least that any order of the same errors gives: (1/n) sum_{k > n-m} (k - (n-m)) / k for m errors, exact and
// not Geifman et al.'s (2019) logarithm. Never negative.
double eaurc(std::span<const double> confidence, std::span<const double> correct);
// Largest share of samples accepted at a risk of at most `risk`, over the thresholds that occur; 0 when there is none.
double coverage_at_risk(std::span<const double> confidence, std::span<const double> correct, double risk = 0.05);

// --- diversity of an ensemble's members: means over all unordered pairs; at least two members ---

// Share of samples on which two prediction lists differ.
double disagreement(std::span<const std::int64_t> a, std::span<const std::int64_t> b);
// Mean of disagreement over all pairs of members; needs at least two.
double mean_pairwise_disagreement(const std::vector<std::vector<std::int64_t>>& members);

// Of a pair: N11 both right, N00 both wrong, N10 and N01 only one right (Kuncheva and Whitaker 2003). `correct` holds one
// column of 0 and 1 a member. Not a number where a pair's denominator is 0: the statistic is not defined then.
using Members = std::vector<std::span<const double>>;
double q_statistic(const Members& correct);        // (N11 N00 - N01 N10) / (N11 N00 + N01 N10)
double double_fault(const Members& correct);       // N00 / n
double error_correlation(const Members& correct);  // correlation coefficient of the two columns

// --- detection: higher score = more anomalous, the positive class is out-of-distribution unless stated ---

// Rule 30: tie-corrected Mann-Whitney statistic P(out > in) + P(out = in) / 2, by ranks after a radix sort.
double auroc(std::span<const double> in, std::span<const double> out);
// The same by the trapezoid rule over the ROC curve: the second implementation that the first is held against.
double auroc_trapezoid(std::span<const double> in, std::span<const double> out);
// Share of in-distribution inputs flagged at the first (highest) threshold t whose true positive rate
// P(out >= t) reaches `tpr`; no interpolation between thresholds.
double fpr_at_tpr(std::span<const double> in, std::span<const double> out, double tpr = 0.95);
inline double fpr_at_95(std::span<const double> in, std::span<const double> out) { return fpr_at_tpr(in, out, 0.95); }
// The other convention: positive = in-distribution, ordered by the negated score. Share of out-of-distribution inputs
// accepted at the first threshold that accepts 95 % of the in-distribution ones.
double fpr_at_95_in(std::span<const double> in, std::span<const double> out);
// Average precision sum_k (R_k - R_{k-1}) P_k over distinct thresholds. aupr_out: positive = out-of-distribution,
// ordered by score; aupr_in: positive = in-distribution, ordered by the negated score.
double aupr_out(std::span<const double> in, std::span<const double> out);
double aupr_in(std::span<const double> in, std::span<const double> out);
// The area under the precision-recall curve by the trapezoid rule, from recall 0 at precision 1: what OpenOOD calls AUPR. It
// is no average precision, and only for exchange with that board.
double aupr_out_trapezoid(std::span<const double> in, std::span<const double> out);
double aupr_in_trapezoid(std::span<const double> in, std::span<const double> out);
// Least mean of the two error rates, (P(in >= t) + P(out < t)) / 2, over all thresholds t: both classes weigh the same
// (Lee et al. 2018; ODIN's number of the same name is taken at one threshold).
double detection_error(std::span<const double> in, std::span<const double> out);

// AUROC of resamples without sorting again: prepared once, then evaluated on integer multiplicities of each sample.
class WeightedAuroc {
 public:
  WeightedAuroc(std::span<const double> in, std::span<const double> out);
  // in_counts[i] copies of in[i], out_counts[j] copies of out[j]; both sums must be > 0.
  double operator()(std::span<const std::uint32_t> in_counts, std::span<const std::uint32_t> out_counts) const;

 private:
  double without_ties(std::span<const std::uint32_t> in_counts, std::span<const std::uint32_t> out_counts) const;

  std::vector<std::uint32_t> order_;  // indices into in ++ out, ascending by score
  std::vector<std::uint8_t> new_group_;  // 1 where order_[k] starts a group of equal scores
  std::size_t in_size_ = 0, out_size_ = 0;
  bool tied_ = false;
};

// --- compression ---

double compression_ratio(double original_parameters, double kept_parameters);    // rule 35: original / kept
double theoretical_speedup(double original_macs, double kept_macs);              // rule 35: original / kept multiply-adds

}  // namespace assay::metrics
