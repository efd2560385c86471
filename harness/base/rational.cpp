// Parsing and printing of exact fractions. Every overflow is detected, none wraps.
#include "harness/base/rational.hpp"

#include <charconv>
#include <limits>
#include <numeric>

namespace assay {
namespace {

std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  if (!text.empty() && text.front() == '+') return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<Rational> reduced(std::int64_t num, std::int64_t den) {
  constexpr std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
  if (den == 0 || num == lowest || den == lowest) return std::nullopt;
  if (den < 0) num = -num, den = -den;
  const std::int64_t divisor = std::gcd(num, den);
  return Rational{num / divisor, den / divisor};
}

// [+-] digits [. digits] [e [+-] digits], with at least one digit in the mantissa.
std::optional<Rational> parse_decimal(std::string_view text) {
  std::int64_t exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    const auto parsed = parse_integer(text.substr(e + 1));
    if (!parsed || *parsed > 400 || *parsed < -400) return std::nullopt;
    exponent = *parsed;
    text = text.substr(0, e);
  }
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  std::int64_t num = 0, den = 1;
  bool digits = false, point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    digits = true;
    if (__builtin_mul_overflow(num, std::int64_t{10}, &num) || __builtin_add_overflow(num, c - '0', &num))
      return std::nullopt;
    if (point) --exponent;
  }
  if (!digits) return std::nullopt;
  for (; exponent < 0 && num % 10 == 0 && num != 0; ++exponent) num /= 10;
  if (num == 0) return Rational{};
  for (; exponent > 0; --exponent)
    if (__builtin_mul_overflow(num, std::int64_t{10}, &num)) return std::nullopt;
  for (; exponent < 0; ++exponent)
    if (__builtin_mul_overflow(den, std::int64_t{10}, &den)) return std::nullopt;
  return reduced(negative ? -num : num, den);
}

}  // namespace

std::string Rational::str() const {
  return den == 1 ? std::to_string(num) : std::to_string(num) + "/" + std::to_string(den);
}

std::optional<Rational> Rational::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return parse_decimal(text);
  const auto num = parse_integer(text.substr(0, slash));
  const auto den = parse_integer(text.substr(slash + 1));
  if (!num || !den) return std::nullopt;
  return reduced(*num, *den);
}

}  // namespace assay
