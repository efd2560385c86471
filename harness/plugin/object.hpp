// The host's side of the ABI's opaque objects: reference counts, kinds, payloads. Every object belongs to one Host, which
// knows all that live, so that a stale or foreign handle is refused instead of followed, and leaks can be named.
// Threading: counts are atomic; payloads belong to the worker thread.
#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "assay/plugin.h"
#include "harness/graph/edit.hpp"
#include "harness/plugin/values.hpp"

namespace assay::plugin {
class Host;
}

struct assay_object {
  assay_object(assay::plugin::Host& owner, assay_type type) : host(owner), kind(type) {}
  virtual ~assay_object() = default;
  assay_object(const assay_object&) = delete;
  assay_object& operator=(const assay_object&) = delete;

  assay::plugin::Host& host;
  const assay_type kind;
  std::atomic<std::int64_t> references{1};
};

namespace assay::plugin {

// Owning pointer to an object of the host's own: one reference.
class Ref {
 public:
  Ref() = default;
  static Ref adopt(assay_object* object) { return Ref(object); }
  static Ref share(assay_object* object);
  Ref(const Ref& other) : Ref(share(other.object_)) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref();
  assay_object* get() const { return object_; }
  assay_object* release() { return std::exchange(object_, nullptr); }  // gives the reference away

 private:
  explicit Ref(assay_object* object) : object_(object) {}
  assay_object* object_ = nullptr;
};

// A value inside a list or bundle: the ABI's struct with what it points at.
struct Held {
  assay_type type = ASSAY_NONE;
  std::int64_t i = 0;
  double r = 0;
  std::string s;
  Ref o;
  assay_value borrowed() const { return {type, 0, i, r, s.c_str(), o.get()}; }
};

struct TensorObject final : assay_object {
  TensorObject(Host& owner, engine::Tensor tensor) : assay_object(owner, ASSAY_TENSOR), value(std::move(tensor)) {}
  engine::Tensor value;
  engine::Tensor dense;  // made by the first view()
  std::int64_t held = 0;  // bytes that count against the memory budget
};
struct RecordsObject final : assay_object {
  RecordsObject(Host& owner, Records records) : assay_object(owner, ASSAY_RECORDS), value(std::move(records)) {}
  Records value;
};
struct ModelObject final : assay_object {
  ModelObject(Host& owner, Model model);
  Model value;
  engine::Shape input_shape;
  std::vector<std::string> taps, params;
};
struct StateObject final : assay_object {
  explicit StateObject(Host& owner, State state = {}) : assay_object(owner, ASSAY_STATE), value(std::move(state)) {}
  State value;
};
struct ListObject final : assay_object {
  ListObject(Host& owner, std::vector<Held> list) : assay_object(owner, ASSAY_LIST), items(std::move(list)) {}
  std::vector<Held> items;
};
struct BundleObject final : assay_object {
  explicit BundleObject(Host& owner) : assay_object(owner, ASSAY_BUNDLE) {}
  std::map<std::string, Held> values;
};
struct GraphObject final : assay_object {
  GraphObject(Host& owner, graph::Graph content) : assay_object(owner, ASSAY_GRAPH), value(std::move(content)) {}
  graph::Graph value;
  std::string label = "built";
  // What node_at, channels_at and shape lent out; rebuilt after an edit.
  std::vector<const char*> inputs, outputs, producers, consumers;
  std::vector<graph::ChannelGroup> channels;
  bool channels_known = false;
  std::map<std::string, graph::Spec> specs;
  engine::Shape shape;
  std::string text;
  Ref attrs;
  void edited() {
    channels_known = false;
    specs.clear();
  }
};

}  // namespace assay::plugin
