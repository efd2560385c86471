// Exact rationals for parameters such as eps = "8/255": what is hashed is the fraction, not a rounded double.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

struct Rational {
  std::int64_t num = 0, den = 1;  // reduced, den > 0
  double value() const { return static_cast<double>(num) / static_cast<double>(den); }
  std::string str() const;  // "8/255", or "3" when den is 1
  bool operator==(const Rational&) const = default;
  // Accepts "8/255", "-3", "0.1", "1e-3" (a decimal becomes an exact fraction). nullopt when malformed or out of range.
  static std::optional<Rational> parse(std::string_view text);
};

}  // namespace assay
