// Threads, layouts, reorders and library facts; dnnl_products.cpp holds the primitives that compute.

#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>

#include "harness/engine/tensor/counters.hpp"
#include "harness/engine/tensor/dnnl_native.hpp"

// Of the OpenMP runtime; its header belongs to the compiler and is missing with some.
extern "C" void omp_set_num_threads(int);

namespace assay::engine::native {
namespace {

std::atomic<int> g_threads{1};

// Per thread: OpenMP's thread count is a property of the calling thread, and must be the same when a primitive is
// created and when it runs.
struct Context {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  int omp_threads = 0;
};

Context& context() {
  thread_local Context instance;
  const int wanted = g_threads.load(std::memory_order_relaxed);
  if (instance.omp_threads != wanted) {
    omp_set_num_threads(wanted);
    instance.omp_threads = wanted;
  }
  return instance;
}

}  // namespace

DataType data_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return DataType::f32;
    case DType::bf16:
      return DataType::bf16;
    case DType::i32:
      return DataType::s32;
    case DType::u8:
      return DataType::u8;
    case DType::s8:
      return DataType::s8;
    default:
      throw Error(Fault::internal, std::string("no native layout for dtype ") + dtype_name(dtype));
  }
}

const dnnl::engine& this_engine() { return context().engine; }

