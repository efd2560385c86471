// Diverse inputs (Xie et al., CVPR 2019, eq. 3): with probability p a sample is resized to a random smaller size
// (nearest neighbour) and padded with zeros at a random place. Linear, so that its transpose carries gradients back.
// Keyed by sample id and step.
#pragma once

#include "image.hpp"

namespace attacks {

class Diverse {
 public:
  // `least`: the smallest size, as a share. t counts steps from 0.
  Diverse(const Problem& problem, double probability, double least, std::int64_t t)
      : probability_(probability), least_(least) {
    const Image image(problem.shape);
    for (std::size_t i = 0; i < problem.count(); ++i) {
      const auto id = static_cast<std::uint64_t>(problem.ids[i]);
      from_.push_back(transform(image, Bits(problem.run.random("diverse", id, static_cast<std::uint64_t>(t)))));
    }
  }

  Points moved(const Points& x) const {
    Points out(x.count(), x.size);
    for (std::size_t i = 0; i < x.count(); ++i) {
      for (std::size_t j = 0; j < x.size; ++j) {
        const std::int64_t from = from_[i][j];
        out.row(i)[j] = from < 0 ? 0.0f : x.row(i)[static_cast<std::size_t>(from)];
      }
    }
    return out;
  }
  // The gradient in x of what has gradient `there` in moved(x).
  Points back(const Points& there) const {
    Points slope(there.count(), there.size);
    for (std::size_t i = 0; i < there.count(); ++i) {
      for (std::size_t j = 0; j < there.size; ++j) {
        const std::int64_t from = from_[i][j];
        if (from >= 0) slope.row(i)[static_cast<std::size_t>(from)] += there.row(i)[j];
      }
    }
    return slope;
  }

 private:
  // For each element of the transformed sample the element it comes from, -1: padding.
  std::vector<std::int64_t> transform(const Image& image, Bits bits) const {
    const std::size_t all = image.channels * image.height * image.width;
    std::vector<std::int64_t> from(all);
    std::iota(from.begin(), from.end(), std::int64_t{0});
    if (bits.unit() >= probability_) return from;
    const double shrink = least_ + (1 - least_) * bits.unit();
    const auto sized = [&](std::size_t extent) {
      return std::max<std::size_t>(1, static_cast<std::size_t>(std::llround(shrink * static_cast<double>(extent))));
    };
    const std::size_t h = sized(image.height), w = sized(image.width);
    const std::size_t top = bits.below(image.height - h + 1), left = bits.below(image.width - w + 1);
    std::fill(from.begin(), from.end(), -1);
    for (std::size_t c = 0; c < image.channels; ++c) {
      image.each(c, {top, left, h, w}, [&](std::size_t at, std::size_t k) {
        const std::size_t row = k / w * image.height / h, column = k % w * image.width / w;
        from[at] = static_cast<std::int64_t>((c * image.height + row) * image.width + column);
      });
    }
    return from;
  }

  double probability_, least_;
  std::vector<std::vector<std::int64_t>> from_;
};

}  // namespace attacks
