// Tensor: an immutable value of a logical type (dtype, shape) in some physical layout. The layout is oneDNN's choice
// and travels with the tensor; a reorder happens only where a kernel needs another one, and is counted.
// Logical order is row-major NCHW everywhere; weights are OIHW (grouped: [G*O, I/G, H, W]); dense layers [out, in].
// Threading: tensors are safe to share read-only between threads; kernels run on the calling thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace assay::engine {

enum class DType : std::uint8_t {
  f32 = 1,
  f64 = 2,
  bf16 = 3,
  i64 = 4,
  i32 = 5,
  u8 = 6,
  s8 = 7,
  boolean = 8
};  // persisted
std::size_t dtype_size(DType dtype);
const char* dtype_name(DType dtype);  // safetensors spelling: F32 ...
DType dtype_from_name(const std::string& name);

using Shape = std::vector<std::int64_t>;
std::int64_t element_count(const Shape& shape);  // 1 for a scalar []
std::string shape_str(const Shape& shape);       // "[64, 1, 28, 28]"

struct Spec {
  DType dtype = DType::f32;
  Shape shape;
  std::int64_t count() const { return element_count(shape); }
  std::size_t bytes() const { return static_cast<std::size_t>(count()) * dtype_size(dtype); }
  std::string str() const;
  bool operator==(const Spec&) const = default;
};

// Physical layout of a Spec. Row-major dense, or one chosen by the kernel library (opaque). Cheap to copy.
class Layout {
 public:
  Layout() = default;  // "any": the kernel may choose
  static Layout dense(const Spec& spec);
  bool any() const { return !dense_ && !native_; }
  bool is_dense() const { return dense_; }
  std::size_t bytes() const { return bytes_; }
  bool operator==(const Layout& other) const;
  // For the adapter only: the library's memory descriptor.
  static Layout from_native(std::shared_ptr<const void> native, std::size_t bytes);
  const std::shared_ptr<const void>& native() const { return native_; }

 private:
  bool dense_ = false;
  std::size_t bytes_ = 0;
  std::shared_ptr<const void> native_;
};

// 64-byte aligned memory, kept in a process-wide pool when released (first touch of a page is dear).
class Storage {
 public:
  static std::shared_ptr<Storage> allocate(std::size_t bytes);
  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

 private:
  Storage(std::byte* data, std::size_t bytes, std::size_t capacity) : data_(data), bytes_(bytes), capacity_(capacity) {}
  std::byte* data_;
  std::size_t bytes_, capacity_;
};

struct TapeNode;  // engine/tape

class Tensor {
 public:
  Tensor() = default;  // undefined
  Tensor(Spec spec, Layout layout, std::shared_ptr<const Storage> storage);
  static Tensor from_bytes(Spec spec, std::span<const std::byte> row_major);  // copies
  static Tensor f32(Shape shape, std::span<const float> values);
  static Tensor i64(Shape shape, std::span<const std::int64_t> values);
  static Tensor full(Shape shape, float value);
  static Tensor scalar(float value) { return full({}, value); }

  bool defined() const { return storage_ != nullptr; }
  const Spec& spec() const { return spec_; }
  const Shape& shape() const { return spec_.shape; }
  DType dtype() const { return spec_.dtype; }
  std::int64_t dim(int axis) const;  // negative counts from the end
  std::int64_t count() const { return spec_.count(); }
  const Layout& layout() const { return layout_; }
  const std::shared_ptr<const Storage>& storage() const { return storage_; }
  const std::byte* raw() const { return storage_->data(); }  // bytes in layout()

  Tensor dense() const;                 // itself, or a row-major copy
  std::span<const float> f32s() const;  // requires f32 and a dense layout
  std::span<const std::int64_t> i64s() const;
  std::vector<float> to_f32() const;  // any layout, f32 or converted
  std::vector<std::int64_t> to_i64() const;
  float item() const;  // one-element tensor

  const std::shared_ptr<TapeNode>& tape() const { return tape_; }
  Tensor with_tape(std::shared_ptr<TapeNode> node) const;

 private:
  Spec spec_;
  Layout layout_;
  std::shared_ptr<const Storage> storage_;
  std::shared_ptr<TapeNode> tape_;
};

// Counters of this process, for tests and the profiler. [any-thread]
struct EngineCounters {
  std::uint64_t reorders = 0;            // layout changes executed
  std::uint64_t primitives_created = 0;  // kernel library primitives built
  std::uint64_t allocations = 0;         // Storage::allocate calls
  std::uint64_t bytes_allocated = 0;     // bytes taken from the system (a request served by the pool adds none)
};
EngineCounters engine_counters();

}  // namespace assay::engine
