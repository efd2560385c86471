// non_max_suppression: the boxes that remain when, from the best score down, every box that overlaps a better one is
// dropped (ONNX's operator). How many remain depends on the data, so the result is as large as it can get.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

constexpr const char* kSuppression = "non_max_suppression";

struct Suppression {
  std::int64_t samples, boxes, classes, most;  // most: boxes kept of a sample and class
  double overlap, least_score;
  bool centred;  // boxes are centre and size, not two corners
};

Suppression suppression_of(Specs in, const Attrs& attrs) {
  expect_count(kSuppression, in, 2, 2);
  expect_f32(kSuppression, in);
  const Shape &boxes = in[0].shape, &scores = in[1].shape;
  if (boxes.size() != 3 || scores.size() != 3 || boxes[2] != 4 || boxes[0] != scores[0] || boxes[1] != scores[2]) {
    op_error(kSuppression, in, "takes boxes [N, B, 4] and scores [N, classes, B]");
  }
  const std::int64_t most = attrs.integer("max_boxes", 0);
  if (most < 0) op_error(kSuppression, in, "attribute max_boxes must not be negative");
  const double none = -std::numeric_limits<double>::infinity();
  return {boxes[0],
          boxes[1],
          scores[1],
          std::min(most, boxes[1]),
          attrs.real("iou_threshold", 0),
          attrs.real("score_threshold", none),
          attrs.integer("center_point_box", 0) != 0};
}

struct Corners {
  double top, left, bottom, right;
  double area() const { return (bottom - top) * (right - left); }
};

// Two opposite corners in any order (y, x), or centre and size (x, y, width, height).
Corners corners_of(const float* box, bool centred) {
  const double a = static_cast<double>(box[0]), b = static_cast<double>(box[1]), c = static_cast<double>(box[2]),
               d = static_cast<double>(box[3]);
  if (centred) return {b - d / 2, a - c / 2, b + d / 2, a + c / 2};
  return {std::min(a, c), std::min(b, d), std::max(a, c), std::max(b, d)};
}

double intersection_over_union(const Corners& a, const Corners& b) {
  const double h = std::min(a.bottom, b.bottom) - std::max(a.top, b.top),
               w = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(h > 0) || !(w > 0)) return 0;
  return h * w / (a.area() + b.area() - h * w);
}

// Indices of the boxes kept, best first; of equal scores the first.
std::vector<std::int64_t> kept_boxes(const Suppression& s, const float* boxes, const float* scores) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(s.boxes));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  order.erase(std::remove_if(order.begin(), order.end(),
                             [&](std::int64_t i) { return !(static_cast<double>(scores[i]) > s.least_score); }),
              order.end());
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
  std::vector<std::int64_t> kept;
  std::vector<Corners> places;
  for (const std::int64_t i : order) {
    if (static_cast<std::int64_t>(kept.size()) == s.most) break;
    const Corners box = corners_of(boxes + 4 * i, s.centred);
    const auto covers = [&](const Corners& other) { return intersection_over_union(box, other) > s.overlap; };
    if (std::any_of(places.begin(), places.end(), covers)) continue;
    kept.push_back(i);
    places.push_back(box);
  }
  return kept;
}

void suppress(const Suppression& s, const KernelArgs& args) {
  auto* out = elements_out<std::int64_t>(args, 0);
  std::int64_t count = 0;
  for (std::int64_t n = 0; n < s.samples; ++n) {
    for (std::int64_t c = 0; c < s.classes; ++c) {
      const float *boxes = floats(args, 0) + n * s.boxes * 4, *scores = floats(args, 1) + (n * s.classes + c) * s.boxes;
      for (const std::int64_t i : kept_boxes(s, boxes, scores)) {
        out[3 * count] = n, out[3 * count + 1] = c, out[3 * count + 2] = i;
        ++count;
      }
    }
  }
  std::fill(out + 3 * count, out + 3 * s.samples * s.classes * s.most, std::int64_t{-1});
  elements_out<std::int64_t>(args, 1)[0] = count;
}

}  // namespace

void register_box_suppression(Registry& registry) {
  Op op;
  op.name = kSuppression;
  op.onnx = "NonMaxSuppression";
  op.doc =
      "boxes [N, B, 4], scores [N, classes, B] -> (sample, class, box) i64 of those kept [N classes min(max_boxes, B), "
      "3], rows of -1 behind them, and how many they are i64 []; attributes max_boxes (0, of a sample and class), "
      "iou_threshold (0), score_threshold (none), center_point_box (0)";
  op.infer = [](Specs in, const Attrs& attrs) {
    const Suppression s = suppression_of(in, attrs);
    return std::vector<Spec>{{DType::i64, {s.samples * s.classes * s.most, 3}}, {DType::i64, {}}};
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    kernel.run = [s = suppression_of(logical_specs(request.in), request.attrs)](const KernelArgs& args) {
      suppress(s, args);
    };
    return kernel;
  };
  const Attrs few = {{"max_boxes", std::int64_t{3}}, {"iou_threshold", 0.2}, {"score_threshold", 0.1}};
  Attrs centred = {{"max_boxes", std::int64_t{20}}, {"iou_threshold", 0.4}, {"center_point_box", std::int64_t{1}}};
  op.cases = {
      {.name = "corners", .in = {make_spec({2, 12, 4}), make_spec({2, 3, 12})}, .attrs = few, .lo = 0, .hi = 1},
      {.name = "centres", .in = {make_spec({1, 9, 4}), make_spec({1, 2, 9})}, .attrs = centred, .lo = 0.05, .hi = 1},
      {.name = "none asked for", .in = {make_spec({1, 4, 4}), make_spec({1, 2, 4})}},
      {.name = "no boxes", .in = {make_spec({2, 0, 4}), make_spec({2, 2, 0})}, .attrs = few}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
