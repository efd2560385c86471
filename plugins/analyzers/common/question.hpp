// One role call of an analyzer in rows of floats: regions, counted questions to the net, and the answers. A sample is a
// row; nothing here mixes rows, so a verdict does not depend on what else is in the batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "assay/sdk.hpp"

namespace analyzers {

using Floats = std::vector<float>;
using Row = std::span<const float>;

// The region of one row, borrowed from the call.
struct Region {
  Row x, lo, hi;
  std::span<const std::int64_t> below, above;
  double step = 0;
  std::vector<std::size_t> moving;  // elements with another point of the grid than x, ascending

  float level(std::size_t element, std::int64_t k) const {  // as assay/plugin.h says
    if (k == 0) return x[element];
    const double moved = static_cast<double>(x[element]) + static_cast<double>(k) * step;
    return static_cast<float>(std::clamp(moved, static_cast<double>(lo[element]), static_cast<double>(hi[element])));
  }
  double points() const {
    double count = 1;
    for (const std::size_t i : moving) count *= static_cast<double>(below[i] + above[i] + 1);
    return count;
  }
};

// Row-major [rows, classes]; the lowest class wins a tie, as for the judge.
struct Scores {
  std::size_t classes = 0;
  Floats values;
  std::size_t count() const { return values.size() / classes; }
  Row row(std::size_t i) const { return Row(values).subspan(i * classes, classes); }
  std::size_t best(std::size_t i) const {
    const Row z = row(i);
    return static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
  }
  // Logit of `own` less the largest other: how sure the net is.
  double margin(std::size_t i, std::size_t own) const {
    double other = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < classes; ++k)
      if (k != own) other = std::max(other, static_cast<double>(row(i)[k]));
    return static_cast<double>(row(i)[own]) - other;
  }
};

class Question {
 public:
  Question(const assay::Run& run, const assay::Analyze& call, const char* method)
      : run_(run),
        call_(call),
        x_(call.x.floats()),
        lo_(call.lo.floats()),
        hi_(call.hi.floats()),
        below_(call.below.ints()),
        above_(call.above.ints()) {
    if (call.question != "region")
      assay::fail(ASSAY_UNSUPPORTED,
                  std::string(method) + " answers the question 'region' only, not '" + call.question + "'");
    const auto n = static_cast<std::size_t>(call.size());
    size_ = n == 0 ? 0 : x_.size() / n;
    passes_.assign(n, 1);
    budget_ = run.remaining("forward_per_sample");
    for (std::size_t i = 0; i < n; ++i) regions_.push_back(region_at(i));
    own_ = scores(call.model.forward(call.x, {.ids = call.ids}).logits);
  }

  std::size_t count() const { return regions_.size(); }
  std::size_t size() const { return size_; }
  const assay::Run& run() const { return run_; }
  const assay::Model& model() const { return call_.model; }
  const Region& region(std::size_t i) const { return regions_[i]; }
  std::size_t own(std::size_t i) const { return own_.best(i); }
  std::int64_t id(std::size_t i) const { return call_.ids.ints()[i]; }
  // Points of row i whose class may still be asked for.
  double left(std::size_t i) const { return budget_ - passes_[i]; }
  double asked(std::size_t i) const { return passes_[i]; }

  // Logits at points of row i, which must not be more than are left.
  Scores ask(std::size_t i, const Floats& points) {
    run_.check();
    const std::size_t rows = points.size() / size_;
    passes_[i] += static_cast<double>(rows);
    return scores(call_.model.forward(tensor(points), {.ids = keys(i, rows)}).logits);
  }
  assay::Tensor tensor(const Floats& points) const {
    assay::Shape shape = call_.x.shape();
    shape[0] = static_cast<std::int64_t>(points.size() / size_);
    return run_.tensor<float>(shape, points);
  }
  assay::Tensor keys(std::size_t i, std::size_t rows) const {
    return run_.tensor<std::int64_t>({static_cast<std::int64_t>(rows)}, std::vector<std::int64_t>(rows, id(i)));
  }

