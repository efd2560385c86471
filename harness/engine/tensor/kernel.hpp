// Kernel: a prepared computation for fixed shapes and layouts, and the views that let own loops run on blocked layouts.
// Threading: a kernel runs on the calling thread and by one thread at a time (it keeps the library's argument handles).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/engine/tensor/tensor.hpp"

namespace assay::engine {

struct MemDesc {
  Spec spec;
  Layout layout;
};

struct KernelArgs {
  std::span<const void* const> in;
  std::span<void* const> out;
  void* scratch = nullptr;  // 64-byte aligned, at least Kernel::scratch_bytes
};

struct Kernel {
  std::vector<Layout> in, out;  // what run() needs and makes; no entry is "any"
  std::size_t scratch_bytes = 0;
  std::string name;           // the implementation, for the profiler; "" for own loops
  std::vector<int> in_place;  // out i may share memory with input in_place[i]; -1: must not
  std::function<void(const KernelArgs&)> run;
};

// A [N, C, H, W] f32 tensor seen as [n][channel_blocks][height][width][block] with unit stride in `block`: covers the
// dense layout (block 1), channels-last (one block of C) and blocked ones (8 or 16 channels a block; the last block is
// padded with zeros, which every kernel must keep zero).
struct ChannelView {
  std::int64_t n = 0, channel_blocks = 0, height = 0, width = 0, block = 0, channels = 0;
  std::int64_t plane() const { return height * width; }
  std::int64_t physical() const { return n * channel_blocks * plane() * block; }  // floats in memory
  bool padded() const { return channel_blocks * block != channels; }
};
std::optional<ChannelView> channel_view(const MemDesc& mem);  // nullopt: not 4-D f32, or another layout
// The layout of a [N, C, H, W] `spec` whose channels are arranged as in `like` (same C): dense, channels-last, blocked.
Layout layout_like(const Spec& spec, const ChannelView& like);

// The number of f32 in memory, padding included, for loops that treat all elements alike.
inline std::size_t physical_floats(const Layout& layout) { return layout.bytes() / sizeof(float); }
inline bool has_padding(const MemDesc& mem) { return mem.layout.bytes() != mem.spec.bytes(); }

}  // namespace assay::engine
