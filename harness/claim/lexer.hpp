// Text of a claim as tokens with their columns. Private to harness/claim.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::claim {

[[noreturn]] void fail_at(int column, const std::string& message);

struct Token {
  enum class Kind { name, number, text, sign, end };
  Kind kind = Kind::end;
  std::string text;  // a name; digits as written; what stands between quotes; a sign such as "<="
  double number = 0;
  int column = 0;    // from 1
  std::string shown() const;  // for messages: "'<='", "the number 3", "the end"
};

// The last token is an end.
std::vector<Token> tokens_of(std::string_view text);

}  // namespace assay::claim
