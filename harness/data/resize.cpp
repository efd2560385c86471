// Separable resizing with a triangle filter: bilinear when enlarging, widened to the source pixels that a target pixel
// covers when shrinking (so it does not alias). Pixel centres lie at i + 1/2; weights are normalised at the borders.
// Accumulated in double in a fixed order, so the bits do not depend on the machine.
#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/data/prepare.hpp"

namespace assay::data {
namespace {

struct Taps {
  std::int64_t first = 0;
  std::vector<double> weights;
};

std::vector<Taps> make_taps(std::int64_t from, std::int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double radius = std::max(1.0, scale);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(centre - radius)));
    const auto last = std::min<std::int64_t>(from, static_cast<std::int64_t>(std::ceil(centre + radius)));
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = first;
    double sum = 0;
    for (std::int64_t j = first; j < last; ++j) {
      const double distance = std::abs(static_cast<double>(j) + 0.5 - centre) / radius;
      taps.weights.push_back(std::max(0.0, 1.0 - distance));
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) weight /= sum;
  }
  return all;
}

struct Plane {
  std::int64_t height, width;
  std::vector<double> values;
};

Plane resize_plane(const Plane& in, const std::vector<Taps>& rows, const std::vector<Taps>& columns) {
  const auto out_h = static_cast<std::int64_t>(rows.size()), out_w = static_cast<std::int64_t>(columns.size());
  Plane wide{in.height, out_w, std::vector<double>(static_cast<std::size_t>(in.height * out_w))};
  for (std::int64_t y = 0; y < in.height; ++y)
    for (std::int64_t x = 0; x < out_w; ++x) {
      const Taps& taps = columns[static_cast<std::size_t>(x)];
      double sum = 0;
      for (std::size_t k = 0; k < taps.weights.size(); ++k)
        sum += taps.weights[k] * in.values[static_cast<std::size_t>(y * in.width + taps.first) + k];
      wide.values[static_cast<std::size_t>(y * out_w + x)] = sum;
    }
  Plane out{out_h, out_w, std::vector<double>(static_cast<std::size_t>(out_h * out_w))};
  for (std::int64_t y = 0; y < out_h; ++y) {
    const Taps& taps = rows[static_cast<std::size_t>(y)];
    for (std::int64_t x = 0; x < out_w; ++x) {
      double sum = 0;
      for (std::size_t k = 0; k < taps.weights.size(); ++k)
        sum += taps.weights[k] *
               wide.values[static_cast<std::size_t>((taps.first + static_cast<std::int64_t>(k)) * out_w + x)];
      out.values[static_cast<std::size_t>(y * out_w + x)] = sum;
    }
  }
  return out;
}

template <class T>
T narrow(double value);
template <>
float narrow<float>(double value) {
  return static_cast<float>(value);
}
template <>
std::uint8_t narrow<std::uint8_t>(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

template <class T>
std::vector<T> resize_all(std::span<const T> images, const engine::Shape& from, const engine::Shape& to) {
  const auto rows = make_taps(from[2], to[2]), columns = make_taps(from[3], to[3]);
  const auto plane_in = static_cast<std::size_t>(from[2] * from[3]);
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(engine::element_count(to)));
  for (std::int64_t p = 0; p < from[0] * from[1]; ++p) {
    const auto source = images.subspan(static_cast<std::size_t>(p) * plane_in, plane_in);
    const Plane plane = resize_plane({from[2], from[3], {source.begin(), source.end()}}, rows, columns);
    for (const double value : plane.values) out.push_back(narrow<T>(value));
  }
  return out;
}

}  // namespace

Array resize_images(const Array& images, std::int64_t height, std::int64_t width) {
  if (images.shape.size() != 4) throw Error(Fault::bad_input, "resizing needs images [n, channels, height, width]");
  if (height < 1 || width < 1) throw Error(Fault::bad_input, "an image is at least 1 x 1");
  if (images.shape[2] == height && images.shape[3] == width) return images;
  const engine::Shape to{images.shape[0], images.shape[1], height, width};
  if (images.dtype == "U8") return Array::u8(to, resize_all<std::uint8_t>(images.as_u8(), images.shape, to));
  return Array::f32(to, resize_all<float>(images.as_f32(), images.shape, to));
}

}  // namespace assay::data
