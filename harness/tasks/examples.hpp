// What a judge keeps of an attack for people to look at. One thread.
#pragma once

#include "harness/tasks/attack_outcome.hpp"

namespace assay::tasks {

// Where the judge's specification asks for it (examples: {eps, each}), the inputs are images of one or three channels
// and the threat has that radius: writes out/examples.safetensors (record/examples.hpp) and announces it. Of the inputs
// that were attacked here and are classified correctly without an attack, `each` that the attack broke and `each` that
// stand; how they are chosen is the file's `rule`. Equal outcomes give equal bytes. `outcomes` as judged, one a radius.
void keep_examples(StageContext& context, const AttackJudge& judge, const std::vector<AttackOutcome>& outcomes);

}  // namespace assay::tasks
