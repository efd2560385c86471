// The prepare stage: selections, blinding, streams.
#include "harness/data/prepare.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "fixture.hpp"
#include "fixtures/reference.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;

namespace {

StreamSpec stream_spec(const RecordSet& id, const RecordSet& near, const RecordSet& far, std::uint64_t key = 7) {
  StreamSpec spec;
  spec.id_label = "home";
  spec.id = id;
  spec.ood = {{"close", "near", near}, {"away", "far", far}};
  spec.key = key;
  return spec;
}

// Row of the input array as text.
std::string row_of(const RecordSet& set, std::int64_t row) {
  const auto values = set.find("input").values.as_u8();
  const std::size_t width = values.size() / set.ids.size();
  const auto* begin = reinterpret_cast<const char*>(values.data()) + static_cast<std::size_t>(row) * width;
  return {begin, width};
}

}  // namespace

TEST_CASE("selections: leading, skipping, balanced") {
  RecordSet set = fixture::images("toy", 12, 2, 1, 3);
  CHECK(take(set, {}).ids == set.ids);
  CHECK(take(set, {2, 3, false}).ids == std::vector<std::int64_t>{set.ids[2], set.ids[3], set.ids[4]});
  CHECK(take(set, {10, 0, false}).size() == 2);
  const RecordSet skewed =
      set.select(std::vector<std::int64_t>{0, 3, 6, 9, 1, 4, 2, 5, 8});  // 4 of class 0, 2 of 1, 3 of 2
  const RecordSet balanced = take(skewed, {0, 6, true});
  CHECK(balanced.ids ==
        std::vector<std::int64_t>{set.ids[0], set.ids[3], set.ids[1], set.ids[4], set.ids[2], set.ids[5]});
  CHECK(take(skewed, {0, 0, true}).ids == balanced.ids);
  CHECK(take(skewed, {1, 3, true}).ids == std::vector<std::int64_t>{set.ids[3], set.ids[1], set.ids[2]});
  CHECK(take(skewed, {0, 6, true}).digest() == balanced.digest());
  CHECK(contains(error_of([&] { take(skewed, {0, 9, true}); }), "class 1 has 2 samples, a balanced selection needs 3"));
  CHECK(contains(error_of([&] { take(skewed, {0, 4, true}); }), "no multiple of the 3 classes"));
  CHECK(contains(error_of([&] { take(set, {4, 9, false}); }), "there are 8"));
  CHECK(contains(error_of([&] { take(set, {12, 0, false}); }), "leaves none"));
}

TEST_CASE("chosen classes are numbered from 0, and places count among them") {
  const RecordSet set = fixture::images("toy", 12, 2, 1, 3);  // classes 0 1 2 0 1 2 ...
  const RecordSet both = take(set, {0, 0, false, {0, 2}});
  CHECK(both.size() == 8);
  CHECK(both.find("target").type.classes == 2);
  CHECK(both.classes == std::vector<std::string>{set.classes[0], set.classes[2]});
  for (std::size_t i = 0; i < 8; ++i) CHECK(both.labels()[i] == static_cast<std::int64_t>(i % 2));
  CHECK(take(set, {1, 2, false, {2}}).ids == std::vector<std::int64_t>{set.ids[5], set.ids[8]});
  CHECK(take(set, {0, 4, true, {1, 2}}).ids == std::vector<std::int64_t>{set.ids[1], set.ids[2], set.ids[4], set.ids[5]});
  refuse_overlap(both, take(set, {0, 0, false, {1}}), "other classes");
  CHECK(contains(error_of([&] { take(set, {0, 5, false, {1}}); }), "there are 4"));
  CHECK(contains(error_of([&] { take(set, {0, 3, true, {1, 2}}); }), "no multiple of the 2 classes"));
  CHECK(contains(error_of([&] { take(set, {0, 0, false, {3}}); }), "class 3 of 3"));
  CHECK(contains(error_of([&] { take(set, {0, 0, false, {1, 1}}); }), "was before"));
}

