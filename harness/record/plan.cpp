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
  return Json::object({{"id", id}, {"says", says}, {"expect", expect}, {"test", test}, {"gate", gate}});
}

const Node* Plan::find(const std::string& key) const {
  for (const Node& node : nodes)
    if (node.key == key) return &node;
  return nullptr;
}

}  // namespace assay
