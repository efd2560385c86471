// Errors' suggestions, hashes, rationals, JSON and TOML.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>

#include "harness/base/error.hpp"
#include "harness/base/file_digests.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/base/json.hpp"
#include "harness/base/rational.hpp"
#include "harness/base/rng.hpp"
#include "harness/base/toml.hpp"

using namespace assay;

namespace {

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

}  // namespace

TEST_CASE("a misspelt name gets the nearest one, a strange one the list") {
  const std::vector<std::string> names = {"steps", "eps", "restarts"};
  CHECK(nearest("stpes", names) == "steps");
  CHECK(nearest("restart", names) == "restarts");
  CHECK(nearest("temperature", names).empty());
  CHECK(suggestion("step", names) == "; did you mean 'steps'?");
  CHECK(suggestion("temperature", names) == "; expected one of steps, eps, restarts");
  CHECK(suggestion("x", {}).empty());
  CHECK(suggestion("zzzzzz", std::vector<std::string>(20, "name-of-a-thing")).ends_with(", ..."));
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4 and of python's hashlib") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  // hashlib.sha256(b"a" * 1000000).hexdigest()
  CHECK(sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t length = 0; length < text.size(); ++length) {
    const std::string_view whole = std::string_view(text).substr(0, length);
    for (const std::size_t cut : {std::size_t{1}, std::size_t{55}, std::size_t{64}, std::size_t{65}}) {
      Sha256 hash;
      for (std::size_t at = 0; at < length; at += cut) hash.update(whole.substr(at, cut));
      REQUIRE(hash.hex() == sha256(whole));
    }
  }
}

TEST_CASE("the digest of a file is that of its bytes") {
  const TempDir folder;
  const std::string text(300000, 'q');
  write_atomic(folder.path() / "f", text);
  CHECK(sha256_file(folder.path() / "f") == sha256(text));
  CHECK(message_of([&] { sha256_file(folder.path() / "none"); }).find("none: No such file") != std::string::npos);
}

TEST_CASE("a digest is kept for as long as nothing of the file's state changes") {
  const auto bytes_read = [] {
    std::ifstream in("/proc/self/io");
    std::string name;
    std::uint64_t count = 0;
    in >> name >> count;
    return count;
  };
  const TempDir folder;
  const fs::path file = folder.path() / "f";
  const std::string before(300000, 'q'), after(300000, 'r');
  FileDigests digests;
  write_atomic(file, before);
  CHECK(digests.of(file) == sha256(before));
  const auto time = fs::last_write_time(file);
  std::ofstream(file) << after;  // at once, of the same length and with the same time: a file this young is never kept
  fs::last_write_time(file, time);
  CHECK(digests.of(file) == sha256(after));
  ::usleep(1'100'000);
  CHECK(digests.of(file) == sha256(after));
  const std::uint64_t at = bytes_read();
  CHECK(digests.of(file) == sha256(after));
  CHECK(bytes_read() - at < after.size());
  std::ofstream(file) << before;
  fs::last_write_time(file, time);
  CHECK(digests.of(file) == sha256(before));
  fs::remove(file);
  CHECK(message_of([&] { digests.of(file); }).find("f: No such file") != std::string::npos);
}

TEST_CASE("CRC-32C gives the check value of RFC 3720 and continues from a seed") {
  CHECK(crc32c(bytes_of("123456789")) == 0xe3069283U);
  CHECK(crc32c(std::vector<std::byte>(32)) == 0x8a9136aaU);
  CHECK(crc32c(bytes_of("456789"), crc32c(bytes_of("123"))) == 0xe3069283U);
}

