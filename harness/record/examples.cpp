#include "harness/record/examples.hpp"

#include <cmath>

#include "harness/base/error.hpp"

namespace assay {
namespace {

constexpr const char* format_name = "examples";
constexpr std::int64_t format_version = 1;

using Plane = std::vector<std::uint8_t> Example::*;
constexpr std::pair<const char*, Plane> planes[] = {
    {"clean", &Example::clean}, {"perturbed", &Example::perturbed}, {"difference", &Example::difference}};
using Whole = std::int64_t Example::*;
constexpr std::pair<const char*, Whole> wholes[] = {
    {"id", &Example::id}, {"label", &Example::label}, {"predicted", &Example::predicted}};
using Real = double Example::*;
constexpr std::pair<const char*, Real> reals[] = {
    {"distance", &Example::distance}, {"margin", &Example::margin}, {"scale", &Example::scale}};

template <class Span>
Span checked(Span values, std::size_t expected, const std::string& where, const char* name) {
  if (values.size() != expected)
    bad_input_in(where, std::string("array '") + name + "' holds " + std::to_string(values.size()) +
                            " values, expected " + std::to_string(expected));
  return values;
}

void check_size(const Examples& set, const std::string& where) {
  const bool colours = set.channels == 1 || set.channels == 3;
  const bool sides = set.height > 0 && set.width > 0 && set.height <= most_example_pixels &&
                     set.width <= most_example_pixels && set.height * set.width <= most_example_pixels;
  if (!colours || !sides) bad_input_in(where, "the pictures have a size that is none");
}

}  // namespace

Container Examples::to_container() const {
  check_size(*this, "examples");
  const auto n = static_cast<std::int64_t>(items.size());
  Container out;
  out.metadata = Json::object({{"format", format_name},
                               {"version", format_version},
                               {"condition", condition},
                               {"norm", norm},
                               {"rule", rule},
                               {"shape", Json(Json::Array{channels, height, width})}});
  for (const auto& [name, member] : wholes) {
    std::vector<std::int64_t> values;
    for (const Example& one : items) values.push_back(one.*member);
    out.arrays[name] = Array::i64({n}, values);
  }
  for (const auto& [name, member] : reals) {
    std::vector<double> values;
    for (const Example& one : items) values.push_back(one.*member);
    out.arrays[name] = Array::f64({n}, values);
  }
  std::vector<std::uint8_t> broken;
  for (const Example& one : items) broken.push_back(one.broken ? 1 : 0);
  out.arrays["broken"] = Array::u8({n}, broken);
  for (const auto& [name, member] : planes) {
    std::vector<std::uint8_t> values;
    for (const Example& one : items) {
      checked(std::span(one.*member), static_cast<std::size_t>(this->values()), "examples", name);
      values.insert(values.end(), (one.*member).begin(), (one.*member).end());
    }
    out.arrays[name] = Array::u8({n, channels, height, width}, values);
  }
  return out;
}

Examples Examples::from_container(const Container& container, const std::string& where) {
  const Json& head = container.metadata;
  if (!head.is_object() || head.get("format", "") != format_name || head.get("version", 0) != format_version)
    bad_input_in(where, "is no set of examples of version " + std::to_string(format_version));
  Examples set;
  set.condition = head.get("condition", "");
  set.norm = head.get("norm", "");
  set.rule = head.get("rule", "");
  const Json& shape = head.at("shape");
  if (!shape.is_array() || shape.size() != 3) bad_input_in(where, "'shape' is not channels, height and width");
  set.channels = shape.at(std::size_t{0}).as_int();
  set.height = shape.at(std::size_t{1}).as_int();
  set.width = shape.at(std::size_t{2}).as_int();
  check_size(set, where);
  const auto n = container.at("id").as_i64().size();
  set.items.resize(n);
  for (const auto& [name, member] : wholes) {
    const auto from = checked(container.at(name).as_i64(), n, where, name);
    for (std::size_t i = 0; i < n; ++i) set.items[i].*member = from[i];
  }
  for (const auto& [name, member] : reals) {
    const auto from = checked(container.at(name).as_f64(), n, where, name);
    for (std::size_t i = 0; i < n; ++i) set.items[i].*member = from[i];
  }
  const auto broken = checked(container.at("broken").as_u8(), n, where, "broken");
  for (std::size_t i = 0; i < n; ++i) set.items[i].broken = broken[i] != 0;
  const auto size = static_cast<std::size_t>(set.values());
  for (const auto& [name, member] : planes) {
    const auto from = checked(container.at(name).as_u8(), n * size, where, name);
    for (std::size_t i = 0; i < n; ++i) {
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(i * size);
      (set.items[i].*member).assign(begin, begin + static_cast<std::ptrdiff_t>(size));
    }
  }
  return set;
}

}  // namespace assay
