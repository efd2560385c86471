// Tensors, layouts, the memory pool, attributes.
#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <thread>

#include "harness/base/error.hpp"
#include "harness/engine/ops/op.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

using namespace assay;
using namespace assay::engine;

namespace {

std::string refusal_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

Tensor ramp(const Shape& shape) {
  std::vector<float> v(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i) + 0.5f;
  return Tensor::f32(shape, v);
}

Tensor in_layout(const Tensor& t, const Layout& layout) {
  const Kernel k = native::make_reorder({t.spec(), t.layout()}, layout);
  auto storage = Storage::allocate(layout.bytes());
  const auto scratch = Storage::allocate(k.scratch_bytes);
  const void* from = t.raw();
  void* to = storage->data();
  k.run({std::span(&from, 1), std::span(&to, 1), scratch->data()});
  return Tensor(t.spec(), layout, storage);
}

Layout blocks_of(const Spec& spec, std::int64_t block) {
  ChannelView v;
  v.channels = spec.shape[1], v.block = block, v.channel_blocks = (v.channels + block - 1) / block;
  return layout_like(spec, v);
}

}  // namespace

TEST_CASE("dtype names are those of safetensors, both ways") {
  for (const char* name : {"F32", "F64", "BF16", "I64", "I32", "U8", "I8", "BOOL"}) {
    CHECK(dtype_name(dtype_from_name(name)) == std::string(name));
  }
  CHECK(refusal_of([] { dtype_from_name("F23"); }).find("unknown dtype 'F23'; did you mean 'F32'") == 0);
  CHECK(dtype_size(DType::bf16) == 2);
}

TEST_CASE("shapes: counts, overflow, text") {
  CHECK(element_count({}) == 1);
  CHECK(element_count({3, 0}) == 0);
  CHECK(shape_str({64, 1, 28, 28}) == "[64, 1, 28, 28]");
  CHECK(refusal_of([] { element_count({1LL << 40, 1LL << 40}); }).find("too large") != std::string::npos);
  CHECK(refusal_of([] { element_count({-1}); }).find("negative") != std::string::npos);
}

TEST_CASE("tensors hold what they were given") {
  const std::vector<std::int64_t> labels = {4, 0, 2};
  CHECK(Tensor::i64({3}, labels).to_i64() == labels);
  CHECK(Tensor::scalar(2.5f).item() == 2.5f);
  CHECK(Tensor::full({2, 2}, 7).to_f32() == std::vector<float>{7, 7, 7, 7});
  const std::uint16_t bf16[2] = {0x3fc0, 0xc000};  // 1.5, -2
  CHECK(Tensor::from_bytes({DType::bf16, {2}}, std::as_bytes(std::span(bf16))).to_f32() ==
        std::vector<float>{1.5f, -2.0f});
  CHECK(ramp({2, 5}).dim(-1) == 5);
  CHECK(refusal_of([] { ramp({2, 5}).dim(2); }) == "axis 2 is outside shape [2, 5]");
  CHECK(refusal_of([] { Tensor::f32({3}, std::vector<float>{1, 2}); }) == "F32[3] needs 12 bytes, got 8");
  CHECK(refusal_of([] { ramp({2}).item(); }).find("one element") != std::string::npos);
}

TEST_CASE("layouts: there and back, padding, views") {
  for (const std::int64_t channels : {3, 16, 20, 32}) {
    const Tensor dense = ramp({2, channels, 3, 5});
    for (const std::int64_t block : {std::int64_t{16}, std::int64_t{8}, channels}) {
      const Tensor moved = in_layout(dense, blocks_of(dense.spec(), block));
      CHECK(moved.to_f32() == dense.to_f32());
      const auto view = channel_view({moved.spec(), moved.layout()});
      REQUIRE(view);
      CHECK(view->padded() == (channels % block != 0));
      CHECK(static_cast<std::size_t>(view->physical()) == physical_floats(moved.layout()));
    }
  }
  const Tensor matrix = ramp({2, 3});
  CHECK(!channel_view({matrix.spec(), matrix.layout()}));
}

TEST_CASE("layouts that mean the same bytes are one layout") {
  const Spec spec{DType::f32, {2, 16, 3, 3}};
  ChannelView last;
  last.channels = last.block = 16, last.channel_blocks = 1;
  CHECK(layout_like(spec, last) == blocks_of(spec, 16));
  CHECK(blocks_of({DType::f32, {2, 32, 1, 1}}, 16).is_dense());
  CHECK(!(blocks_of(spec, 8) == blocks_of(spec, 16)));
}

