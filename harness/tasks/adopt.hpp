// The set that a reducer left, made into one that the host can train on: a plugin's records do not know what they are for.
// Every field gets the type that it has in `train`, records that came from there keep their ids, new ones get ids of their
// own. Pure.
#pragma once

#include <string>

#include "harness/data/records.hpp"

namespace assay::tasks {

// Records to leave at `ratio` (records given over records left): the whole part of n / ratio, at least 1.
// Throws Error(bad_input) when `ratio` is no number >= 1.
std::int64_t reduced_size(std::int64_t n, const std::string& ratio);

// `left` in the order in which the method gave it. f32 inputs of a u8 set are stored as u8 where that changes no value.
// Throws Error(constraint) for: no record or more than `size`; an id twice; "input" or "target" missing, or a field that
// `train` has not; another sample shape or dtype; a value that is not finite or outside of the range; a label outside of
// the classes. Throws Error(unsupported) for "soft_target" and "weight", which the host's training cannot use yet.
data::RecordSet adopt(const data::RecordSet& left, const data::RecordSet& train, std::int64_t size, const std::string& method);

// Where the records of an adopted set come from.
struct Composition {
  std::int64_t kept = 0;      // from train, every value as it was
  std::int64_t altered = 0;   // from train, with another input or label
  std::int64_t added = 0;     // new
  std::int64_t smallest = 0;  // records of the class with the fewest; 0 when a class has none
};
Composition composition(const data::RecordSet& reduced, const data::RecordSet& train);

}  // namespace assay::tasks
