// Pictures of a site: what stands in the chunks is what the cache and the database hold, and what is gone or damaged is
// said.
#include "harness/record/examples.hpp"

#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>

#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "results/export/picture.hpp"
#include "tests/unit/board/boards.hpp"
#include "tests/unit/export/written.hpp"

using namespace assay;
using boards::World;
using export_test::Written;

namespace {

// RFC 4648 by the letter, and libpng's reader: what a browser does.
std::vector<std::uint8_t> bytes_of(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> out;
  std::uint32_t word = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    word = word << 6 | static_cast<std::uint32_t>(digits.find(c));
    bits += 6;
    if (bits >= 8) out.push_back(static_cast<std::uint8_t>(word >> (bits -= 8) & 255));
  }
  return out;
}

std::vector<std::uint8_t> pixels_of(const Json& text, std::uint32_t width, std::uint32_t height, bool colours) {
  const auto file = bytes_of(text.as_string());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, file.data(), file.size()) != 0);
  CHECK(image.width == width);
  CHECK(image.height == height);
  image.format = colours ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) != 0);
  return pixels;
}

Container records(std::int64_t n, std::uint8_t first) {
  Container out;
  const Json image = Json::object({{"kind", "dense"},
                                   {"dtype", "U8"},
                                   {"space", "image"},
                                   {"shape", Json(Json::Array{1, 2, 2})},
                                   {"ranges", Json(Json::Array{Json(Json::Array{0.0, 1.0})})}});
  const Json category = Json::object({{"kind", "cat"}, {"classes", 2}});
  const auto field = [](const char* name, const char* role, const Json& type) {
    return Json::object({{"name", name}, {"role", role}, {"type", type}});
  };
  out.metadata = Json::object(
      {{"format", "records"},
       {"version", 1},
       {"origin", "toy"},
       {"classes", Json(Json::Array{"shoe", "shirt"})},
       {"fields", Json(Json::Array{field("input", "input", image), field("target", "target", category)})}});
  std::vector<std::int64_t> ids, labels;
  std::vector<std::uint8_t> values;
  for (std::int64_t i = 0; i < n; ++i) {
    ids.push_back(1000 + 7 * i);  // as synthetic::column numbers its units
    labels.push_back(i % 2);
    for (int k = 0; k < 4; ++k) values.push_back(static_cast<std::uint8_t>((first + 3 * i + k) % 256));
  }
  out.arrays["ids"] = Array::i64({n}, ids);
  out.arrays["values/input"] = Array::u8({n, 1, 2, 2}, values);
  out.arrays["values/target"] = Array::i64({n}, labels);
  return out;
}

// A node that made one file, recorded and in the cache.
void make_file(World& w, const fs::path& cache, Node node, const std::string& name, const Container& content,
               const std::vector<Event>& events) {
  const fs::path file = cache / node_kind_name(node.kind) / node.key / name;
  save_container(file, content);
  w.plan.nodes.push_back(std::move(node));
  Finished made = w.bench.ok(w.plan.nodes.back(), events);
  made.artifact.files = {{name, sha256_file(file), fs::file_size(file)}};
  w.finished.push_back(std::move(made));
}

Node list_node(const std::string& key) {
  Node node = synthetic::make_cell({"", 0});
  node.kind = NodeKind::prepare;
  node.plugin_id = node.method = "";
  node.key = key;
  node.label = "prepare " + key.substr(0, 4);
  return node;
}

void set_protocol(World& w, const Json& data) {
  w.plan.protocol["data"] = data;
  w.plan.protocol_hash = sha256(w.plan.protocol.dump());
}

Examples kept() {
  Examples set;
  set.condition = "eps=1/10";
  set.norm = "linf";
  set.rule = "Of all the first";
  set.channels = 3;
  set.height = 1;
  set.width = 2;
  Example one;
  one.id = (std::int64_t{1} << 62) + 1;
  one.label = 1;
  one.predicted = 0;
  one.broken = true;
  one.distance = 0.1;
  one.margin = -1.25;
  one.scale = 0.1;
  one.clean = {1, 2, 3, 4, 5, 6};
  one.perturbed = {11, 12, 13, 14, 15, 16};
  one.difference = {128, 255, 1, 128, 200, 60};
  set.items.push_back(one);
  return set;
}

