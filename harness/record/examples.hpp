// Pictures that a judge keeps of a cell for people to look at: out/examples.safetensors, published with the cell and
// found by its digest. No number is computed from them. Written by tasks, read by the export of the site. [any-thread]
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/record/safetensors.hpp"

namespace assay {

inline constexpr const char* examples_file = "examples.safetensors";
inline constexpr std::int64_t most_example_pixels = 256 * 256;  // of one channel; larger inputs are not kept

// An input before and after an attack, 8 bits a value, row-major [channels, height, width]; 0 and 255 are the ends of
// the input range. `difference` is 128 + 127 d / scale with d = perturbed - clean before rounding: 128 is no change.
struct Example {
  std::int64_t id = 0, label = 0, predicted = 0;
  bool broken = false;  // classified correctly before and not after
  double distance = 0;  // in the threat's norm, as judged
  double margin = 0;    // logit of the true class less the largest other, after the attack
  double scale = 0;     // the largest |d| of this example, in units of the input range; 0: nothing was changed
  std::vector<std::uint8_t> clean, perturbed, difference;
};

struct Examples {
  std::string condition, norm, rule;                 // rule: how they were chosen, a sentence
  std::int64_t channels = 0, height = 0, width = 0;  // channels 1 or 3
  std::vector<Example> items;
  std::int64_t values() const { return channels * height * width; }

  Container to_container() const;  // throws Error(bad_input) where an example has another size
  // Throws Error(bad_input) naming `where` when it is no set of examples or its parts do not fit each other.
  static Examples from_container(const Container& container, const std::string& where);
};

}  // namespace assay
