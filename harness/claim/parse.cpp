// Recursive descent over the grammar of README.md.
#include <algorithm>
#include <set>

#include "harness/base/error.hpp"
#include "harness/claim/claim.hpp"
#include "harness/claim/functions.hpp"
#include "harness/claim/lexer.hpp"

namespace assay::claim {
namespace {

constexpr int deepest = 100;  // of nested brackets: a claim is written by hand, a stack is finite

// The arguments of one call, before it is known what the function makes of them.
struct Call {
  const Function* function = nullptr;
  int column = 0;
  std::string name;  // the metric or axis that stands first, "" when an expression does
  int name_column = 0;
  Expr out;          // args, filters, options
};

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)) {}

  Expr claim() {
    Expr out = either();
    if (peek().kind != Token::Kind::end) fail_at(peek().column, "expected an operator or the end, found " + peek().shown());
    return statement(std::move(out), "such as mean(accuracy, method='a') >= 0.9");
  }

 private:
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is(const char* text, std::size_t ahead = 0) const {
    const Token& token = peek(ahead);
    return (token.kind == Token::Kind::sign || token.kind == Token::Kind::name) && token.text == text;
  }
  bool take(const char* text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  void need(const char* text) {
    if (!take(text)) fail_at(peek().column, std::string("expected '") + text + "', found " + peek().shown());
  }

  static Expr statement(Expr e, const std::string& example) {
    if (!e.is_statement()) fail_at(e.column, "expected a statement that is true or false, " + example + "; found a number");
    return e;
  }
  static Expr numeric(Expr e) {
    if (e.is_statement()) fail_at(e.column, "expected a number, found a statement that is true or false");
    return e;
  }
  static Expr join(Op op, Expr a, Expr b) {
    Expr out;
    out.op = op;
    out.column = a.column;
    out.args.push_back(std::move(a));
    out.args.push_back(std::move(b));
    return out;
  }
  static Expr wrap(Op op, int column, Expr a) {
    Expr out;
    out.op = op;
    out.column = column;
    out.args.push_back(std::move(a));
    return out;
  }
  static Expr constant(double value, int column) {
    Expr out;
    out.number = value;
    out.column = column;
    return out;
  }

  Expr either() {
    Expr left = both();
    while (take("or")) {
      left = statement(std::move(left), "on both sides of 'or'");
      left = join(Op::either, std::move(left), statement(both(), "on both sides of 'or'"));
    }
    return left;
  }
  Expr both() {
    Expr left = negation();
    while (take("and")) {
      left = statement(std::move(left), "on both sides of 'and'");
      left = join(Op::both, std::move(left), statement(negation(), "on both sides of 'and'"));
    }
    return left;
  }
  Expr negation() {
    const int column = peek().column;
    if (!take("not")) return comparison();
    const Nested guard(*this);
    return wrap(Op::negation, column, statement(negation(), "behind 'not'"));
  }

  bool relation_sign(Op& op) {
    static const std::vector<std::pair<const char*, Op>> signs = {{"<=", Op::less_equal}, {">=", Op::greater_equal},
                                                                  {"==", Op::equal},      {"!=", Op::not_equal},
                                                                  {"<", Op::less},        {">", Op::greater}};
    if (is("=")) fail_at(peek().column, "expected a comparison, found '='; did you mean '=='?");
    for (const auto& [sign, found] : signs)
      if (take(sign)) {
        op = found;
        return true;
      }
    return false;
  }

  // 0.1 < x <= 0.2 is both.
  Expr comparison() {
    Expr left = sum();
    Op op;
    if (!relation_sign(op)) return left;
    Expr right = numeric(sum());
    Expr out = join(op, numeric(std::move(left)), right);
    if (!relation_sign(op)) return out;
    return join(Op::both, std::move(out), join(op, std::move(right), numeric(sum())));
  }

  Expr sum() {
    Expr left = product();
    while (is("+") || is("-")) {
      const Op op = take("+") ? Op::add : (take("-"), Op::subtract);
      left = join(op, numeric(std::move(left)), numeric(product()));
    }
    return left;
  }
  Expr product() {
    Expr left = unary();
    while (is("*") || is("/")) {
      const Op op = take("*") ? Op::multiply : (take("/"), Op::divide);
      left = join(op, numeric(std::move(left)), numeric(unary()));
    }
    return left;
  }
  Expr unary() {
    const int column = peek().column;
    if (!take("-")) return atom();
    const Nested guard(*this);
    return wrap(Op::negate, column, numeric(unary()));
  }

  Expr atom() {
    const Token token = peek();
    if (token.kind == Token::Kind::number) {
      ++at_;
      return constant(token.number, token.column);
    }
    if (take("(")) {
      const Nested guard(*this);
      Expr inner = either();
      need(")");
      return inner;
    }
    if (token.kind != Token::Kind::name)
      fail_at(token.column, "expected a number, a function or '(', found " + token.shown());
    if (is("(", 1)) return call();
    ++at_;
    return variable(token);
  }

  Expr variable(const Token& token) const {
    if (scope_.count(token.text) == 0) {
      const bool known = find_function(token.text) != nullptr;
      fail_at(token.column, "'" + token.text + "' is no number here; expected " +
                                (known ? "'(' behind a function" : "a function such as mean(" + token.text + ", ...), or an axis inside of all(axis, ...) and its like"));
    }
    Expr out;
    out.op = Op::variable;
    out.column = token.column;
    out.name = token.text;
    return out;
  }

  // --- calls ---

  Expr call() {
    const Nested guard(*this);
    Call call;
    const Token head = peek();
    call.column = head.column;
    call.function = find_function(head.text);
    if (call.function == nullptr) fail_at(head.column, "unknown function '" + head.text + "'" + suggestion(head.text, function_names()));
    at_ += 2;
    const bool bare = peek().kind == Token::Kind::name && (is(",", 1) || is(")", 1) || peek(1).kind == Token::Kind::end) && scope_.count(peek().text) == 0;
    const bool fresh = scope_.insert(bare ? peek().text : "").second;
    if (bare) {
      call.name = peek().text;
      call.name_column = peek().column;
      ++at_;
    }
    arguments(call, bare);
    if (fresh) scope_.erase(call.name);
    return finish(std::move(call));
  }

  void arguments(Call& call, bool bare) {
    bool first = !bare;
    while (!is(")")) {
      if (!first && !take(",")) fail_at(peek().column, "expected ',' or ')', found " + peek().shown());
      first = false;
      if (peek().kind == Token::Kind::name && is("=", 1))
        keyed(call);
      else
        positional(call);
    }
    need(")");
  }

  void positional(Call& call) {
    if (!call.out.filters.empty() || !call.out.options.empty())
      fail_at(peek().column, "expected key='value', found an expression; expressions stand before filters");
    call.out.args.push_back(either());
  }

  void keyed(Call& call) {
    const Token key = peek();
    at_ += 2;
    static const std::set<std::string> options = {"margin", "slack", "q"};
    if (options.count(key.text) > 0) {
      option(call, key);
      return;
    }
    for (const Filter& earlier : call.out.filters)
      if (earlier.key == key.text) fail_at(key.column, "'" + key.text + "' stands twice; alternatives are a list, " + key.text + "=['a', 'b']");
    Filter filter{key.text, {}, key.column};
    if (take("[")) {
      do filter.values.push_back(value());
      while (take(","));
      need("]");
    } else {
      filter.values.push_back(value());
    }
    call.out.filters.push_back(std::move(filter));
  }

  void option(Call& call, const Token& key) {
    const double sign = take("-") ? -1 : 1;
    const Token token = peek();
    if (token.kind != Token::Kind::number) fail_at(token.column, "expected a number behind '" + key.text + "=', found " + token.shown());
    ++at_;
    double amount = sign * token.number;
    if (take("/")) {
      const Token below = peek();
      if (below.kind != Token::Kind::number || below.number == 0) fail_at(below.column, "expected a number behind '/', found " + below.shown());
      ++at_;
      amount /= below.number;
    }
    const bool fine = key.text == "q" ? amount >= 0 && amount <= 1 : amount >= 0;
    if (!fine) fail_at(token.column, "expected a number " + std::string(key.text == "q" ? "from 0 to 1" : "of at least 0") + " behind '" + key.text + "='");
    call.out.options[key.text] = amount;
  }

  std::string value() {
    const Token token = peek();
    if (token.kind == Token::Kind::text || (token.kind == Token::Kind::number && token.text.back() != '%')) {
      ++at_;
      return token.text;
    }
    fail_at(token.column, "expected a quoted value, found " + token.shown());
  }

  // --- what a call is ---

  Expr finish(Call call) const {
    call.out.column = call.column;
    call.out.function = call.function->name;
    call.out.name = call.name;
    call.out.name_column = call.name_column;
    check_options(call);
    const Function& f = *call.function;
    if (f.margin) return margin(std::move(call));
    if (call.name.empty()) return scalar(std::move(call));
    if (call.out.args.empty()) return measure(std::move(call));
    return over_axis(std::move(call));
  }

  static void check_options(const Call& call) {
    const std::string& name = call.function->name;
    for (const auto& [key, amount] : call.out.options) {
      const bool fits = key == "margin" ? call.function->margin : key == "slack" ? name == "increasing" || name == "decreasing" : name == "quantile";
      if (!fits) fail_at(call.column, "'" + name + "' takes no '" + key + "='");
    }
    if (name == "quantile" && call.out.options.count("q") == 0) fail_at(call.column, "'quantile' needs q=, from 0 to 1");
  }

  static std::string usage(const Function& f) {
    std::vector<std::string> ways;
    if (f.measure) ways.push_back(f.name + "(metric, method='a')");
    if (f.aggregate) ways.push_back(f.name + "(axis, number)");
    if (f.counts || f.quantifier) ways.push_back(f.name + "(axis, statement)");
    if (f.shape) ways.push_back(f.name + "(axis, number)");
    if (f.relation && f.least == 1) ways.push_back(f.name + "(axis, y)");
    if (f.relation) ways.push_back(f.name == "crossing" ? "crossing(axis, y, level)" : f.name + "(axis, x, y)");
    if (f.scalar) ways.push_back(f.name + (f.most > 1 ? "(number, number, ...)" : "(number)"));
    std::string all;
    for (const std::string& way : ways) all += (all.empty() ? "" : " or ") + way;
    return "expected " + all;
  }

  static Expr scalar(Call call) {
    const Function& f = *call.function;
    const int n = static_cast<int>(call.out.args.size());
    if (!f.scalar || n < f.least || n > f.most) fail_at(call.column, usage(f));
    if (!call.out.filters.empty()) fail_at(call.out.filters[0].column, "filters stand in the functions of a metric; " + usage(f));
    for (Expr& arg : call.out.args) arg = numeric(std::move(arg));
    call.out.op = Op::function;
    return std::move(call.out);
  }

  static Expr measure(Call call) {
    if (!call.function->measure) fail_at(call.name_column, usage(*call.function) + ", found only '" + call.name + "'");
    const bool rank = call.function->name == "rank";
    if (rank && std::none_of(call.out.filters.begin(), call.out.filters.end(), [](const Filter& f) { return f.key == "method" && f.values.size() == 1; }))
      fail_at(call.column, "'rank' needs the method whose rank it is: rank(metric, method='a')");
    call.out.op = rank ? Op::rank : Op::measure;
    return std::move(call.out);
  }

  static Expr over_axis(Call call) {
    const Function& f = *call.function;
    const int n = static_cast<int>(call.out.args.size());
    const bool wants_statement = f.counts || f.quantifier;
    const bool fits = f.relation ? n >= f.least && n <= f.most : (f.aggregate || f.counts || f.shape || f.quantifier) && n == 1;
    if (!fits) fail_at(call.column, usage(f));
    for (Expr& arg : call.out.args)
      arg = wants_statement ? statement(std::move(arg), "as in " + f.name + "(" + call.name + ", a < b)") : numeric(std::move(arg));
    call.out.op = f.relation ? Op::relation : f.shape ? Op::shape : f.quantifier ? (f.name == "all" ? Op::all : Op::any) : Op::aggregate;
    return std::move(call.out);
  }

  // equivalent(a, b, margin=m) is -m < a - b and a - b < m: two one-sided tests.
  static Expr margin(Call call) {
    const auto found = call.out.options.find("margin");
    if (!call.name.empty() || call.out.args.size() != 2 || found == call.out.options.end() || !call.out.filters.empty())
      fail_at(call.column, "expected " + call.function->name + "(number, number, margin=0.01)");
    for (Expr& arg : call.out.args) arg = numeric(std::move(arg));
    if (call.function->name == "noninferior") {
      call.out.op = Op::noninferior;
      return std::move(call.out);
    }
    const Expr difference = join(Op::subtract, call.out.args[0], call.out.args[1]);
    Expr out = join(Op::both, join(Op::greater, difference, constant(-found->second, call.column)),
                    join(Op::less, difference, constant(found->second, call.column)));
    out.column = call.column;
    return out;
  }

  struct Nested {
    explicit Nested(Parser& in) : parser(in) {
      if (++in.depth_ > deepest) fail_at(in.peek().column, "expected at most " + std::to_string(deepest) + " levels of nesting");
    }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
    ~Nested() { --parser.depth_; }
    Parser& parser;
  };

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::set<std::string> scope_;  // axes that enclosing calls bind
};

}  // namespace

bool Expr::is_statement() const {
  switch (op) {
    case Op::less: case Op::less_equal: case Op::greater: case Op::greater_equal: case Op::equal: case Op::not_equal:
    case Op::both: case Op::either: case Op::negation: case Op::all: case Op::any: case Op::shape: case Op::noninferior:
      return true;
    default: return false;
  }
}

Expr parse(std::string_view text) { return Parser(text).claim(); }

}  // namespace assay::claim
