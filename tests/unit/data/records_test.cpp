// Record sets: ids, invariants, selections, union, files, tensors.
#include <doctest/doctest.h>

#include <set>

#include "fixture.hpp"
#include "fixtures/reference.hpp"
#include "harness/data/batches.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;

TEST_CASE("sample ids are the documented function, and distinct") {
  for (const auto& [origin, split, index, id] : reference::ids) CHECK(sample_id(origin, split, index) == id);
  std::set<std::int64_t> seen;
  for (const char* origin : {"a", "b"})
    for (const char* split : {"train", "test"})
      for (std::int64_t i = 0; i < 20000; ++i) seen.insert(sample_id(origin, split, i));
  CHECK(seen.size() == 80000);
  CHECK(*seen.begin() >= 0);
}

TEST_CASE("ids survive selection, filtering and relabelling") {
  const RecordSet set = fixture::images("toy", 10, 4, 1, 5);
  const RecordSet picked = set.select(std::vector<std::int64_t>{7, 2});
  CHECK(picked.ids == std::vector<std::int64_t>{set.ids[7], set.ids[2]});
  CHECK(picked.labels()[0] == 2);
  const auto pixels = set.find("input").values.as_u8();
  const auto moved = picked.find("input").values.as_u8();
  CHECK(std::equal(moved.begin(), moved.begin() + 16, pixels.begin() + 7 * 16));
  const RecordSet two = set.filter_classes(std::vector<std::int64_t>{1, 4});
  CHECK(two.ids == std::vector<std::int64_t>{set.ids[1], set.ids[4], set.ids[6], set.ids[9]});
  const RecordSet relabelled = set.relabel(std::vector<std::int64_t>{1, -1, 0, 1, -1}, {"x", "y"});
  CHECK(relabelled.ids ==
        std::vector<std::int64_t>{set.ids[0], set.ids[2], set.ids[3], set.ids[5], set.ids[7], set.ids[8]});
  CHECK(std::vector<std::int64_t>(relabelled.labels().begin(), relabelled.labels().end()) ==
        std::vector<std::int64_t>{1, 0, 1, 1, 0, 1});
  CHECK(relabelled.classes == std::vector<std::string>{"x", "y"});
  relabelled.validate("relabelled");
  CHECK(contains(error_of([&] { set.select(std::vector<std::int64_t>{10}); }), "outside [0, 10)"));
  CHECK(contains(error_of([&] { set.select(std::vector<std::int64_t>{1, 1}); }), "selected twice"));
  CHECK(contains(error_of([&] {
                   set.relabel(std::vector<std::int64_t>{0, 1}, {"x", "y"});
                 }),
                 "2 entries for 5 classes"));
}

TEST_CASE("a union keeps every sample and refuses an id in both") {
  const RecordSet a = fixture::images("toy", 4), b = fixture::images("other", 3);
  const RecordSet both = unite(a, b);
  both.validate("both");
  CHECK(both.size() == 7);
  CHECK(both.origin == "toy/test+other/test");
  CHECK(both.ids[5] == b.ids[1]);
  CHECK(both.labels()[5] == 1);
  CHECK(contains(error_of([&] { unite(a, a); }), "in both sets"));
  CHECK(contains(error_of([&] { unite(a, fixture::images("other", 3, 5)); }), "field 'input' differs"));
  CHECK(contains(error_of([&] { unite(a, fixture::images("other", 3, 4, 1, 3)); }), "same classes"));
}

TEST_CASE("broken invariants are refused") {
  RecordSet set = fixture::images("toy", 4);
  CHECK(contains(error_of([&] { set.find("inptu"); }), "did you mean 'input'"));
  const auto broken = [&](auto change) {
    RecordSet copy = set;
    change(copy);
    return error_of([&] { copy.validate("set"); });
  };
  CHECK(contains(broken([](RecordSet& s) { s.ids[1] = s.ids[0]; }), "occurs twice"));
  CHECK(contains(broken([](RecordSet& s) { s.ids[1] = -1; }), "negative"));
  CHECK(contains(broken([](RecordSet& s) { s.ids.push_back(1); }), "expected U8 [5, 1, 4, 4]"));
  CHECK(contains(broken([](RecordSet& s) { s.fields[1].name = "input"; }), "occurs twice"));
  CHECK(contains(broken([](RecordSet& s) { s.fields[0].values.bytes.pop_back(); }), "bytes do not fit"));
  CHECK(contains(broken([](RecordSet& s) {
                   s.fields[1].values = Array::i64({4}, std::vector<std::int64_t>{0, 1, 2, 0});
                 }),
                 "class 2 is outside [0, 2)"));
  CHECK(contains(broken([](RecordSet& s) { s.fields[1].present = Array::u8({4}, std::vector<std::uint8_t>(4)); }),
                 "not optional"));
}

