// The one place that knows nlohmann-json: its event parser builds our value, with a bound on depth and no duplicate keys.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "harness/base/error.hpp"
#include "harness/base/json.hpp"

namespace assay {
namespace {

constexpr std::size_t max_depth = 200;  // far beyond any real document; keeps recursion off the stack's end

class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(Json(value)); }
  bool number_integer(number_integer_t value) override { return add(Json(static_cast<std::int64_t>(value))); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max()))
      return fail("integer " + std::to_string(value) + " does not fit 64 signed bits");
    return add(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == string_t::npos) return fail("integer " + text + " does not fit 64 signed bits");
    return add(Json(value));
  }
  bool string(string_t& value) override { return add(Json(std::move(value))); }
  bool binary(binary_t&) override { return fail("binary value"); }
  bool start_object(std::size_t) override { return open(Json(Json::Object{})); }
  bool start_array(std::size_t) override { return open(Json(Json::Array{})); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (open_.back().value.has(value)) return fail("duplicate key '" + value + "'");
    open_.back().key = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    position_ = position;
    const std::string text = error.what();
    const auto column = text.find("column ");
    const auto colon = column == std::string::npos ? column : text.find(": ", column);
    const auto bracket = text.find("] ");
    if (colon != std::string::npos) return fail(text.substr(colon + 2));
    return fail(bracket == std::string::npos ? text : text.substr(bracket + 2));
  }

  Json root;
  std::string problem;
  std::size_t position_ = 0;  // bytes read at the error, 0 when the parser did not say

 private:
  struct Level {
    Json value;
    std::string key;
  };

  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }

  bool add(Json value) {
    if (open_.empty()) {
      root = std::move(value);
      return true;
    }
    Level& level = open_.back();
    if (level.value.is_array())
      level.value.push_back(std::move(value));
    else
      level.value[level.key] = std::move(value);
    return true;
  }

  bool open(Json empty) {
    if (open_.size() >= max_depth) return fail("nested deeper than " + std::to_string(max_depth) + " levels");
    open_.push_back({std::move(empty), {}});
    return true;
  }

  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  std::vector<Level> open_;
};

// Counts the bytes the parser has taken, so that our own refusals know their place too.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  std::size_t* taken;
  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*taken;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

}  // namespace

Json Json::parse(std::string_view text, std::string_view origin) {
  Builder builder;
  std::size_t taken = 0;
  const CountingIterator begin{text.data(), &taken}, end{text.data() + text.size(), &taken};
  if (nlohmann::json::sax_parse(begin, end, &builder)) return std::move(builder.root);
  const std::size_t position = std::min(builder.position_ > 0 ? builder.position_ : taken, text.size() + 1);
  const std::string_view before = text.substr(0, position > 0 ? position - 1 : 0);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const auto start = before.rfind('\n');
  const std::size_t column = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
  throw Error(Fault::bad_input, std::string(origin) + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
                                    builder.problem);
}

}  // namespace assay
