#include "harness/graph/integers.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "harness/engine/ops/conv2d.hpp"
#include "harness/engine/ops/fusion.hpp"
#include "harness/engine/tape/eager.hpp"

namespace assay::graph {

using engine::DType;
using engine::Registry;

namespace {

template <class Sequence>
auto& item(Sequence& v, int i) {
  return v[static_cast<std::size_t>(i)];
}

struct Quantizer {
  std::vector<double> scales;
  DType type = DType::u8;
  bool whole_range = true;  // all that the type holds: a kernel's saturation is the quantizer's clamp
  int instr = -1;
};

// A product that will run on integers.
struct Integer {
  bool chosen = false;
  int target = -1;    // the slot it writes: its own, in f32, or that of the quantizer behind it
  int absorbed = -1;  // the instruction of that quantizer
  double out_scale = 1;
};

class IntegerStorage {
 public:
  explicit IntegerStorage(Program& program)
      : program_(program),
        quantize_(Registry::get().id("fake_quantize")),
        conv_(Registry::get().id("conv2d")),
        linear_(Registry::get().id("linear")),
        maker_(program.slots.size(), -1),
        readers_(program.slots.size()),
        stored_(program.slots.size(), 0.0),
        products_(program.code.size()),
        dropped_(program.code.size(), false) {
    for (std::size_t i = 0; i < program.code.size(); ++i) {
      for (const int s : program.code[i].in) item(readers_, s).push_back(static_cast<int>(i));
      for (const int s : program.code[i].out) item(maker_, s) = static_cast<int>(i);
    }
    for (const auto& [name, s] : program.outputs) item(readers_, s).push_back(-1);
  }

  void run() {
    for (std::size_t i = 0; i < products_.size(); ++i) choose(static_cast<int>(i));
    std::vector<Instr> code = std::move(program_.code);
    program_.code.clear();
    for (std::size_t i = 0; i < code.size(); ++i) {
      if (dropped_[i]) continue;
      products_[i].chosen ? emit_product(code[i], products_[i]) : emit_other(std::move(code[i]));
    }
    for (auto& [name, s] : program_.outputs) {
      if (is_stored(s)) s = real_value(s, 0);
    }
  }

 private:
  Slot& slot(int id) { return item(program_.slots, id); }
  bool is_constant(int id) { return slot(id).kind == SlotKind::constant; }
  bool is_stored(int id) const { return stored_[static_cast<std::size_t>(id)] > 0; }

  // What quantizes `id`, when its steps fit a byte and its scale is known.
  std::optional<Quantizer> quantizer_of(int id) {
    const int maker = item(maker_, id);
    if (maker < 0 || item(program_.code, maker).op != quantize_) return {};
    const Instr& instr = item(program_.code, maker);
    if (instr.in.size() > 2 || !is_constant(instr.in[1])) return {};  // integer kernels have no zero points
    const std::int64_t low = instr.attrs.integer("low", 0), high = instr.attrs.integer("high", 255);
    if (low < 0 && high > 127) return {};
    const bool whole = low < 0 ? low == -128 && high == 127 : high == 255;
    Quantizer q{{}, low < 0 ? DType::s8 : DType::u8, whole, maker};
    for (const float s : slot(instr.in[1]).value.to_f32()) q.scales.push_back(static_cast<double>(s));
    return q;
  }

  std::optional<Quantizer> activation(int id) {
    const auto q = quantizer_of(id);
    return q && q->scales.size() == 1 && !is_constant(item(program_.code, q->instr).in[0]) ? q : std::nullopt;
  }

  std::optional<Quantizer> weights(int id) {
    const auto q = quantizer_of(id);
    if (!q || q->type != DType::s8) return {};
    const Instr& instr = item(program_.code, q->instr);
    return is_constant(instr.in[0]) && instr.attrs.integer("axis", 0) == 0 ? q : std::nullopt;
  }

  engine::Fusion fusion_of(const Instr& instr) {
    std::vector<Spec> in;
    for (const int s : instr.in) in.push_back({DType::f32, slot(s).spec.shape});
    return engine::fusion_of("product", in, instr.attrs);
  }

  bool has_kernel(const Instr& instr, const Quantizer& x, DType out) {
    if (instr.op == linear_) return slot(instr.out[0]).spec.count() > 0;
    std::vector<Spec> in;
    for (const int s : instr.in) in.push_back({DType::f32, slot(s).spec.shape});
    return engine::has_integer_conv2d(in, instr.attrs, x.type, out);
  }

  // A convolution adds bytes of any type to its result, a linear layer only such as the result is made of.
  bool residual_adds(const Instr& instr, DType result) {
    const auto residual = activation(instr.in.back());
    return residual && (instr.op == conv_ || residual->type == result);
  }

  void choose(int i) {
    const Instr& instr = item(program_.code, i);
    if (instr.op != conv_ && instr.op != linear_) return;
    const auto x = activation(instr.in[0]), w = weights(instr.in[1]);
    if (!x || !w) return;
    const engine::Fusion fusion = fusion_of(instr);
    if (fusion.bias && !is_constant(instr.in[2])) return;
    Integer product{true, instr.out[0], -1, 1};
    const std::vector<int>& readers = item(readers_, instr.out[0]);
    const int reader = readers.size() == 1 ? readers[0] : -1;
    const auto behind = reader >= 0 ? activation(item(program_.code, reader).out[0]) : std::nullopt;
    const bool residual_fits = !fusion.residual || (behind && residual_adds(instr, behind->type));
    if (behind && behind->instr == reader && behind->whole_range && residual_fits) {
      product = {true, item(program_.code, reader).out[0], reader, behind->scales[0]};
    }
    if (!has_kernel(instr, *x, product.absorbed >= 0 ? behind->type : DType::f32)) return;
    if (product.absorbed >= 0) {
      store(product.target, *behind);
      dropped_[static_cast<std::size_t>(product.absorbed)] = true;
    }
    store(instr.in[0], *x);
    if (fusion.residual && product.absorbed >= 0) store(instr.in.back(), *activation(instr.in.back()));
    item(products_, i) = product;
  }

