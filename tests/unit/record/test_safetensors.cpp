// The container: layout, reading what others wrote, and refusing everything that is damaged.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/rng.hpp"
#include "harness/record/safetensors.hpp"

using namespace assay;

namespace {

Container sample() {
  Container container;
  container.metadata = Json::object({{"classes", 10}, {"mean", 0.5}});
  const std::vector<float> floats = {1, -2.5F, 3e-9F, 0, std::numeric_limits<float>::infinity(), -0.0F};
  const std::vector<std::int64_t> ids = {7, -9};
  const std::vector<double> reals = {0.1};
  const std::vector<std::uint8_t> bytes = {1, 2, 255};
  container.arrays["weight"] = Array::f32({2, 3}, floats);
  container.arrays["ids"] = Array::i64({2}, ids);
  container.arrays["scalar"] = Array::f64({}, reals);
  container.arrays["bytes"] = Array::u8({3}, bytes);
  container.arrays["empty"] = Array::f32({0, 5}, {});
  return container;
}

bool same(const Container& a, const Container& b) {
  if (!(a.metadata == b.metadata) || a.arrays.size() != b.arrays.size()) return false;
  for (const auto& [name, array] : a.arrays) {
    const Array& other = b.at(name);
    if (array.dtype != other.dtype || array.shape != other.shape || array.bytes != other.bytes) return false;
  }
  return true;
}

// A file with this header and `data` bytes behind it.
std::vector<std::byte> file_of(const std::string& header, std::size_t data) {
  std::vector<std::byte> bytes(8 + header.size() + data);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string refusal(const std::string& header, std::size_t data) {
  try {
    decode(file_of(header, data), "f");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::bad_input);
    return error.what();
  }
  return "(accepted)";
}

}  // namespace

TEST_CASE("a container reads back as it was, and equal content gives equal bytes") {
  const auto bytes = encode(sample());
  CHECK(same(decode(bytes, "x"), sample()));
  CHECK(encode(decode(bytes, "x")) == bytes);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK((8 + header) % 8 == 0);
  const Container none;
  CHECK(same(decode(encode(none), "x"), none));
}

TEST_CASE("a container survives the disk") {
  const TempDir folder;
  save_container(folder.path() / "c.safetensors", sample());
  CHECK(same(load_container(folder.path() / "c.safetensors"), sample()));
}

TEST_CASE("a file that another tool wrote is read (fixtures/make.py)") {
  const Container foreign = load_container(ASSAY_SOURCE_DIR "/tests/unit/record/fixtures/foreign.safetensors");
  CHECK(foreign.metadata.is_null());
  CHECK(foreign.at("a.weight").as_f32()[5] == 1.25F);
  CHECK(foreign.at("a.weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(foreign.at("b.count").as_i64()[1] == std::int64_t{1} << 40);
  CHECK(foreign.at("c.scalar").as_f64()[0] == 2.5);
  CHECK(foreign.at("d.empty").count() == 0);
  CHECK(foreign.at("e.mask").as_u8()[2] == 1);
}

TEST_CASE("typed views and names are checked") {
  const Container container = sample();
  CHECK_THROWS_WITH_AS(container.at("weight").as_f64(), "expected an array of F64, found F32", Error);
  CHECK_THROWS_WITH_AS(container.at("wieght"), "no array 'wieght'; did you mean 'weight'?", Error);
  CHECK_THROWS_WITH_AS(dtype_bytes("F31"), "unknown dtype 'F31'; did you mean 'F32'?", Error);
  const std::vector<float> three = {1, 2, 3};
  CHECK_THROWS_AS(Array::f32({2}, three), Error);
}

TEST_CASE("every kind of wrong header is refused with the tensor's name") {
  const auto one = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"w":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  CHECK(refusal(one("F32", "[2]", "[0,8]"), 8) == "(accepted)");
  CHECK(refusal(one("F16", "[2]", "[0,4]"), 4).find("tensor 'w': unknown dtype 'F16'") != std::string::npos);
  CHECK(refusal(one("F32", "[2]", "[0,4]"), 4).find("needs 8 bytes, data_offsets give 4") != std::string::npos);
  CHECK(refusal(one("F32", "[2]", "[0,8]"), 4).find("outside the 4 bytes") != std::string::npos);
  CHECK(refusal(one("F32", "[2]", "[8,0]"), 8).find("outside") != std::string::npos);
  CHECK(refusal(one("F32", "[-2]", "[0,8]"), 8).find("impossible shape") != std::string::npos);
  CHECK(refusal(one("F32", "[4611686018427387904,4611686018427387904]", "[0,0]"), 0).find("impossible") !=
        std::string::npos);
  CHECK(refusal(one("F32", "[4611686018427387904,4611686018427387904,0]", "[0,0]"), 0).find("impossible") !=
        std::string::npos);
  CHECK(refusal(one("F32", "[2.5]", "[0,8]"), 8).find("tensor 'w'") != std::string::npos);
  CHECK(refusal(one("F32", "[1]", "[4,8]"), 8).find("hole") != std::string::npos);
  CHECK(refusal(one("F32", "[1]", "[0,4]"), 8).find("belong to no tensor") != std::string::npos);
  CHECK(refusal(one("F32", "[1]", "[0,4,8]"), 8).find("[begin, end]") != std::string::npos);
  CHECK(refusal(R"({"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"v":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3)
            .find("overlaps") != std::string::npos);
  CHECK(refusal(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":1}})", 1).find("unknown key 'extra'") !=
        std::string::npos);
  CHECK(refusal(R"({"w":3})", 0).find("tensor 'w'") != std::string::npos);
  CHECK(refusal("[]", 0).find("no object") != std::string::npos);
  CHECK(refusal("{", 0).find("f (header):1:") != std::string::npos);
  CHECK(refusal(R"({"__metadata__":1})", 0).find("__metadata__") != std::string::npos);
  auto bools = file_of(one("BOOL", "[1]", "[0,1]"), 1);
  bools.back() = std::byte{2};
  CHECK_THROWS_AS(decode(bools, "f"), Error);
}

TEST_CASE("a zero extent is counted as zero whatever stands beside it") {
  CHECK(refusal(R"({"w":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}})", 0) == "(accepted)");
  CHECK(refusal(R"({"w":{"dtype":"F32","shape":[9,0],"data_offsets":[0,0]}})", 0) == "(accepted)");
}

TEST_CASE("every truncation is an error") {
  const auto bytes = encode(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    REQUIRE_THROWS_AS(decode(std::span(bytes).first(length), "x"), Error);
}

TEST_CASE("random damage is an error or another valid container, never a crash") {
  const auto whole = encode(sample());
  const Rng rng(11, "fuzz safetensors");
  int refused = 0;
  for (std::uint64_t trial = 0; trial < 20000; ++trial) {
    auto bytes = whole;
    const std::uint64_t flips = 1 + rng.below(4 * trial, 4);
    for (std::uint64_t f = 0; f < flips; ++f) {
      const Rng at(trial, "flip", f);
      bytes[at.below(0, bytes.size())] ^= static_cast<std::byte>(1U << at.below(1, 8));
    }
    if (rng.below(4 * trial + 1, 4) == 0) bytes.resize(rng.below(4 * trial + 2, bytes.size()));
    try {
      for (const auto& [name, array] : decode(bytes, "x").arrays)
        REQUIRE(array.bytes.size() == static_cast<std::size_t>(array.count()) * dtype_bytes(array.dtype));
    } catch (const Error& error) {
      REQUIRE(error.fault() == Fault::bad_input);
      ++refused;
    }
  }
  CHECK(refused > 10000);
}
