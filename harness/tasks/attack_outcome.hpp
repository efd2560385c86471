// Judging what an attack left, condition by condition: trusts nothing but the adversarial inputs (rules 14 and 15). One
// place for the judge of a cell and for the links of a chain. One thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/tasks/attack_looks.hpp"
#include "harness/tasks/samples.hpp"
#include "harness/tasks/threat.hpp"

namespace assay::tasks {

struct AttackOutcome {
  std::vector<double> robust, success, distance;  // one a sample, in the data's order
  // Of Ascent, as the run saw it: empty, or one a sample.
  std::vector<double> late_gain, passes;
  // After the attack: logit of the true class less the largest other; NaN, and -1, where this attack was given no input.
  std::vector<double> margin;
  std::vector<std::int64_t> predicted;
};

class AttackJudge {
 public:
  using Breach = std::function<void(const std::string& reason)>;

  // Loads the data, the victim, where the attack is a link of a chain what was left before it (input "chain"), and
  // where there was a run its outputs. Of a chain that stopped early, after its last link only the samples that count are
  // left. Throws Error(constraint) when those do not belong to the data.
  explicit AttackJudge(const StageContext& context);

  const Samples& data() const { return data_; }
  const Threat& threat() const { return threat_; }
  Subject& victim() { return victim_; }
  const std::vector<float>& logits() const { return clean_; }      // of the clean inputs
  const std::vector<double>& correct() const { return correct_; }  // 1 where they are classified correctly
  const std::optional<ChainState>& before() const { return before_; }
  const std::optional<Looks>& looks() const { return looks_; }
  // What the looks before this one say; only with looks().
  const Reached& before_look() const { return reached_; }

  // Rule 14: robust only where the clean input is classified correctly and its adversarial one, and no link before
  // broke it. Rule 15: nobody clips; an input that left the threat model gives Error(constraint), after `breach` heard
  // why.
  AttackOutcome outcome(const Rational& eps, const Breach& breach = {});
  // The values of one attacked input; the condition has been judged.
  std::span<const float> perturbed(const std::string& condition, std::size_t row) const;

 private:
  struct Outputs {
    std::vector<float> x;  // whole samples at their places
    std::vector<bool> have;
    std::vector<double> late_gain, passes;
  };
  void collect(const std::filesystem::path& shard);
  void take_looks(bool last_link);
  void fill_zero_radius();
  std::vector<std::int64_t> attacked(const std::string& condition) const;
  const std::vector<float>& outputs_at(const std::string& condition, const std::vector<std::int64_t>& rows) const;
  void judge_rows(const std::vector<std::int64_t>& rows, const Rational& eps, const Breach& breach,
                  AttackOutcome& outcome);

  Samples data_;
  Threat threat_;
  Subject victim_;
  std::optional<ChainState> before_;
  std::optional<Looks> looks_;
  Reached reached_;
  std::vector<float> clean_;
  std::vector<double> correct_;
  std::map<std::string, Outputs> outputs_;
};

}  // namespace assay::tasks
