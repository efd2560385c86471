// Plugin descriptors to and from JSON.
#include "harness/record/descriptor.hpp"

#include <algorithm>

#include "harness/record/fields.hpp"

namespace assay {
namespace {

using record_detail::Fields;

Json param_json(const ParamSchema& param) {
  Json json = Json::object({{"key", param.key},
                            {"doc", param.doc},
                            {"unit", param.unit},
                            {"type", param.type},
                            {"fallback", param.fallback},
                            {"min", param.min},
                            {"max", param.max},
                            {"choices", param.choices},
                            {"identity", param.identity}});
  if (!param.silent_at.is_null()) json["silent_at"] = param.silent_at;
  return json;
}

ParamSchema read_param(const Json& json, const std::string& origin) {
  ParamSchema param;
  Fields fields(json, origin);
  fields.required("key", param.key);
  fields.optional("doc", param.doc);
  fields.optional("unit", param.unit);
  fields.required("type", param.type);
  fields.optional("fallback", param.fallback);
  fields.optional("min", param.min);
  fields.optional("max", param.max);
  fields.optional("choices", param.choices);
  fields.optional("identity", param.identity);
  fields.optional("silent_at", param.silent_at);
  fields.finish();
  return param;
}

Json slot_json(const SlotSchema& slot) {
  return Json::object({{"name", slot.name},
                       {"call", slot.call},
                       {"type", slot.type},
                       {"doc", slot.doc},
                       {"output", slot.output},
                       {"list", slot.list},
                       {"required", slot.required},
                       {"access", slot.access}});
}

SlotSchema read_slot(const Json& json, const std::string& origin) {
  SlotSchema slot;
  Fields fields(json, origin);
  fields.required("name", slot.name);
  fields.required("call", slot.call);
  fields.required("type", slot.type);
  fields.optional("doc", slot.doc);
  fields.optional("output", slot.output);
  fields.optional("list", slot.list);
  fields.optional("required", slot.required);
  fields.optional("access", slot.access);
  fields.finish();
  return slot;
}

// The flags by name, so that to_json and from_json cannot drift apart.
struct Flag {
  const char* name;
  bool Descriptor::*member;
};
constexpr Flag flags[] = {
    {"deterministic", &Descriptor::deterministic}, {"needs_gradients", &Descriptor::needs_gradients},
    {"thread_safe", &Descriptor::thread_safe},     {"batch_coupled", &Descriptor::batch_coupled},
    {"clock_bounded", &Descriptor::clock_bounded}, {"transductive", &Descriptor::transductive},
    {"baseline", &Descriptor::baseline},           {"iterative", &Descriptor::iterative},
    {"uses_outliers", &Descriptor::uses_outliers}, {"poison", &Descriptor::poison},
};

}  // namespace

bool Descriptor::has_role(const std::string& role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

const ParamSchema* Descriptor::param(const std::string& key) const {
  for (const ParamSchema& one : params)
    if (one.key == key) return &one;
  return nullptr;
}

bool Descriptor::requires_slot(const std::string& call, const std::string& name) const {
  for (const SlotSchema& slot : slots)
    if (!slot.output && slot.required && slot.call == call && slot.name == name) return true;
  return false;
}

Json Descriptor::to_json() const {
  Json json = Json::object({{"id", id},
                            {"version", version},
                            {"summary", summary},
                            {"title", title},
                            {"arxiv", arxiv},
                            {"year", year},
                            {"roles", roles},
                            {"path", path},
                            {"sha256", sha256}});
  for (const Flag& flag : flags) json[flag.name] = this->*flag.member;
  json["params"] = json["slots"] = Json::array();
  for (const ParamSchema& one : params) json["params"].push_back(param_json(one));
  for (const SlotSchema& one : slots) json["slots"].push_back(slot_json(one));
  return json;
}

Descriptor Descriptor::from_json(const Json& json) {
  Descriptor descriptor;
  Fields fields(json, "descriptor '" + (json.is_object() ? json.get("id", "?") : "?") + "'");
  fields.required("id", descriptor.id);
  fields.required("version", descriptor.version);
  fields.optional("summary", descriptor.summary);
  fields.optional("title", descriptor.title);
  fields.optional("arxiv", descriptor.arxiv);
  fields.optional("year", descriptor.year);
  fields.required("roles", descriptor.roles);
  fields.optional("path", descriptor.path);
  fields.optional("sha256", descriptor.sha256);
  for (const Flag& flag : flags) fields.optional(flag.name, descriptor.*flag.member);
  fields.each("params",
              [&](const Json& item, const std::string& origin) { descriptor.params.push_back(read_param(item, origin)); });
  fields.each("slots",
              [&](const Json& item, const std::string& origin) { descriptor.slots.push_back(read_slot(item, origin)); });
  fields.finish();
  return descriptor;
}

}  // namespace assay
