#include "harness/claim/lexer.hpp"

#include <cctype>
#include <charconv>

#include "harness/base/error.hpp"

namespace assay::claim {
namespace {

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool in_name(char c) { return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> all() {
    std::vector<Token> out;
    for (;;) {
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      out.push_back(next());
      if (out.back().kind == Token::Kind::end) return out;
    }
  }

 private:
  int column() const { return static_cast<int>(at_) + 1; }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  Token next() {
    if (at_ == text_.size()) return {Token::Kind::end, "", 0, column()};
    const char c = peek();
    if (c == '\'' || c == '"') return quoted();
    const bool digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (digit || (c == '.' && std::isdigit(static_cast<unsigned char>(peek(1))) != 0)) return numeral();
    if (starts_name(c)) return word();
    return sign();
  }

  Token quoted() {
    Token token{Token::Kind::text, "", 0, column()};
    const std::size_t close = text_.find(text_[at_], at_ + 1);
    if (close == std::string_view::npos) fail_at(token.column, "text without its closing quote");
    token.text = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return token;
  }

  Token numeral() {
    Token token{Token::Kind::number, "", 0, column()};
    const char* first = text_.data() + at_;
    const auto [rest, error] = std::from_chars(first, text_.data() + text_.size(), token.number);
    if (error != std::errc()) fail_at(token.column, "expected a number, found one that is out of range");
    token.text.assign(first, rest);
    at_ += static_cast<std::size_t>(rest - first);
    if (in_name(peek())) fail_at(token.column, "expected a number, found '" + token.text + peek() + "'");
    if (peek() != '%') return token;
    ++at_;
    token.text += '%';
    token.number /= 100;
    return token;
  }

  Token word() {
    Token token{Token::Kind::name, "", 0, column()};
    while (at_ < text_.size() && in_name(text_[at_])) token.text += text_[at_++];
    return token;
  }

  Token sign() {
    Token token{Token::Kind::sign, "", 0, column()};
    for (const char* two : {"<=", ">=", "==", "!="})
      if (text_.substr(at_, 2) == two) token.text = two;
    if (token.text.empty() && std::string_view("+-*/<>=(),[]").find(peek()) != std::string_view::npos) token.text = peek();
    if (token.text.empty()) fail_at(token.column, std::string("unexpected '") + peek() + "'");
    at_ += token.text.size();
    return token;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

void fail_at(int column, const std::string& message) { bad_input("column " + std::to_string(column) + ": " + message); }

std::string Token::shown() const {
  switch (kind) {
    case Kind::name:
    case Kind::sign: return "'" + text + "'";
    case Kind::number: return "the number " + text;
    case Kind::text: return "the text '" + text + "'";
    case Kind::end: break;
  }
  return "the end";
}

std::vector<Token> tokens_of(std::string_view text) { return Lexer(text).all(); }

}  // namespace assay::claim
