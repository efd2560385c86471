// From files to records, per format, with what the catalogue says checked against what the files hold.
#include "harness/data/load.hpp"

#include <doctest/doctest.h>

#include <set>

#include "fixture.hpp"

using namespace assay;
using namespace assay::data;
using fixture::contains;
using fixture::error_of;
using fixture::put;

namespace {

CatalogEntry table_entry(std::vector<CatalogSplit> splits) {
  CatalogEntry entry;
  entry.name = "table";
  entry.task = "classification";
  entry.format = "csv";
  entry.shape = {2};
  entry.classes = {"no", "yes"};
  entry.splits = std::move(splits);
  entry.options = Json::object({{"target", "label"}});
  return entry;
}

}  // namespace

TEST_CASE("IDX sets") {
  TempDir dir;
  CatalogEntry entry = fixture::idx_entry(dir.path());
  const FileMap files{{"images", dir.path() / "x.idx"}, {"labels", dir.path() / "y.idx"}};
  const RecordSet set = load_split(entry, "test", files);
  set.validate("set");
  CHECK(set.size() == 6);
  CHECK(set.origin == "toy/test");
  CHECK(set.classes == entry.classes);
  CHECK(set.ids[3] == sample_id("toy", "test", 3));
  CHECK(set.labels()[3] == 1);
  CHECK(set.find("input").type.shape == engine::Shape{1, 2, 3});
  const auto load = [&](const CatalogEntry& e) { return error_of([&] { load_split(e, "test", files); }); };
  CHECK(contains(error_of([&] { load_split(entry, "tset", files); }), "no split 'tset'; did you mean 'test'"));
  CHECK(contains(error_of([&] { load_split(entry, "test", {}); }), "the file 'images' was not given"));
  CatalogEntry other = entry;
  other.splits[0].count = 7;
  CHECK(contains(load(other), "hold 6 samples, the catalogue says 7"));
  other = entry;
  other.shape = {1, 3, 2};
  CHECK(contains(load(other), "images of [6, 1, 2, 3], expected [6, 1, 3, 2]"));
  other = entry;
  other.classes = {"one"};
  CHECK(contains(load(other), "y.idx: offset 9: label 1 is outside [0, 1)"));
  other = entry;
  other.format = "idz";
  CHECK(contains(load(other), "unknown format 'idz'; did you mean 'idx'"));
  put(dir.path() / "y.idx", fixture::idx({5}, std::string(5, '\0')));
  CHECK(contains(load(entry), "5 labels for 6 images"));
}

TEST_CASE("CIFAR batches and PNG sheets give the same records") {
  TempDir dir;
  const std::string pixels = fixture::bytes(4 * 12);
  std::vector<std::string> batches(2);
  for (std::size_t i = 0; i < 4; ++i) {
    batches[i / 2] += static_cast<char>(i % 3);
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t p = 0; p < 4; ++p) batches[i / 2] += pixels[i * 12 + p * 3 + c];
    put(dir.path() / ("b" + std::to_string(i / 2)), batches[i / 2]);
    put(dir.path() / ("s" + std::to_string(i / 2)), fixture::png(4, 2, PNG_FORMAT_RGB, pixels.substr(i / 2 * 24, 24)));
  }
  put(dir.path() / "l", "[0, 1, 2, 0]");
  CatalogEntry entry;
  entry.name = "tiny";
  entry.format = "cifar-binary";
  entry.shape = {3, 2, 2};
  entry.classes = {"a", "b", "c"};
  entry.splits = {{"train", 4, {"b0", "b1"}}};
  const RecordSet binary = load_split(entry, "train", {{"b0", dir.path() / "b0"}, {"b1", dir.path() / "b1"}});
  entry.format = "png-sheet";
  entry.splits = {{"train", 4, {"s0", "s1", "l"}}};
  const RecordSet sheets =
      load_split(entry, "train", {{"s0", dir.path() / "s0"}, {"s1", dir.path() / "s1"}, {"l", dir.path() / "l"}});
  CHECK(binary.digest() == sheets.digest());
  CHECK(binary.size() == 4);
}