TEST_CASE("chosen records are resized, and keep their ids and labels") {
  const RecordSet set = fixture::images("toy", 12, 4, 1, 3);
  Selection selection;
  selection.limit = 5;
  selection.resize = 2;
  const RecordSet small = take(set, selection);
  CHECK(small.find("input").values.shape == engine::Shape{5, 1, 2, 2});
  CHECK(small.find("input").type.shape == engine::Shape{1, 2, 2});
  CHECK(small.ids == std::vector<std::int64_t>(set.ids.begin(), set.ids.begin() + 5));
  CHECK(small.labels()[4] == set.labels()[4]);
  const Array whole = resize_images(set.find("input").values, 2, 2);
  CHECK(std::equal(small.find("input").values.bytes.begin(), small.find("input").values.bytes.end(), whole.bytes.begin()));
}

TEST_CASE("blinding parts what a method sees from what the judge knows") {
  RecordSet set = fixture::images("toy", 9, 2);
  set.add({"planted",
           Role::truth,
           FieldType::category(std::int64_t{2}),
           Array::i64({9}, std::vector<std::int64_t>(9, 1)),
           {},
           {}});
  const auto [visible, truth] = blind(set);
  CHECK(visible.fields.size() == 1);
  CHECK(visible.has("input"));
  CHECK(truth.has("target"));
  CHECK(truth.has("planted"));
  CHECK(!truth.has("input"));
  CHECK(visible.ids == truth.ids);
  CHECK(std::is_sorted(visible.ids.begin(), visible.ids.end()));
  CHECK(visible.ids != set.ids);  // not the file's order
  std::map<std::int64_t, std::int64_t> label;
  for (std::size_t i = 0; i < set.ids.size(); ++i) label[set.ids[i]] = set.labels()[i];
  for (std::size_t i = 0; i < truth.ids.size(); ++i) CHECK(truth.labels()[i] == label[truth.ids[i]]);
}

TEST_CASE("a stream mixes its lists under opaque ids; only the truth tells them apart [rule 28]") {
  const RecordSet id = fixture::images("home", 20), near = fixture::images("close-by", 10),
                  far = fixture::images("away", 10);
  const auto [visible, truth] = make_stream(stream_spec(id, near, far));
  CHECK(visible.size() == 40);
  CHECK(visible.fields.size() == 1);
  CHECK(visible.provenance.is_null());
  CHECK(visible.ids == truth.ids);
  CHECK(std::is_sorted(visible.ids.begin(), visible.ids.end()));
  std::map<std::int64_t, std::pair<const RecordSet*, std::int64_t>> source;
  for (const RecordSet* set : {&id, &near, &far})
    for (std::int64_t i = 0; i < set->size(); ++i) source[set->ids[static_cast<std::size_t>(i)]] = {set, i};
  const auto sample = truth.find("sample").values.as_i64(), origin = truth.find("origin").values.as_i64(),
             group = truth.find("group").values.as_i64(), target = truth.labels();
  std::vector<int> counts(3, 0);
  int changes = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    const auto [set, row] = source.at(sample[i]);
    CHECK(row_of(visible, static_cast<std::int64_t>(i)) == row_of(*set, row));
    CHECK(visible.ids[i] != sample[i]);
    const std::int64_t expected = set == &id ? 0 : set == &near ? 1 : 2;
    CHECK(origin[i] == expected);
    CHECK(group[i] == expected);
    CHECK(target[i] == (set == &id ? row % 2 : -1));
    ++counts[static_cast<std::size_t>(group[i])];
    changes += i > 0 && group[i] != group[i - 1] ? 1 : 0;
  }
  CHECK(counts == std::vector<int>{20, 10, 10});
  CHECK(changes > 10);  // a concatenation has 2
  CHECK(truth.find("origin").type.names == std::vector<std::string>{"home", "close", "away"});
  CHECK(truth.find("group").type.names == std::vector<std::string>{"id", "near", "far"});
  for (const Field& field : truth.fields) CHECK(field.role == Role::truth);
  const Json& lists = truth.provenance.at("lists");
  CHECK(lists.at(std::size_t{1}).at("digest").as_string() == near.digest());
  CHECK(make_stream(stream_spec(id, near, far)).visible.digest() == visible.digest());
  CHECK(make_stream(stream_spec(id, near, far, 8)).visible.ids != visible.ids);
}

