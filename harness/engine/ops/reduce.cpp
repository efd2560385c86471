// Reductions over axes: sum, mean, max, min, product, norms and logarithms of sums.
// f32 has loops of its own but for products and log_sum_exp; everything else takes the path of reduce_typed.cpp.
// The order of every sum is fixed: 16 lanes of f32 over at most 512 steps each, then f64. It depends on the shape and
// the layout, never on the width of vectors.
#include "harness/engine/ops/reduce.hpp"

#include <algorithm>
#include <cmath>

#include "harness/engine/ops/lanes.hpp"
#include "harness/engine/ops/reduce_typed.hpp"
#include "harness/engine/ops/vector_math.hpp"
#include "harness/engine/tensor/simd.hpp"

namespace assay::engine {
namespace {

constexpr std::int64_t kFlush = 512;  // f32 partial sums of at most so many terms go into f64

// A fold: `start`, a map of each element, and a join, of 16 lanes and of doubles.
struct Sum {
  static constexpr float start = 0.0f;
  static ASSAY_INLINE void map(Lanes&) {}
  static ASSAY_INLINE void join(Lanes& a, const Lanes& b) { a += b; }
  static double join(double a, double b) { return a + b; }
};
struct AbsSum : Sum {
  static ASSAY_INLINE void map(Lanes& x) { x = absolute(x); }
};
struct SquareSum : Sum {
  static ASSAY_INLINE void map(Lanes& x) { x = x * x; }
};
struct Max {
  static constexpr float start = -INFINITY;
  static ASSAY_INLINE void map(Lanes&) {}
  static ASSAY_INLINE void join(Lanes& a, const Lanes& b) { take_larger(a, b); }
  static double join(double a, double b) { return b > a || b != b ? b : a; }
};
struct Min {
  static constexpr float start = INFINITY;
  static ASSAY_INLINE void map(Lanes&) {}
  static ASSAY_INLINE void join(Lanes& a, const Lanes& b) { take_smaller(a, b); }
  static double join(double a, double b) { return b < a || b != b ? b : a; }
};
struct AbsMax : Max {
  static constexpr float start = 0.0f;
  static ASSAY_INLINE void map(Lanes& x) { x = absolute(x); }
};

// in [outer][reduced][inner] -> out [outer][inner].
struct Block {
  std::int64_t outer, reduced, inner;
};

// The first n < 16 lanes mapped, the others changing nothing.
template <class F>
ASSAY_INLINE Lanes mapped_part(const float* from, std::int64_t n) {
  Lanes x = load_part(from, n, 0.0f);
  F::map(x);
  float values[kLanes];
  x.store(values);
  return load_part(values, n, F::start);
}

template <class F>
ASSAY_WIDE void reduce_rows(const float* in, float* out, const Block& b) {
  for (std::int64_t o = 0; o < b.outer; ++o) {
    const float* row = in + o * b.reduced;
    double total = F::start;
    for (std::int64_t from = 0; from < b.reduced; from += kFlush * kLanes) {
      const std::int64_t to = std::min(b.reduced, from + kFlush * kLanes);
      Lanes sum = Lanes::all(F::start);
      std::int64_t i = from;
      for (; i + kLanes <= to; i += kLanes) {
        Lanes x = Lanes::load(row + i);
        F::map(x);
        F::join(sum, x);
      }
      if (i < to) F::join(sum, mapped_part<F>(row + i, to - i));
      float values[kLanes];
      sum.store(values);
      for (const float v : values) total = F::join(total, static_cast<double>(v));
    }
    out[o] = static_cast<float>(total);
  }
}

// Sixteen columns, or the `width` < 16 last ones.
template <class F>
ASSAY_INLINE void reduce_tile(const float* tile, float* out, const Block& b, std::int64_t width) {
  double total[kLanes];
  for (double& t : total) t = F::start;
  for (std::int64_t from = 0; from < b.reduced; from += kFlush) {
    const std::int64_t to = std::min(b.reduced, from + kFlush);
    Lanes part = Lanes::all(F::start);
    for (std::int64_t r = from; r < to; ++r) {
      if (width < kLanes) {
        F::join(part, mapped_part<F>(tile + r * b.inner, width));
        continue;
      }
      Lanes x = Lanes::load(tile + r * b.inner);
      F::map(x);
      F::join(part, x);
    }
    float values[kLanes];
    part.store(values);
    for (std::int64_t l = 0; l < kLanes; ++l) total[l] = F::join(total[l], static_cast<double>(values[l]));
  }
  for (std::int64_t l = 0; l < width; ++l) out[l] = static_cast<float>(total[l]);
}

template <class F>
ASSAY_WIDE void reduce_columns(const float* in, float* out, const Block& b) {
  for (std::int64_t o = 0; o < b.outer; ++o) {
    const float* block = in + o * b.reduced * b.inner;
    std::int64_t column = 0;
    for (; column + kLanes <= b.inner; column += kLanes) {
      reduce_tile<F>(block + column, out + o * b.inner + column, b, kLanes);
    }
    if (column < b.inner) reduce_tile<F>(block + column, out + o * b.inner + column, b, b.inner - column);
  }
}

template <class F>
void reduce_block(const float* in, float* out, const Block& b) {
  b.inner == 1 ? reduce_rows<F>(in, out, b) : reduce_columns<F>(in, out, b);
}

using Reduce = void (*)(const float*, float*, const Block&);
enum class Finish { none, mean, root, log };

struct ReduceOp {
  const char* name;
  const char* onnx;
  const char* doc;
  Fold fold;
  Reduce first, next;  // of f32: with the map, and joining partial results; null: the generic path
  Finish finish;
  bool padding_is_neutral;  // zeros in padding change nothing
};

struct Extent {
  std::int64_t size;
  bool reduced;
};

// The physical axes of the operand with what happens to them; empty when the layout cannot be reduced as it is.
std::vector<Extent> physical_axes(const MemDesc& mem, const std::vector<bool>& reduced, bool padding_is_neutral) {
  std::vector<Extent> axes;
  if (mem.layout.is_dense()) {
    for (std::size_t i = 0; i < reduced.size(); ++i) axes.push_back({mem.spec.shape[i], reduced[i]});
    return axes;
  }
  const auto view = channel_view(mem);
  if (!view || reduced[2] != reduced[3]) return {};
  const bool all_but_batch = reduced[1] && reduced[2];
  if (!reduced[2]) return {};  // keeping pixels would keep the blocked order too
  if (view->padded() && !(all_but_batch && padding_is_neutral)) return {};
  return {{view->n, reduced[0]}, {view->channel_blocks, reduced[1]}, {view->plane(), true}, {view->block, reduced[1]}};
}

// Neighbours that share their fate merge; then each stage reduces the last reduced run.
std::vector<Block> stages_of(const std::vector<Extent>& axes) {
  std::vector<Extent> runs;
  for (const Extent& e : axes) {
    if (!runs.empty() && runs.back().reduced == e.reduced) {
      runs.back().size *= e.size;
    } else {
      runs.push_back(e);
    }
  }
  std::vector<Block> stages;
  for (std::size_t i = runs.size(); i-- > 0;) {
    if (!runs[i].reduced) continue;
    Block b{1, runs[i].size, 1};
    for (std::size_t j = 0; j < i; ++j) b.outer *= runs[j].size;
    for (std::size_t j = i + 1; j < runs.size(); ++j) b.inner *= runs[j].reduced ? 1 : runs[j].size;
    stages.push_back(b);
  }
  return stages;
}

void finish_values(Finish finish, float* out, std::int64_t n, double count) {
  if (finish == Finish::mean) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(out[i] / count);
  } else if (finish == Finish::root) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = std::sqrt(out[i]);
  } else if (finish == Finish::log) {
    for (std::int64_t i = 0; i < n; ++i) out[i] = vm::log(out[i]);
  }
}

