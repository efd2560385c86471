// Products between quantizers, on integers: a pass over a program that is not differentiated. Private to this folder.
#pragma once

#include "harness/graph/program.hpp"

namespace assay::graph {

// A conv2d or linear whose x is quantized with one scale and whose constant weights are quantized in s8, a scale a channel
// or one, runs on 8-bit integers with s32 sums. When its result goes into a quantizer and nowhere else, bias, residual,
// activation and the new scale are part of that kernel, and activations stay integers from product to product. Ops that
// read a quantized value otherwise get it as f32. What has no integer kernel stays the simulation in f32 that it was.
// A result differs from the simulation by at most one step a layer (another rounding of the same sum).
void store_integers(Program& program);

}  // namespace assay::graph