TEST_CASE("no list of a stream may overlap another or the fit list [rule 28] [rule 32]") {
  const RecordSet id = fixture::images("home", 8), near = fixture::images("close-by", 4),
                  far = fixture::images("away", 4);
  const auto failing = [](const StreamSpec& spec) {
    try {
      make_stream(spec);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::constraint);
      return std::string(error.what());
    }
    return std::string();
  };
  StreamSpec spec = stream_spec(id, near, far);
  RecordSet fit = fixture::images("train-set", 5);
  spec.fit = &fit;
  CHECK(failing(spec).empty());
  fit.ids[2] = far.ids[1];
  CHECK(contains(failing(spec), "rule 32"));
  CHECK(contains(failing(spec), "1 of 4 samples of away/test are also in train-set/test"));
  fit.ids[2] = id.ids[1];
  CHECK(contains(failing(spec), "rule 28"));
  spec = stream_spec(id, near, near);
  CHECK(contains(failing(spec), "rule 28"));
  spec = stream_spec(id, id, far);
  CHECK(contains(failing(spec), "rule 28"));
}

TEST_CASE("inputs join a stream only in the same form") {
  const RecordSet id = fixture::images("home", 4, 4), near = fixture::images("close-by", 3, 4);
  CHECK(make_stream(stream_spec(id, near, fixture::images("away", 2, 6))).visible.find("input").type.shape ==
        engine::Shape{1, 4, 4});
  CHECK(contains(error_of([&] { make_stream(stream_spec(id, near, fixture::images("away", 2, 4, 3))); }),
                 "out-of-distribution set 'away': inputs of shape [3, 4, 4] cannot join inputs of shape [1, 4, 4]"));
  StreamSpec spec = stream_spec(id, near, fixture::images("away", 2));
  spec.ood[0].group = "naer";
  CHECK(contains(error_of([&] { make_stream(spec); }), "did you mean 'near'"));
  spec.ood[0].group = "far";
  spec.ood[0].label = "home";
  CHECK(contains(error_of([&] { make_stream(spec); }), "'home' occurs twice"));
  spec.ood.clear();
  CHECK(contains(error_of([&] { make_stream(spec); }), "at least one"));
  RecordSet real = near;
  std::vector<float> values(3 * 16, 0.5f);
  values[1] = 1.0f;
  real.fields[0].type = FieldType::dense(engine::DType::f32, {1, 4, 4}, Space::image, {{0, 1}});
  real.fields[0].values = Array::f32({3, 1, 4, 4}, values);
  const RecordSet mixed = make_stream(stream_spec(id, real, fixture::images("away", 2))).visible;
  CHECK(mixed.find("input").values.dtype == "U8");
  int halves = 0;
  for (const std::uint8_t v : mixed.find("input").values.as_u8()) halves += v == 128 ? 1 : 0;
  CHECK(halves >= 47);
  values[1] = 1.5f;
  real.fields[0].values = Array::f32({3, 1, 4, 4}, values);
  CHECK(contains(error_of([&] { make_stream(stream_spec(id, real, fixture::images("away", 2))); }), "outside [0, 1]"));
  const RecordSet floats = make_stream(stream_spec(real, id, fixture::images("away", 2))).visible;
  CHECK(floats.find("input").values.dtype == "F32");
}

TEST_CASE("resizing agrees with an independent implementation") {
  for (const reference::Resize& one : reference::resizes) {
    std::vector<std::uint8_t> bytes(one.in.begin(), one.in.end());
    std::vector<float> reals(one.in.begin(), one.in.end());
    const std::vector<std::int64_t> shape{1, 1, one.height, one.width};
    const Array real = resize_images(Array::f32(shape, reals), one.to_height, one.to_width);
    const Array byte = resize_images(Array::u8(shape, bytes), one.to_height, one.to_width);
    REQUIRE(real.as_f32().size() == one.out.size());
    for (std::size_t i = 0; i < one.out.size(); ++i) {
      CHECK(real.as_f32()[i] == doctest::Approx(one.out[i]).epsilon(1e-6));
      CHECK(std::abs(byte.as_u8()[i] - one.out[i]) <= 0.5 + 1e-6);
    }
  }
  const RecordSet set = fixture::images("toy", 2, 5, 3);
  CHECK(resize_images(set.find("input").values, 5, 5).bytes == set.find("input").values.bytes);
}