TEST_CASE("tables: numeric block, categories, missing cells") {
  TempDir dir;
  const fs::path file =
      put(dir.path() / "t", "a,colour,b,label,gap\n1,red,2.5,yes,\n2,blue,3,no,7\n3,red,4,yes,8\n4,?,5,no,9\n");
  CatalogEntry entry = table_entry({{"all", 4, {"t"}}});
  const FileMap files{{"t", file}};
  const RecordSet set = load_split(entry, "all", files);
  CHECK(set.find("input").values.shape == std::vector<std::int64_t>{4, 2});
  CHECK(set.input_batch(1, 1).to_f32() == std::vector<float>{2, 3});
  CHECK(set.labels()[0] == 1);
  const Field& colour = set.find("colour");
  CHECK(colour.type == FieldType::optional(FieldType::category({"blue", "red"})));
  CHECK(colour.values.as_i64()[0] == 1);
  CHECK(colour.values.as_i64()[3] == -1);
  CHECK(colour.present.as_u8()[3] == 0);
  const Field& gap = set.find("gap");
  CHECK(gap.type.kind == TypeKind::opt);
  CHECK(gap.present.as_u8()[0] == 0);
  CHECK(gap.values.as_f32()[1] == 7.0f);
  CHECK(set.provenance.at("features").dump() == R"(["a","b"])");
  set.save(dir.path() / "saved");
  CHECK(RecordSet::load(dir.path() / "saved").digest() == set.digest());
  CatalogEntry other = entry;
  other.options["categorical"] = Json(Json::Array{"a"});
  other.options["drop"] = Json(Json::Array{"gap"});
  other.shape = {1};
  CHECK(load_split(other, "all", files).find("a").type.classes == 4);
  CHECK(!load_split(other, "all", files).has("gap"));
  const auto load = [&](const CatalogEntry& e) { return error_of([&] { load_split(e, "all", files); }); };
  other = entry;
  other.options["tagret"] = "x";
  CHECK(contains(load(other), "unknown option 'tagret' of format csv; did you mean 'target'"));
  other = entry;
  other.shape = {3};
  CHECK(contains(load(other), "2 complete numeric columns, the catalogue's shape says 3"));
  other = entry;
  other.options["target"] = "gap";
  CHECK(contains(load(other), "target column 'gap' has missing cells"));
  other = entry;
  other.classes = {"no", "si"};
  CHECK(contains(load(other), "row 0: 'yes' is neither a class name nor an index"));
  other = entry;
  other.task = "regression";
  other.options["target"] = "b";
  other.shape = {1};
  CHECK(load_split(other, "all", files).batch("target", std::vector<std::int64_t>{0}).to_f32() ==
        std::vector<float>{2.5f});
}

TEST_CASE("the splits of a table part its rows, keyed and in file order") {
  TempDir dir;
  std::string text = "a,b,label\n";
  for (int i = 0; i < 40; ++i) text += std::to_string(i) + ",0," + (i < 20 ? "no" : "yes") + "\n";
  const FileMap files{{"t", put(dir.path() / "t", text)}};
  CatalogEntry entry = table_entry({{"train", 30, {"t"}}, {"test", 10, {"t"}}});
  const auto rows = [&](const CatalogEntry& e, const char* split) {
    const RecordSet set = load_split(e, split, files);
    std::vector<float> values;
    for (std::int64_t i = 0; i < set.size(); ++i) {
      values.push_back(set.input_batch(i, 1).to_f32()[0]);
      CHECK(set.ids[static_cast<std::size_t>(i)] ==
            sample_id("table", split, static_cast<std::int64_t>(values.back())));
    }
    CHECK(std::is_sorted(values.begin(), values.end()));
    return values;
  };
  CHECK(rows(entry, "test").front() == 30.0f);  // without a key: file order
  entry.options["shuffle"] = 0;
  const auto train = rows(entry, "train"), test = rows(entry, "test");
  std::set<float> all(train.begin(), train.end());
  all.insert(test.begin(), test.end());
  CHECK(all.size() == 40);
  CHECK(test.front() < 20.0f);  // both classes are in it
  CHECK(test.back() >= 20.0f);
  CHECK(rows(entry, "test") == test);
  CatalogEntry other = entry;
  other.options["shuffle"] = 1;
  CHECK(rows(other, "test") != test);
  other.splits[0].count = 31;
  CHECK(contains(error_of([&] { load_split(other, "test", files); }), "has 40 rows, the catalogue's splits sum to 41"));
}
