// Files: round trips, external data, and thousands of damaged ones.
#include <filesystem>

#include "harness/base/files.hpp"
#include "tests/unit/onnx/helpers.hpp"

using namespace assay;
using namespace assay::onnx;
using namespace assay::onnx::testing;

namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

OnnxModel two_layers() {
  Maker m({2, 4, 4});
  m.weight("w", uniform({3, 2, 3, 3}, 1)).weight("fc", uniform({12, 5}, 2)).weight("to", ints({-1, 12}));
  m.node("Conv", {"x", "w"}, {"c"}).node("Reshape", {"c", "to"}, {"f"}).node("MatMul", {"f", "fc"}, {"y"});
  return m.model;
}

}  // namespace

TEST_CASE("what is written is read back") {
  const OnnxModel model = two_layers();
  const OnnxModel back = parse_onnx(bytes_of(serialize(model)), "memory");
  CHECK(back.opsets == model.opsets);
  REQUIRE(back.nodes.size() == 3);
  CHECK(back.nodes[2].op == "MatMul");
  CHECK(back.nodes[2].inputs == model.nodes[2].inputs);
  CHECK(back.inputs[0].shape[0].symbol == "N");
  CHECK(back.inputs[0].shape[1].extent == 2);
  CHECK(largest_difference(back.initializers.at("w"), model.initializers.at("w")) == 0);
  CHECK(serialize(back) == serialize(model));
}

TEST_CASE("a damaged file ends in an error that names it, never in a crash") {
  const std::string whole = serialize(two_layers());
  int refused = 0;
  for (std::uint64_t trial = 0; trial < 3000; ++trial) {
    std::string bytes = whole;
    const Rng rng(7, "damage", trial);
    const std::uint64_t flips = 1 + rng.below(0, 4);
    for (std::uint64_t k = 0; k < flips; ++k)
      bytes[rng.below(1 + 2 * k, bytes.size())] = static_cast<char>(rng.below(2 + 2 * k, 256));
    if (trial % 5 == 0) bytes.resize(rng.below(20, bytes.size()));
    try {
      import_model(parse_onnx(bytes_of(bytes), "damaged.onnx"));  // some damage is only another weight or name
    } catch (const Error& e) {
      ++refused;
      CHECK(e.fault() != Fault::internal);
      CHECK(std::string(e.what()).size() > 10);
    }
  }
  CHECK(refused > 1000);
  CHECK(contains(message_of([&] { parse_onnx(bytes_of(whole.substr(0, 40)), "short.onnx"); }), "short.onnx: "));
  CHECK(contains(message_of([&] { parse_onnx({}, "empty.onnx"); }), "empty.onnx: "));
}

TEST_CASE("sizes that the bytes do not have are refused before memory is taken") {
  std::string bytes = serialize(two_layers());
  // dims of w: field 1, varints 3 2 3 3. The first becomes 127: more than the file holds.
  const std::string dims = {8, 3, 8, 2, 8, 3, 8, 3};
  const std::size_t at = bytes.find(dims);
  REQUIRE(at != std::string::npos);
  bytes[at + 1] = 127;
  CHECK(contains(message_of([&] { parse_onnx(bytes_of(bytes), "m.onnx"); }),
                 "tensor 'w' of F32[127, 2, 3, 3] needs 9144 bytes and has 216"));
}

TEST_CASE("external data are read beside the model and nowhere else") {
  // A TensorProto by hand: dims 2, FLOAT, name w, external location and offset, data_location EXTERNAL.
  const auto entry = [](const std::string& key, const std::string& value) {
    const std::string pair =
        std::string{10, static_cast<char>(key.size())} + key + std::string{18, static_cast<char>(value.size())} + value;
    return std::string{106, static_cast<char>(pair.size())} + pair;
  };
  const auto tensor = [&](const std::string& location, const std::string& offset) {
    return std::string{8, 2, 16, 1, 66, 1, 'w'} + entry("location", location) + entry("offset", offset) +
           std::string{112, 1};
  };
  const TempDir dir;
  const float values[3] = {5, 1.5F, -2};
  write_atomic(dir.path() / "weights.bin", std::as_bytes(std::span(values)));
  const auto read = [&](const std::string& bytes) {
    write_atomic(dir.path() / "t.pb", bytes);
    return read_tensor(dir.path() / "t.pb");
  };
  const Tensor w = read(tensor("weights.bin", "4"));
  CHECK(w.to_f32() == std::vector<float>{1.5F, -2});
  const auto message = [&](const std::string& location, const std::string& offset) {
    return message_of([&] { read(tensor(location, offset)); });
  };
  CHECK(contains(message("weights.bin", "8"), "needs 8 bytes from offset 8"));
  CHECK(contains(message("weights.bin", "99999999999999999999"), "is no offset or length"));
  CHECK(contains(message("../weights.bin", "0"), "outside the model's folder"));
  CHECK(contains(message("/etc/passwd", "0"), "outside the model's folder"));
  CHECK(contains(message("none.bin", "0"), "is not there"));
}