TEST_CASE("prepare jobs: split, blind, stream") {
  TempDir dir;
  const CatalogEntry entry = fixture::idx_entry(dir.path());
  Job job;
  job.stage = "prepare";
  job.inputs["raw:images"] = {(dir.path() / "x.idx").string(), entry.files[0].sha256};
  job.inputs["raw:y.idx"] = {(dir.path() / "y.idx").string(), entry.files[1].sha256};
  job.spec = Json::object(
      {{"recipe", "split"}, {"source", entry.to_json()}, {"split", "test"}, {"limit", 4}, {"balanced", true}});
  CHECK(run_prepare(job, dir.path() / "out") == std::vector<std::string>{"records.safetensors"});
  const RecordSet set = RecordSet::load(dir.path() / "out/records.safetensors");
  CHECK(set.size() == 4);
  CHECK(set.ids[0] == sample_id("toy", "test", 0));
  const std::string digest = sha256_file(dir.path() / "out/records.safetensors");
  run_prepare(job, dir.path() / "again");
  CHECK(sha256_file(dir.path() / "again/records.safetensors") == digest);
  Job some = job;
  some.spec["classes"] = Json(std::vector<std::int64_t>{1});
  some.spec["limit"] = 2;
  run_prepare(some, dir.path() / "some");
  const RecordSet one = RecordSet::load(dir.path() / "some/records.safetensors");
  CHECK(one.size() == 2);
  CHECK(one.classes == std::vector<std::string>{entry.classes[1]});
  Job wrong = job;
  wrong.inputs["raw:images"].sha256 = std::string(64, '0');
  CHECK(contains(error_of([&] { run_prepare(wrong, dir.path()); }), "the catalogue says"));
  wrong = job;
  wrong.inputs["raw:else"] = job.inputs["raw:images"];
  CHECK(contains(error_of([&] { run_prepare(wrong, dir.path()); }), "no file 'else'"));

  Job hide;
  hide.inputs["records:test"] = {(dir.path() / "out/records.safetensors").string(), digest};
  hide.spec = Json::object({{"recipe", "blind"}});
  CHECK(run_prepare(hide, dir.path() / "out") == std::vector<std::string>{"blind.safetensors", "truth.safetensors"});
  CHECK(!RecordSet::load(dir.path() / "out/blind.safetensors").has("target"));

  fixture::images("far-off", 3, 8).save(dir.path() / "far");
  fixture::images("fit-list", 3).save(dir.path() / "fit");
  Job mix;
  mix.inputs["records:toy"] = hide.inputs["records:test"];
  mix.inputs["records:far"] = {(dir.path() / "far").string(), ""};
  mix.inputs["records:fit"] = {(dir.path() / "fit").string(), ""};
  mix.spec =
      Json::parse(R"({"recipe": "stream", "id": "toy", "fit": "fit", "ood": [{"label": "far", "group": "far"}]})");
  CHECK(run_prepare(mix, dir.path() / "out") == std::vector<std::string>{"stream.safetensors", "truth.safetensors"});
  CHECK(RecordSet::load(dir.path() / "out/stream.safetensors").size() == 7);
  mix.spec["fit"] = "toy";
  CHECK(contains(error_of([&] { run_prepare(mix, dir.path() / "out"); }), "rule 28"));
  mix.inputs.erase("records:far");
  CHECK(contains(error_of([&] { run_prepare(mix, dir.path() / "out"); }), "'records:far' is missing"));
  job.spec["recipe"] = "splt";
  CHECK(contains(error_of([&] { run_prepare(job, dir.path()); }), "did you mean 'split'"));
}
