// Every bad_<check> plugin fails exactly the check it is named after; the good ones and every method of the repository
// pass all.
#include "harness/validate/validate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "harness/base/error.hpp"
#include "harness/plugin/library.hpp"

using namespace assay;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> libraries(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".so" && name.rfind(prefix, 0) == 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}
const fs::path kTestPlugins = fs::path(ASSAY_BINARY_DIR) / "tests/plugins";

// Ids of the failed checks, in running order. scan-time comes first, so that it sees the first load.
std::vector<std::string> failures(const fs::path& file, const std::string& id) {
  std::vector<std::string> failed;
  for (const validate::Check& check : validate::checks()) {
    const validate::CheckResult result = validate::run_check(check.id, file, id);
    if (result.status == "passed" || result.status == "skipped") continue;
    failed.push_back(check.id);
    MESSAGE(id << " " << check.id << ": " << result.detail);
  }
  return failed;
}

}  // namespace

TEST_CASE("each bad plugin fails exactly its check [rule 23]") {
  std::vector<std::string> covered;
  for (const fs::path& file : libraries(kTestPlugins, "bad_")) {
    std::string id = file.stem().string();
    std::replace(id.begin(), id.end(), '_', '-');
    const std::string check = id.substr(4);
    CAPTURE(id);
    CHECK(failures(file, id) == std::vector<std::string>{check});
    covered.push_back(check);
  }
  for (const validate::Check& check : validate::checks()) {
    CAPTURE(check.id);
    CHECK(std::count(covered.begin(), covered.end(), check.id) == 1);
  }
}

TEST_CASE("coupled rows are seen, by their neighbours and by their order [rule 8]") {
  const auto result = [](const std::string& name) {
    std::string id = name;
    std::replace(id.begin(), id.end(), '_', '-');
    return validate::run_check("any-batch-same-rows", kTestPlugins / (name + ".so"), id);
  };
  for (const char* name : {"odd_couples_order", "odd_couples_batch", "bad_any_batch_same_rows"}) {
    CAPTURE(name);
    CHECK(result(name).status == "failed");
    CHECK(result(name).detail.find("rule 8") != std::string::npos);
  }
  CHECK(result("good_attack").status == "passed");
}

TEST_CASE("a set that teaches one class of four gets no certificate, and class-wise kernels are a poison [rule 39]") {
  const validate::CheckResult coreset =
      validate::run_check("certificate-reducer", kTestPlugins / "odd_reducers.so", "odd-forgetful");
  CHECK(coreset.status == "failed");
  CHECK(coreset.value < 0.5);
  const validate::CheckResult poison =
      validate::run_check("certificate-reducer", fs::path(ASSAY_BINARY_DIR) / "plugins/cuda.so", "cuda");
  CHECK(poison.status == "passed");
  MESSAGE(poison.detail);
}

TEST_CASE("nothing may move at eps = 0, be it less than the judge's tolerance [rule 16]") {
  const validate::CheckResult result =
      validate::run_check("attack-stays-in-threat-model", kTestPlugins / "odd_moves_at_zero.so", "odd-moves-at-zero");
  CHECK(result.status == "failed");
  CHECK(result.detail.find("rule 16") != std::string::npos);
}

TEST_CASE("an ensemble that takes a training set must learn from it") {
  const validate::CheckResult result =
      validate::run_check("certificate-ensemble", kTestPlugins / "odd_learns_nothing.so", "odd-learns-nothing");
  CHECK(result.status == "failed");
  CHECK(result.detail.find("accuracy 0.750") != std::string::npos);
}

TEST_CASE("the good plugins pass every check") {
  for (const fs::path& file : libraries(kTestPlugins, "good_")) {
    for (const Descriptor& descriptor : plugin::PluginLibrary::open(file).descriptors()) {
      CAPTURE(descriptor.id);
      CHECK(failures(file, descriptor.id).empty());
    }
  }
}

TEST_CASE("every method of the repository passes every check") {
  const std::vector<fs::path> files = libraries(fs::path(ASSAY_BINARY_DIR) / "plugins", "");
  CHECK(files.size() >= 10);
  for (const fs::path& file : files) {
    for (const Descriptor& descriptor : plugin::PluginLibrary::open(file).descriptors()) {
      CAPTURE(descriptor.id);
      CHECK(failures(file, descriptor.id).empty());
    }
  }
}

TEST_CASE("checks are listed by method and role") {
  const Json list = validate::list_checks(kTestPlugins / "good_detector.so");
  const auto has = [&list](const std::string& check) {
    const auto& items = list.as_array();
    return std::any_of(items.begin(), items.end(), [&](const Json& item) {
      return item.at("plugin").as_string() == "good-energy" && item.at("check").as_string() == check;
    });
  };
  CHECK(has("one-symbol"));
  CHECK(has("certificate-detector"));
  CHECK_FALSE(has("certificate-attack"));
  CHECK(validate::certificates_by_role().at("attack") == Json::parse(R"(["certificate-attack"])"));
  CHECK_THROWS_WITH_AS(validate::run_check("one-symbl", kTestPlugins / "good_detector.so", "good-energy"),
                       "unknown check 'one-symbl'; did you mean 'one-symbol'?", Error);
}
