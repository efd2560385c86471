// Regions, boxes and n-grams, from their definitions: hat functions for interpolation, greedy search for the best box
// left, a scan of the sequence for every n-gram.
#include <algorithm>
#include <cmath>

#include "tests/ops/reference.hpp"

namespace assay::engine::reference {
namespace {

// Weight of every pixel [H, W] in every bin of one region.
struct RegionWeights {
  const Attrs& attrs;
  std::int64_t h, w;

  static double hat(double at, std::int64_t pixel, std::int64_t extent) {
    if (at < -1 || at > static_cast<double>(extent)) return 0;
    const double inside = std::clamp(at, 0.0, static_cast<double>(extent - 1));
    return std::max(0.0, 1 - std::fabs(inside - static_cast<double>(pixel)));
  }
  std::vector<double> points(double low, double high, std::int64_t bins, std::int64_t bin) const {
    const bool half = attrs.integer("half_pixel", 1) != 0;
    const double scale = attrs.real("spatial_scale", 1), from = low * scale - (half ? 0.5 : 0),
                 to = high * scale - (half ? 0.5 : 0), length = half ? to - from : std::max(to - from, 1.0);
    const double size = length / static_cast<double>(bins);
    const std::int64_t ratio = attrs.integer("sampling_ratio", 0);
    const auto count = ratio > 0 ? ratio : static_cast<std::int64_t>(std::ceil(size));
    std::vector<double> at;
    for (std::int64_t i = 0; i < count; ++i) {
      at.push_back(from +
                   size * (static_cast<double>(bin) + (static_cast<double>(i) + 0.5) / static_cast<double>(count)));
    }
    return at;
  }
  double weight(const Array& rois, const Shape& at, std::int64_t y,
                std::int64_t x) const {  // at: region, bin row, column
    const Shape bins = attrs.ints("output", {1, 1});
    const std::int64_t r = at[0];
    const auto rows = points(rois.at({r, 1}), rois.at({r, 3}), bins[0], at[1]);
    const auto columns = points(rois.at({r, 0}), rois.at({r, 2}), bins[1], at[2]);
    double sum = 0;
    for (const double row : rows) {
      for (const double column : columns) sum += hat(row, y, h) * hat(column, x, w);
    }
    return sum / std::max(1.0, static_cast<double>(rows.size() * columns.size()));
  }
};

std::int64_t sample_of(const Array& samples, std::int64_t region, std::int64_t n) {
  const auto s = static_cast<std::int64_t>(samples.at({region}));
  return s < 0 ? s + n : s;
}

Arrays roi_align(const Arrays& in, const Attrs& attrs) {
  const Shape bins = attrs.ints("output", {1, 1}), x = in[0].shape;
  const RegionWeights weights{attrs, x[2], x[3]};
  Array out({in[1].shape[0], x[1], bins[0], bins[1]});
  for_each_index({out.shape[0], bins[0], bins[1], x[2], x[3]}, [&](const Shape& i) {
    const double weight = weights.weight(in[1], {i[0], i[1], i[2]}, i[3], i[4]);
    const std::int64_t n = sample_of(in[2], i[0], x[0]);
    for (std::int64_t c = 0; c < x[1]; ++c) out.ref({i[0], c, i[1], i[2]}) += weight * in[0].at({n, c, i[3], i[4]});
  });
  return {out};
}

Arrays roi_align_adjoint(const Arrays& in, const Attrs& attrs) {
  const Shape map = attrs.ints("shape", {}), g = in[0].shape;
  const RegionWeights weights{attrs, map[1], map[2]};
  Array out({map[0], g[1], map[1], map[2]});
  for_each_index({g[0], g[2], g[3], map[1], map[2]}, [&](const Shape& i) {
    const double weight = weights.weight(in[1], {i[0], i[1], i[2]}, i[3], i[4]);
    const std::int64_t n = sample_of(in[2], i[0], map[0]);
    for (std::int64_t c = 0; c < g[1]; ++c) out.ref({n, c, i[3], i[4]}) += weight * in[0].at({i[0], c, i[1], i[2]});
  });
  return {out};
}

struct Box {
  double y0, x0, y1, x1;
};

Box box_of(const Array& boxes, std::int64_t n, std::int64_t i, bool centred) {
  const auto v = [&](std::int64_t k) { return boxes.at({n, i, k}); };
  if (centred) return {v(1) - v(3) / 2, v(0) - v(2) / 2, v(1) + v(3) / 2, v(0) + v(2) / 2};
  return {std::min(v(0), v(2)), std::min(v(1), v(3)), std::max(v(0), v(2)), std::max(v(1), v(3))};
}

double overlap(const Box& a, const Box& b) {
  const double h = std::max(0.0, std::min(a.y1, b.y1) - std::max(a.y0, b.y0)),
               w = std::max(0.0, std::min(a.x1, b.x1) - std::max(a.x0, b.x0));
  const double both = (a.y1 - a.y0) * (a.x1 - a.x0) + (b.y1 - b.y0) * (b.x1 - b.x0) - h * w;
  return h * w == 0 ? 0 : h * w / both;
}

Arrays non_max_suppression(const Arrays& in, const Attrs& attrs) {
  const std::int64_t n = in[1].shape[0], classes = in[1].shape[1], boxes = in[1].shape[2],
                     most = std::min(attrs.integer("max_boxes", 0), boxes);
  const bool centred = attrs.integer("center_point_box", 0) != 0;
  Array out({n * classes * most, 3}), count(Shape{});
  std::fill(out.v.begin(), out.v.end(), -1.0);
  for_each_index({n, classes}, [&](const Shape& at) {
    std::vector<bool> gone(static_cast<std::size_t>(boxes), false);
    for (std::int64_t round = 0; round < most; ++round) {
      std::int64_t best = -1;
      for (std::int64_t i = 0; i < boxes; ++i) {
        const double score = in[1].at({at[0], at[1], i});
        if (gone[static_cast<std::size_t>(i)] ||
            (attrs.has("score_threshold") && score <= attrs.real("score_threshold", 0)))
          continue;
        if (best < 0 || score > in[1].at({at[0], at[1], best})) best = i;
      }
      if (best < 0) return;
      const auto row = static_cast<std::int64_t>(count.v[0]);
      out.ref({row, 0}) = static_cast<double>(at[0]), out.ref({row, 1}) = static_cast<double>(at[1]);
      out.ref({row, 2}) = static_cast<double>(best);
      count.v[0] += 1;
      for (std::int64_t i = 0; i < boxes; ++i) {
        const bool covered = overlap(box_of(in[0], at[0], best, centred), box_of(in[0], at[0], i, centred)) >
                             attrs.real("iou_threshold", 0);
        gone[static_cast<std::size_t>(i)] = gone[static_cast<std::size_t>(i)] || covered || i == best;
      }
    }
  });
  return {out, count};
}

// Occurrences of one n-gram in a row, its items 1 .. skips + 1 apart.
double occurrences(const Array& x, const Shape& row, const Shape& gram, std::int64_t skips) {
  const std::int64_t items = x.shape.back(), length = static_cast<std::int64_t>(gram.size());
  double count = 0;
  for_each_index({length == 1 ? 1 : skips + 1, items}, [&](const Shape& at) {
    bool same = true;
    for (std::int64_t i = 0; i < length && same; ++i) {
      Shape place = row;
      place.push_back(at[1] + i * (at[0] + 1));
      same = place.back() < items && static_cast<std::int64_t>(x.at(place)) == gram[static_cast<std::size_t>(i)];
    }
    count += same ? 1 : 0;
  });
  return count;
}

Arrays tf_idf(const Arrays& in, const Attrs& attrs) {
  const Shape starts = attrs.ints("ngram_counts", {}), columns = attrs.ints("ngram_indexes", {}),
              pool = attrs.ints("pool", {});
  const std::vector<double> weights = attrs.reals("weights", std::vector<double>(columns.size(), 1));
  const std::string mode = attrs.text("mode", "TF");
  const Shape rows(in[0].shape.begin(), in[0].shape.end() - 1);
  Shape shape = rows;
  shape.push_back(*std::max_element(columns.begin(), columns.end()) + 1);
  Array out(shape);
  for_each_index(rows, [&](const Shape& row) {
    std::size_t number = 0;
    for (auto at = pool.begin(); at != pool.end(); ++number) {
      const auto passed =
          std::count_if(starts.begin(), starts.end(), [&](std::int64_t s) { return s <= at - pool.begin(); });
      const Shape gram(at, at + passed);
      at += passed;
      const bool counts =
          passed >= attrs.integer("min_gram_length", 1) && passed <= attrs.integer("max_gram_length", 1);
      const double found = counts ? occurrences(in[0], row, gram, attrs.integer("max_skip_count", 0)) : 0;
      Shape place = row;
      place.push_back(columns[number]);
      out.ref(place) = (mode == "IDF" ? std::min(found, 1.0) : found) * (mode == "TF" ? 1 : weights[number]);
    }
  });
  return {out};
}

}  // namespace

void add_detection(Table& t) {
  t["roi_align"] = roi_align;
  t["roi_align_adjoint"] = roi_align_adjoint;
  t["non_max_suppression"] = non_max_suppression;
  t["tf_idf"] = tf_idf;
}

}  // namespace assay::engine::reference