// One attack whose judge kept pictures of its first seed, and its cache.
struct AttackSite {
  World w{synthetic::make_plan("attack", "robust_accuracy", "eps=1/10")};
  TempDir cache;
  std::string key = sha256("the test list");
  fs::path file;
  AttackSite() {
    set_protocol(w, Json::object({{"test", key}}));
    make_file(w, cache.path(), list_node(key), "records.safetensors", records(8, 0), {});
    for (std::uint64_t s = 0; s < 3; ++s) {
      auto events = boards::attacked(boards::flags(180, 1000 + s), boards::flags(20, 30 + s));
      events.push_back(
          synthetic::verdict("SUSPECT", 19, "masked"));  // without a certificate only such a row has pictures
      const Node node = synthetic::make_cell({"pgd", static_cast<std::int64_t>(s)});
      if (s == 0) file = cache.path() / "cell" / node.key / examples_file;
      if (s == 0)
        make_file(w, cache.path(), node, examples_file, kept().to_container(), events);
      else
        w.ok(w.add({"pgd", static_cast<std::int64_t>(s)}), events);
    }
    w.ok(w.add({"noise", 0, true}), boards::attacked(boards::flags(180, 1000), boards::flags(170, 5)));
    w.import();
  }
  std::string id() const { return w.plan.protocol_hash.substr(0, 12); }
};

const Json& group(const Json& chunk, std::size_t at) { return chunk.at("groups").at(at); }

// Why the board says that its first row has no pictures.
std::string why_none(const AttackSite& made) {
  const Written site(made.w.db, made.cache.path());
  const Json rows = site.chunk("board/" + made.id()).at("examples").at("rows");
  REQUIRE(rows.size() == 1);
  CHECK_FALSE(fs::exists(site.target / "data/examples"));
  return rows.at(std::size_t{0}).at(std::size_t{1}).as_string();
}

}  // namespace

TEST_CASE("a picture is a PNG with the pixels that it was made of, grey and in colours") {
  for (const bool colours : {false, true}) {
    const site::PictureSize size{colours ? 3 : 1, 5, 7};
    std::vector<std::uint8_t> planes;
    for (std::size_t i = 0; i < size.values(); ++i) planes.push_back(static_cast<std::uint8_t>(i * i % 251));
    const auto pixels = pixels_of(Json(site::png_base64(planes, size)), 7, 5, colours);
    REQUIRE(pixels.size() == planes.size());
    const std::size_t channels = colours ? 3 : 1;
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t i = 0; i < 35; ++i) CHECK(pixels[i * channels + c] == planes[c * 35 + i]);
  }
  CHECK_THROWS_AS(site::png_base64(std::vector<std::uint8_t>(5), {1, 2, 2}), Error);
  // RFC 4648, section 10.
  const auto text = [](std::string_view s) {
    return site::base64({reinterpret_cast<const std::uint8_t*>(s.data()), s.size()});
  };
  CHECK(text("") == "");
  CHECK(text("f") == "Zg==");
  CHECK(text("fo") == "Zm8=");
  CHECK(text("foobar") == "Zm9vYmFy");
}

