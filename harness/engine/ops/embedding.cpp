// embedding: rows of a table by number. The gradient adds up what each row received.
#include "harness/engine/ops/op_tools.hpp"

namespace assay::engine {

void register_embedding(Registry& registry) {
  Op op;
  op.name = "embedding";
  op.doc =
      "table [V, D], ids i64 [..] -> rows of the table [.., D]; attribute padding_idx: a row that gets no gradient";
  op.infer = [](Specs in, const Attrs& attrs) {
    expect_count("embedding", in, 2, 2);
    expect_dtype("embedding", in, 0, DType::f32);
    expect_dtype("embedding", in, 1, DType::i64);
    expect_rank("embedding", in, 0, 2);
    const std::int64_t padding = attrs.integer("padding_idx", 0);
    if (attrs.has("padding_idx") && (padding < 0 || padding >= in[0].shape[0])) {
      op_error("embedding", in, "attribute padding_idx must be a row of the table");
    }
    Shape out = in[1].shape;
    out.push_back(in[0].shape[1]);
    return one(f32_spec(out));
  };
  op.prepare = [](const PrepareRequest& request) {
    const Registry& all = Registry::get();
    const Attrs rows;
    return all.op(all.id("gather")).prepare({rows, request.in, request.out, request.training});
  };
  op.vjp = [](const VjpArgs& v) {
    const std::int64_t rows = shape_of(v.in[0])[0];
    Value g = call("scatter_add", {v.cotangents[0], v.in[1]}, {{"extent", rows}});
    if (v.attrs.has("padding_idx")) {
      std::vector<float> keep(static_cast<std::size_t>(rows), 1.0f);
      keep[static_cast<std::size_t>(v.attrs.integer("padding_idx", 0))] = 0.0f;
      g = g * g.emitter->constant(Tensor::f32({rows, 1}, keep));
    }
    return std::vector<Value>{g, {}};
  };
  const Spec ids = make_spec({2, 3}, DType::i64), none = make_spec({0}, DType::i64);
  op.cases = {{.name = "tokens", .in = {make_spec({7, 5}), ids}, .integers_below = 7},
              {.name = "one id", .in = {make_spec({3, 2}), make_spec({}, DType::i64)}, .integers_below = 3},
              {.name = "no ids", .in = {make_spec({3, 2}), none}, .integers_below = 3},
              // The row without gradient is not drawn.
              {.name = "padding",
               .in = {make_spec({4, 2}), ids},
               .attrs = {{"padding_idx", std::int64_t{3}}},
               .integers_below = 3}};
  registry.add(std::move(op));
}

}  // namespace assay::engine
