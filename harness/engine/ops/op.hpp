// The op registry: one entry an op, one file an op (or a family whose members differ by one scalar function).
// The eager tape, the plan compiler, cost accounting, gradient checks and `assay list ops` read this one table.
//
// Adding an op: write ops/<op>.cpp with a function `void register_<op>(Registry&)` and add its line to ops.def.
//
// A kernel is a prepared computation for fixed shapes and layouts; eager evaluation runs cached kernels, a compiled
// plan owns its kernels. Same kernel, same bits.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/engine/tensor/kernel.hpp"

namespace assay::engine {

// Attributes of one op application. Ordered, comparable (they key the kernel cache).
class Attrs {
 public:
  using Item = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<const std::string, Item>> items) : items_(items) {}
  bool has(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback) const;
  double real(std::string_view key, double fallback) const;
  std::string text(std::string_view key, std::string_view fallback) const;
  std::vector<std::int64_t> ints(std::string_view key,
                                 std::vector<std::int64_t> fallback) const;  // an integer n means [n]
  std::vector<double> reals(std::string_view key, std::vector<double> fallback) const;  // integers, one number: too
  void set(const std::string& key, Item item) { items_[key] = std::move(item); }
  const std::map<std::string, Item, std::less<>>& items() const { return items_; }
  Json to_json() const;
  static Attrs from_json(const Json& json);
  bool operator==(const Attrs&) const = default;
  bool operator<(const Attrs& other) const { return items_ < other.items_; }

 private:
  std::map<std::string, Item, std::less<>> items_;
};

struct PrepareRequest {
  const Attrs& attrs;
  std::span<const MemDesc> in;  // layouts as they come; the kernel may ask for others through Kernel::in
  std::span<const Spec> out;    // from infer()
  bool training = false;        // forward of a net that will be differentiated for its weights
};

// A handle in an expression under construction: eager (a tensor) or symbolic (a program slot). See emit.hpp.
class Emitter;
struct Value {
  Emitter* emitter = nullptr;
  int id = -1;
  bool defined() const { return id >= 0; }
};

struct VjpArgs {
  const Attrs& attrs;
  std::span<const Value> in, out;     // the forward's operands and results
  std::span<const Value> cotangents;  // one an output; undefined: zero
  std::span<const bool> wanted;       // one an input
  bool create_graph = false;          // the result will be differentiated again: use only twice-differentiable ops
};

// Operands and results that prepare() also takes stored as BF16, all of them together; the arithmetic stays f32, and the
// result of infer() stays the logical F32. What is stored how is the plan compiler's choice (graph/storage.hpp).
struct Bf16Use {
  std::vector<bool> in, out;  // empty: none
  bool product = false;       // faster in BF16 even when operands have to be converted; its results may also stay F32
};

struct OpCost {
  double macs = 0, bytes = 0;  // multiply-adds as the field counts them; bytes read + written
};

// One case of the automatic checks: shapes, attributes, how to draw inputs (moved away from kinks).
struct OpCase {
  std::string name = {};
  std::vector<Spec> in = {};
  Attrs attrs = {};
  double lo = -1, hi = 1;                 // inputs drawn uniformly from here ...
  double keep_away = 0, kink = 0;         // ... but at least keep_away from `kink`
  std::int64_t integers_below = 0;        // for integer inputs (labels, indices): in [0, n); n < 0: in [n, -n)
  std::vector<bool> differentiable = {};  // one an input; empty: every f32 input
  bool second_order = true;
  std::vector<bool> rising = {};  // one an input: f32 values sorted along the last axis
  double diagonal = 0;  // added to the diagonals of square f32 inputs: well-conditioned matrices
};

using InferFn = std::function<std::vector<Spec>(std::span<const Spec> in, const Attrs& attrs)>;
using PrepareFn = std::function<Kernel(const PrepareRequest&)>;
using VjpFn = std::function<std::vector<Value>(const VjpArgs&)>;  // one an input; undefined where not wanted or zero
using Bf16Fn = std::function<Bf16Use(std::span<const Spec> in, std::span<const Spec> out, const Attrs& attrs)>;
// The op as an expression of other registry ops, written into `to`; one value a result.
using ComposeFn = std::function<std::vector<Value>(Emitter& to, std::span<const Value> in, const Attrs& attrs)>;
using CostFn = std::function<OpCost(std::span<const Spec> in, std::span<const Spec> out, const Attrs& attrs)>;

struct Op {
  std::string name;
  std::string onnx;  // ONNX operator, "" when none
  std::string doc;   // one line: inputs -> outputs, attributes
  InferFn infer;     // throws Error(bad_input) naming the op and the shapes
  PrepareFn prepare;
  VjpFn vjp;    // null: not differentiable
  // In place of prepare and vjp: emitting the op emits this expression, so that programs and tapes never hold the op
  // itself, and its gradients are those of its parts (composite.hpp).
  ComposeFn compose;
  CostFn cost;  // null: no multiply-adds
  Bf16Fn bf16;  // null: takes F32 only
  std::vector<OpCase> cases;
  bool differentiable() const { return vjp || compose; }
};

// The op's own cost function with bytes filled in as operands + results when it gives none.
OpCost op_cost(const Op& op, std::span<const Spec> in, std::span<const Spec> out, const Attrs& attrs);

using OpId = int;

class Registry {
 public:
  static const Registry& get();          // built once, immutable afterwards
  OpId id(std::string_view name) const;  // throws Error(bad_input) with the nearest name
  const Op& op(OpId id) const { return ops_[static_cast<std::size_t>(id)]; }
  std::size_t size() const { return ops_.size(); }
  void add(Op op);  // during construction only

 private:
  std::vector<Op> ops_;
  std::map<std::string, OpId, std::less<>> ids_;
};

}  // namespace assay::engine
