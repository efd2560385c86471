// The region of the task falsify: a box around an input, clipped to the valid range, and a grid in it; and what a point
// of it is worth. One thread; all but `Points` is a pure function of its arguments.
//
// The box is clipped before the grid is built, so that the steps are even and the input itself is a point of the grid.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"

namespace assay::tasks {

struct Region {
  Rational eps, step;
  float low = 0, high = 1;    // valid input range
  std::int64_t elements = 0;  // that move: those farthest from the mean of their sample, the first of equals; 0: all
  static Region from_json(const Json& json);  // {eps, step, range, elements}; throws Error(bad_input) naming the key
};

// Slack for float32 rounding, as of the threat model.
inline constexpr double kRegionTolerance = 1e-6;

// Regions of samples of equal size, one behind the other.
struct Boxes {
  std::vector<float> lo, hi;
  std::vector<std::int64_t> below, above;  // steps of the grid on either side of the input
};
Boxes boxes_of(std::span<const float> x, std::size_t size, const Region& region);
// Points of the grid of one sample; infinity beyond what a double counts.
double points_of(std::span<const std::int64_t> below, std::span<const std::int64_t> above);
// An element k steps from x.
float level_of(float x, std::int64_t k, double step, float lo, float hi);

// One sample's region, borrowed.
struct Box {
  std::span<const float> x, lo, hi;
  std::span<const std::int64_t> below, above;
  double step = 0;
};
Box box_at(std::span<const float> x, const Boxes& boxes, std::size_t row, std::size_t size, double step);
bool in_box(const Box& box,
            std::span<const float> point);  // finite and within the tolerance; exact where nothing moves
bool on_grid(const Box& box, std::span<const float> point);
// The same box with steps `finer` times smaller.
Boxes finer_grid(const Box& box, const Region& region, std::int64_t finer);

// All points of a grid, the last element that moves counting fastest; the caller has made sure that there are not too
// many.
class Points {
 public:
  explicit Points(const Box& box);
  // Writes up to `most` points behind `out`; how many. 0: there is none left.
  std::int64_t next(std::int64_t most, std::vector<float>& out);

 private:
  Box box_;
  std::vector<std::size_t> moving_;
  std::vector<std::int64_t> k_;
  bool done_ = false;
};

}  // namespace assay::tasks
