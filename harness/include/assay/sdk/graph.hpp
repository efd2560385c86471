// SDK graphs: models under construction or edit, for compressors, architectures and ensembles.
#pragma once

#include "assay/sdk/model.hpp"

namespace assay {

struct NodeInfo {
  std::string op, name;
  std::vector<std::string> inputs, outputs;  // value names
  Bundle attrs;
};
struct ParamInfo {
  std::string name;
  bool buffer = false;  // not trained: running statistics
};
// Output channels that stand and fall together: a residual sum ties its producers.
struct ChannelGroup {
  std::vector<std::string> producers, consumers;  // node names of convolutions and dense layers
  std::int64_t channels = 0;
  bool removable = true;
  std::string reason;
};
struct InlineOptions {
  std::string share = {};   // prefix of an earlier copy whose parameters are used
  bool stochastic = false;  // dropout stays active, keyed by sample id and draw
  std::uint64_t draw = 0;
};

namespace sdk {
inline std::vector<std::string> strings(const char* const* items) {
  std::vector<std::string> result;
  for (; items != nullptr && *items != nullptr; ++items) result.emplace_back(*items);
  return result;
}
inline std::vector<const char*> pointers(const std::vector<std::string>& items) {
  std::vector<const char*> result;
  result.reserve(items.size() + 1);
  for (const std::string& item : items) result.push_back(item.c_str());
  result.push_back(nullptr);
  return result;
}
inline Bundle attr_bundle(const Api& api, const Attrs& attrs) {
  if (attrs.empty()) return {};
  Bundle bundle = Bundle::create(api);
  std::vector<Object> keep;
  for (const Attr& attr : attrs) bundle.set(attr.key(), attr.value(api, keep));
  return bundle;
}
}  // namespace sdk

class Graph : public Object {
 public:
  Graph() = default;
  explicit Graph(Object object) : Object(std::move(object)) {}
  static Graph create(const sdk::Api& api) {
    assay_object* out = nullptr;
    api.check(api.graph().create(api.host(), &out));
    return Graph(Object::adopt(api, out));
  }
  static Graph clone(const Model& model) {
    assay_object* out = nullptr;
    model.api().check(model.api().graph().clone(model.host(), model.raw(), &out));
    return Graph(Object::adopt(model.api(), out));
  }

  std::vector<NodeInfo> nodes() const {
    std::vector<NodeInfo> result(number(service().node_count));
    for (std::size_t i = 0; i < result.size(); ++i) {
      assay_node node{};
      node.struct_size = sizeof node;
      api().check(service().node_at(host(), raw(), i, &node));
      result[i] = {node.op, node.name, sdk::strings(node.inputs), sdk::strings(node.outputs),
                   Bundle(Object::borrow(api(), node.attrs))};
    }
    return result;
  }
  std::vector<ParamInfo> params() const {
    std::vector<ParamInfo> result(number(service().param_count));
    for (std::size_t i = 0; i < result.size(); ++i) {
      const char* name = nullptr;
      std::uint32_t flags = 0;
      api().check(service().param_at(host(), raw(), i, &name, &flags));
      result[i] = {name, (flags & ASSAY_GRAPH_BUFFER) != 0};
    }
    return result;
  }
  std::vector<ChannelGroup> channel_groups() const {
    std::vector<ChannelGroup> result(number(service().channels_count));
    for (std::size_t i = 0; i < result.size(); ++i) {
      assay_channels group{};
      group.struct_size = sizeof group;
      api().check(service().channels_at(host(), raw(), i, &group));
      result[i] = {sdk::strings(group.producers), sdk::strings(group.consumers), group.channels, group.removable != 0,
                   group.reason};
    }
    return result;
  }
  Shape shape(const std::string& value) const {  // the batch dimension is -1
    assay_view view = sdk::empty_view();
    api().check(service().shape(host(), raw(), value.c_str(), &view));
    return Shape(view.shape, view.shape + view.ndim);
  }
  Tensor param(const std::string& name) const {
    assay_object* out = nullptr;
    api().check(service().param(host(), raw(), name.c_str(), &out));
    return Tensor(Object::adopt(api(), out));
  }
  std::string output(const char* name = "logits") const {
    const char* value = nullptr;
    api().check(service().output(host(), raw(), name, &value));
    return value;
  }