  void store(int id, const Quantizer& q) {
    item(stored_, id) = q.scales[0];
    types_[id] = q.type;
  }

  int add_constant(const Tensor& value) {
    Slot made;
    made.spec = value.spec();
    made.kind = SlotKind::constant;
    made.value = value;
    return add_slot(std::move(made));
  }

  int add_slot(Slot made) {
    program_.slots.push_back(std::move(made));
    stored_.push_back(0.0);
    return static_cast<int>(program_.slots.size()) - 1;
  }

  // Steps of constant weights, as bytes.
  int integer_weights(const Instr& quantize) {
    const Tensor value = slot(quantize.in[0]).value, scale = slot(quantize.in[1]).value;
    const std::vector<float> w = value.to_f32(), s = scale.to_f32();
    const auto low = static_cast<float>(quantize.attrs.integer("low", 0)),
               high = static_cast<float>(quantize.attrs.integer("high", 255));
    std::vector<std::int8_t> bytes(w.size());
    const std::size_t row = w.size() / std::max<std::size_t>(1, s.size());
    for (std::size_t i = 0; i < w.size(); ++i) {
      const float steps = std::nearbyint(std::clamp(w[i] / s[i / std::max<std::size_t>(1, row)], low, high));
      bytes[i] = static_cast<std::int8_t>(steps);
    }
    return add_constant(Tensor::from_bytes({DType::s8, value.shape()}, std::as_bytes(std::span(bytes))));
  }

  void emit_product(const Instr& instr, const Integer& product) {
    const double x_scale = stored_[static_cast<std::size_t>(instr.in[0])];
    const Instr quantize = weight_code_.at(instr.in[1]);
    const std::vector<float> w = slot(quantize.in[1]).value.to_f32();
    const engine::Fusion fusion = fusion_of(instr);
    Instr made = instr;
    std::vector<double> scales;
    scales.reserve(w.size());
    for (const float s : w) scales.push_back(x_scale * static_cast<double>(s) / product.out_scale);
    made.attrs.set("scales", scales);
    made.in[1] = integer_weights(quantize);
    if (fusion.bias) made.in[2] = bias_in_steps(instr.in[2], x_scale, w);
    if (fusion.residual && product.absorbed >= 0) {
      made.attrs.set("residual_scale", stored_[static_cast<std::size_t>(instr.in.back())] / product.out_scale);
    } else if (fusion.residual && is_stored(instr.in.back())) {
      made.in.back() = real_value(instr.in.back(), instr.phase);
    }
    made.out = {product.target};
    if (product.absorbed >= 0) slot(product.target).spec.dtype = types_.at(product.target);
    program_.code.push_back(std::move(made));
  }

  // The kernel adds the bias to the integer sum.
  int bias_in_steps(int id, double x_scale, const std::vector<float>& w) {
    std::vector<float> bias = slot(id).value.to_f32();
    for (std::size_t i = 0; i < bias.size(); ++i) {
      bias[i] =
          static_cast<float>(static_cast<double>(bias[i]) / (x_scale * static_cast<double>(w[w.size() == 1 ? 0 : i])));
    }
    return add_constant(Tensor::f32({static_cast<std::int64_t>(bias.size())}, bias));
  }

  void emit_other(Instr instr) {
    if (instr.op == quantize_) weight_code_[instr.out[0]] = instr;
    for (int& s : instr.in) {
      if (is_stored(s)) s = real_value(s, instr.phase);
    }
    for (const int s : instr.out) {
      if (is_stored(s)) slot(s).spec.dtype = types_.at(s);
    }
    program_.code.push_back(std::move(instr));
  }

  // steps * scale, made once, before its first reader.
  int real_value(int id, int phase) {
    const auto [it, fresh] = real_.try_emplace(id, -1);
    if (!fresh) return it->second;
    Slot plain;
    plain.spec = {DType::f32, slot(id).spec.shape};
    const int steps = add_slot(plain), value = add_slot(plain);
    const Registry& registry = Registry::get();
    program_.code.push_back({registry.id("cast"), {{"to", std::string("F32")}}, {id}, {steps}, phase});
    program_.code.push_back(
        {registry.id("affine"), {{"scale", stored_[static_cast<std::size_t>(id)]}}, {steps}, {value}, phase});
    return it->second = value;
  }

  Program& program_;
  OpId quantize_, conv_, linear_;
  std::vector<int> maker_;
  std::vector<std::vector<int>> readers_;  // by slot: instructions; -1: an output
  std::vector<double> stored_;             // by slot: the scale of its integers, 0: not stored so
  std::map<int, DType> types_;             // of those that are
  std::vector<Integer> products_;          // by instruction
  std::vector<bool> dropped_;              // by instruction: became part of a product
  std::map<int, Instr> weight_code_;       // slot -> the quantizer that makes it
  std::map<int, int> real_;                // slot -> the same value in f32
};

}  // namespace

void store_integers(Program& program) {
  IntegerStorage(program).run();
  eliminate_dead_code(program);
}

}  // namespace assay::graph
