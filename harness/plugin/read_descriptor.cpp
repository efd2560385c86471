#include "harness/plugin/read_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "harness/base/error.hpp"
#include "harness/plugin/values.hpp"
#include "harness/record/params.hpp"

namespace assay::plugin {
namespace {

constexpr std::array<const char*, 10> kRoles{"attack",  "detector",  "trainer",      "ensemble", "compressor",
                                             "reducer", "generator", "architecture", "searcher", "analyzer"};
constexpr std::array<std::pair<assay_type, const char*>, 14> kTypes{{{ASSAY_BOOL, "bool"},
                                                                     {ASSAY_INT, "int"},
                                                                     {ASSAY_REAL, "real"},
                                                                     {ASSAY_TEXT, "text"},
                                                                     {ASSAY_CHOICE, "choice"},
                                                                     {ASSAY_LIST, "list"},
                                                                     {ASSAY_TENSOR, "tensor"},
                                                                     {ASSAY_METHOD, "method"},
                                                                     {ASSAY_RECORDS, "records"},
                                                                     {ASSAY_MODEL, "model"},
                                                                     {ASSAY_STATE, "state"},
                                                                     {ASSAY_SPACE, "space"},
                                                                     {ASSAY_TABLE, "table"},
                                                                     {ASSAY_DOCUMENT, "document"}}};

const char* type_name(assay_type type) {
  for (const auto& [known, name] : kTypes) {
    if (known == type) return name;
  }
  return nullptr;
}

// Reads one descriptor; `where` grows as it goes down, so that a message says the path to the field.
class Reader {
 public:
  Reader(std::string where, bool check_defaults) : where_(std::move(where)), check_defaults_(check_defaults) {}