TEST_CASE("a rational is exact") {
  CHECK(Rational::parse("8/255")->str() == "8/255");
  CHECK(Rational::parse("16/510")->str() == "8/255");
  CHECK(Rational::parse("0.1")->str() == "1/10");
  CHECK(Rational::parse("0.1000000000000000000000000") == std::nullopt);  // more digits than 64 bits hold
  CHECK(Rational::parse("1e-3")->str() == "1/1000");
  CHECK(Rational::parse("2.5E2")->str() == "250");
  CHECK(Rational::parse("-3")->str() == "-3");
  CHECK(Rational::parse("+.5")->str() == "1/2");
  CHECK(Rational::parse("6/-4")->str() == "-3/2");
  CHECK(Rational::parse("0/7")->str() == "0");
  CHECK(Rational::parse("0.000")->str() == "0");
  CHECK(Rational::parse("8/255")->value() == 8.0 / 255.0);
  for (const char* bad : {"", "-", ".", "1/0", "1/", "/2", "1/2/3", "0x10", "1e", "e3", "1.2.3", " 1", "1 ", "nan", "inf",
                          "1e999", "1e-30", "99999999999999999999", "--1", "1/+ 2", "0.1/3"}) {
    CAPTURE(bad);
    CHECK_FALSE(Rational::parse(bad).has_value());
  }
}

TEST_CASE("JSON text is canonical and reads back to the same value") {
  Json value = Json::object({{"b", 1}, {"a", Json(Json::Array{1.0, 0.1, -0.0, 1e300, true, Json(), "x"})}});
  value["c"]["nested"] = std::vector<std::string>{"p", "q"};
  CHECK(value.dump() == R"({"a":[1.0,0.1,-0.0,1e+300,true,null,"x"],"b":1,"c":{"nested":["p","q"]}})");
  CHECK(Json::parse(value.dump()) == value);
  CHECK(Json::parse(value.dump(2)) == value);
  CHECK(Json::parse(R"({"x":1,"a":2})").dump() == Json::parse(R"({ "a" : 2, "x":1 })").dump());
  CHECK(Json::parse("9223372036854775807").as_int() == std::numeric_limits<std::int64_t>::max());
  CHECK(Json::parse("1").is_int());
  CHECK(Json::parse("1.0").is_real());
}

TEST_CASE("reals print with the shortest text that reads back to the same bits") {
  const Rng rng(1, "json", 0);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const std::uint64_t bits = rng.bits(i);
    double real = 0;
    std::memcpy(&real, &bits, sizeof real);
    if (!std::isfinite(real)) continue;
    const Json back = Json::parse(Json(real).dump());
    REQUIRE(back.is_real());
    REQUIRE(back.as_real() == real);
  }
  CHECK(Json(0.1).dump() == "0.1");
}

TEST_CASE("NaN and infinities survive JSON") {
  CHECK(Json(std::nan("")).dump() == "\"nan\"");
  CHECK(std::isnan(Json::parse("\"nan\"").as_real()));
  CHECK(Json::parse(Json(-std::numeric_limits<double>::infinity()).dump()).as_real() < 0);
  CHECK_THROWS_AS(Json("banana").as_real(), Error);
}

TEST_CASE("JSON strings: escapes, and malformed UTF-8 is replaced so that the text still parses") {
  const std::string text = std::string("tab\t quote\" slash\\ line\n zero") + '\0' + " é 😀";
  CHECK(Json::parse(Json(text).dump()).as_string() == text);
  for (const char* bad : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf8\x88\x80\x80\x80", "\x80"}) {
    const std::string back = Json::parse(Json(bad).dump()).as_string();
    CHECK(back.find("\xEF\xBF\xBD") != std::string::npos);
  }
}

TEST_CASE("JSON errors name the origin, line and column") {
  CHECK(message_of([] { Json::parse("{\n  \"a\": 1,\n  \"b\": }", "job.json"); }).starts_with("job.json:3:8: "));
  CHECK(message_of([] { Json::parse("", "x"); }).starts_with("x:1:1: "));
  CHECK(message_of([] { Json::parse("[1, 2", "x"); }).starts_with("x:1:6: "));
  CHECK(message_of([] { Json::parse("{\"a\":1,\n\"a\":2}", "x"); }) == "x:2:3: duplicate key 'a'");
  CHECK(message_of([] { Json::parse("[18446744073709551615]", "x"); }).find("does not fit") != std::string::npos);
  CHECK(message_of([] { Json::parse("[99999999999999999999999]", "x"); }).find("does not fit") != std::string::npos);
  CHECK(message_of([] { Json::parse("1 2", "x"); }).starts_with("x:1:3: "));
  CHECK(message_of([] { Json::parse(std::string(100000, '['), "x"); }).find("nested deeper") != std::string::npos);
}