Shape row_major_strides(const Shape& dims) {
  Shape strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

Md dense_md(DType dtype, const Shape& dims) {
  return dims.empty() ? Md({1}, data_type(dtype), Shape{1}) : Md(dims, data_type(dtype), row_major_strides(dims));
}

namespace {

bool is_row_major(const Md& md) {
  const auto& d = md.data;
  if (d.format_kind != dnnl_blocked || d.format_desc.blocking.inner_nblks != 0 || d.offset0 != 0) return false;
  if (d.extra.flags != dnnl_memory_extra_flag_none) return false;
  std::int64_t stride = 1;
  for (int i = d.ndims; i-- > 0;) {
    if (d.padded_dims[i] != d.dims[i]) return false;
    if (d.dims[i] != 1 && d.format_desc.blocking.strides[i] != stride) return false;
    stride *= d.dims[i];
  }
  return true;
}

DType dtype_of(DataType type) {
  switch (type) {
    case DataType::bf16:
      return DType::bf16;
    case DataType::s32:
      return DType::i32;
    case DataType::u8:
      return DType::u8;
    case DataType::s8:
      return DType::s8;
    default:
      return DType::f32;
  }
}

// Several descriptors can mean the same bytes: one full block of channels is channels-last, and blocked channels
// without pixels are row-major. One of them stands for all, so that no reorder is made between equals.
Md canonical(const Md& md) {
  const auto& d = md.data;
  if (d.ndims != 4 || d.format_kind != dnnl_blocked) return md;
  const std::int64_t channels = d.dims[1];
  const DataType type = md.data_type();
  if (md == Md(md.dims(), type, Tag::nhwc)) {
    if (channels == 16) return Md(md.dims(), type, Tag::nChw16c);
    if (channels == 8) return Md(md.dims(), type, Tag::nChw8c);
  }
  const bool no_pixels = d.dims[2] == 1 && d.dims[3] == 1 && d.padded_dims[1] == channels;
  const bool blocked = md == Md(md.dims(), type, Tag::nChw16c) || md == Md(md.dims(), type, Tag::nChw8c);
  return no_pixels && blocked ? Md(md.dims(), type, row_major_strides(md.dims())) : md;
}

}  // namespace

// Equal descriptors become one object, so that comparing layouts is comparing pointers.
Layout layout_of(const Md& given) {
  const Md md = canonical(given);
  if (is_row_major(md)) return Layout::dense({dtype_of(md.data_type()), md.dims()});
  static std::mutex mutex;
  static auto* interned = new std::map<Shape, std::vector<std::shared_ptr<const Md>>>;
  const std::lock_guard lock(mutex);
  auto& same_dims = (*interned)[md.dims()];
  for (const auto& known : same_dims) {
    if (*known == md) return Layout::from_native(known, md.get_size());
  }
  same_dims.push_back(std::make_shared<const Md>(md));
  return Layout::from_native(same_dims.back(), md.get_size());
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

namespace {

struct Bound {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> memories;
  std::vector<std::pair<int, memory>> slots;  // index as in Binding
  memory scratch;

  void run(const KernelArgs& args) {
    for (auto& [index, mem] : slots) {
      void* data = index >= 0 ? const_cast<void*>(args.in[static_cast<std::size_t>(index)])
                              : args.out[static_cast<std::size_t>(-1 - index)];
      mem.set_data_handle(data);
    }
    if (scratch) scratch.set_data_handle(args.scratch);
    primitive.execute(context().stream, memories);
  }
};

}  // namespace

namespace {

std::string implementation_of(const dnnl::primitive& primitive) {
  const char* name = nullptr;
  dnnl_primitive_desc_query(primitive.get_primitive_desc(), dnnl_query_impl_info_str, 0, static_cast<void*>(&name));
  return name ? name : "";
}

}  // namespace

Kernel bind_kernel(dnnl::primitive primitive, const Md& scratch_md, const std::vector<Binding>& bindings) {
  counters().primitives_created.fetch_add(1, std::memory_order_relaxed);
  auto bound = std::make_shared<Bound>();
  bound->primitive = std::move(primitive);
  const dnnl::engine& engine = this_engine();
  for (const Binding& b : bindings) {
    memory mem(b.md, engine, DNNL_MEMORY_NONE);
    bound->memories.emplace(b.argument, mem);
    bound->slots.emplace_back(b.index, mem);
  }
  Kernel kernel;
  kernel.name = implementation_of(bound->primitive);
  kernel.scratch_bytes = scratch_md.get_size();
  if (kernel.scratch_bytes > 0) {
    bound->scratch = memory(scratch_md, engine, DNNL_MEMORY_NONE);
    bound->memories.emplace(DNNL_ARG_SCRATCHPAD, bound->scratch);
  }
  kernel.run = [bound](const KernelArgs& args) { bound->run(args); };
  return kernel;
}

namespace {

// The descriptor of `layout` for a tensor of `spec`; a dense one takes the library's view of the same elements, when it
// has another number of axes (grouped weights).
Md md_for(const Spec& spec, const Layout& layout, const Layout& other) {
  if (layout.native()) return md_of(layout);
  return dense_md(spec.dtype, other.native() ? md_of(other).dims() : spec.shape);
}

Kernel copy_kernel(const Layout& layout) {
  const std::size_t bytes = layout.bytes();
  Kernel kernel;
  kernel.run = [bytes](const KernelArgs& args) {
    if (args.out[0] != args.in[0]) std::memcpy(args.out[0], args.in[0], bytes);
  };
  return kernel;
}

// Two library layouts of different rank (grouped weights seen by an op that is not a convolution), or of a pair that the
// library has no kernel for (weights of second-order gradients, stored for one direction and wanted for another): through
// dense.
Kernel two_step_reorder(const MemDesc& from, const Layout& to) {
  const Layout dense = Layout::dense(from.spec);
  const Kernel first = make_reorder(from, dense), second = make_reorder({from.spec, dense}, to);
  const std::size_t middle = (dense.bytes() + 63) / 64 * 64;
  Kernel kernel;
  kernel.scratch_bytes = middle + std::max(first.scratch_bytes, second.scratch_bytes);
  kernel.run = [first, second, middle](const KernelArgs& args) {
    void* between = args.scratch;
    const void* source = between;
    void* scratch = static_cast<std::byte*>(args.scratch) + middle;
    first.run({args.in, std::span(&between, 1), scratch});
    second.run({std::span(&source, 1), args.out, scratch});
  };
  return kernel;
}

Kernel library_reorder(const MemDesc& from, const Layout& to) {
  const Md source = md_for(from.spec, from.layout, to), target = md_for(from.spec, to, from.layout);
  if (source.data.ndims != target.data.ndims) return two_step_reorder(from, to);
  const dnnl::engine& engine = this_engine();
  const bool direct = !from.layout.native() || !to.native();  // one of them is dense: no detour is left
  const dnnl::reorder::primitive_desc pd(engine, source, engine, target, user_scratchpad(), !direct);
  if (!pd) return two_step_reorder(from, to);
  Kernel kernel =
      bind_kernel(dnnl::reorder(pd), pd.scratchpad_desc(), {{DNNL_ARG_FROM, 0, source}, {DNNL_ARG_TO, -1, target}});
  const auto inner = kernel.run;
  kernel.run = [inner](const KernelArgs& args) {
    counters().reorders.fetch_add(1, std::memory_order_relaxed);
    inner(args);
  };
  return kernel;
}

}  // namespace

Kernel make_reorder(const MemDesc& from, const Layout& to) {
  return translated("reorder", [&] {
    const bool same = from.layout == to;
    Kernel kernel = same || from.spec.count() == 0 ? copy_kernel(to) : library_reorder(from, to);
    kernel.in = {from.layout};
    kernel.out = {to};
    kernel.in_place = {same ? 0 : -1};
    return kernel;
  });
}

Layout retyped(const Spec& to, const Layout& layout) {
  if (!layout.native()) return Layout::dense(to);
  Md md = md_of(layout);
  md.data.data_type = dnnl::memory::convert_to_c(data_type(to.dtype));
  return layout_of(md);
}

std::string library_version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

std::string effective_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "other";
  }
}

