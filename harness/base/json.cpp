// The JSON value: typed access, canonical text. The parser is in json_parse.cpp.
#include "harness/base/json.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "harness/base/error.hpp"

namespace assay {

Json::Json() = default;
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

namespace {

const char* kind_of(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "a boolean";
  if (value.is_int()) return "an integer";
  if (value.is_real()) return "a real number";
  if (value.is_string()) return "a string";
  return value.is_array() ? "an array" : "an object";
}

[[noreturn]] void mismatch(const Json& value, const char* wanted) {
  throw Error(Fault::bad_input, std::string("expected ") + wanted + ", found " + kind_of(value));
}

// Repeats an error with the key in front, so that nested reads name their place.
template <class Read>
auto named(std::string_view key, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(error.fault(), "key '" + std::string(key) + "': " + error.what());
  }
}

std::string real_text(double value) {
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";  // stays a real when read back
  return text;
}

// Length of the valid UTF-8 sequence at the front of `text`, 0 when it is malformed.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool too_high = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || too_high ? 0 : length;
}

void put_escape(std::string& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(c);
  out += "\\u00";
  out += digits[code >> 4];
  out += digits[code & 15U];
}

// Malformed UTF-8 (a plugin's log, say) becomes U+FFFD, so that every dump can be parsed again.
void put_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const auto c = static_cast<unsigned char>(text.front());
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else if (length == 1 && (c < 0x20 || c == '"' || c == '\\'))
      put_escape(out, text.front());
    else
      out += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

class Dumper {
 public:
  explicit Dumper(int indent) : indent_(indent) {}

  void put(const Json& value, int depth) {
    if (value.is_null()) out_ += "null";
    if (value.is_bool()) out_ += value.as_bool() ? "true" : "false";
    if (value.is_int()) out_ += std::to_string(value.as_int());
    if (value.is_real()) out_ += real_text(value.as_real());
    if (value.is_string()) put_string(out_, value.as_string());
    if (value.is_array()) put_array(value.as_array(), depth);
    if (value.is_object()) put_object(value.as_object(), depth);
  }
  std::string take() { return std::move(out_); }

 private:
  void put_array(const Json::Array& items, int depth) {
    out_ += '[';
    bool first = true;
    for (const Json& item : items) {
      separate(first, depth + 1);
      put(item, depth + 1);
    }
    if (!items.empty()) new_line(depth);
    out_ += ']';
  }

  void put_object(const Json::Object& items, int depth) {
    out_ += '{';
    bool first = true;
    for (const auto& [key, item] : items) {
      separate(first, depth + 1);
      put_string(out_, key);
      out_ += indent_ < 0 ? ":" : ": ";
      put(item, depth + 1);
    }
    if (!items.empty()) new_line(depth);
    out_ += '}';
  }

  void separate(bool& first, int depth) {
    if (!first) out_ += ',';
    first = false;
    new_line(depth);
  }

  void new_line(int depth) {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<std::size_t>(indent_) * static_cast<std::size_t>(depth), ' ');
  }

  int indent_;
  std::string out_;
};

}  // namespace

bool Json::as_bool() const {
  if (!is_bool()) mismatch(*this, "a boolean");
  return std::get<bool>(value_);
}

std::int64_t Json::as_int() const {
  if (!is_int()) mismatch(*this, "an integer");
  return std::get<std::int64_t>(value_);
}

double Json::as_real() const {
  if (is_real()) return std::get<double>(value_);
  if (is_int()) return static_cast<double>(std::get<std::int64_t>(value_));
  if (is_string()) {
    const std::string& text = std::get<std::string>(value_);
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
  }
  mismatch(*this, "a number");
}

const std::string& Json::as_string() const {
  if (!is_string()) mismatch(*this, "a string");
  return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
  if (!is_array()) mismatch(*this, "an array");
  return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
  if (!is_object()) mismatch(*this, "an object");
  return std::get<Object>(value_);
}

Json::Array& Json::array_ref() {
  if (is_null()) value_ = Array{};
  if (!is_array()) mismatch(*this, "an array");
  return std::get<Array>(value_);
}

Json::Object& Json::object_ref() {
  if (is_null()) value_ = Object{};
  if (!is_object()) mismatch(*this, "an object");
  return std::get<Object>(value_);
}

bool Json::has(std::string_view key) const {
  return is_object() && std::get<Object>(value_).count(std::string(key)) > 0;
}

const Json& Json::at(std::string_view key) const {
  const Object& object = as_object();
  const auto found = object.find(std::string(key));
  if (found != object.end()) return found->second;
  std::vector<std::string> keys;
  for (const auto& [name, value] : object) keys.push_back(name);
  throw Error(Fault::bad_input, "key '" + std::string(key) + "' is missing" + suggestion(key, keys));
}

const Json& Json::at(std::size_t index) const {
  const Array& array = as_array();
  if (index >= array.size())
    throw Error(Fault::bad_input,
                "index " + std::to_string(index) + " is outside an array of " + std::to_string(array.size()));
  return array[index];
}

std::string Json::get(std::string_view key, const char* fallback) const { return get(key, std::string(fallback)); }

std::string Json::get(std::string_view key, const std::string& fallback) const {
  if (!has(key) || at(key).is_null()) return fallback;
  return named(key, [&] { return at(key).as_string(); });
}

std::int64_t Json::get(std::string_view key, std::int64_t fallback) const {
  if (!has(key) || at(key).is_null()) return fallback;
  return named(key, [&] { return at(key).as_int(); });
}

double Json::get(std::string_view key, double fallback) const {
  if (!has(key) || at(key).is_null()) return fallback;
  return named(key, [&] { return at(key).as_real(); });
}

bool Json::get(std::string_view key, bool fallback) const {
  if (!has(key) || at(key).is_null()) return fallback;
  return named(key, [&] { return at(key).as_bool(); });
}

std::size_t Json::size() const {
  if (is_array()) return std::get<Array>(value_).size();
  return is_object() ? std::get<Object>(value_).size() : 0;
}

std::string Json::dump(int indent) const {
  Dumper dumper(indent);
  dumper.put(*this, 0);
  return dumper.take();
}

}  // namespace assay