struct ReduceRun {
  ReduceOp op;
  std::vector<Block> stages;
  std::int64_t kept;
  double count;
  std::size_t half;  // floats between the two scratch areas that stages alternate between

  void operator()(const KernelArgs& args) const {
    const float* in = floats(args, 0);
    float* out = floats_out(args, 0);
    if (stages.empty()) {
      op.first(in, out, {kept, 1, 1});
    }
    for (std::size_t s = 0; s < stages.size(); ++s) {
      float* to = s + 1 == stages.size() ? out : static_cast<float*>(args.scratch) + (s % 2) * half;
      (s == 0 ? op.first : op.next)(in, to, stages[s]);
      in = to;
    }
    finish_values(op.finish, out, kept, count);
  }
};

std::vector<bool> reduced_axes(std::string_view op, Specs in, const Attrs& attrs) {
  std::vector<bool> reduced(in[0].shape.size(), false);
  for (const std::size_t axis : axes_of(op, in, attrs)) reduced[axis] = true;
  return reduced;
}

Shape kept_shape(const Shape& in, const std::vector<bool>& reduced) {
  Shape out = in;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = reduced[i] ? 1 : out[i];
  return out;
}

Kernel prepare_reduce(const ReduceOp& op, const PrepareRequest& request) {
  const Spec& in = request.in[0].spec;
  const std::vector<bool> reduced = reduced_axes(op.name, std::span(&in, 1), request.attrs);
  if (in.dtype != DType::f32 || !op.first) return prepare_typed_reduce(op.fold, request, kept_shape(in.shape, reduced));
  Kernel kernel = dense_kernel(request);
  std::vector<Extent> axes = physical_axes(request.in[0], reduced, op.padding_is_neutral);
  if (axes.empty() && request.in[0].layout.native()) {
    axes = physical_axes({in, Layout::dense(in)}, reduced, op.padding_is_neutral);
  } else {
    kernel.in[0] = request.in[0].layout;
  }
  ReduceRun run{op, stages_of(axes), request.out[0].count(), 1.0, 0};
  if (run.kept > 0) run.count = static_cast<double>(in.count()) / static_cast<double>(run.kept);
  if (run.stages.size() > 1) {
    run.half = static_cast<std::size_t>(run.stages[0].outer * run.stages[0].inner + 15) / 16 * 16;
    kernel.scratch_bytes = 2 * run.half * sizeof(float);
  }
  kernel.run = run;
  return kernel;
}

