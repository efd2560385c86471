// Augmentation and mixing: what they do, and that they depend on (seed, sample id, epoch) alone.
#include "helpers.hpp"

#include <set>

#include "harness/base/files.hpp"
#include "harness/graph/augment.hpp"
#include "harness/graph/mixing.hpp"

namespace assay::graph {
namespace {

const Json& fixture() {
  static const Json json = Json::parse(read_text(fs::path(ASSAY_SOURCE_DIR) / "tests/unit/graph/fixtures/augment.json"));
  return json;
}

std::vector<float> floats(const Json& list) {
  std::vector<float> values;
  for (const Json& v : list.as_array()) values.push_back(static_cast<float>(v.as_real()));
  return values;
}

// Every pixel of sample i is i / 100, so that a mixed image tells its parts.
TrainData flat_images(std::int64_t n, const Shape& shape) {
  TrainData data;
  data.sample_shape = shape;
  for (std::int64_t i = 0; i < n; ++i) {
    data.labels.push_back(i % 4);
    data.ids.push_back(static_cast<std::uint64_t>(1000 + 13 * i));
    data.f32.insert(data.f32.end(), static_cast<std::size_t>(engine::element_count(shape)), static_cast<float>(i) / 100.0F);
  }
  return data;
}

struct Mixed {
  std::vector<float> x, targets;
};

Mixed mixed(const TrainData& data, const Recipe& recipe, std::vector<std::int64_t> rows, std::int64_t epoch = 0) {
  Mixed out;
  out.x.resize(rows.size() * static_cast<std::size_t>(engine::element_count(data.sample_shape)));
  out.targets.resize(rows.size() * 4);
  fill_mixed_batch(data, {rows, 5, epoch}, recipe, out.x, out.targets);
  return out;
}

}  // namespace

TEST_CASE("colour jitter is torchvision's, in any order") {
  for (const Json& one : fixture().at("colours").as_array()) {
    std::vector<float> image = floats(one.at("image"));
    const std::vector<float> want = floats(one.at("jittered"));
    jitter_colours({image.data(), one.at("channels").as_int(), 4, 5, 0, 1}, {1.3F, 0.7F, 0.4F}, {0, 2, 1});
    for (std::size_t i = 0; i < want.size(); ++i) CHECK(image[i] == doctest::Approx(want[i]).epsilon(1e-5));
  }
}

TEST_CASE("random jitter: factors in range, all orders") {
  std::set<float> results;
  for (std::uint64_t id = 0; id < 50; ++id) {
    std::vector<float> image(2 * 3, 0.5F);
    jitter_randomly({image.data(), 1, 2, 3, 0, 1}, Rng(1, "jitter/0", id), 0.4);
    CHECK(image[0] >= 0.5F * 0.6F - 1e-6F);
    CHECK(image[0] <= 0.5F * 1.4F + 1e-6F);
    results.insert(image[0]);
  }
  CHECK(results.size() > 45);
}

TEST_CASE("random erasing: one rectangle of the paper's sizes, with the asked probability") {
  constexpr std::int64_t side = 32;
  int erased = 0;
  for (std::uint64_t id = 0; id < 400; ++id) {
    std::vector<float> image(static_cast<std::size_t>(2 * side * side), -1.0F);
    erase_randomly({image.data(), 2, side, side, 0, 1}, Rng(1, "erasing/0", id), 0.5);
    std::int64_t top = side, bottom = -1, left = side, right = -1, hit = 0;
    for (std::int64_t i = 0; i < 2 * side * side; ++i) {
      if (image[static_cast<std::size_t>(i)] == -1.0F) continue;
      const std::int64_t y = i / side % side, x = i % side;
      top = std::min(top, y), bottom = std::max(bottom, y), left = std::min(left, x), right = std::max(right, x);
      ++hit;
      CHECK(image[static_cast<std::size_t>(i)] >= 0.0F);
      CHECK(image[static_cast<std::size_t>(i)] < 1.0F);
    }
    if (hit == 0) continue;
    ++erased;
    const std::int64_t h = bottom - top + 1, w = right - left + 1;
    CHECK(hit == 2 * h * w);  // a full rectangle in both channels
    const double area = static_cast<double>(h * w) / static_cast<double>(side * side), aspect = static_cast<double>(h) / static_cast<double>(w);
    CHECK(area > 0.01);
    CHECK(area < 0.36);
    CHECK(aspect > 0.2);
    CHECK(aspect < 4.5);
  }
  CHECK(erased > 160);
  CHECK(erased < 240);
}

TEST_CASE("Beta variates have scipy's quantiles") {
  constexpr std::uint64_t draws = 20000;
  for (const Json& one : fixture().at("beta").as_array()) {
    const double alpha = one.at("alpha").as_real();
    CAPTURE(alpha);
    std::vector<double> values;
    for (std::uint64_t id = 0; id < draws; ++id) values.push_back(beta_variate(Rng(4, "mix/0", id), alpha));
    for (std::size_t q = 0; q < one.at("levels").size(); ++q) {
      const double level = one.at("levels").at(q).as_real(), at = one.at("quantiles").at(q).as_real();
      const auto below = std::count_if(values.begin(), values.end(), [&](double v) { return v <= at; });
      const double sd = std::sqrt(level * (1 - level) / static_cast<double>(draws));
      CHECK(std::abs(static_cast<double>(below) / static_cast<double>(draws) - level) < 4.5 * sd);
    }
  }
}

TEST_CASE("mixup: pixels and targets are shared alike; partner and share follow sample and epoch, not the batch") {
  const TrainData data = flat_images(40, {1, 4, 4});
  Recipe r;
  r.mixup = 1;
  std::vector<std::int64_t> all(40);
  for (std::int64_t i = 0; i < 40; ++i) all[static_cast<std::size_t>(i)] = i;
  const Mixed whole = mixed(data, r, all);
  std::set<std::int64_t> partners;
  for (std::int64_t i = 0; i < 40; ++i) {
    const std::vector<std::int64_t> one = {i};
    const Mix mix = mix_of(r, data, {one, 5, 0}, i);
    CHECK(mix.kind == MixKind::mixup);
    partners.insert(mix.partner);
    const auto at = static_cast<std::size_t>(i);
    const double pixel = (mix.share * static_cast<double>(i) + (1 - mix.share) * static_cast<double>(mix.partner)) / 100;
    CHECK(static_cast<double>(whole.x[at * 16 + 7]) == doctest::Approx(pixel).epsilon(1e-5));
    double sum = 0;
    for (std::size_t c = 0; c < 4; ++c) {
      const double want = (static_cast<std::int64_t>(c) == i % 4 ? mix.share : 0) + (static_cast<std::int64_t>(c) == mix.partner % 4 ? 1 - mix.share : 0);
      CHECK(static_cast<double>(whole.targets[at * 4 + c]) == doctest::Approx(want).epsilon(1e-5));
      sum += static_cast<double>(whole.targets[at * 4 + c]);
    }
    CHECK(sum == doctest::Approx(1));
    const Mixed alone = mixed(data, r, one);
    CHECK(std::equal(alone.x.begin(), alone.x.end(), whole.x.begin() + static_cast<std::ptrdiff_t>(at * 16)));
  }
  CHECK(partners.size() > 15);
  CHECK(mixed(data, r, all, 1).x != whole.x);
  r.label_smoothing = 0.2;
  const Mixed smooth = mixed(data, r, all);
  for (std::size_t i = 0; i < smooth.targets.size(); ++i) {
    CHECK(smooth.targets[i] == doctest::Approx(0.8 * static_cast<double>(whole.targets[i]) + 0.05).epsilon(1e-5));
  }
}

TEST_CASE("cutmix: a rectangle of the partner, and the share is the area that is left") {
  const TrainData data = flat_images(60, {2, 8, 6});
  Recipe r;
  r.cutmix = 1;
  int cut = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const std::vector<std::int64_t> one = {i};
    const Mix mix = mix_of(r, data, {one, 5, 0}, i);
    CHECK(mix.kind == MixKind::cutmix);
    const Mixed out = mixed(data, r, one);
    if (mix.partner == i) continue;
    std::int64_t own = 0;
    for (std::int64_t k = 0; k < 2 * 8 * 6; ++k) {
      const std::int64_t y = k / 6 % 8, x = k % 6;
      const bool inside = y >= mix.top && y < mix.bottom && x >= mix.left && x < mix.right;
      CHECK(out.x[static_cast<std::size_t>(k)] == static_cast<float>(inside ? mix.partner : i) / 100.0F);
      own += !inside;
    }
    CHECK(mix.share == doctest::Approx(static_cast<double>(own) / 96));
    cut += own < 96;
  }
  CHECK(cut > 30);
}

TEST_CASE("both kinds of mixing, and a probability, split the samples") {
  const TrainData data = flat_images(400, {1, 4, 4});
  Recipe r;
  r.mixup = 0.2;
  r.cutmix = 1;
  r.mix_probability = 0.5;
  std::map<MixKind, int> seen;
  for (std::int64_t i = 0; i < 400; ++i) {
    const std::vector<std::int64_t> one = {i};
    ++seen[mix_of(r, data, {one, 5, 0}, i).kind];
  }
  CHECK(seen[MixKind::none] > 160);
  CHECK(seen[MixKind::none] < 240);
  CHECK(seen[MixKind::mixup] > 65);
  CHECK(seen[MixKind::cutmix] > 65);
}

}  // namespace assay::graph
