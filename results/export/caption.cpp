// The protocol in one sentence, for the caption of every table and figure.
#include <fmt/format.h>

#include "results/export/chunks.hpp"
#include "results/export/sections.hpp"

namespace assay::site {
namespace {

std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

std::string task_words(const std::string& task) {
  if (task == "attack") return "Adversarial attacks";
  if (task == "detect") return "Detection of inputs from outside of the distribution";
  if (task == "compress") return "Compression of trained nets";
  if (task == "reduce") return "Training on reduced or altered sets";
  if (task == "falsify") return "Verifiers and searches for counter-examples";
  if (task == "predict") return "Predictions and their uncertainty";
  return "Task " + task;
}

std::string subject_words(const Json& protocol) {
  if (!protocol.has("subjects") || !protocol.at("subjects").is_array()) return "";
  const auto& subjects = protocol.at("subjects").as_array();
  std::string out;
  for (std::size_t i = 0; i < subjects.size() && i < 3; ++i)
    out += (i == 0 ? " on " : ", ") + subjects[i].get("id", "a model");
  if (subjects.size() > 3) out += fmt::format(" and {} more", subjects.size() - 3);
  return out;
}

std::string threat_words(const Json& protocol) {
  if (!protocol.has("threat") || !protocol.at("threat").is_object()) return "";
  const Json& threat = protocol.at("threat");
  std::string eps;
  if (threat.has("eps") && threat.at("eps").is_array())
    for (const Json& one : threat.at("eps").as_array()) eps += (eps.empty() ? "" : ", ") + text_of(one);
  return fmt::format(" ({}, {}, {}{})", threat.get("access", "access not stated"),
                     threat.get("targeted", false) ? "targeted" : "untargeted", threat.get("norm", "no norm"),
                     eps.empty() ? "" : " radius " + eps);
}

std::string data_words(const store::Store& db, const Json& protocol) {
  std::string out;
  for (const auto& [place, key] : data_keys(protocol)) {
    const auto node = db.find(key);
    std::string label = node ? node->label : key.substr(0, 12);
    if (label.rfind("prepare ", 0) == 0) label = label.substr(8);
    out += fmt::format("; {}: {}", place, label);
  }
  return out;
}

std::string build_words(const Json& build) {
  if (build.has("onnx")) return "given as ONNX, " + build.at("onnx").as_string().substr(0, 12);
  std::string out = build.get("arch", "");
  if (build.has("params") && build.at("params").has("width")) out += " (width " + text_of(build.at("params").at("width")) + ")";
  return out;
}

std::string training_words(const Json& recipe) {
  const std::string adversary = recipe.get("adversary", "none");
  std::string out = adversary == "none" ? "trained on clean inputs" : "trained against " + adversary;
  if (recipe.has("adv_eps")) out += ", eps " + text_of(recipe.at("adv_eps"));  // left out at its default
  if (recipe.has("epochs")) out += ", " + text_of(recipe.at("epochs")) + " epochs";
  return out;
}

std::string from_words(const Json& from) {
  std::string models = from.get("model", "");
  if (from.has("models"))
    for (const Json& one : from.at("models").as_array()) models += (models.empty() ? "" : ", ") + text_of(one);
  const std::int64_t members = from.get("members", std::int64_t{0});
  return from.get("method", "") + " of " + (members > 0 ? std::to_string(members) + " x " : "") + models;
}

}  // namespace

std::string net_words(const Json& protocol, const std::string& subject) {
  if (!protocol.is_object() || !protocol.has("subjects") || !protocol.at("subjects").is_array()) return "";
  for (const Json& one : protocol.at("subjects").as_array()) {
    if (one.get("id", "") != subject) continue;
    if (one.has("from")) return from_words(one.at("from"));
    std::string out = one.has("build") ? build_words(one.at("build")) : "";
    if (one.has("recipe")) out += (out.empty() ? "" : "; ") + training_words(one.at("recipe"));
    return out;
  }
  return "";
}

std::vector<std::pair<std::string, std::string>> data_keys(const Json& protocol) {
  std::vector<std::pair<std::string, std::string>> out;
  if (!protocol.is_object() || !protocol.has("data") || !protocol.at("data").is_object()) return out;
  for (const auto& [place, value] : protocol.at("data").as_object()) {
    if (value.is_string()) out.emplace_back(place, value.as_string());
    if (!value.is_array()) continue;
    for (const Json& one : value.as_array())
      if (one.is_object() && one.has("records"))
        out.emplace_back(place + " " + one.get("group", "") + " " + one.get("label", ""),
                         one.at("records").as_string());
  }
  return out;
}

std::string caption(const store::Store& db, const store::SuiteRecord& suite) {
  return task_words(suite.task) + subject_words(suite.protocol) + threat_words(suite.protocol) +
         data_words(db, suite.protocol) +
         fmt::format("; suite {} version {}, protocol {}.", suite.name, suite.version,
                     short_protocol(suite.protocol_hash));
}

}  // namespace assay::site