 private:
  Region region_at(std::size_t i) const {
    const auto part = [&](const auto& all) { return all.subspan(i * size_, size_); };
    Region region{part(x_), part(lo_), part(hi_), part(below_), part(above_), call_.step, {}};
    for (std::size_t e = 0; e < size_; ++e)
      if (region.below[e] + region.above[e] > 0) region.moving.push_back(e);
    return region;
  }
  static Scores scores(const assay::Tensor& logits) {
    const Row values = logits.floats();
    return {static_cast<std::size_t>(logits.dim(1)), {values.begin(), values.end()}};
  }

  const assay::Run& run_;
  const assay::Analyze& call_;
  Row x_, lo_, hi_;
  std::span<const std::int64_t> below_, above_;
  std::size_t size_ = 0;
  double budget_ = 0;
  std::vector<double> passes_;
  std::vector<Region> regions_;
  Scores own_;
};

// Unknown until something is said.
class Answers {
 public:
  explicit Answers(const assay::Analyze& call)
      : shape_(call.x.shape()),
        verdict_(static_cast<std::size_t>(call.size()), ASSAY_UNKNOWN),
        scope_(verdict_.size(), ASSAY_SCOPE_PART),
        explored_(verdict_.size(), 0),
        witness_(call.x.floats().begin(), call.x.floats().end()) {}

  void violated(std::size_t i, Row point) {
    verdict_[i] = ASSAY_VIOLATED;
    std::copy(point.begin(), point.end(), witness_.begin() + static_cast<std::ptrdiff_t>(i * point.size()));
  }
  void holds(std::size_t i, std::int64_t scope) {
    verdict_[i] = ASSAY_HOLDS;
    scope_[i] = scope;
  }
  bool is_violated(std::size_t i) const { return verdict_[i] == ASSAY_VIOLATED; }
  assay::Findings findings(const Question& question) const {
    std::vector<double> explored;
    for (std::size_t i = 0; i < verdict_.size(); ++i) explored.push_back(question.asked(i));
    const assay::Shape rows{static_cast<std::int64_t>(verdict_.size())};
    const assay::Run& run = question.run();
    return {run.tensor<std::int64_t>(rows, verdict_), run.tensor<std::int64_t>(rows, scope_),
            run.tensor<float>(shape_, witness_), run.tensor<double>(rows, explored)};
  }

 private:
  assay::Shape shape_;
  std::vector<std::int64_t> verdict_, scope_;
  std::vector<double> explored_;
  Floats witness_;
};

// The combinations of some levels of some elements, all others as in `from`; the last element counts fastest.
class Combinations {
 public:
  struct Axis {
    std::size_t element = 0;
    Floats levels;  // at least one
  };
  Combinations(Row from, std::vector<Axis> axes)
      : from_(from.begin(), from.end()), axes_(std::move(axes)), at_(axes_.size(), 0) {}

  double count() const {
    double all = 1;
    for (const Axis& axis : axes_) all *= static_cast<double>(axis.levels.size());
    return all;
  }
  // Up to `most` further points; none left: empty.
  Floats next(std::size_t most) {
    Floats out;
    for (std::size_t written = 0; written < most && !done_; ++written) {
      const std::size_t row = out.size();
      out.insert(out.end(), from_.begin(), from_.end());
      for (std::size_t a = 0; a < axes_.size(); ++a) out[row + axes_[a].element] = axes_[a].levels[at_[a]];
      std::size_t a = axes_.size();
      while (a > 0 && at_[a - 1] + 1 == axes_[a - 1].levels.size()) at_[--a] = 0;
      if (a == 0)
        done_ = true;
      else
        ++at_[a - 1];
    }
    return out;
  }

 private:
  Floats from_;
  std::vector<Axis> axes_;
  std::vector<std::size_t> at_;
  bool done_ = false;
};

inline Combinations::Axis line_of(const Region& region, std::size_t element) {
  Combinations::Axis axis{element, {}};
  for (std::int64_t k = -region.below[element]; k <= region.above[element]; ++k)
    axis.levels.push_back(region.level(element, k));
  return axis;
}

// Sum of absolute changes.
inline double change_of(Row x, Row point) {
  double sum = 0;
  for (std::size_t e = 0; e < x.size(); ++e) sum += std::abs(static_cast<double>(point[e]) - static_cast<double>(x[e]));
  return sum;
}

inline constexpr std::size_t kRows = 1024;  // of one question to the net

}  // namespace analyzers
