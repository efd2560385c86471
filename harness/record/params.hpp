// Parameters of a method: validated and defaulted against the descriptor. Pure; used by the planner (identity hashes)
// and by the worker (what create() receives).
#pragma once

#include "harness/base/json.hpp"
#include "harness/record/descriptor.hpp"

namespace assay {

// Every declared parameter once, in canonical form. `given` is an object or null. Per type:
//   bool   true/false
//   int    an integer, or a real/fraction text with an integral value
//   real   a number, or an exact fraction as text ("8/255"), which is kept as reduced text in the result so that the
//          fraction is what is hashed; integers become reals
//   text   a string               choice  one of the choices
//   list   an array whose items have the fallback's item type, numbers within [min, max]
//   tensor {"file": path, "sha256": digest} or null      method  {"use": id, "params": {...}}, an id, or null
// Throws Error(bad_input): "method 'pgd': unknown parameter 'step'; did you mean 'steps'?",
// "method 'pgd': parameter 'eps' must be a real in [0, 1], not \"big\"".
Json expand_params(const Descriptor& descriptor, const Json& given);

// The part of expanded parameters that enters the generation hash (parameters with `identity` only).
Json identity_params(const Descriptor& descriptor, const Json& expanded);

// The number that an expanded int or real parameter stands for; fraction texts are divided. Throws Error(bad_input).
double param_real(const Json& value);

}  // namespace assay
