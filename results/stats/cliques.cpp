// Maximal sets of methods without a rejected pair, and the bars that draw them.
#include <algorithm>
#include <numeric>

#include "results/stats/checks.hpp"
#include "results/stats/many.hpp"

namespace assay::stats {
namespace {

constexpr std::size_t most_cliques = 100000;

using Set = std::vector<std::size_t>;

class BronKerbosch {
 public:
  explicit BronKerbosch(const std::vector<std::vector<bool>>& alike) : alike_(alike) {}

  std::vector<Set> run() {
    Set all(alike_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    extend(all, {});
    for (Set& clique : found_) std::sort(clique.begin(), clique.end());
    std::sort(found_.begin(), found_.end());
    return std::move(found_);
  }

 private:
  Set neighbours(const Set& among, std::size_t of) const {
    Set out;
    std::copy_if(among.begin(), among.end(), std::back_inserter(out),
                 [&](std::size_t v) { return v != of && alike_[of][v]; });
    return out;
  }

  // The item with the most neighbours among the candidates: only those that are not its neighbours need a branch.
  std::size_t pivot(const Set& candidates, const Set& done) const {
    std::size_t best = candidates[0], most = 0;
    for (const Set* set : {&candidates, &done})
      for (const std::size_t v : *set)
        if (const std::size_t n = neighbours(candidates, v).size(); n > most) {
          most = n;
          best = v;
        }
    return best;
  }

  // Every maximal clique that holds `current_`, more of `candidates`, and nothing of `done`.
  void extend(Set candidates, Set done) {
    if (candidates.empty()) {
      if (done.empty()) keep();
      return;
    }
    const std::size_t p = pivot(candidates, done);
    const Set branches = candidates;
    for (const std::size_t v : branches) {
      if (v != p && alike_[p][v]) continue;
      current_.push_back(v);
      extend(neighbours(candidates, v), neighbours(done, v));
      current_.pop_back();
      std::erase(candidates, v);
      done.push_back(v);
    }
  }

  void keep() {
    if (found_.size() == most_cliques)
      throw Error(Fault::unsupported,
                  "cliques: more than " + std::to_string(most_cliques) + " maximal sets of methods");
    found_.push_back(current_);
  }

  const std::vector<std::vector<bool>>& alike_;
  Set current_;
  std::vector<Set> found_;
};

// Rows from the top: each bar, by its left end, goes to the first row whose last bar ends before it.
void place(std::vector<Bar>& bars) {
  std::vector<double> ends;
  for (Bar& bar : bars) {
    const auto row = std::find_if(ends.begin(), ends.end(), [&](double end) { return end < bar.from; });
    bar.row = static_cast<int>(row - ends.begin());
    if (row == ends.end())
      ends.push_back(bar.to);
    else
      *row = bar.to;
  }
}

}  // namespace

std::vector<std::vector<std::size_t>> maximal_cliques(const std::vector<std::vector<bool>>& alike) {
  for (std::size_t i = 0; i < alike.size(); ++i) {
    if (alike[i].size() != alike.size()) detail::refuse("cliques", "the matrix is not square");
    for (std::size_t j = 0; j < i; ++j)
      if (alike[i][j] != alike[j][i]) detail::refuse("cliques", "the matrix is not symmetric");
  }
  return alike.empty() ? std::vector<Set>{} : BronKerbosch(alike).run();
}

std::vector<Bar> diagram_bars(const std::vector<std::vector<std::size_t>>& cliques, const std::vector<double>& ranks) {
  std::vector<Bar> bars;
  for (const auto& clique : cliques) {
    if (clique.size() < 2) continue;
    for (const std::size_t m : clique)
      if (m >= ranks.size()) detail::refuse("diagram bars", "method " + std::to_string(m) + " has no rank");
    Bar bar;
    bar.methods = clique;
    std::stable_sort(bar.methods.begin(), bar.methods.end(),
                     [&](std::size_t a, std::size_t b) { return ranks[a] < ranks[b]; });
    bar.from = ranks[bar.methods.front()];
    bar.to = ranks[bar.methods.back()];
    for (std::size_t m = 0; m < ranks.size(); ++m) {
      const bool member = std::find(clique.begin(), clique.end(), m) != clique.end();
      if (!member && ranks[m] >= bar.from && ranks[m] <= bar.to) bar.skipped.push_back(m);
    }
    bars.push_back(std::move(bar));
  }
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.from < b.from; });
  place(bars);
  return bars;
}

}  // namespace assay::stats