  Descriptor read(const assay_descriptor& raw) {
    if (raw.struct_size < sizeof(assay_descriptor)) refuse("struct_size is smaller than the ABI's first version");
    Descriptor result;
    result.id = text(raw.id, "id");
    if (!kebab(result.id)) refuse("id '" + result.id + "' is not kebab-case ([a-z][a-z0-9-]*)");
    where_ += " '" + result.id + "'";
    result.version = text(raw.version, "version");
    result.summary = text(raw.summary, "summary");
    if (result.version.empty()) refuse("version is empty");
    if (result.summary.empty() || result.summary.find('\n') != std::string::npos) refuse("summary must be one line");
    if (raw.citation != nullptr) {
      if (raw.citation->struct_size < sizeof(assay_citation)) refuse("citation: struct_size is too small");
      result.title = text(raw.citation->title, "citation.title");
      result.arxiv = text(raw.citation->arxiv, "citation.arxiv");
      result.year = raw.citation->year;
    }
    read_roles(raw, result);
    read_flags(raw.flags, result);
    read_params(raw, result);
    read_slots(raw, result);
    return result;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { bad_input_in(where_, why); }
  std::string text(const char* value, const char* field) const {
    if (value == nullptr) refuse(std::string(field) + " is NULL");
    return value;
  }
  static bool word(std::string_view id, char joint) {
    if (id.empty() || id[0] < 'a' || id[0] > 'z' || id.back() == joint) return false;
    return std::all_of(id.begin(), id.end(),
                       [joint](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == joint; });
  }
  static bool kebab(std::string_view id) { return word(id, '-'); }
  static bool snake(std::string_view id) { return word(id, '_'); }

  void read_roles(const assay_descriptor& raw, Descriptor& result) const {
    if (raw.roles == nullptr || *raw.roles == nullptr) refuse("it declares no role");
    for (const char* const* id = raw.roles; *id != nullptr; ++id) {
      const std::string role = role_name(*id);
      const std::vector<std::string> known(kRoles.begin(), kRoles.end());
      if (role.empty())
        refuse(std::string("unknown role '") + *id + "'; roles are assay.<role>/1" + suggestion(*id, known));
      if (result.has_role(role)) refuse("role '" + role + "' is declared twice");
      result.roles.push_back(role);
    }
  }
  static void read_flags(std::uint32_t flags, Descriptor& result) {
    const auto on = [flags](std::uint32_t flag) { return (flags & flag) != 0; };
    result.deterministic = on(ASSAY_DETERMINISTIC);
    result.needs_gradients = on(ASSAY_NEEDS_GRADIENTS);
    result.thread_safe = on(ASSAY_THREAD_SAFE);
    result.batch_coupled = on(ASSAY_BATCH_COUPLED);
    result.clock_bounded = on(ASSAY_CLOCK_BOUNDED);
    result.transductive = on(ASSAY_TRANSDUCTIVE);
    result.baseline = on(ASSAY_BASELINE);
    result.iterative = on(ASSAY_ITERATIVE);
    result.uses_outliers = on(ASSAY_USES_OUTLIERS);
    result.poison = on(ASSAY_POISON);
  }

  void read_params(const assay_descriptor& raw, Descriptor& result) {
    const std::string outer = where_;
    std::set<std::string> seen;
    for (const assay_param* const* param = raw.params; param != nullptr && *param != nullptr; ++param) {
      result.params.push_back(read_param(**param));
      if (!seen.insert(result.params.back().key).second) refuse("param is declared twice");
      where_ = outer;
    }
    if (!check_defaults_) return;
    try {
      expand_params(result, Json());
    } catch (const Error& error) {
      refuse(std::string("a default is not valid: ") + error.what());
    }
  }
  ParamSchema read_param(const assay_param& raw) {
    if (raw.struct_size < sizeof(assay_param)) refuse("param: struct_size is smaller than the ABI's first version");
    ParamSchema param;
    param.key = text(raw.key, "param key");
    where_ += ": param '" + param.key + "'";
    if (!snake(param.key)) refuse("key is not of the form [a-z][a-z0-9_]*");
    param.doc = text(raw.doc, "doc");
    if (param.doc.empty()) refuse("doc is empty");
    param.unit = raw.unit == nullptr ? "" : raw.unit;
    param.identity = (raw.flags & ASSAY_PARAM_NO_IDENTITY) == 0;
    const char* type = raw.fallback.type <= ASSAY_METHOD ? type_name(raw.fallback.type) : nullptr;
    if (type == nullptr) refuse("fallback has no parameter type");
    param.type = type;
    read_fallback(raw, param);
    return param;
  }
  void read_fallback(const assay_param& raw, ParamSchema& param) const {
    const bool numeric = param.type == "int" || param.type == "real";
    if (numeric || param.type == "list") {
      if (!std::isfinite(raw.min) || !std::isfinite(raw.max) || raw.min > raw.max)
        refuse("range must be finite and ordered");
      param.min = raw.min;
      param.max = raw.max;
    }
    if (param.type == "bool") param.fallback = raw.fallback.i != 0;
    if (param.type == "int") param.fallback = raw.fallback.i;
    if (param.type == "real") param.fallback = raw.fallback.r;
    if (param.type == "text" || param.type == "choice") param.fallback = text(raw.fallback.s, "fallback text");
    if (param.type == "list") param.fallback = list_fallback(raw);
    for (const char* const* choice = raw.choices; choice != nullptr && *choice != nullptr; ++choice) {
      param.choices.emplace_back(*choice);
    }
    if (param.type == "choice" && param.choices.size() < 2) refuse("a choice needs at least two choices");
    if (param.type != "choice" && !param.choices.empty()) refuse("only a choice has choices");
  }
  Json list_fallback(const assay_param& raw) const {
    if (raw.item != ASSAY_INT && raw.item != ASSAY_REAL && raw.item != ASSAY_TEXT)
      refuse("item type must be INT, REAL or TEXT");
    Json items = Json::parse(text(raw.fallback.s, "fallback text"), where_ + ": fallback");
    if (!items.is_array()) refuse("fallback is not a list");
    if (raw.item != ASSAY_REAL) return items;
    Json reals = Json::array();
    for (const Json& item : items.as_array()) reals.push_back(item.as_real());
    return reals;
  }

  void read_slots(const assay_descriptor& raw, Descriptor& result) const {
    for (const assay_slot* const* slot = raw.slots; slot != nullptr && *slot != nullptr; ++slot) {
      const assay_slot& from = **slot;
      if (from.struct_size < sizeof(assay_slot)) refuse("slot: struct_size is smaller than the ABI's first version");
      SlotSchema to;
      to.name = text(from.name, "slot name");
      to.call = text(from.call, "slot call");
      to.doc = from.doc == nullptr ? "" : from.doc;
      const char* type = type_name(from.type);
      if (type == nullptr || to.name.empty() || to.call.empty())
        refuse("slot '" + to.name + "': name, call or type is missing");
      to.type = type;
      to.output = (from.flags & ASSAY_SLOT_OUTPUT) != 0;
      to.list = (from.flags & ASSAY_SLOT_LIST) != 0;
      to.required = (from.flags & ASSAY_SLOT_OPTIONAL) == 0;
      to.access = access_names(from.access);
      result.slots.push_back(std::move(to));
    }
  }

  std::string where_;
  bool check_defaults_;
};

}  // namespace

std::string role_name(const std::string& id) {
  for (const char* role : kRoles) {
    if (id == role_id(role)) return role;
  }
  return "";
}
std::string role_id(const std::string& name) { return "assay." + name + "/1"; }

std::vector<Descriptor> read_descriptors(const assay_plugin& plugin, const std::filesystem::path& file,
                                         bool check_defaults) {
  if (plugin.descriptors == nullptr || *plugin.descriptors == nullptr) {
    throw Error(Fault::bad_input, file.string() + ": the plugin has no descriptor");
  }
  std::vector<Descriptor> result;
  for (const assay_descriptor* const* raw = plugin.descriptors; *raw != nullptr; ++raw) {
    result.push_back(Reader(file.string() + ": descriptor", check_defaults).read(**raw));
    const auto same = [&](const Descriptor& other) { return &other != &result.back() && other.id == result.back().id; };
    if (std::any_of(result.begin(), result.end(), same)) {
      throw Error(Fault::bad_input, file.string() + ": two descriptors have the id '" + result.back().id + "'");
    }
  }
  return result;
}

}  // namespace assay::plugin
