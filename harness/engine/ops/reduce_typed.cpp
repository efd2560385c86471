#include "harness/engine/ops/reduce_typed.hpp"

#include <cmath>

#include "harness/engine/ops/broadcast.hpp"

namespace assay::engine {
namespace {

// A fold of elements of type T: its state, what an element does to it, and the result after `count` elements.
template <class T>
struct Sum {
  using W = Wide<T>;
  W state = 0;
  void take(W x) { state = wrap_add(state, x); }
  W result(std::int64_t) const { return state; }
};
template <class T>
struct Mean : Sum<T> {
  // The mean of no reals is NaN, of no integers 0.
  Wide<T> result(std::int64_t count) const {
    if constexpr (std::is_floating_point_v<T>) return this->state / static_cast<double>(count);
    return count == 0 ? 0 : this->state / count;
  }
};
template <class T>
Wide<T> magnitude(Wide<T> x) {
  return x < 0 ? wrap_sub(Wide<T>{0}, x) : x;
}
template <class T>
struct AbsSum : Sum<T> {
  void take(Wide<T> x) { Sum<T>::take(magnitude<T>(x)); }
};
template <class T>
struct SquareSum : Sum<T> {
  void take(Wide<T> x) { Sum<T>::take(wrap_mul(x, x)); }
};
template <class T>
struct Root : SquareSum<T> {
  Wide<T> result(std::int64_t) const {
    return static_cast<Wide<T>>(std::sqrt(static_cast<double>(this->state)));
  }
};
template <class T>
struct Product {
  Wide<T> state = 1;
  void take(Wide<T> x) { state = wrap_mul(state, x); }
  Wide<T> result(std::int64_t) const { return state; }
};

template <class T>
constexpr Wide<T> lowest() {
  using Limits = std::numeric_limits<T>;
  return static_cast<Wide<T>>(Limits::has_infinity ? -Limits::infinity() : Limits::min());
}
template <class T>
constexpr Wide<T> highest() {
  using Limits = std::numeric_limits<T>;
  return static_cast<Wide<T>>(Limits::has_infinity ? Limits::infinity() : Limits::max());
}
template <class T>
struct Max {
  Wide<T> state = lowest<T>();
  void take(Wide<T> x) { state = larger_of(x, state); }
  Wide<T> result(std::int64_t) const { return state; }
};
template <class T>
struct Min {
  Wide<T> state = highest<T>();
  void take(Wide<T> x) { state = smaller_of(x, state); }
  Wide<T> result(std::int64_t) const { return state; }
};
template <class T>
struct AbsMax {
  Wide<T> state = 0;
  void take(Wide<T> x) { state = larger_of(magnitude<T>(x), state); }
  Wide<T> result(std::int64_t) const { return state; }
};

struct LogSum : Sum<double> {
  double result(std::int64_t) const { return std::log(state); }
};
// One pass: the sum of exponentials is rescaled whenever the maximum grows.
struct LogSumExp {
  double max = -INFINITY, sum = 0;
  void take(double x) {
    if (x == -INFINITY) return;
    if (x == max) {
      sum += 1;
    } else if (x < max) {
      sum += std::exp(x - max);
    } else {
      sum = sum * std::exp(max - x) + 1;
      max = x;
    }
  }
  double result(std::int64_t) const { return sum == 0 ? -INFINITY : max + std::log(sum); }
};

struct Walk {
  BroadcastLoop loop;  // over the operand; steps[0] are those of the result
  std::int64_t kept, total;
};

using Reduce = void (*)(const void* in, void* out, void* scratch, const Walk& walk);

template <class F, class T>
void reduce(const void* in, void* out, void* scratch, const Walk& walk) {
  F* states = static_cast<F*>(scratch);
  for (std::int64_t i = 0; i < walk.kept; ++i) new (states + i) F();
  const std::size_t last = walk.loop.extents.size() - 1;
  const std::int64_t rows = walk.loop.extents[last - 1], length = walk.loop.extents[last];
  const std::int64_t row_step = walk.loop.steps[0][last - 1], step = walk.loop.steps[0][last];
  if (walk.total > 0) {
    for_each_plane(walk.loop, 1, [&](const auto& offset, std::int64_t at) {
      const T* from = static_cast<const T*>(in) + at;
      for (std::int64_t r = 0; r < rows; ++r) {
        F* to = states + offset[0] + r * row_step;
        for (std::int64_t i = 0; i < length; ++i) to[i * step].take(widened(from[r * length + i]));
      }
    });
  }
  const std::int64_t count = walk.kept == 0 ? 0 : walk.total / walk.kept;
  for (std::int64_t i = 0; i < walk.kept; ++i) static_cast<T*>(out)[i] = static_cast<T>(states[i].result(count));
}

struct Chosen {
  Reduce run;
  std::size_t state_bytes;
};

template <class F, class T>
Chosen chosen() {
  return {reduce<F, T>, sizeof(F)};
}

template <class T>
Chosen number_fold(Fold fold) {
  switch (fold) {
    case Fold::mean:
      return chosen<Mean<T>, T>();
    case Fold::max:
      return chosen<Max<T>, T>();
    case Fold::min:
      return chosen<Min<T>, T>();
    case Fold::l1:
      return chosen<AbsSum<T>, T>();
    case Fold::l2:
      return chosen<Root<T>, T>();
    case Fold::linf:
      return chosen<AbsMax<T>, T>();
    case Fold::sum_square:
      return chosen<SquareSum<T>, T>();
    case Fold::product:
      return chosen<Product<T>, T>();
    default:
      return chosen<Sum<T>, T>();
  }
}

Chosen fold_for(Fold fold, DType dtype) {
  return with_number(dtype, [fold](auto type) {
    using T = decltype(type);
    if constexpr (std::is_floating_point_v<T>) {
      if (fold == Fold::log_sum) return chosen<LogSum, T>();
      if (fold == Fold::log_sum_exp) return chosen<LogSumExp, T>();
    }
    return number_fold<T>(fold);
  });
}

}  // namespace

DTypeSet dtypes_of(Fold fold) { return fold == Fold::log_sum || fold == Fold::log_sum_exp ? kReals : kNumbers; }

Kernel prepare_typed_reduce(Fold fold, const PrepareRequest& request, const Shape& kept) {
  Kernel kernel = dense_kernel(request);
  const Spec& in = request.in[0].spec;
  // The result, seen with kept axes, is what broadcasts against the operand.
  const MemDesc result{{in.dtype, kept}, Layout::dense({in.dtype, kept})};
  const BroadcastPlan plan = plan_dense_broadcast({request.attrs, std::span(&result, 1), std::span(&in, 1), false});
  const Walk walk{plan.loop, request.out[0].count(), in.count()};
  const Chosen fold_of = fold_for(fold, in.dtype);
  kernel.scratch_bytes = fold_of.state_bytes * static_cast<std::size_t>(walk.kept);
  kernel.run = [walk, run = fold_of.run](const KernelArgs& args) { run(args.in[0], args.out[0], args.scratch, walk); };
  return kernel;
}

}  // namespace assay::engine