TEST_CASE("JSON access names the key, what was found and what was expected") {
  const Json value = Json::parse(R"({"steps": "ten", "eps": 0.1, "none": null})");
  CHECK(message_of([&] { value.at("stpes"); }) == "key 'stpes' is missing; did you mean 'steps'?");
  CHECK(message_of([&] { value.get("steps", 1); }) == "key 'steps': expected an integer, found a string");
  CHECK(value.get("absent", 7) == 7);
  CHECK(value.get("none", "x") == "x");
  CHECK(value.get("eps", 0.0) == 0.1);
  CHECK(message_of([] { Json(Json::Array{1}).at(std::size_t{3}); }) == "index 3 is outside an array of 1");
}

TEST_CASE("every prefix of a JSON text is an error and never a crash") {
  const std::string text = R"({"a":[1,2.5e3,{"b":"c\u00e9"}],"d":true})";
  for (std::size_t length = 0; length < text.size(); ++length)
    REQUIRE_THROWS_AS(Json::parse(std::string_view(text).substr(0, length)), Error);
}

TEST_CASE("TOML values know their places and keep the file's order") {
  const Toml tree = parse_toml(
      "[suite]\nname = \"x\"\nversion = 2\n\n[[method]]\nuse = \"pgd\"\nparams = { steps = 10, eps = 0.5 }\n\n"
      "[[method]]\nuse = \"a\"\n\n[budget]\non = true\nwhen = 2020-01-01\n",
      "s.toml");
  REQUIRE(tree.entries.size() == 3);
  CHECK(tree.entries[0].first == "suite");
  CHECK(tree.entries[1].first == "method");
  CHECK(tree.entries[2].first == "budget");
  const Toml* name = tree.find("suite")->find("name");
  REQUIRE(name != nullptr);
  CHECK(name->place.str() == "s.toml:2:8");
  CHECK(name->key_place.str() == "s.toml:2:1");
  CHECK(name->string == "x");
  const Toml& methods = *tree.find("method");
  REQUIRE(methods.items.size() == 2);
  CHECK(methods.items[0].place.line == 5);
  CHECK(methods.items[1].place.line == 9);
  const Toml& params = *methods.items[0].find("params");
  CHECK(params.entries[0].first == "steps");
  CHECK(params.find("steps")->integer == 10);
  CHECK(params.find("eps")->real == 0.5);
  CHECK(params.find("eps")->key_place.str() == "s.toml:7:24");
  CHECK(tree.find("budget")->find("when")->kind == Toml::Kind::other);
  CHECK(methods.to_json().dump() == R"([{"params":{"eps":0.5,"steps":10},"use":"pgd"},{"use":"a"}])");
  CHECK(tree.find("none") == nullptr);
}

TEST_CASE("TOML errors name file, line and column") {
  CHECK(message_of([] { parse_toml("[suite]\nname = \n", "s.toml"); }).starts_with("s.toml:2:8: "));
  CHECK(message_of([] { parse_toml("a = 1\na = 2\n", "s.toml"); }).starts_with("s.toml:2:"));
  CHECK(message_of([] { parse_toml("a = \"\xff\"\n", "s.toml"); }).starts_with("s.toml:1:"));
  CHECK(message_of([] { parse_toml("d = 2020-01-01", "s.toml").to_json(); }).starts_with("s.toml:1:5: "));
  CHECK(message_of([] { load_toml("/nonexistent.toml"); }).find("/nonexistent.toml") != std::string::npos);
}
