// Values of parameters against their schema. Every branch either returns the canonical value or says what it must be.
#include "harness/record/params.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"

namespace assay {
namespace {

[[noreturn]] void refuse(const Descriptor& owner, const ParamSchema& param, const std::string& expected, const Json& found) {
  throw Error(Fault::bad_input, fmt::format("method '{}': parameter '{}' must be {}, not {}", owner.id, param.key, expected, found.dump()));
}

std::string number_text(double value) { return Json(value).dump(); }

std::string ranged(const char* kind, const ParamSchema& param) {
  const auto bound = [](double value) -> std::string {
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
    return whole ? fmt::format("{:.0f}", value) : number_text(value);
  };
  return fmt::format("{} in [{}, {}]", kind, bound(param.min), bound(param.max));
}

// The number that was written, exact where it was written as text; nullopt when it is no number.
std::optional<double> read_number(const Json& value) {
  if (value.is_number()) return value.as_real();
  if (!value.is_string()) return std::nullopt;
  const std::optional<Rational> fraction = Rational::parse(value.as_string());
  return fraction ? std::optional<double>(fraction->value()) : std::nullopt;
}

bool in_range(const ParamSchema& param, double value) { return value >= param.min && value <= param.max; }

std::optional<std::int64_t> as_integer(const Json& value) {
  if (value.is_int()) return value.as_int();
  const std::optional<double> number = read_number(value);
  // 2^53: beyond it a real no longer holds every integer.
  if (!number || *number != std::floor(*number) || std::abs(*number) > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

// A fraction keeps its reduced text, so that what is hashed is what was meant; whole numbers become reals.
Json canonical_real(const Json& value) {
  if (value.is_number()) return value.as_real();
  const Rational fraction = *Rational::parse(value.as_string());
  return fraction.den == 1 ? Json(fraction.value()) : Json(fraction.str());
}

Json expand_list(const Descriptor& owner, const ParamSchema& param, const Json& value) {
  if (!value.is_array()) refuse(owner, param, "a list", value);
  const bool typed = param.fallback.is_array() && param.fallback.size() > 0;
  const bool bounded = param.min < param.max;
  Json out = Json::array();
  for (const Json& item : value.as_array()) {
    const Json& example = typed ? param.fallback.at(std::size_t{0}) : item;
    if (example.is_int()) {
      const auto number = as_integer(item);
      if (!number || (bounded && !in_range(param, static_cast<double>(*number))))
        refuse(owner, param, bounded ? "a list of " + ranged("integers", param) : "a list of integers", value);
      out.push_back(*number);
    } else if (example.is_real()) {
      const auto number = read_number(item);
      if (!number || (bounded && !in_range(param, *number)))
        refuse(owner, param, bounded ? "a list of " + ranged("reals", param) : "a list of reals", value);
      out.push_back(canonical_real(item));
    } else {
      const bool same = (example.is_string() && item.is_string()) || (example.is_bool() && item.is_bool());
      if (!same) refuse(owner, param, "a list of items like " + example.dump(), value);
      out.push_back(item);
    }
  }
  return out;
}

Json expand_tensor(const Descriptor& owner, const ParamSchema& param, const Json& value) {
  const bool file = value.is_object() && value.size() == 2 && value.has("file") && value.has("sha256") &&
                    value.at("file").is_string() && value.at("sha256").is_string();
  if (!file && !value.is_null()) refuse(owner, param, "{\"file\": path, \"sha256\": digest} or null", value);
  return value;
}

// The short form, an id, becomes the long one.
Json expand_method(const Descriptor& owner, const ParamSchema& param, const Json& value) {
  if (value.is_null()) return value;
  if (value.is_string()) return Json::object({{"use", value}, {"params", Json(Json::Object{})}});
  const bool well_formed = value.is_object() && value.has("use") && value.at("use").is_string();
  if (!well_formed) refuse(owner, param, "a method id, {\"use\": id, \"params\": {...}} or null", value);
  Json params = value.has("params") ? value.at("params") : Json(Json::Object{});
  if (!params.is_object() || value.size() > (value.has("params") ? 2U : 1U))
    refuse(owner, param, "a method id, {\"use\": id, \"params\": {...}} or null", value);
  return Json::object({{"use", value.at("use")}, {"params", std::move(params)}});
}

Json expand_value(const Descriptor& owner, const ParamSchema& param, const Json& value) {
  if (param.type == "bool") {
    if (!value.is_bool()) refuse(owner, param, "true or false", value);
    return value;
  }
  if (param.type == "int") {
    const auto number = as_integer(value);
    if (!number || !in_range(param, static_cast<double>(*number))) refuse(owner, param, ranged("an integer", param), value);
    return *number;
  }
  if (param.type == "real") {
    const auto number = read_number(value);
    if (!number || !in_range(param, *number)) refuse(owner, param, ranged("a real", param), value);
    return canonical_real(value);
  }
  if (param.type == "text") {
    if (!value.is_string()) refuse(owner, param, "text", value);
    return value;
  }
  if (param.type == "choice") {
    const bool known = value.is_string() && std::find(param.choices.begin(), param.choices.end(), value.as_string()) != param.choices.end();
    if (!known)
      throw Error(Fault::bad_input, fmt::format("method '{}': parameter '{}' cannot be {}{}", owner.id, param.key, value.dump(),
                                                suggestion(value.is_string() ? value.as_string() : value.dump(), param.choices)));
    return value;
  }
  if (param.type == "list") return expand_list(owner, param, value);
  if (param.type == "tensor") return expand_tensor(owner, param, value);
  if (param.type == "method") return expand_method(owner, param, value);
  throw Error(Fault::bad_input, fmt::format("method '{}': parameter '{}' is declared with the unknown type '{}'", owner.id, param.key, param.type));
}

}  // namespace

Json expand_params(const Descriptor& descriptor, const Json& given) {
  Json out = Json::Object{};
  if (!given.is_null() && !given.is_object())
    throw Error(Fault::bad_input, fmt::format("method '{}': parameters must be a table, not {}", descriptor.id, given.dump()));
  if (given.is_object()) {
    std::vector<std::string> keys;
    for (const ParamSchema& param : descriptor.params) keys.push_back(param.key);
    for (const auto& [key, value] : given.as_object())
      if (!descriptor.param(key))
        throw Error(Fault::bad_input, keys.empty() ? fmt::format("method '{}': unknown parameter '{}'; it takes none", descriptor.id, key)
                                                   : fmt::format("method '{}': unknown parameter '{}'{}", descriptor.id, key, suggestion(key, keys)));
  }
  for (const ParamSchema& param : descriptor.params) {
    const bool set = given.is_object() && given.has(param.key);
    out[param.key] = expand_value(descriptor, param, set ? given.at(param.key) : param.fallback);
  }
  return out;
}

Json identity_params(const Descriptor& descriptor, const Json& expanded) {
  Json out = Json::Object{};
  for (const ParamSchema& param : descriptor.params)
    if (param.identity && expanded.has(param.key)) out[param.key] = expanded.at(param.key);
  return out;
}

double param_real(const Json& value) {
  if (const auto number = read_number(value)) return *number;
  throw Error(Fault::bad_input, fmt::format("a number or a fraction is needed, not {}", value.dump()));
}

}  // namespace assay
