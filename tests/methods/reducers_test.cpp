// CUDA against numpy (fixtures/reducers.json, made by make_reducer_fixtures.py, which draws the kernels itself), and the two
// reducers against their definitions.
#include <algorithm>
#include <map>

#include "harness/tasks/adopt.hpp"
#include "world.hpp"

using namespace world;

namespace {

const Json& reference() {
  static const Json all =
      Json::parse(read_text(std::string(ASSAY_SOURCE_DIR) + "/tests/methods/fixtures/reducers.json"), "reducers.json");
  return all;
}

data::RecordSet bytes_set(const Json& pixels) {
  data::RecordSet set;
  std::vector<std::uint8_t> bytes;
  for (const Json& value : pixels.as_array()) bytes.push_back(static_cast<std::uint8_t>(value.as_int()));
  for (const Json& id : reference().at("ids").as_array()) set.ids.push_back(id.as_int());
  engine::Shape shape;
  for (const Json& extent : reference().at("shape").as_array()) shape.push_back(extent.as_int());
  engine::Shape whole = shape;
  whole.insert(whole.begin(), set.size());
  set.origin = "toy/train";
  set.add({"input", data::Role::input, data::FieldType::image_u8(shape), Array::u8(whole, bytes), {}, {}});
  std::vector<std::int64_t> labels;
  for (const Json& label : reference().at("y").as_array()) labels.push_back(label.as_int());
  set.add({"target", data::Role::target, data::FieldType::category(reference().at("classes").as_int()),
           Array::i64({set.size()}, labels), {}, {}});
  return set;
}

data::RecordSet reduced(const std::string& id, const Json& params, std::int64_t size, std::uint64_t seed) {
  const auto train = std::make_shared<const data::RecordSet>(bytes_set(reference().at("x")));
  plugin::Instance made = method(id, id, params, seed);
  const plugin::Bundle out = made.reduce(plugin::reduce_inputs(train, reference().at("classes").as_int(), size));
  return tasks::adopt(*plugin::records_of(out), *train, size, id);
}

}  // namespace

TEST_CASE("cuda makes of every image what numpy makes, byte for byte") {
  for (const auto& item : reference().at("cases").as_object()) {
    CAPTURE(item.first);
    const Json& one = item.second;
    const data::RecordSet made = reduced("cuda", one.at("params"), 12, 5);
    const data::RecordSet want = bytes_set(one.at("x"));
    REQUIRE(made.find("input").type == want.find("input").type);
    CHECK(made.find("input").values.bytes == want.find("input").values.bytes);
    CHECK(made.find("target").values.bytes == want.find("target").values.bytes);
    CHECK(made.ids == want.ids);
  }
}

TEST_CASE("cuda's kernels are the seed's and the key's, and without blur an image only moves") {
  const auto bytes = [](const Json& params, std::uint64_t seed) { return reduced("cuda", params, 12, seed).find("input").values.bytes; };
  const Json none(Json::Object{});
  CHECK(bytes(none, 5) == bytes(none, 5));
  CHECK(bytes(none, 5) != bytes(none, 6));
  CHECK(bytes(none, 5) != bytes(Json::object({{"key", 1}}), 5));
  CHECK(bytes(Json::object({{"share", 0.0}}), 5) == bytes_set(reference().at("x")).find("input").values.bytes);
  // A kernel of one 1 is the image shifted by at most a pixel; of radius 0 it is the image, at its full brightness.
  const data::RecordSet still = reduced("cuda", Json::object({{"radius", 0}}), 12, 5);
  const auto x = still.find("input").values.as_u8();
  for (std::size_t i = 0; i < 12; ++i) {
    const auto image = x.subspan(i * 40, 40);
    CHECK(*std::max_element(image.begin(), image.end()) == (i == 4 ? 0 : 255));
  }
}

TEST_CASE("random-subset keeps records as they are, in their order and without repeats; cuda alters the same ones") {
  const Json none(Json::Object{});
  const data::RecordSet full = bytes_set(reference().at("x"));
  std::map<std::int64_t, int> taken;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const data::RecordSet some = reduced("random-subset", none, 4, seed);
    CHECK(some.size() == 4);
    CHECK(std::is_sorted(some.ids.begin(), some.ids.end()));  // as those of the full set are
    CHECK(tasks::composition(some, full).kept == 4);
    for (const std::int64_t id : some.ids) ++taken[id];
  }
  // 300 draws of 4 in 12: each record 100 times, with a standard deviation of 8.2.
  for (const std::int64_t id : full.ids) CHECK(std::abs(taken[id] - 100) < 33);
  const data::RecordSet poisoned = reduced("cuda", none, 4, 9);
  CHECK(poisoned.ids == reduced("random-subset", none, 4, 9).ids);
  CHECK(tasks::composition(poisoned, full).altered >= 3);
}
