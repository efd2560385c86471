// What a judge keeps of an attack, or of an analyzer's counter-examples, for people to look at. One thread.
#pragma once

#include "harness/record/examples.hpp"
#include "harness/tasks/attack_outcome.hpp"

namespace assay::tasks {

// Of inputs of one or three channels that are not too large.
bool can_be_pictured(const engine::Shape& shape);

// An input before and after, in the valid range [low, high]; the pictures of `one` are made, the rest of it is given.
struct BeforeAfter {
  std::span<const float> clean, perturbed;
  float low = 0, high = 1;
  void put(Example& one) const;
};
// Writes out/examples.safetensors and announces it; nothing where there is no example.
void save_examples(StageContext& context, const Examples& set);

// Where the judge's specification asks for it (examples: {eps, each}), the inputs are images of one or three channels
// and the threat has that radius: writes out/examples.safetensors (record/examples.hpp) and announces it. Of the inputs
// that were attacked here and are classified correctly without an attack, `each` that the attack broke and `each` that
// stand; how they are chosen is the file's `rule`. Equal outcomes give equal bytes. `outcomes` as judged, one a radius.
void keep_examples(StageContext& context, const AttackJudge& judge, const std::vector<AttackOutcome>& outcomes);

}  // namespace assay::tasks
