// What the converters work with. Session: the graph under construction for one batch size, and what each ONNX value is.
// Call: one ONNX node under conversion. Operand: a value as known at import.
// An op whose operands are all known is evaluated instead of recorded, so every converter folds constants by itself.
// One thread.
#pragma once

#include <initializer_list>
#include <set>

#include "harness/graph/onnx/onnx.hpp"

namespace assay::onnx {

using engine::Attrs;

enum class Role {
  data,       // a parameter when it comes from an initializer, else a buffer
  weight,     // a parameter
  statistic,  // a buffer
};

struct Operand {
  std::string value;     // in the graph; "" for what is known and not in the graph yet
  Spec spec;             // of the engine's value at this session's batch
  bool logical = false;  // ONNX's BOOL, kept as f32 of 0 and 1 as the engine's comparisons give it
  Tensor constant;       // defined: known at import
  std::string name;      // of a constant, should it become a parameter or buffer
  bool weight = false;   // made from f32 initializers alone
  Role role = Role::data;
  bool known() const { return constant.defined(); }
  const Shape& shape() const { return spec.shape; }
  std::int64_t rank() const { return static_cast<std::int64_t>(spec.shape.size()); }
};
using Operands = std::vector<Operand>;

class Session {
 public:
  Session(const OnnxModel& model, const ImportOptions& options, std::int64_t batch);
  void run();  // inputs, nodes, outputs

  Graph graph;
  std::map<std::string, Operand> values;  // by ONNX name
  std::set<std::string> specialised;
  const ImportOptions& options;
  const std::int64_t batch;
  std::int64_t fixed_batch = 0;           // the file's own batch when it is fixed, else 0

  Operands emit(const std::string& op, const Operands& in, const Attrs& attrs);
  // The value of an operand that must be known now; undefined when it depends on inputs without a given value.
  Tensor evaluate(const Operand& operand);
  std::string fresh(const std::string& stem);  // a name that nothing has
  Operand transposed(const Operand& weight);   // a known matrix; the same parameter whenever it is asked for again
  Operand hidden(const Operand& operand);      // a known operand in the graph, so that nothing folds it

 private:
  void add_inputs();
  void convert(const OnnxNode& node);
  void name_results(const OnnxNode& node, std::size_t first_node, Operands& made);
  void add_outputs();
  void name_nodes();
  std::string place(const OnnxNode& node) const;
  std::string materialise(const Operand& operand);
  Tensor evaluate_value(const std::string& value);

  const OnnxModel& model_;
  std::int64_t opset_ = 0;
  std::string stem_;                          // of names for what the current node makes besides its outputs
  std::set<std::string> names_;               // every value name in use
  std::map<std::string, Tensor> evaluated_;   // memo of evaluate_value
  std::map<std::string, Operand> transposed_; // by the matrix's name
};

class Call {
 public:
  Call(Session& owner, const OnnxNode& source, std::int64_t version) : session(owner), node(source), opset(version) {}
  Session& session;
  const OnnxNode& node;
  const std::int64_t opset;

  bool has(std::size_t index) const;            // an operand is given and not empty
  const Operand& in(std::size_t index) const;   // throws when absent
  std::size_t count() const { return node.inputs.size(); }
  bool wants(std::size_t output) const;         // the output has a name

  bool given(const std::string& attribute) const { return node.attributes.count(attribute) != 0; }
  std::int64_t integer(const std::string& attribute, std::int64_t fallback) const;
  double real(const std::string& attribute, double fallback) const;
  std::string text(const std::string& attribute, const std::string& fallback) const;
  Shape ints(const std::string& attribute, const Shape& fallback = {}) const;
  std::vector<double> reals(const std::string& attribute) const;
  std::vector<std::string> texts(const std::string& attribute) const;

  // An operand that fixes a shape or attribute. Throws Error(unsupported) when it depends on inputs.
  Tensor known(const Operand& operand, const char* what);
  Shape known_ints(std::size_t index, const char* what);
  std::vector<double> known_reals(std::size_t index, const char* what);
  // Operand `index` where opset >= since moved it there, else the attribute; fallback when neither is given.
  Shape ints_since(std::int64_t since, std::size_t index, const std::string& attribute, const Shape& fallback = {});

  Operand emit(const std::string& op, const Operands& in, const Attrs& attrs = {});
  Operands emit_all(const std::string& op, const Operands& in, const Attrs& attrs = {});
  Operand constant(const Tensor& value);
  Operand scalar(double value) { return constant(Tensor::scalar(static_cast<float>(value))); }
  Operand scalar_like(const Operand& x, double value);  // in x's dtype
  Operand reshape(const Operand& x, const Shape& shape);
  Operand transpose(const Operand& x, const Shape& perm);
  Operand cast(const Operand& x, DType to);
  Operand index(const Operand& x) { return cast(x, DType::i64); }
  static Operand logical(Operand x) { x.logical = true; return x; }
  static Operand like(const Operand& x, Operand made) { made.logical = x.logical; return made; }
  static Operand as(Operand x, Role role) { x.role = role; return x; }

  std::int64_t axis(std::int64_t value, std::int64_t rank) const;  // negative counts from the end; throws outside
  [[noreturn]] void bad(const std::string& why) const;
  [[noreturn]] void unsupported(const std::string& why) const;
};

using Convert = Operands (*)(Call&);
struct Row {
  const char* op;
  Convert convert;
};
// The converter table, a row an ONNX operator, in files by family.
using Rows = std::vector<Row>;
Rows activation_rows();
Rows arithmetic_rows();
Rows convolution_rows();
Rows index_rows();
Rows loss_rows();
Rows movement_rows();
Rows norm_rows();
Rows pool_rows();
Rows product_rows();
Rows quantize_rows();
Rows recurrent_rows();
Rows reduce_rows();
Rows resize_rows();
Rows selection_rows();
Rows shape_rows();
Rows signal_rows();

// The converter of an operator; throws Error(unsupported) with the nearest name.
Convert converter(const std::string& op);

}  // namespace assay::onnx
