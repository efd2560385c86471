// How the ascent of a gradient attack ends, seen from the host (rule 22): the margins max_{j != y} z_j - z_y at the
// passes that were differentiated, sample by sample, whatever loss the attack itself raises. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/engine/tensor/tensor.hpp"

namespace assay::tasks {

class Ascent {
 public:
  static constexpr std::size_t least_passes = 20;  // with fewer a tenth is one step, which says nothing
  static constexpr double steady_half = 0.05;      // half of what a steady climb gains in its last tenth

  // A batch of the attack begins; forgets the one before.
  void begin(std::span<const std::int64_t> ids, std::span<const std::int64_t> labels);
  // A differentiated pass with these logits, f32 [n, K]. `ids`: one a row; empty: the rows are the batch's, or, where
  // their number differs, nobody's. Rows of other samples and logits that are not finite are passed over.
  void see(std::span<const std::uint64_t> ids, const engine::Tensor& logits);
  // For each sample of the batch the share of all that its best margin gained since the first pass which it gained in
  // the last tenth of the passes, 0 .. 1; -1 with fewer than `least_passes`.
  std::vector<double> late_gains() const;
  std::vector<double> passes() const;  // of each sample that were seen

 private:
  struct Track {
    std::int64_t label = 0;
    double first = 0;
    std::vector<double> best;  // after each pass
  };
  std::vector<Track> tracks_;
  std::map<std::uint64_t, std::size_t> place_;  // by id
};

// Of the samples that stand (1) and whose gain is known (>= 0): more than half gained above `steady_half`, beyond what
// chance allows (sign test at 1 %). The reason, or "".
std::string still_climbing(std::span<const double> standing, std::span<const double> late_gains);

}  // namespace assay::tasks
