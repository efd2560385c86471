// Small helpers of the plan structs.
#include "harness/record/plan.hpp"

namespace assay {

const char* node_kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::prepare: return "prepare";
    case NodeKind::train: return "train";
    case NodeKind::certify: return "certify";
    case NodeKind::cell: return "cell";
  }
  return "unknown";
}

Json Claim::to_json() const {
  Json out = Json::object({{"id", id}, {"says", says}, {"expect", expect}, {"test", test}, {"gate", gate}});
  // Left out at their defaults, so that plans recorded before these keys existed keep their digest.
  if (!given.empty()) out["given"] = given;
  if (level != 0.95) out["level"] = level;
  if (power != 0.8) out["power"] = power;
  return out;
}

bool Node::has_time_budget() const {
  return identity.is_object() && identity.has("budget") && identity.at("budget").get("seconds", 0.0) > 0;
}

const Node* Plan::find(const std::string& key) const {
  for (const Node& node : nodes)
    if (node.key == key) return &node;
  return nullptr;
}

}  // namespace assay
