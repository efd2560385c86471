// An attack that looks for the labels: prepared data that its job does not name.
#include "hostile.hpp"

namespace {

void look_for_labels() {
  std::error_code refused;
  for (const auto& entry : hostile::fs::recursive_directory_iterator(hostile::home() / "cache", refused)) {
    const std::string name = entry.path().filename();
    if (name != "truth.safetensors" && name != "manifest.json") continue;
    if (!hostile::peek(entry.path()).empty()) hostile::reached("the artifacts of others: " + name);
  }
  if (!hostile::peek(hostile::home() / "data" / "mini-fashion" / "test-labels").empty())
    hostile::reached("the labels of the test set");
}

}  // namespace

HOSTILE_ATTACK("hostile-labels", "looks for the labels", look_for_labels)
