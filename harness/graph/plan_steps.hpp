// Inside compile(): the kernels of a program in order, the buffers between them, and where each buffer lives.
// Private to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/engine/ops/op.hpp"
#include "harness/graph/modes.hpp"
#include "harness/graph/program.hpp"

namespace assay::graph {

enum class Home { arena, input, live, constant, output };

struct Buffer {
  Spec spec;
  engine::Layout layout;
  Home home = Home::arena;
  std::string name;          // of inputs and live parameters
  Tensor value;              // constants
  int shares = -1;           // arena: the memory of this other buffer (in-place)
  int first = -1, last = -1; // steps that write and last read it; sharing extends the root
  std::size_t offset = 0;    // arena
};

struct Step {
  engine::Kernel kernel;
  std::vector<int> in, out;  // buffers
  int phase = 0;
  int random = -1;           // fills out[0] with the dropout mask of that random node
  std::string what;
  engine::OpCost cost;       // bytes: operands and results; of one run
  bool reorder = false;
};

struct OutputSlot {
  std::string name;
  int buffer = -1;           // Home::output, dense
};

struct StepList {
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
  std::vector<OutputSlot> outputs;   // sorted by name
  std::size_t arena_bytes = 0, scratch_bytes = 0;
};

// Prepares kernels, inserts reorders (constants are reordered now, once), places outputs. `random_slots`: slot -> index.
StepList build_steps(const Program& program, const std::map<int, int>& random_slots, bool training);
struct MemoryOptions {
  bool share = true;             // in-place kernels
  bool repeat_backward = false;  // what phase 1 reads of phase 0 stays whole to the end
};
// Liveness, in-place sharing and offsets.
void plan_memory(StepList& list, const MemoryOptions& options);

}  // namespace assay::graph
