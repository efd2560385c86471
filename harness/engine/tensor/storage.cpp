// The process-wide memory pool. Sizes are rounded up to one of four classes an octave, so that a freed block fits the
// next request of about the same size; the first touch of a page costs more than any loop over it.
#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/counters.hpp"

namespace assay::engine {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;   // blocks from here on ask for huge pages
constexpr std::size_t kPoolLimit = std::size_t{2} << 30;  // bytes kept for reuse; beyond it blocks go back
constexpr std::size_t kClasses = 4 * 48;                  // up to 2^48 bytes

std::size_t class_of(std::size_t bytes) {
  if (bytes <= 256) return 0;
  const auto octave = static_cast<std::size_t>(std::bit_width(bytes - 1) - 1);
  const std::size_t quarter = (bytes - 1 - (std::size_t{1} << octave)) >> (octave - 2);
  return (octave - 8) * 4 + quarter + 1;
}

std::size_t class_bytes(std::size_t index) {
  if (index == 0) return 256;
  const std::size_t octave = (index - 1) / 4 + 8, quarter = (index - 1) % 4;
  return (std::size_t{1} << octave) + ((quarter + 1) << (octave - 2));
}

struct Pool {
  std::mutex mutex;
  std::array<std::vector<std::byte*>, kClasses> free;
  std::size_t pooled = 0;
};

Pool& pool() {
  static Pool* instance = new Pool;  // never destroyed: tensors with static lifetime are released after it
  return *instance;
}

std::byte* from_system(std::size_t capacity) {
  const std::size_t alignment = capacity >= kHugePage ? kHugePage : kAlignment;
  const std::size_t rounded = (capacity + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (!memory) throw Error(Fault::unsupported, "out of memory: " + std::to_string(capacity) + " bytes for a tensor");
  if (capacity >= kHugePage) ::madvise(memory, rounded, MADV_HUGEPAGE);  // advice: failure costs only speed
  counters().bytes_allocated.fetch_add(rounded, std::memory_order_relaxed);
  return static_cast<std::byte*>(memory);
}

}  // namespace

Counters& counters() {
  static Counters instance;
  return instance;
}

EngineCounters engine_counters() {
  const Counters& c = counters();
  return {c.reorders.load(), c.primitives_created.load(), c.allocations.load(), c.bytes_allocated.load()};
}

std::shared_ptr<Storage> Storage::allocate(std::size_t bytes) {
  counters().allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t index = class_of(bytes);
  if (index >= kClasses) throw Error(Fault::bad_input, "a tensor of " + std::to_string(bytes) + " bytes is too large");
  const std::size_t capacity = class_bytes(index);
  std::byte* data = nullptr;
  {
    Pool& p = pool();
    const std::lock_guard lock(p.mutex);
    if (!p.free[index].empty()) {
      data = p.free[index].back();
      p.free[index].pop_back();
      p.pooled -= capacity;
    }
  }
  if (!data) data = from_system(capacity);
  return std::shared_ptr<Storage>(new Storage(data, bytes, capacity));
}

Storage::~Storage() {
  Pool& p = pool();
  {
    const std::lock_guard lock(p.mutex);
    if (p.pooled + capacity_ <= kPoolLimit) {
      p.free[class_of(capacity_)].push_back(data_);
      p.pooled += capacity_;
      return;
    }
  }
  std::free(data_);
}

}  // namespace assay::engine
