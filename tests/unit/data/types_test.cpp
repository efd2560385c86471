// The type system: every type of FIT-style records goes through JSON and through a file unchanged.
#include <doctest/doctest.h>

#include "fixture.hpp"

using namespace assay;
using namespace assay::data;

namespace {

std::vector<FieldType> one_of_each() {
  FieldType series = FieldType::dense(engine::DType::f64, {3, 100}, Space::series, {{-1, 1}, {0, 5}, {-2.5, 0.1}});
  series.rate = 12.5;
  series.unit = "mV";
  FieldType audio = FieldType::dense(engine::DType::bf16, {1, 16}, Space::audio, {{-1, 1}});
  audio.rate = 16000;
  FieldType tree = FieldType::category({"animal", "dog", "cat"});
  tree.parents = {-1, 0, 0};
  return {FieldType::image_u8({3, 4, 5}),
          series,
          audio,
          FieldType::dense(engine::DType::s8, {2, 2, 2, 2}, Space::voxel),
          FieldType::dense(engine::DType::f32, {2, 4, 4}, Space::field),
          FieldType::dense(engine::DType::f32, {7}),
          FieldType::dense(engine::DType::boolean, {5}),
          FieldType::dense(engine::DType::i64, {}),
          FieldType::category(std::int64_t{12}),
          tree,
          FieldType::distribution(4),
          FieldType::token_ids(32000, 9),
          FieldType::label_map(21, {4, 6}),
          FieldType::label_map(1000, {2, 2}),
          FieldType::geometry(GeomForm::event, 0),
          FieldType::geometry(GeomForm::box, 3, true, true),
          FieldType::list(FieldType::geometry(GeomForm::quad, 2), 5),
          FieldType::list(FieldType::image_u8({1, 2, 2}), 3),
          FieldType::optional(FieldType::dense(engine::DType::f32, {})),
          FieldType::optional(FieldType::list(FieldType::category(std::int64_t{3}), 4))};
}

// An array of zeros with the right shape for n samples.
Array zeros(const std::string& dtype, std::int64_t n, engine::Shape row) {
  row.insert(row.begin(), n);
  Array array{dtype, row, {}};
  array.bytes.resize(static_cast<std::size_t>(array.count()) * dtype_bytes(dtype));
  return array;
}

Field blank(const std::string& name, const FieldType& type, std::int64_t n) {
  const engine::Spec spec = type.row_spec();
  Field field{name, Role::condition, type, zeros(engine::dtype_name(spec.dtype), n, spec.shape), {}, {}};
  if (type.has_lengths()) field.lengths = zeros("I64", n, {});
  if (type.kind == TypeKind::opt) field.present = zeros("U8", n, {});
  return field;
}

}  // namespace

TEST_CASE("every type survives JSON") {
  for (const FieldType& type : one_of_each()) {
    const Json json = type.to_json();
    CAPTURE(json.dump());
    const FieldType back = FieldType::from_json(Json::parse(json.dump()), "field");
    CHECK(back == type);
    CHECK(back.to_json() == json);
    CHECK(back.row_spec() == type.row_spec());
  }
}

TEST_CASE("every type survives a file, and the bytes are the same twice") {
  TempDir dir;
  RecordSet set;
  set.origin = "types/all";
  set.ids = {5, 3, 9};
  set.provenance = Json::object({{"why", "test"}});
  int index = 0;
  for (const FieldType& type : one_of_each()) set.add(blank("f" + std::to_string(index++), type, 3));
  set.save(dir.path() / "a");
  set.save(dir.path() / "b");
  CHECK(read_bytes(dir.path() / "a") == read_bytes(dir.path() / "b"));
  CHECK(sha256_file(dir.path() / "a") == set.digest());
  const RecordSet back = RecordSet::load(dir.path() / "a");
  CHECK(back.digest() == set.digest());
  CHECK(back.ids == set.ids);
  CHECK(back.fields.size() == one_of_each().size());
  const RecordSet one = back.select(std::vector<std::int64_t>{2});
  CHECK(one.ids == std::vector<std::int64_t>{9});
  one.validate("one");
}

TEST_CASE("types that make no sense are refused with a reason") {
  const auto refused = [](FieldType type) { return fixture::error_of([&] { type.validate("x"); }); };
  CHECK(fixture::contains(refused(FieldType::dense(engine::DType::f32, {0})), "impossible shape"));
  CHECK(fixture::contains(refused(FieldType::dense(engine::DType::f32, {1LL << 30, 1LL << 30})), "impossible shape"));
  CHECK(fixture::contains(refused(FieldType::image_u8({28, 28})), "[channels, height, width]"));
  CHECK(fixture::contains(refused(FieldType::dense(engine::DType::f32, {3}, Space::vector, {{1, 1}})), "lo < hi"));
  CHECK(fixture::contains(refused(FieldType::dense(engine::DType::f32, {3}, Space::vector, {{0, 1}, {0, 1}})),
                          "2 ranges"));
  CHECK(fixture::contains(refused(FieldType::category(std::int64_t{0})), "at least one class"));
  FieldType cycle = FieldType::category(std::int64_t{2});
  cycle.parents = {1, 0};
  CHECK(fixture::contains(refused(cycle), "cycle"));
  cycle.parents = {-1, 2};
  CHECK(fixture::contains(refused(cycle), "out of range"));
  CHECK(fixture::contains(refused(FieldType::token_ids(0, 4)), "vocabulary"));
  CHECK(fixture::contains(refused(FieldType::list(FieldType::list(FieldType::category(std::int64_t{2}), 2), 2)),
                          "list of lists"));
  CHECK(fixture::contains(refused(FieldType::optional(FieldType::optional(FieldType::category(std::int64_t{2})))),
                          "optional"));
  const auto parsed = [](const char* text) {
    return fixture::error_of([&] { FieldType::from_json(Json::parse(text), "field 'a'"); });
  };
  CHECK(fixture::contains(parsed(R"({"kind": "dens"})"), "did you mean 'dense'"));
  CHECK(fixture::contains(parsed(R"({"kind": "cat"})"), "field 'a'"));
  CHECK(fixture::contains(parsed(R"({"kind": "cat", "classes": 2, "names": ["a"]})"), "1 names for 2 classes"));
  CHECK(fixture::contains(fixture::error_of([] { role_from_name("inptu"); }), "did you mean 'input'"));
}