  void set_param(const std::string& name, const Tensor& tensor) {
    api().check(service().set_param(host(), raw(), name.c_str(), tensor.raw()));
  }
  // 0/1 tensor of the parameter's shape; the host's optimizer keeps masked weights at zero.
  void set_mask(const std::string& name, const Tensor& mask) {
    api().check(service().set_mask(host(), raw(), name.c_str(), mask.raw()));
  }
  void keep_channels(const ChannelGroup& group, std::span<const std::int64_t> keep) {
    api().check(
        service().keep_channels(host(), raw(), sdk::pointers(group.producers).data(), keep.data(), keep.size()));
  }

  // Each gives the name of the value it makes.
  std::string input(const std::string& name, const Shape& one, DType dtype = DType::f32) {
    const assay_view view = sdk::view_of(dtype, one, nullptr);
    api().check(service().add_input(host(), raw(), name.c_str(), &view));
    return name;
  }
  std::string add_param(const std::string& name, const Tensor& initial, bool buffer = false) {
    api().check(service().add_param(host(), raw(), name.c_str(), initial.raw(), buffer ? ASSAY_GRAPH_BUFFER : 0));
    return name;
  }
  std::string node(const std::string& name, const char* op, const std::vector<std::string>& in,
                   const Attrs& attrs = {}) {
    const Bundle bundle = sdk::attr_bundle(api(), attrs);
    const std::vector<const char*> inputs = sdk::pointers(in);
    const assay_node node{sizeof(assay_node), 0, op, name.c_str(), inputs.data(), nullptr, bundle.raw()};
    api().check(service().add_node(host(), raw(), &node));
    return name;
  }
  // A node as another graph has it, on other operands.
  void node(const NodeInfo& like, const std::vector<std::string>& in) {
    const std::vector<const char*> inputs = sdk::pointers(in), outputs = sdk::pointers(like.outputs);
    const assay_node node{sizeof(assay_node), 0, like.op.c_str(), like.name.c_str(), inputs.data(), outputs.data(),
                          like.attrs.raw()};
    api().check(service().add_node(host(), raw(), &node));
  }
  void tap(const char* name, const std::string& value) {
    api().check(service().set_tap(host(), raw(), name, value.c_str()));
  }
  void output(const char* name, const std::string& value) {
    api().check(service().set_output(host(), raw(), name, value.c_str()));
  }
  // The logits of a copy of `model` applied to value `in`; every new name starts with `prefix`.
  std::string inline_model(const Model& model, const std::string& prefix, const std::string& in,
                           const InlineOptions& options = {}) {
    const assay_inline call{sizeof(assay_inline),
                            options.stochastic ? static_cast<std::uint32_t>(ASSAY_INLINE_STOCHASTIC) : 0u,
                            model.raw(),
                            prefix.c_str(),
                            options.share.empty() ? nullptr : options.share.c_str(),
                            in.c_str(),
                            options.draw};
    const char* logits = nullptr;
    api().check(service().inline_model(host(), raw(), &call, &logits));
    return logits;
  }
  Model finish() const {
    assay_object* out = nullptr;
    api().check(service().finish(host(), raw(), &out));
    return Model(Object::adopt(api(), out));
  }

 private:
  const assay_graph_service& service() const { return api().graph(); }
  template <class Getter>
  std::size_t number(Getter getter) const {
    std::size_t count = 0;
    api().check(getter(host(), raw(), &count));
    return count;
  }
};

}  // namespace assay
