// The `prepare` stage (record/job.hpp): pure functions from records to records, and run_prepare, which the worker
// calls with its job. Output bytes are a function of the inputs and the spec alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/data/load.hpp"
#include "harness/data/records.hpp"
#include "harness/record/job.hpp"

namespace assay::data {

struct Selection {
  std::int64_t first = 0;  // records to skip
  std::int64_t limit = 0;  // records to take after them, 0: all
  bool balanced = false;   // equal numbers a class, in file order; limit must then be a multiple of the classes
  // Indices of the only classes taken, ascending; class classes[k] becomes class k. The above count what is left. Empty: all.
  std::vector<std::int64_t> classes = {};
  std::int64_t resize = 0;  // height and width of the images taken; 0: as they are
};
// Throws Error(bad_input) when the set is too small for the selection, saying how many there are.
RecordSet take(const RecordSet& records, const Selection& selection);

// What a method may see (ids, input and condition fields) and what only the judge may (everything else). Both in
// ascending order of id, which says nothing of class or place in the file.
struct Blinded {
  RecordSet visible, truth;
};
Blinded blind(const RecordSet& records);

struct OodSource {
  std::string label;  // name in the suite
  std::string group;  // near | far (rule 28: always told apart)
  RecordSet records;
};
// In- and out-of-distribution test inputs in one stream of opaque ids in keyed-shuffled order.
//   visible: ids (opaque), field "input" with the shape and dtype of the in-distribution set
//   truth:   the same ids, fields "sample" I64 (original id), "origin" cat (labels), "group" cat {id, near, far},
//            "target" cat (class for in-distribution, -1 else), all role truth
// OOD images of another height or width are resized (separable triangle filter, antialiased when shrinking); another
// number of channels or dimensions is Error(bad_input). A sample of `fit` in the stream is Error(constraint)
// (rules 28 and 32), as is one sample in two lists.
struct StreamSpec {
  std::string id_label;
  RecordSet id;
  std::vector<OodSource> ood;
  const RecordSet* fit = nullptr;  // the list that detectors fit on; nullptr: not checked here
  std::uint64_t key = 0;
};
Blinded make_stream(const StreamSpec& spec);

// [n, C, H, W] u8 or f32 to [n, C, height, width]; exact identity when the size is the same.
Array resize_images(const Array& images, std::int64_t height, std::int64_t width);

// One prepare job: reads job.inputs, writes below `out` (records.safetensors | blind.safetensors and
// truth.safetensors | stream.safetensors and truth.safetensors); the names written come back. The digests of the
// inputs must have been verified by the caller. The stream recipe takes an optional spec key "fit" (label of an input
// "records:<label>"); its shuffle is keyed by seed "evaluation".
std::vector<std::string> run_prepare(const Job& job, const std::filesystem::path& out);

}  // namespace assay::data
