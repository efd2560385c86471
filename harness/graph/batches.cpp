// Shuffling and augmentation.
#include "harness/graph/batches.hpp"

#include <algorithm>
#include <set>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"
#include "harness/base/rng.hpp"
#include "harness/graph/augment.hpp"

namespace assay::graph {
namespace {

constexpr float u8_scale = 1.0F / 255.0F;

struct Geometry {
  std::int64_t channels = 1, height = 1, width = 1;
};

struct Move {
  bool flip = false;
  std::int64_t dy = 0, dx = 0;  // the output shows the padded input from (dy, dx)
};

Geometry geometry_of(const Shape& shape) {
  if (shape.size() == 3) return {shape[0], shape[1], shape[2]};
  return {1, 1, engine::element_count(shape)};
}

Move move_of(const BatchRequest& request, std::uint64_t id) {
  Move move;
  if (!request.flip && request.crop == 0) return move;
  const Rng rng(request.seed, "augment/" + std::to_string(request.epoch), id);
  move.flip = request.flip && (rng.bits(0) & 1) != 0;
  if (request.crop == 0) return move;
  const auto choices = static_cast<std::uint64_t>(2 * request.crop + 1);
  move.dy = static_cast<std::int64_t>(rng.below(1, choices)) - request.crop;
  move.dx = static_cast<std::int64_t>(rng.below(2, choices)) - request.crop;
  return move;
}

inline float as_float(float v) { return v; }
inline float as_float(std::uint8_t v) { return static_cast<float>(v) * u8_scale; }

template <class T>
void copy_line(const T* from, float* to, std::int64_t width, const Move& move) {
  for (std::int64_t x = 0; x < width; ++x) {
    const std::int64_t at = move.dx + (move.flip ? width - 1 - x : x);
    to[x] = at >= 0 && at < width ? as_float(from[at]) : 0.0F;
  }
}

template <class T>
void copy_sample(const T* from, float* to, const Geometry& g, const Move& move) {
  if (!move.flip && move.dy == 0 && move.dx == 0) {
    std::transform(from, from + g.channels * g.height * g.width, to, [](T v) { return as_float(v); });
    return;
  }
  for (std::int64_t c = 0; c < g.channels; ++c) {
    for (std::int64_t y = 0; y < g.height; ++y) {
      float* line = to + (c * g.height + y) * g.width;
      const std::int64_t at = y + move.dy;
      if (at < 0 || at >= g.height) {
        std::fill(line, line + g.width, 0.0F);
      } else {
        copy_line(from + (c * g.height + at) * g.width, line, g.width, move);
      }
    }
  }
}

[[noreturn]] void bad_data(const std::string& message) { bad_input_in("training data", message); }

}  // namespace

std::vector<std::int64_t> epoch_order(std::int64_t rows, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  Rng(seed, "shuffle", static_cast<std::uint64_t>(epoch)).permutation(order);
  return order;
}

void fill_sample(const TrainData& data, const BatchRequest& request, std::int64_t row, float* out) {
  const Geometry g = geometry_of(data.sample_shape);
  const std::int64_t size = g.channels * g.height * g.width;
  const std::uint64_t id = data.ids[static_cast<std::size_t>(row)];
  const Move move = move_of(request, id);
  if (data.u8.empty()) {
    copy_sample(data.f32.data() + row * size, out, g, move);
  } else {
    copy_sample(data.u8.data() + row * size, out, g, move);
  }
  const ImageView image{out, g.channels, g.height, g.width, request.lo, request.hi};
  const std::string epoch = std::to_string(request.epoch);
  if (request.jitter > 0) jitter_randomly(image, Rng(request.seed, "jitter/" + epoch, id), request.jitter);
  if (request.erasing > 0) erase_randomly(image, Rng(request.seed, "erasing/" + epoch, id), request.erasing);
}

void fill_batch(const TrainData& data, const BatchRequest& request, std::span<float> out) {
  const std::int64_t size = engine::element_count(data.sample_shape);
  for (std::size_t i = 0; i < request.rows.size(); ++i) {
    fill_sample(data, request, request.rows[i], out.data() + static_cast<std::int64_t>(i) * size);
  }
}

void TrainData::validate(std::int64_t classes) const {
  const auto n = labels.size();
  if (n == 0) bad_data("no samples");
  if (ids.size() != n) bad_data(std::to_string(ids.size()) + " sample ids for " + std::to_string(n) + " labels");
  if (f32.empty() == u8.empty()) bad_data("exactly one of f32 and u8 inputs must be given");
  const auto want = n * static_cast<std::size_t>(engine::element_count(sample_shape));
  const auto have = f32.empty() ? u8.size() : f32.size();
  if (have != want) bad_data(std::to_string(have) + " input values; expected " + std::to_string(want));
  for (std::size_t i = 0; i < n; ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      bad_data("label " + std::to_string(labels[i]) + " of row " + std::to_string(i) + " is not in [0, " +
               std::to_string(classes) + ")");
    }
  }
}

std::string data_digest(const TrainData& data) {
  Sha256 hash;
  hash.update(engine::shape_str(data.sample_shape));
  hash.update(std::as_bytes(std::span(data.f32)));
  hash.update(std::as_bytes(std::span(data.u8)));
  hash.update(std::as_bytes(std::span(data.labels)));
  hash.update(std::as_bytes(std::span(data.ids)));
  return hash.hex();
}

}  // namespace assay::graph