TEST_CASE("an attack's pictures are those that its judge kept, with classes by name and the factor of the difference") {
  const AttackSite made;
  const Written site(made.w.db, made.cache.path());
  const Json board = site.chunk("board/" + made.id());
  REQUIRE(board.at("examples").at("rows").size() == 1);  // a baseline has none
  const auto row =
      static_cast<std::size_t>(board.at("examples").at("rows").at(std::size_t{0}).at(std::size_t{0}).as_int());
  CHECK(board.at("examples").at("rows").at(std::size_t{0}).at(std::size_t{1}).as_string() == "");
  CHECK(board.at("rows").at(row).at("method").as_string() == "pgd");
  const Json chunk = site.chunk("examples/" + made.id() + "-" + std::to_string(row));
  CHECK(chunk.at("label").as_string() == "pgd on net, seed 0");
  CHECK(chunk.at("says").as_string().find("At eps=1/10. Of all the first.") == 0);
  REQUIRE(group(chunk, 0).at("items").size() == 1);
  CHECK(group(chunk, 1).at("items").size() == 0);
  CHECK(group(chunk, 0).at("says").as_string() != "There is none.");
  CHECK(group(chunk, 1).at("says").as_string() == "There is none.");
  const Json& one = group(chunk, 0).at("items").at(std::size_t{0});
  CHECK(one.at("id").as_string() == "4611686018427387905");  // more than a double holds
  CHECK(one.at("facts").at(std::size_t{0}) == Json(Json::Array{"true class", "shirt"}));
  CHECK(one.at("facts").at(std::size_t{1}) == Json(Json::Array{"classified as", "shoe"}));
  const Examples from = kept();
  const Example& shown = from.items[0];
  const std::vector<std::uint8_t>* planes[] = {&shown.clean, &shown.perturbed, &shown.difference};
  for (std::size_t p = 0; p < 3; ++p) {
    const auto at = static_cast<std::size_t>(one.at("pictures").at(p).at(std::size_t{1}).as_int());
    const auto pixels = pixels_of(chunk.at("images").at(at), 2, 1, true);
    for (std::size_t i = 0; i < 6; ++i) CHECK(pixels[i % 2 * 3 + i / 2] == (*planes[p])[i]);
  }
  CHECK(one.at("pictures").at(std::size_t{2}).at(std::size_t{0}).as_string() ==
        "difference × 4.98");  // 127 / 255 / 0.1
  const auto digits = static_cast<std::size_t>(site.chunk("index").at("cell_prefix").as_int());
  const std::string key = made.w.plan.nodes[1].key;
  const Json cells = site.chunk("cells/" + (digits == 0 ? std::string("all") : key.substr(0, digits)));
  CHECK(cells.at(key.substr(0, 16)).at("examples").as_int() == static_cast<std::int64_t>(row));
}

TEST_CASE("pictures that are gone, damaged or another's are not shown; the site is written and says why") {
  AttackSite gone;
  fs::remove(gone.file);
  CHECK(why_none(gone) == "the file is no longer in the artifact cache");
  AttackSite damaged;
  std::string bytes = read_text(damaged.file);
  bytes[bytes.size() - 1] = static_cast<char>(bytes.back() ^ 1);
  write_atomic(damaged.file, bytes);
  CHECK(why_none(damaged) == "the file in the artifact cache has another digest than was recorded");
  AttackSite cut;
  write_atomic(cut.file, std::string_view("x"));
  CHECK(why_none(cut).find("another digest") != std::string::npos);
  const AttackSite nowhere;
  const Written site(nowhere.w.db);
  CHECK(
      site.chunk("board/" + nowhere.id()).at("examples").at("rows").at(std::size_t{0}).at(std::size_t{1}).as_string() !=
      "");
}

TEST_CASE("without the test list an attack's pictures are shown and its classes are numbers") {
  const AttackSite made;
  fs::remove_all(made.cache.path() / "prepare");
  const Written site(made.w.db, made.cache.path());
  const Json rows = site.chunk("board/" + made.id()).at("examples").at("rows");
  const Json chunk =
      site.chunk("examples/" + made.id() + "-" + std::to_string(rows.at(std::size_t{0}).at(std::size_t{0}).as_int()));
  CHECK(group(chunk, 0).at("items").at(std::size_t{0}).at("facts").at(std::size_t{0}) ==
        Json(Json::Array{"true class", "class 1"}));
}