void set_threads(int threads) {
  if (threads < 1) throw Error(Fault::bad_input, "the engine needs at least 1 thread, not " + std::to_string(threads));
  g_threads.store(threads, std::memory_order_relaxed);
}

int threads() { return g_threads.load(std::memory_order_relaxed); }

}  // namespace assay::engine::native

namespace assay::engine {
namespace {

// The block size of a layout in which channels are split once, e.g. nChw16c; 1 for plain ones, 0 for others.
std::int64_t channel_block(const dnnl_blocking_desc_t& blocking) {
  if (blocking.inner_nblks == 0) return 1;
  return blocking.inner_nblks == 1 && blocking.inner_idxs[0] == 1 ? blocking.inner_blks[0] : 0;
}

bool strides_are(const dnnl_memory_desc_t& md, const ChannelView& v, bool channels_last) {
  const std::int64_t block = channels_last ? v.channels : v.block;
  const std::int64_t per_channel_block = v.plane() * block;
  const std::int64_t expected[4] = {v.channel_blocks * per_channel_block, channels_last ? 1 : per_channel_block,
                                    v.width * block, block};
  const std::int64_t extents[4] = {v.n, channels_last ? v.channels : v.channel_blocks, v.height, v.width};
  for (int i = 0; i < 4; ++i) {
    if (extents[i] != 1 && md.format_desc.blocking.strides[i] != expected[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<ChannelView> channel_view(const MemDesc& mem) {
  const DType type = mem.spec.dtype;
  if ((type != DType::f32 && type != DType::bf16) || mem.spec.shape.size() != 4) return std::nullopt;
  const Shape& s = mem.spec.shape;
  if (mem.layout.is_dense()) return ChannelView{s[0], s[1], s[2], s[3], 1, s[1]};
  if (!mem.layout.native()) return std::nullopt;
  const dnnl_memory_desc_t& md = native::md_of(mem.layout).data;
  if (md.ndims != 4 || md.format_kind != dnnl_blocked || md.offset0 != 0) return std::nullopt;
  const std::int64_t block = channel_block(md.format_desc.blocking);
  if (block == 0) return std::nullopt;
  const ChannelView blocked{s[0], md.padded_dims[1] / block, s[2], s[3], block, s[1]};
  if (block > 1) return strides_are(md, blocked, false) ? std::optional(blocked) : std::nullopt;
  const ChannelView last{s[0], 1, s[2], s[3], s[1], s[1]};
  return strides_are(md, last, true) && md.padded_dims[1] == s[1] ? std::optional(last) : std::nullopt;
}

Layout layout_like(const Spec& spec, const ChannelView& like) {
  const auto md = [&](native::Tag tag) {
    return native::layout_of(native::Md(spec.shape, native::data_type(spec.dtype), tag));
  };
  if (like.block == 1) return Layout::dense(spec);
  if (like.channel_blocks == 1 && like.block == like.channels) {
    // A single full block of 8 or 16 channels is channels-last too.
    return md(native::Tag::nhwc);
  }
  switch (like.block) {
    case 4:
      return md(native::Tag::nChw4c);
    case 8:
      return md(native::Tag::nChw8c);
    case 16:
      return md(native::Tag::nChw16c);
    default:
      throw Error(Fault::internal, "no layout with channel blocks of " + std::to_string(like.block));
  }
}

}  // namespace assay::engine