Shape reduced_shape(std::string_view op, Specs in, const Attrs& attrs) {
  const std::vector<bool> reduced = reduced_axes(op, in, attrs);
  const bool keep = attrs.integer("keepdims", 0) != 0;
  Shape out;
  for (std::size_t i = 0; i < reduced.size(); ++i) {
    if (!reduced[i]) out.push_back(in[0].shape[i]);
    if (reduced[i] && keep) out.push_back(1);
  }
  return out;
}

std::vector<OpCase> reduce_cases(Fold fold) {
  const std::vector<std::pair<Shape, Attrs>> shapes = {
      {{2, 3, 5}, {}},
      {{2, 3, 5}, {{"axes", std::int64_t{-1}}}},
      {{2, 3, 5}, {{"axes", Shape{0, 2}}, {"keepdims", std::int64_t{1}}}},
      {{3, 17, 2, 3}, {{"axes", Shape{0, 2, 3}}}},
      {{3, 5, 7, 1}, {{"axes", Shape{2, 3}}}},
      {{2, 37}, {{"axes", std::int64_t{1}}, {"keepdims", std::int64_t{1}}}},
      {{2, 3, 2, 3}, {{"axes", Shape{1, 2, 3}}}},
      {{0, 4}, {{"axes", std::int64_t{1}}}},
      {{3}, {{"axes", Shape{}}}}};
  std::vector<OpCase> cases;
  for (const auto& [shape, attrs] : shapes) {
    OpCase c{.name = shape_str(shape) + " " + attrs.to_json().dump(), .in = {f32_spec(shape)}, .attrs = attrs};
    c.keep_away = 0.05;
    if (fold == Fold::log_sum) c.lo = 0.2, c.hi = 2;
    if (fold == Fold::product) c.lo = 0.5, c.hi = 1.5;
    cases.push_back(c);
  }
  for (const DType dtype : {DType::f64, DType::i64, DType::i32, DType::u8, DType::s8}) {
    if (!in_set(dtype, dtypes_of(fold))) continue;
    OpCase c = cases[2];
    c.name = dtype_name(dtype);
    c.in[0].dtype = dtype;
    c.integers_below = -3;
    cases.push_back(c);
  }
  return cases;
}

