#include "harness/engine/tape/kernel_cache.hpp"

#include <unordered_map>

#include "harness/base/error.hpp"
#include "harness/engine/tensor/dnnl_adapter.hpp"

namespace assay::engine {
namespace {

constexpr std::size_t kMaxKernels = 4096;  // then the cache starts over; a method uses a few hundred

template <class T>
void append(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct AppendItem {
  std::string& key;
  void operator()(std::int64_t v) const { append(key, v); }
  void operator()(double v) const { append(key, v); }
  void operator()(const std::string& v) const { append(key, v.size()), key += v; }
  template <class T>
  void operator()(const std::vector<T>& v) const {
    append(key, v.size());
    for (const T& item : v) append(key, item);
  }
};

std::string key_of(OpId op, std::span<const Tensor> in, const Attrs& attrs, bool training) {
  std::string key;
  append(key, op);
  append(key, training);
  for (const auto& [name, item] : attrs.items()) {
    AppendItem{key}(name);
    append(key, item.index());
    std::visit(AppendItem{key}, item);
  }
  for (const Tensor& t : in) {
    append(key, t.dtype());
    append(key, t.shape().size());
    for (const std::int64_t d : t.shape()) append(key, d);
    append(key, t.layout().native().get());  // interned for the process, null when dense
  }
  return key;
}

PreparedOp prepare(OpId id, std::span<const Tensor> in, const Attrs& attrs, bool training) {
  const Op& op = Registry::get().op(id);
  std::vector<Spec> specs;
  std::vector<MemDesc> mems;
  for (const Tensor& t : in) {
    specs.push_back(t.spec());
    mems.push_back({t.spec(), t.layout()});
  }
  PreparedOp p;
  p.out = op.infer(specs, attrs);
  p.kernel = op.prepare({attrs, mems, p.out, training});
  if (p.kernel.in.size() != in.size() || p.kernel.out.size() != p.out.size()) {
    throw Error(Fault::internal, op.name + ": the kernel's layouts do not match its operands");
  }
  if (op.cost) p.macs = op.cost(specs, p.out, attrs).macs;
  p.reorders.resize(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!(p.kernel.in[i] == mems[i].layout)) p.reorders[i] = native::make_reorder(mems[i], p.kernel.in[i]);
  }
  return p;
}

}  // namespace

const PreparedOp& prepared(OpId op, std::span<const Tensor> in, const Attrs& attrs, bool training) {
  thread_local std::unordered_map<std::string, PreparedOp> cache;
  std::string key = key_of(op, in, attrs, training);
  const auto it = cache.find(key);
  if (it != cache.end()) return it->second;
  if (cache.size() >= kMaxKernels) cache.clear();
  return cache.emplace(std::move(key), prepare(op, in, attrs, training)).first->second;
}

}  // namespace assay::engine
