// What the literature says about the sizes of the zoo's architectures, and where ours differ on purpose.
#pragma once

#include <string>
#include <vector>

#include "harness/engine/tensor/tensor.hpp"

namespace assay::zoo {

// A published figure and the unit it was rounded to (1: exact). `unit` 0: no figure.
struct Figure {
  double value = 0, unit = 0;
};

struct Published {
  std::string label, arch, params;  // as the zoo builds it
  engine::Shape input;
  std::int64_t classes = 10;
  Figure weights, macs;
  std::string source;
  double extra_weights = 0, extra_macs = 0;  // ours minus the published, when `reason` says why
  std::string reason;
};

const std::vector<Published>& published();

// |ours - extra - published| is at most half a unit.
bool agrees(double ours, double extra, const Figure& figure);

// The table as Markdown: tests/unit/zoo/zoo.md.
std::string zoo_table();

}  // namespace assay::zoo