TEST_CASE("a detector's pictures are the inputs with the lowest and highest scores of every list, from that list") {
  World w(synthetic::make_plan("detect", "auroc", "far:mnist"));
  const TempDir cache;
  const std::string test = sha256("in"), far = sha256("far");
  set_protocol(
      w, Json::object(
             {{"test", test},
              {"ood", Json(Json::Array{Json::object({{"group", "far"}, {"label", "mnist"}, {"records", far}})})}}));
  make_file(w, cache.path(), list_node(test), "records.safetensors", records(30, 0), {});
  make_file(w, cache.path(), list_node(far), "records.safetensors", records(30, 100), {});
  std::vector<double> in, out;
  for (int i = 0; i < 30; ++i) {
    in.push_back((i * 7) % 30);
    out.push_back(10 + (i * 11) % 30);
  }
  w.ok(w.add({"msp", 0}),
       {column_event(synthetic::column("score", "id", in)), column_event(synthetic::column("score", "far:mnist", out)),
        column_event(synthetic::column("predicted", "id", std::vector<double>(30, 1.0))),
        synthetic::score("auroc", "far:mnist", 0.7, 60), synthetic::verdict("SUSPECT", 7, "not repeated")});
  w.import();
  const std::string id = w.plan.protocol_hash.substr(0, 12);
  const Written site(w.db, cache.path());
  const Json chunk = site.chunk("examples/" + id + "-0");
  REQUIRE(chunk.at("groups").size() == 4);
  for (std::size_t g = 0; g < 4; ++g) {
    const bool inside = group(chunk, g).at("title").as_string().find("in-distribution") == 0, highest = g % 2 == 1;
    CAPTURE(group(chunk, g).at("title").as_string());
    const std::vector<double>& scores = inside ? in : out;
    std::vector<double> sorted = scores;
    std::sort(sorted.begin(), sorted.end());
    if (highest) std::reverse(sorted.begin(), sorted.end());
    REQUIRE(group(chunk, g).at("items").size() == 4);
    for (std::size_t k = 0; k < 4; ++k) {
      const Json& one = group(chunk, g).at("items").at(k);
      const auto i = static_cast<std::size_t>((std::stoll(one.at("id").as_string()) - 1000) / 7);
      CHECK(scores[i] == sorted[k]);
      CHECK(std::stod(one.at("facts").at(std::size_t{0}).at(std::size_t{1}).as_string()) == sorted[k]);
      const auto at = static_cast<std::size_t>(one.at("pictures").at(std::size_t{0}).at(std::size_t{1}).as_int());
      const auto pixels = pixels_of(chunk.at("images").at(at), 2, 2, false);
      for (std::size_t p = 0; p < 4; ++p) CHECK(pixels[p] == ((inside ? 0 : 100) + 3 * i + p) % 256);
    }
  }
  // A list that is gone is left out, and said to be.
  fs::remove_all(cache.path() / "prepare" / far);
  const Json half = site.again(w.db).boards == 1 ? site.chunk("examples/" + id + "-0") : Json();
  CHECK(half.at("groups").size() == 2);
  CHECK(half.at("says").as_string().find(
            "far:mnist is left out: the list's records: the file is no longer in the artifact cache") !=
        std::string::npos);
}

TEST_CASE(
    "a method's card has what its board shows no more, and when what it shows was recorded; the index names the last "
    "run") {
  AttackSite made;
  const std::string id = made.id();
  Node newer = synthetic::make_cell({"pgd", 0});
  newer.plugin_version = "2.0";
  newer.plugin_sha256 = sha256("pgd 2.0");
  newer.key = sha256("newer");
  made.w.plan.nodes.clear();
  made.w.plan.nodes.push_back(newer);
  made.w.ok(made.w.plan.nodes[0], boards::attacked(boards::flags(180, 1000), boards::flags(15, 31)));
  made.w.import();
  const Written site(made.w.db, made.cache.path());
  const Json card = site.chunk("method/pgd");
  REQUIRE(card.at("earlier").size() == 1);
  const Json& old = card.at("earlier").at(std::size_t{0});
  CHECK(old.at("version").as_string() == "1.0");
  CHECK(old.at("board").as_string() == id);
  CHECK(old.at("cells").size() == 3);
  CHECK(old.at("level").as_int() == 1);
  CHECK(old.at("value").at(5).size() == 3);
  REQUIRE(card.at("results").size() == 1);
  CHECK(card.at("results").at(std::size_t{0}).at("order").as_int() > old.at("order").as_int());
  CHECK(card.at("results").at(std::size_t{0}).at("numerics").as_string() == old.at("numerics").as_string());
  CHECK(site.chunk("method/noise").at("earlier").size() == 1);  // given up, and its card stays
  CHECK(site.chunk("index").at("health").at("last").as_string() == id);
}
