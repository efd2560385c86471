// Regions, boxes, n-grams, and what selects by value. Values in a graph have shapes that are known at import; an
// operator whose result is as large as the data say (NonZero, Unique, NonMaxSuppression) is taken where its operands
// are known.
#include <algorithm>

#include "harness/graph/onnx/session.hpp"

namespace assay::onnx {
namespace {

void expect_known(Call& call, std::initializer_list<std::size_t> operands) {
  for (const std::size_t i : operands) {
    if (!call.in(i).known())
      call.unsupported("the shape of its result depends on the data, and values in a graph have known shapes");
  }
}

Tensor indices_of(const std::vector<std::int64_t>& values) {
  return Tensor::i64({static_cast<std::int64_t>(values.size())}, values);
}

Operands roi_align(Call& call) {
  if (call.text("mode", "avg") != "avg") call.unsupported("mode '" + call.text("mode", "avg") + "'");
  const std::string rule =
      call.text("coordinate_transformation_mode", call.opset < 16 ? "output_half_pixel" : "half_pixel");
  if (rule != "half_pixel" && rule != "output_half_pixel")
    call.bad("attribute 'coordinate_transformation_mode' is '" + rule + "'");
  const Shape bins = {call.integer("output_height", 1), call.integer("output_width", 1)};
  const Attrs attrs = {{"output", bins},
                       {"sampling_ratio", call.integer("sampling_ratio", 0)},
                       {"spatial_scale", call.real("spatial_scale", 1)},
                       {"half_pixel", std::int64_t{rule == "half_pixel" ? 1 : 0}}};
  return {call.emit("roi_align", {call.in(0), call.in(1), call.index(call.in(2))}, attrs)};
}

Operands tf_idf(Call& call) {
  if (call.given("pool_strings")) call.unsupported("a pool of texts");
  Attrs attrs = {{"min_gram_length", call.integer("min_gram_length", 1)},
                 {"max_gram_length", call.integer("max_gram_length", 1)},
                 {"max_skip_count", call.integer("max_skip_count", 0)},
                 {"mode", call.text("mode", "TF")}};
  attrs.set("ngram_counts", call.ints("ngram_counts"));
  attrs.set("ngram_indexes", call.ints("ngram_indexes"));
  attrs.set("pool", call.ints("pool_int64s"));
  if (call.given("weights")) attrs.set("weights", call.reals("weights"));
  return {call.emit("tf_idf", {call.index(call.in(0))}, attrs)};
}

// Operands: boxes, scores, most boxes of a class, overlap, least score.
Operands non_max_suppression(Call& call) {
  expect_known(call, {0, 1});
  const auto real = [&](std::size_t at, const char* what, double fallback) {
    if (!call.has(at)) return fallback;
    const std::vector<double> given = call.known_reals(at, what);
    if (given.size() != 1) call.bad(std::string("takes one ") + what);
    return given[0];
  };
  Attrs attrs = {{"center_point_box", call.integer("center_point_box", 0)}, {"iou_threshold", real(3, "overlap", 0)}};
  if (call.has(2)) {
    const Shape most = call.known_ints(2, "number of boxes");
    if (most.size() != 1) call.bad("takes one number of boxes");
    attrs.set("max_boxes", most[0]);
  }
  if (call.has(4)) attrs.set("score_threshold", real(4, "least score", 0));
  const Operands kept = call.emit_all("non_max_suppression", {call.in(0), call.in(1)}, attrs);
  const std::int64_t count = kept[1].constant.to_i64()[0];
  return {call.emit("slice", {kept[0]}, {{"begin", Shape{0, 0}}, {"size", Shape{count, 3}}})};
}

// The places of what is not 0, one row an axis.
Operands non_zero(Call& call) {
  expect_known(call, {0});
  const Tensor x = call.in(0).constant.dense();
  const std::vector<float> values = x.to_f32();
  const std::size_t rank = x.shape().size();
  std::vector<std::vector<std::int64_t>> places(rank);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0.0F) continue;
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t a = rank; a-- > 0; rest /= x.shape()[a]) places[a].push_back(rest % x.shape()[a]);
  }
  std::vector<std::int64_t> flat;
  for (const auto& row : places) flat.insert(flat.end(), row.begin(), row.end());
  const std::int64_t count = rank == 0 ? 0 : static_cast<std::int64_t>(places[0].size());
  return {call.constant(Tensor::i64({static_cast<std::int64_t>(rank), count}, flat))};
}

// Equal slices along an axis of [outer][extent][inner].
struct Groups {
  std::vector<std::int64_t> first, count, of;  // a group: its first slice, its size; a slice: its group
};

template <class T>
Groups grouped(const std::vector<T>& values, const Shape& extents, bool sorted) {
  std::map<std::vector<T>, std::vector<std::int64_t>> slices;
  for (std::int64_t k = 0; k < extents[1]; ++k) {
    std::vector<T> slice;
    for (std::int64_t o = 0; o < extents[0]; ++o) {
      const auto from = values.begin() + (o * extents[1] + k) * extents[2];
      slice.insert(slice.end(), from, from + extents[2]);
    }
    slices[slice].push_back(k);
  }
  std::vector<std::vector<std::int64_t>> members;
  members.reserve(slices.size());
  for (const auto& [slice, at] : slices) members.push_back(at);
  if (!sorted) std::sort(members.begin(), members.end());  // by first occurrence
  Groups g;
  g.of.resize(static_cast<std::size_t>(extents[1]));
  for (const auto& at : members) {
    for (const std::int64_t k : at) g.of[static_cast<std::size_t>(k)] = static_cast<std::int64_t>(g.first.size());
    g.first.push_back(at.front());
    g.count.push_back(static_cast<std::int64_t>(at.size()));
  }
  return g;
}

Operands unique(Call& call) {
  expect_known(call, {0});
  const bool flat = !call.given("axis"), sorted = call.integer("sorted", 1) != 0;
  const Operand x = flat ? call.reshape(call.in(0), {call.in(0).spec.count()}) : call.in(0);
  const std::int64_t axis = flat ? 0 : call.axis(call.integer("axis", 0), x.rank());
  Shape extents = {1, x.shape()[static_cast<std::size_t>(axis)], 1};
  for (std::int64_t a = 0; a < x.rank(); ++a) {
    if (a != axis) extents[a < axis ? 0 : 2] *= x.shape()[static_cast<std::size_t>(a)];
  }
  const Tensor values = x.constant.dense();
  if (values.dtype() == DType::f64) call.unsupported("values of double precision");
  const Groups g = values.dtype() == DType::f32 ? grouped(values.to_f32(), extents, sorted)
                                                : grouped(values.to_i64(), extents, sorted);
  const Operand first = call.constant(indices_of(g.first));
  return {Call::like(x, call.emit("gather", {x, first}, {{"axis", axis}})), first, call.constant(indices_of(g.of)),
          call.constant(indices_of(g.count))};
}

}  // namespace

Rows selection_rows() {
  return {{"NonMaxSuppression", non_max_suppression},
          {"NonZero", non_zero},
          {"RoiAlign", roi_align},
          {"TfIdfVectorizer", tf_idf},
          {"Unique", unique}};
}

}  // namespace assay::onnx