TEST_CASE("a file that is no whole set of records is refused") {
  TempDir dir;
  const fs::path file = dir.path() / "r";
  RecordSet set = fixture::images("toy", 4);
  const auto changed = [&](auto change) {
    Container container = set.to_container();
    change(container);
    save_container(file, container);
    return error_of([&] { RecordSet::load(file); });
  };
  CHECK(changed([](Container&) {}).empty());
  CHECK(contains(changed([](Container& c) { c.metadata["format"] = "model"; }), "no set of records"));
  CHECK(contains(changed([](Container& c) { c.metadata["version"] = 2; }), "version 2"));
  CHECK(contains(changed([](Container& c) { c.arrays.erase("values/target"); }), "'values/target' is missing"));
  CHECK(contains(changed([](Container& c) { c.arrays["extra"] = c.arrays["ids"]; }), "belongs to no field"));
  CHECK(contains(changed([](Container& c) { c.metadata = Json(); }), "no set of records"));
  const std::string message = changed([](Container& c) { c.metadata["origin"] = 3; });
  CHECK(contains(message, file.string()));
}

TEST_CASE("tensors: bytes become [0, 1], other numbers are converted") {
  RecordSet set = fixture::images("toy", 3, 2);
  const auto pixels = set.find("input").values.as_u8();
  const engine::Tensor x = set.input_batch(1, 2);
  CHECK(x.shape() == engine::Shape{2, 1, 2, 2});
  for (std::size_t i = 0; i < 8; ++i) CHECK(x.f32s()[i] == static_cast<float>(pixels[4 + i]) / 255.0f);
  CHECK(set.batch("target", std::vector<std::int64_t>{2, 1}).to_i64() == std::vector<std::int64_t>{0, 1});
  CHECK(contains(error_of([&] { set.input_batch(2, 2); }), "of 3"));
  set.add({"value",
           Role::target,
           FieldType::dense(engine::DType::f64, {2}),
           Array::f64({3, 2}, std::vector<double>{1, 2, 3, 4, 5, 6.5}),
           {},
           {}});
  CHECK(set.batch("value", std::vector<std::int64_t>{2}).to_f32() == std::vector<float>{5, 6.5f});
  Array halves{"BF16",
               {3},
               std::vector<std::byte>{std::byte{0x00}, std::byte{0x3f}, std::byte{0x80}, std::byte{0xbf},
                                      std::byte{0x00}, std::byte{0x00}}};
  set.add({"half", Role::target, FieldType::dense(engine::DType::bf16, {}), halves, {}, {}});
  CHECK(set.batch("half", std::vector<std::int64_t>{0, 1, 2}).to_f32() == std::vector<float>{0.5f, -1.0f, 0.0f});
}

TEST_CASE("batches have one size, and padding is marked") {
  const RecordSet set = fixture::images("toy", 7, 2);
  const Batches batches(set, 3);
  CHECK(batches.count() == 3);
  std::vector<std::int64_t> ids;
  for (const Batch& batch : batches) {
    CHECK(batch.x.shape() == engine::Shape{3, 1, 2, 2});
    CHECK(batch.ids.size() == 3);
    ids.insert(ids.end(), batch.ids.begin(), batch.ids.begin() + batch.count);
  }
  CHECK(ids == set.ids);
  const Batch last = batches.at(2);
  CHECK(last.count == 1);
  CHECK(last.ids == std::vector<std::int64_t>{set.ids[6], -1, -1});
  CHECK(last.labels == std::vector<std::int64_t>{0, -1, -1});
  const auto x = last.x.f32s();
  CHECK(std::equal(x.begin(), x.begin() + 4, x.begin() + 8));  // the last sample again
  CHECK(Batches(set, 7).at(0).count == 7);
  CHECK(Batches(set, 2, {5, 0, 3}).at(1).ids == std::vector<std::int64_t>{set.ids[3], -1});
  CHECK(Batches(set, 2, {}).count() == 0);
  CHECK(contains(error_of([&] { batches.at(3); }), "batch 3 of 3"));
  CHECK(contains(error_of([&] { Batches(set, 0); }), "at least one sample"));
}
