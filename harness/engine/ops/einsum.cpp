// einsum: lowered to diagonals, sums, and one matrix product a pair of operands, from left to right.
#include <algorithm>
#include <array>

#include "harness/engine/ops/einsum_expression.hpp"

namespace assay::engine {
namespace {

struct Term {
  Value value;
  Labels labels;
};

bool contains(const Labels& labels, Label l) { return std::find(labels.begin(), labels.end(), l) != labels.end(); }

// The axes of `t` in the order of `labels`, all of which it has.
Term ordered(const Term& t, const Labels& labels) {
  if (t.labels == labels) return t;
  Shape perm;
  for (const Label l : labels) perm.push_back(std::find(t.labels.begin(), t.labels.end(), l) - t.labels.begin());
  return {call("transpose", {t.value}, {{"perm", perm}}), labels};
}

// One axis for two of the same label: every (n + 1)-th element of the two axes joined at the end.
Term diagonal(const Term& t, std::size_t first, std::size_t second) {
  Shape perm;
  Labels rest;
  for (std::size_t a = 0; a < t.labels.size(); ++a) {
    if (a == first || a == second) continue;
    perm.push_back(static_cast<std::int64_t>(a));
    rest.push_back(t.labels[a]);
  }
  perm.push_back(static_cast<std::int64_t>(first));
  perm.push_back(static_cast<std::int64_t>(second));
  const Value moved = call("transpose", {t.value}, {{"perm", perm}});
  Shape shape = shape_of(moved);
  const std::int64_t n = shape.back();
  shape.pop_back();
  shape.back() = n * n;
  Shape step(shape.size(), 1), size = shape;
  step.back() = n + 1;
  size.back() = n;
  rest.push_back(t.labels[first]);
  return {call("slice", {reshape(moved, shape)}, {{"step", step}, {"size", size}}), rest};
}

Term without_repeats(Term t, const EinsumExpression& e) {
  for (std::size_t a = 0; a < t.labels.size(); ++a) {
    for (std::size_t b = a + 1; b < t.labels.size(); ++b) {
      if (t.labels[a] != t.labels[b]) continue;
      Shape full = shape_of(t.value);  // an extent of 1 repeats here too
      full[a] = full[b] = e.extents.at(t.labels[a]);
      if (full != shape_of(t.value)) t.value = call("expand", {t.value}, {{"shape", full}});
      return without_repeats(diagonal(t, a, b), e);
    }
  }
  return t;
}

// Sums over the labels that nothing else needs.
Term summed(const Term& t, const Labels& needed) {
  Shape axes;
  Labels rest;
  for (std::size_t a = 0; a < t.labels.size(); ++a) {
    if (contains(needed, t.labels[a])) {
      rest.push_back(t.labels[a]);
    } else {
      axes.push_back(static_cast<std::int64_t>(a));
    }
  }
  return axes.empty() ? t : Term{call("reduce_sum", {t.value}, {{"axes", axes}}), rest};
}

struct Split {
  Labels batch, left, right, inner;  // in both and kept; in one only; in both and summed
};

Split split_of(const Term& a, const Term& b, const Labels& needed) {
  Split s;
  for (const Label l : a.labels) {
    (!contains(b.labels, l) ? s.left : (contains(needed, l) ? s.batch : s.inner)).push_back(l);
  }
  for (const Label l : b.labels) {
    if (!contains(a.labels, l)) s.right.push_back(l);
  }
  return s;
}

Shape einsum_extents(const Labels& labels, const EinsumExpression& e) {
  Shape shape;
  for (const Label l : labels) shape.push_back(e.extents.at(l));
  return shape;
}

// [batch, rows, columns] as one matrix a batch element; extents of 1 are repeated first.
Value as_matrices(const Term& t, const std::array<const Labels*, 3>& groups, const EinsumExpression& e) {
  Labels order;
  Shape matrix;
  for (const Labels* group : groups) {
    order.insert(order.end(), group->begin(), group->end());
    matrix.push_back(element_count(einsum_extents(*group, e)));
  }
  Term moved = ordered(t, order);
  const Shape full = einsum_extents(order, e);
  if (shape_of(moved.value) != full) moved.value = call("expand", {moved.value}, {{"shape", full}});
  return reshape(moved.value, matrix);
}

Term contracted(const Term& a, const Term& b, const Labels& needed, const EinsumExpression& e) {
  const Split s = split_of(a, b, needed);
  const Value left = as_matrices(a, {&s.batch, &s.left, &s.inner}, e);
  const Value right = as_matrices(b, {&s.batch, &s.inner, &s.right}, e);
  Labels labels = s.batch;
  labels.insert(labels.end(), s.left.begin(), s.left.end());
  labels.insert(labels.end(), s.right.begin(), s.right.end());
  return {reshape(call("matmul", {left, right}), einsum_extents(labels, e)), labels};
}

std::string equation_of(const Attrs& attrs) { return attrs.text("equation", ""); }

std::vector<Value> compose_einsum(Emitter& to, std::span<const Value> in, const Attrs& attrs) {
  std::vector<Spec> specs;
  for (const Value v : in) specs.push_back(to.spec(v));
  const EinsumExpression e = parse_einsum(specs, equation_of(attrs));
  std::vector<Term> terms;
  for (std::size_t k = 0; k < in.size(); ++k) terms.push_back(without_repeats({in[k], e.operands[k]}, e));
  Term total = terms[0];
  for (std::size_t k = 0; k < terms.size(); ++k) {
    Labels later = e.result;  // what the result or a later operand has
    for (std::size_t j = k + 1; j < terms.size(); ++j) {
      later.insert(later.end(), terms[j].labels.begin(), terms[j].labels.end());
    }
    if (k > 0) {
      Labels mine = later;
      mine.insert(mine.end(), total.labels.begin(), total.labels.end());
      total = contracted(total, summed(terms[k], mine), later, e);
    }
    total = summed(total, later);
  }
  Term result = ordered(total, e.result);
  const Shape full = einsum_extents(e.result, e);
  if (shape_of(result.value) != full) result.value = call("expand", {result.value}, {{"shape", full}});
  return {result.value};
}

// One multiply-add a combination of indices and product, as if all operands met at once.
OpCost einsum_cost(Specs in, Specs, const Attrs& attrs) {
  const EinsumExpression e = parse_einsum(in, equation_of(attrs));
  double combinations = 1;
  for (const auto& [label, extent] : e.extents) combinations *= static_cast<double>(extent);
  return {combinations * static_cast<double>(in.size() - 1), 0};
}

std::vector<OpCase> einsum_cases() {
  const auto with = [](const char* name, const char* equation, std::vector<Spec> in) {
    return OpCase{.name = name, .in = std::move(in), .attrs = {{"equation", std::string(equation)}}};
  };
  const Spec m = make_spec({3, 4}), square = make_spec({4, 4}), cube = make_spec({2, 3, 4});
  return {with("matrix product", "ij,jk->ik", {m, make_spec({4, 5})}),
          with("transposed", "ji,kj->ik", {m, make_spec({5, 3})}),
          with("batched", "bij,bjk->bik", {cube, make_spec({2, 4, 3})}),
          with("heads", "bqhd,bkhd->bhqk", {make_spec({2, 3, 2, 4}), make_spec({2, 5, 2, 4})}),
          with("implicit", "ij,jk", {m, make_spec({4, 2})}),
          with("spaces", " b i j , b k j -> i b k ", {cube, make_spec({2, 5, 4})}),
          with("inner", "i,i->", {make_spec({5}), make_spec({5})}),
          with("outer", "i,j->ij", {make_spec({3}), make_spec({4})}),
          with("elementwise", "ij,ij->ji", {m, m}),
          with("left over", "ijk,kl->j", {cube, make_spec({4, 3})}),
          with("transpose", "ij->ji", {m}),
          with("trace", "ii->", {square}),
          with("diagonal", "bii->ib", {make_spec({2, 3, 3})}),
          with("diagonal product", "ii,ij->j", {square, square}),
          with("sum", "ij->", {m}),
          with("ellipsis", "...ij,...jk->...ik", {make_spec({2, 1, 3, 4}), make_spec({5, 4, 2})}),
          with("implicit ellipsis", "i...,j...", {make_spec({3, 2}), make_spec({4, 2})}),
          with("repeated extent", "ij,j->i", {make_spec({3, 1}), make_spec({4})}),
          with("three", "ij,jk,kl->il", {m, make_spec({4, 2}), make_spec({2, 5})}),
          with("nothing", "ij,jk->ik", {make_spec({0, 4}), make_spec({4, 2})}),
          with("over nothing", "ij,jk->ik", {make_spec({3, 0}), make_spec({0, 2})})};
}

}  // namespace

void register_einsum(Registry& registry) {
  Op op;
  op.name = "einsum";
  op.onnx = "Einsum";
  op.doc =
      "operands -> their sum of products by attribute equation, numpy's and ONNX's: \"bij,bjk->bik\", \"...ii->...\"";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("einsum", in, 1, 64);
    expect_f32("einsum", in);
    const EinsumExpression e = parse_einsum(in, equation_of(attrs));
    return one(f32_spec(einsum_extents(e.result, e)));
  };
  op.compose = compose_einsum;
  op.cost = einsum_cost;
  op.cases = einsum_cases();
  registry.add(std::move(op));
}

}  // namespace assay::engine
