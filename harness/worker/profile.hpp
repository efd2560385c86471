// Where the time of a compiled plan goes: `assay-worker profile MODEL [--KEY VALUE]...`. One thread.
#pragma once

#include <string>
#include <vector>

namespace assay::worker {

// words: MODEL (of the zoo, or a model file), then pairs:
//   --work infer|train|pgd (infer)   --batch N (32)   --iterations N (10)   --params JSON ({})   --input C,H,W (3,32,32)
//   --classes N (10)                 --precision f32|bf16 (f32)
//   --trace FILE: the last iteration for chrome://tracing or Perfetto
// Gives a table for people: a row a kernel kind, slowest first. Throws Error(bad_input) on words it does not know.
std::string profile(const std::vector<std::string>& words);

}  // namespace assay::worker
