// tf_idf: counts of the n-grams of a pool in sequences of integers (ONNX's TfIdfVectorizer), as term frequencies, as
// weights of those that occur, or as both multiplied.
#include <algorithm>
#include <map>

#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {
namespace {

constexpr const char* kNgrams = "tf_idf";

using Gram = std::vector<std::int64_t>;

struct Column {
  std::int64_t at;
  double weight;
};

struct Ngrams {
  std::int64_t shortest, longest, skips, columns = 0;
  bool counted = true, weighted = false;
  std::map<Gram, Column> pool;
};

void set_mode(Ngrams& n, Specs in, const Attrs& attrs) {
  const std::string mode = attrs.text("mode", "TF");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF")
    op_error(kNgrams, in, "attribute mode must be TF, IDF or TFIDF");
  n.counted = mode != "IDF";
  n.weighted = mode != "TF";
}

// The pool is the n-grams of length 1, then those of length 2, ...; ngram_counts says where each length begins.
Ngrams ngrams_of(Specs in, const Attrs& attrs) {
  Ngrams n{attrs.integer("min_gram_length", 1),
           attrs.integer("max_gram_length", 1),
           attrs.integer("max_skip_count", 0),
           0,
           true,
           false,
           {}};
  if (n.shortest < 1 || n.longest < n.shortest || n.skips < 0)
    op_error(kNgrams, in, "lengths and skips must be 1 <= min <= max, 0 <= skips");
  set_mode(n, in, attrs);
  const Shape starts = attrs.ints("ngram_counts", {}), columns = attrs.ints("ngram_indexes", {}),
              pool = attrs.ints("pool", {});
  const std::vector<double> weights = attrs.reals("weights", std::vector<double>(columns.size(), 1.0));
  const auto size = static_cast<std::int64_t>(pool.size());
  std::size_t number = 0;
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const std::int64_t length = static_cast<std::int64_t>(k) + 1, end = k + 1 < starts.size() ? starts[k + 1] : size;
    if (starts[k] < 0 || end > size || end < starts[k] || (end - starts[k]) % length != 0) {
      op_error(kNgrams, in, "attribute ngram_counts does not divide the pool into n-grams");
    }
    for (std::int64_t at = starts[k]; at < end; at += length, ++number) {
      if (number >= columns.size() || number >= weights.size() || columns[number] < 0) {
        op_error(kNgrams, in, "attributes ngram_indexes and weights must have one entry an n-gram");
      }
      n.pool[Gram(pool.begin() + at, pool.begin() + at + length)] = {columns[number], weights[number]};
    }
  }
  if (number != columns.size()) op_error(kNgrams, in, "attribute ngram_indexes must have one entry an n-gram");
  for (const std::int64_t c : columns) n.columns = std::max(n.columns, c + 1);
  return n;
}

// Items of an n-gram are `step` apart; single items are counted once, whatever may be skipped.
void count_ngrams(const Ngrams& n, const std::int64_t* row, std::int64_t items, float* out) {
  std::fill_n(out, n.columns, 0.0f);
  for (std::int64_t length = n.shortest; length <= n.longest; ++length) {
    for (std::int64_t step = 1; step <= (length == 1 ? 1 : n.skips + 1); ++step) {
      for (std::int64_t first = 0; first + (length - 1) * step < items; ++first) {
        Gram gram;
        for (std::int64_t i = 0; i < length; ++i) gram.push_back(row[first + i * step]);
        const auto found = n.pool.find(gram);
        if (found == n.pool.end()) continue;
        float& value = out[found->second.at];
        const auto weight = static_cast<float>(n.weighted ? found->second.weight : 1.0);
        value = n.counted ? value + weight : weight;
      }
    }
  }
}

Attrs pool_of(std::int64_t shortest, std::int64_t longest, std::int64_t skips, const char* mode) {
  return {{"min_gram_length", shortest},
          {"max_gram_length", longest},
          {"max_skip_count", skips},
          {"mode", std::string(mode)},
          {"ngram_counts", Shape{0, 4}},
          {"ngram_indexes", Shape{0, 1, 2, 3, 6, 5, 4}},
          {"pool", Shape{0, 2, 1, 4, 1, 2, 3, 0, 2, 2}},
          {"weights", std::vector<double>{0.5, 2, 1, 1, 3, 0.25, 1}}};
}

}  // namespace

void register_ngrams(Registry& registry) {
  Op op;
  op.name = kNgrams;
  op.onnx = "TfIdfVectorizer";
  op.doc =
      "x i64 [T] or [N, T] -> f32 [columns] or [N, columns]: how often the n-grams of attribute pool occur; attributes "
      "ngram_counts (where each length begins in the pool), ngram_indexes (their columns), min_gram_length (1), "
      "max_gram_length (1), max_skip_count (0), mode (TF, IDF: the weights of those that occur, TFIDF), weights (1s)";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count(kNgrams, in, 1, 1);
    expect_dtype(kNgrams, in, 0, DType::i64);
    Shape shape = in[0].shape;
    if (shape.empty() || shape.size() > 2) op_error(kNgrams, in, "takes sequences [T] or [N, T]");
    shape.back() = ngrams_of(in, attrs).columns;
    return one(f32_spec(shape));
  };
  op.prepare = [](const PrepareRequest& request) {
    Kernel kernel = dense_kernel(request);
    const Shape& x = request.in[0].spec.shape;
    const std::int64_t items = x.back(), rows = x.size() == 2 ? x[0] : 1;
    const Ngrams n = ngrams_of(logical_specs(request.in), request.attrs);
    kernel.run = [n, items, rows](const KernelArgs& args) {
      for (std::int64_t r = 0; r < rows; ++r) {
        count_ngrams(n, elements<std::int64_t>(args, 0) + r * items, items, floats_out(args, 0) + r * n.columns);
      }
    };
    return kernel;
  };
  const auto with = [](const char* name, const Spec& x, const Attrs& attrs) {
    return OpCase{.name = name, .in = {x}, .attrs = attrs, .integers_below = 5};
  };
  op.cases = {with("counts", make_spec({3, 14}, DType::i64), pool_of(1, 2, 0, "TF")),
              with("skips", make_spec({20}, DType::i64), pool_of(1, 2, 3, "TFIDF")),
              with("pairs that occur", make_spec({2, 9}, DType::i64), pool_of(2, 2, 1, "IDF")),
              with("too short", make_spec({2, 1}, DType::i64), pool_of(2, 2, 0, "TF")),
              with("no rows", make_spec({0, 5}, DType::i64), pool_of(1, 2, 0, "TF"))};
  registry.add(std::move(op));
}

}  // namespace assay::engine
