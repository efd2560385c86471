// SDK descriptors: what a method says of itself, as constexpr data beside its members.
//
//   static constexpr assay::Info info{.id = "pgd", .version = "1.0.0", .summary = "...", .title = "...", .year = 2018};
//   static constexpr auto params = assay::params(
//       assay::integer("steps", &Pgd::steps, {.fallback = 10, .min = 1, .max = 1000, .doc = "steps taken"}));
//
// The host parses, defaults and checks; the SDK stores each value in the member named beside it.
#pragma once

#include <array>
#include <limits>
#include <tuple>

#include "assay/sdk/data.hpp"

namespace assay {

struct Info {
  const char* id = "";
  const char* version = "";
  const char* summary = "";
  const char* title = "";  // citation
  std::int32_t year = 0;
  const char* arxiv = "";
  std::uint64_t access = 0;  // ASSAY_ACCESS_*: asked for on the role's model slots; 0: the role's usual set
  bool deterministic = true, needs_gradients = false, thread_safe = true, batch_coupled = false, clock_bounded = false,
       transductive = false, baseline = false, iterative = false, uses_outliers = false, poison = false;
};

struct RealOptions {
  double fallback = 0, min = 0, max = 1;
  const char* doc = "";
  const char* unit = "";
  bool identity = true;
};
struct IntegerOptions {
  std::int64_t fallback = 0, min = 0, max = std::numeric_limits<std::int32_t>::max();
  const char* doc = "";
  const char* unit = "";
  bool identity = true;
};
struct FlagOptions {
  bool fallback = false;
  const char* doc = "";
  bool identity = true;
};
struct TextOptions {
  const char* fallback = "";
  const char* doc = "";
  bool identity = true;
};
struct ChoiceOptions {
  const char* fallback = "";
  std::array<const char*, 16> choices{};  // the rest stays null; at most 15
  const char* doc = "";
  bool identity = true;
};
struct ListOptions {
  const char* fallback = "[]";  // items as text: "[0.5, 1]"
  double min = 0, max = 1;      // of each item
  const char* doc = "";
  const char* unit = "";
  bool identity = true;
};

namespace sdk {

// One parameter: its schema and the member that holds it.
template <class Owner, class Member>
struct Param {
  assay_param schema;
  std::array<const char*, 16> choices;
  Member Owner::*member;
};

constexpr assay_param base_param(const char* key, assay_value fallback, const char* doc, const char* unit,
                                 bool identity) {
  assay_param param{};
  param.struct_size = sizeof(assay_param);
  param.flags = identity ? 0 : ASSAY_PARAM_NO_IDENTITY;
  param.key = key;
  param.doc = doc;
  param.unit = unit;
  param.fallback = fallback;
  return param;
}
template <class Owner, class Member>
constexpr Param<Owner, Member> numeric(assay_param param, double min, double max, Member Owner::*member) {
  param.min = min;
  param.max = max;
  return {param, {}, member};
}

inline void store(const Value& value, double& member) { member = value.real(); }
inline void store(const Value& value, std::int64_t& member) { member = value.integer(); }
inline void store(const Value& value, bool& member) { member = value.flag(); }
inline void store(const Value& value, std::string& member) { member = value.text(); }
inline void store(const Value& value, std::vector<double>& member) {
  const List list(value.object(ASSAY_LIST, "a list"));
  member.clear();
  for (std::size_t i = 0; i < list.size(); ++i) member.push_back(list.at(i).real());
}
inline void store(const Value& value, std::vector<std::int64_t>& member) {
  const List list(value.object(ASSAY_LIST, "a list"));
  member.clear();
  for (std::size_t i = 0; i < list.size(); ++i) member.push_back(list.at(i).integer());
}
inline void store(const Value& value, Tensor& member) {
  member = value.type() == ASSAY_NONE ? Tensor() : Tensor(value.object(ASSAY_TENSOR, "a tensor"));
}

}  // namespace sdk

template <class Owner>
constexpr auto real(const char* key, double Owner::*member, RealOptions o) {
  return sdk::numeric(sdk::base_param(key, {ASSAY_REAL, 0, 0, o.fallback, nullptr, nullptr}, o.doc, o.unit, o.identity),
                      o.min, o.max, member);
}
template <class Owner>
constexpr auto integer(const char* key, std::int64_t Owner::*member, IntegerOptions o) {
  return sdk::numeric(sdk::base_param(key, {ASSAY_INT, 0, o.fallback, 0, nullptr, nullptr}, o.doc, o.unit, o.identity),
                      static_cast<double>(o.min), static_cast<double>(o.max), member);
}
template <class Owner>
constexpr sdk::Param<Owner, bool> flag(const char* key, bool Owner::*member, FlagOptions o) {
  return {sdk::base_param(key, {ASSAY_BOOL, 0, o.fallback ? 1 : 0, 0, nullptr, nullptr}, o.doc, "", o.identity),
          {},
          member};
}
template <class Owner>
constexpr sdk::Param<Owner, std::string> text(const char* key, std::string Owner::*member, TextOptions o) {
  return {sdk::base_param(key, {ASSAY_TEXT, 0, 0, 0, o.fallback, nullptr}, o.doc, "", o.identity), {}, member};
}
template <class Owner>
constexpr sdk::Param<Owner, std::string> choice(const char* key, std::string Owner::*member, ChoiceOptions o) {
  return {sdk::base_param(key, {ASSAY_CHOICE, 0, 0, 0, o.fallback, nullptr}, o.doc, "", o.identity), o.choices, member};
}
template <class Owner, class Item>
constexpr sdk::Param<Owner, std::vector<Item>> list(const char* key, std::vector<Item> Owner::*member, ListOptions o) {
  auto param = sdk::numeric(sdk::base_param(key, {ASSAY_LIST, 0, 0, 0, o.fallback, nullptr}, o.doc, o.unit, o.identity),
                            o.min, o.max, member);
  param.schema.item = std::is_same_v<Item, double> ? ASSAY_REAL : ASSAY_INT;
  return param;
}
template <class Owner>
constexpr sdk::Param<Owner, Tensor> tensor(const char* key, Tensor Owner::*member, const char* doc) {
  return {sdk::base_param(key, {ASSAY_TENSOR, 0, 0, 0, "", nullptr}, doc, "", true), {}, member};
}

template <class... Params>
constexpr std::tuple<Params...> params(Params... items) {
  return {items...};
}

// Slots beyond the role's own: static constexpr auto slots = assay::slots(assay::slot("perturb", "pool", ...)); one with
// the call and name of a role's own replaces it, so that an ensemble that trains declares the training set as required:
// assay::slot("combine", "train", ASSAY_RECORDS, {.doc = "training set"}).
struct SlotOptions {
  const char* doc = "";
  bool optional = false, list = false, output = false;
  std::uint64_t access = 0;
};
constexpr assay_slot slot(const char* call, const char* name, assay_type type, SlotOptions o) {
  const auto flags = static_cast<std::uint32_t>((o.output ? ASSAY_SLOT_OUTPUT : 0) | (o.list ? ASSAY_SLOT_LIST : 0) |
                                                (o.optional ? ASSAY_SLOT_OPTIONAL : 0));
  return {sizeof(assay_slot), flags, type, 0, name, call, o.doc, o.access};
}
template <class... Slots>
constexpr std::array<assay_slot, sizeof...(Slots)> slots(Slots... items) {
  return {items...};
}

namespace sdk {

template <class T>
concept HasParams = requires {
  T::params;
};
template <class T>
concept HasSlots = requires {
  T::slots;
};

template <class T>
constexpr std::size_t param_count() {
  if constexpr (HasParams<T>) {
    return std::tuple_size_v<std::remove_cvref_t<decltype(T::params)>>;
  } else {
    return 0;
  }
}

// Completed schemas in static storage; `choices` points into T::params.
template <class T, std::size_t I>
constexpr assay_param complete_param() {
  assay_param param = std::get<I>(T::params).schema;
  if (param.fallback.type == ASSAY_CHOICE) param.choices = std::get<I>(T::params).choices.data();
  return param;
}
template <class T, std::size_t I>
inline constexpr assay_param param_entry = complete_param<T, I>();

template <class T, std::size_t... I>
constexpr std::array<const assay_param*, sizeof...(I) + 1> param_pointers(std::index_sequence<I...>) {
  return {&param_entry<T, I>..., nullptr};
}
template <class T>
inline constexpr auto param_table = param_pointers<T>(std::make_index_sequence<param_count<T>()>{});

// Fills the members from what the host passed.
template <class T, class Entry>
void bind_one(const Api& api, T& method, const Entry& entry, std::span<const assay_arg* const> args) {
  for (const assay_arg* arg : args) {
    if (std::string_view(arg->key) != entry.schema.key) continue;
    store(Value(api, arg->value, arg->key), method.*(entry.member));
    return;
  }
  fail(ASSAY_INVALID, std::string("the host passed no parameter '") + entry.schema.key + "'");
}
template <class T>
void bind_params(const Api& api, T& method, std::span<const assay_arg* const> args) {
  if constexpr (HasParams<T>) {
    std::apply([&](const auto&... entry) { (bind_one(api, method, entry, args), ...); }, T::params);
  }
}

constexpr std::uint32_t flags_of(const Info& info) {
  std::uint32_t flags = 0;
  const auto add = [&flags](bool on, std::uint32_t flag) { flags |= on ? flag : 0u; };
  add(info.deterministic, ASSAY_DETERMINISTIC);
  add(info.needs_gradients, ASSAY_NEEDS_GRADIENTS);
  add(info.thread_safe, ASSAY_THREAD_SAFE);
  add(info.batch_coupled, ASSAY_BATCH_COUPLED);
  add(info.clock_bounded, ASSAY_CLOCK_BOUNDED);
  add(info.transductive, ASSAY_TRANSDUCTIVE);
  add(info.baseline, ASSAY_BASELINE);
  add(info.iterative, ASSAY_ITERATIVE);
  add(info.uses_outliers, ASSAY_USES_OUTLIERS);
  add(info.poison, ASSAY_POISON);
  return flags;
}

}  // namespace sdk
}  // namespace assay