void add_reduce(Registry& registry, const ReduceOp& reduce, ReduceVjp vjp) {
  Op op;
  op.name = reduce.name;
  op.onnx = reduce.onnx;
  op.doc = std::string(reduce.doc) + "; attributes axes (all), keepdims (0)";
  op.infer = [name = op.name, dtypes = dtypes_of(reduce.fold)](Specs in, const Attrs& attrs) {
    expect_count(name, in, 1, 1);
    expect_in(name, in, 0, dtypes);
    return one({in[0].dtype, reduced_shape(name, in, attrs)});
  };
  op.prepare = [reduce](const PrepareRequest& request) { return prepare_reduce(reduce, request); };
  op.vjp = [vjp](const VjpArgs& v) { return std::vector<Value>{vjp(v, with_kept_axes(v, v.cotangents[0]))}; };
  op.cases = reduce_cases(reduce.fold);
  registry.add(std::move(op));
}

void add_sums(Registry& r) {
  const Reduce sum = reduce_block<Sum>, abs_sum = reduce_block<AbsSum>, squares = reduce_block<SquareSum>;
  add_reduce(r, {"reduce_sum", "ReduceSum", "sum over axes", Fold::sum, sum, sum, Finish::none, true}, sum_vjp);
  add_reduce(r, {"reduce_mean", "ReduceMean", "mean over axes", Fold::mean, sum, sum, Finish::mean, true}, mean_vjp);
  add_reduce(r,
             {"reduce_l1", "ReduceL1", "sum of absolute values over axes", Fold::l1, abs_sum, sum, Finish::none, true},
             l1_vjp);
  add_reduce(r,
             {"reduce_l2", "ReduceL2", "Euclidean norm over axes, its gradient 0 at 0", Fold::l2, squares, sum,
              Finish::root, true},
             l2_vjp);
  add_reduce(r,
             {"reduce_sum_square", "ReduceSumSquare", "sum of squares over axes", Fold::sum_square, squares, sum,
              Finish::none, true},
             sum_square_vjp);
  add_reduce(r, {"reduce_log_sum", "ReduceLogSum", "log(sum) over axes", Fold::log_sum, sum, sum, Finish::log, true},
             log_sum_vjp);
  add_reduce(r,
             {"reduce_log_sum_exp", "ReduceLogSumExp", "log(sum(e^x)) over axes; -inf over nothing", Fold::log_sum_exp,
              nullptr, nullptr, Finish::none, false},
             log_sum_exp_vjp);
  add_reduce(r,
             {"reduce_prod", "ReduceProd", "product over axes; 1 over nothing", Fold::product, nullptr, nullptr,
              Finish::none, false},
             product_vjp);
}

void add_extremes(Registry& r) {
  const Reduce max = reduce_block<Max>, min = reduce_block<Min>, abs_max = reduce_block<AbsMax>;
  add_reduce(r,
             {"reduce_max", "ReduceMax", "maximum over axes; -inf over nothing", Fold::max, max, max, Finish::none,
              false},
             extreme_vjp);
  add_reduce(
      r, {"reduce_min", "ReduceMin", "minimum over axes; inf over nothing", Fold::min, min, min, Finish::none, false},
      extreme_vjp);
  add_reduce(r, {"reduce_linf", "", "largest absolute value over axes", Fold::linf, abs_max, max, Finish::none, true},
             linf_vjp);
}

}  // namespace

Kernel prepare_plane_mean(const PrepareRequest& request) {
  Shape axes;
  for (std::size_t i = 2; i < request.in[0].spec.shape.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  const Attrs attrs = {{"axes", axes}};
  const Reduce sum = reduce_block<Sum>;
  return prepare_reduce({"global_avg_pool", "", "", Fold::mean, sum, sum, Finish::mean, true},
                        {attrs, request.in, request.out, false});
}

void register_reduce(Registry& r) {
  add_sums(r);
  add_extremes(r);
}

}  // namespace assay::engine