// A second-order gradient takes what one direction made for what another one reads.
TEST_CASE("between any two layouts of a convolution's weights there is a way that keeps every element") {
  for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{1, 8}, {8, 16}, {16, 16}, {16, 32}, {3, 5}}) {
    std::vector<Layout> layouts;
    for (const std::int64_t stride : {1, 2}) {
      for (const std::int64_t rows : {16, 128}) {
        const std::int64_t side = 28 / stride;
        native::ConvProblem p{.src = {rows, in, 28, 28}, .weights = {out, in, 3, 3}, .dst = {rows, out, side, side}};
        p.stride = {stride, stride};
        p.pad_before = {1, 1};
        p.pad_after = {stride == 1 ? 1 : 0, stride == 1 ? 1 : 0};
        const Layout src = Layout::dense({DType::f32, p.src}), dst = Layout::dense({DType::f32, p.dst});
        layouts.push_back(native::make_conv_forward(p, {}, src).in[1]);
        p.training = true;
        layouts.push_back(native::make_conv_forward(p, {}, src).in[1]);
        layouts.push_back(native::make_conv_backward_data(p, dst).in[1]);
        layouts.push_back(native::make_conv_backward_weights(p, src, dst).out[0]);
      }
    }
    const Tensor weights = ramp({out, in, 3, 3});
    for (const Layout& from : layouts) {
      const Tensor stored = in_layout(weights, from);
      for (const Layout& to : layouts) CHECK(in_layout(stored, to).to_f32() == weights.to_f32());
    }
  }
}

TEST_CASE("reorders are counted when they run") {
  const Tensor dense = ramp({1, 16, 2, 2});
  const auto before = engine_counters();
  const Tensor moved = in_layout(dense, blocks_of(dense.spec(), 16));
  CHECK(engine_counters().reorders == before.reorders + 1);
  CHECK(engine_counters().primitives_created == before.primitives_created + 1);
  moved.dense();
  CHECK(engine_counters().reorders == before.reorders + 2);
  CHECK(dense.dense().raw() == dense.raw());
}

TEST_CASE("released memory is used again") {
  const std::size_t bytes = 12345678;
  const std::byte* first = nullptr;
  {
    const auto block = Storage::allocate(bytes);
    first = block->data();
    CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
  }
  const auto before = engine_counters();
  const auto again = Storage::allocate(bytes - 1000);
  CHECK(again->data() == first);
  CHECK(again->bytes() == bytes - 1000);
  CHECK(engine_counters().bytes_allocated == before.bytes_allocated);
  CHECK(engine_counters().allocations == before.allocations + 1);
}

TEST_CASE("the pool gives every thread its own memory") {
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      for (int i = 0; i < 200; ++i) {
        const auto block = Storage::allocate(1 + static_cast<std::size_t>(i) * 37);
        std::fill_n(block->data(), block->bytes(), static_cast<std::byte>(t));
        for (std::size_t k = 0; k < block->bytes(); ++k)
          wrong[static_cast<std::size_t>(t)] += block->data()[k] != static_cast<std::byte>(t);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("attributes: typed reads, JSON there and back, order") {
  const Attrs a = {{"stride", std::int64_t{2}},
                   {"eps", 1e-5},
                   {"act", std::string("relu")},
                   {"axes", Shape{0, 2}},
                   {"values", std::vector<double>{0.5, 2.0}}};
  CHECK(Attrs::from_json(a.to_json()) == a);
  CHECK(a.to_json().dump() == R"({"act":"relu","axes":[0,2],"eps":1e-05,"stride":2,"values":[0.5,2.0]})");
  CHECK(a.ints("stride", {}) == Shape{2});
  CHECK(a.real("stride", 0) == 2.0);
  CHECK(a.integer("missing", 7) == 7);
  CHECK(refusal_of([&] { a.integer("act", 0); }) == "attribute 'act' must be an integer");
  CHECK((Attrs{{"a", std::int64_t{1}}} < Attrs{{"a", std::int64_t{2}}}));
}

TEST_CASE("the library says what it is") {
  CHECK(native::library_version().find("2.") == 0);
  const std::set<std::string> known = {
      "sse41", "avx", "avx2", "avx2_vnni", "avx512_core", "avx512_core_vnni", "avx512_core_bf16", "avx512_core_amx"};
  CHECK(known.count(native::effective_isa()) == 1);
  CHECK(native::threads() == 1);
  CHECK(refusal_of([] { native::set_threads(0); }).find("at least 1 thread") != std::string::npos);
}
