// What the plugin tests share: the test plugins' folder and the validator's small models and data.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>

#include "assay/plugin.h"
#include "harness/plugin/host.hpp"
#include "harness/validate/scene.hpp"

namespace world {

using namespace assay;
using plugin::Bundle;
using plugin::Instance;
using plugin::PluginError;
using plugin::PluginLibrary;

inline std::filesystem::path test_plugin(const std::string& name) {
  return std::filesystem::path(ASSAY_BINARY_DIR) / "tests/plugins" / (name + ".so");
}
inline const PluginLibrary& attack_library() {
  static const PluginLibrary library = PluginLibrary::open(test_plugin("good_attack"));
  return library;
}
inline plugin::HostContext context(plugin::Budget budget = {}) {
  plugin::HostContext made;
  made.seed = 3;
  made.budget = budget;
  made.batch = 16;
  return made;
}
inline plugin::AttackInputs attack_in(const plugin::Model& victim, std::int64_t rows = 8) {
  const validate::Scene scene = validate::rows_of(
      [] {
        validate::Scene all;
        const auto records = validate::pattern_records(16, 5);
        const auto x = records->find("input").values.as_f32();
        validate::set_inputs(all, {x.begin(), x.end()});
        return all;
      }(),
      0, rows);
  plugin::AttackInputs in;
  in.x = scene.x;
  in.y = scene.y;
  in.ids = scene.ids;
  in.victims = {victim};
  in.eps = 0.1;
  return in;
}
inline plugin::Model victim(plugin::Access access = plugin::kWhiteBox) {
  return plugin::Model(validate::random_net(1), access, "victim", 16);
}
// The message of the Error that `body` throws, "" when none.
template <class Body>
std::string message_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace world
