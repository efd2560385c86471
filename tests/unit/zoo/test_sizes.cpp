// Parameters and multiply-adds of the zoo against the published figures.
#include <doctest/doctest.h>

#include <cstdlib>

#include "harness/base/files.hpp"
#include "harness/graph/zoo/zoo.hpp"
#include "tests/unit/zoo/published.hpp"

namespace assay::zoo {

TEST_CASE("sizes are the published ones, or differ by what the table explains") {
  for (const Published& row : published()) {
    CAPTURE(row.label);
    const Size size = size_of(row.arch, Json::parse(row.params), row.input, row.classes);
    CHECK_MESSAGE(agrees(static_cast<double>(size.params), row.extra_weights, row.weights),
                  "parameters: ours ", size.params, ", published ", static_cast<std::int64_t>(row.weights.value));
    CHECK_MESSAGE(agrees(size.macs, row.extra_macs, row.macs), "multiply-adds: ours ", static_cast<std::int64_t>(size.macs),
                  ", published ", static_cast<std::int64_t>(row.macs.value));
    CHECK((row.extra_weights == 0 && row.extra_macs == 0) == row.reason.empty());
  }
}

TEST_CASE("the table of sizes in the repository is up to date") {
  const fs::path file = fs::path(ASSAY_SOURCE_DIR) / "tests/unit/zoo/zoo.md";
  const std::string table = zoo_table();
  const char* mode = std::getenv("ASSAY_GOLDEN");
  if (mode && std::string(mode) == "collect") write_atomic(file, table);
  CHECK(table == read_text(file));
}

TEST_CASE("the subjects of the benchmarks are buildable by name") {
  const engine::Shape cifar = {3, 32, 32};
  const auto macs_of = [](const char* arch, const char* params, const engine::Shape& input) {
    return size_of(arch, Json::parse(params), input, 10).macs;
  };
  CHECK(macs_of("resnet20", "{}", cifar) == doctest::Approx(40.8e6).epsilon(0.001));
  CHECK(macs_of("resnet18", "{}", cifar) == doctest::Approx(555.4e6).epsilon(0.0001));
  CHECK(macs_of("wide-resnet", R"({"depth": 16, "widen": 4})", cifar) == doctest::Approx(392.6e6).epsilon(0.001));
  CHECK(macs_of("mobilenet-v2", "{}", cifar) == doctest::Approx(88.0e6).epsilon(0.001));
  CHECK(macs_of("vit", "{}", cifar) == doctest::Approx(179.9e6).epsilon(0.001));
  CHECK(macs_of("mlp", "{}", {1, 28, 28}) == doctest::Approx(0.67e6).epsilon(0.01));
}

TEST_CASE("counting fills no weights and agrees with the graph") {
  const Size size = size_of("resnet8", {}, {3, 32, 32}, 10);
  const graph::Graph graph = build("resnet8", {}, {3, 32, 32}, 10, 0);
  CHECK(size.params == graph::param_count(graph));
  CHECK(size.macs == graph::macs(graph));
}

}  // namespace assay::zoo
