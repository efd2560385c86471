// Plain structs -> protobuf, and the format's checker.
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "harness/base/error.hpp"
#include "harness/graph/onnx/proto.hpp"

namespace assay::onnx {
namespace {

void write(const std::string& name, const Tensor& tensor, ::onnx::TensorProto& proto) {
  const Tensor dense = tensor.dense();
  if (!name.empty()) proto.set_name(name);
  proto.set_data_type(static_cast<int>(element_of(dense.dtype())));
  for (const std::int64_t extent : dense.shape()) proto.add_dims(extent);
  proto.set_raw_data(dense.raw(), dense.spec().bytes());
}

void write(const std::string& name, const Attribute& a, ::onnx::AttributeProto& proto) {
  using Type = ::onnx::AttributeProto;
  proto.set_name(name);
  switch (a.kind) {
    case Attribute::Kind::integer: proto.set_type(Type::INT); proto.set_i(a.integer); break;
    case Attribute::Kind::real: proto.set_type(Type::FLOAT); proto.set_f(static_cast<float>(a.real)); break;
    case Attribute::Kind::text: proto.set_type(Type::STRING); proto.set_s(a.text); break;
    case Attribute::Kind::tensor: proto.set_type(Type::TENSOR); write("", a.tensor, *proto.mutable_t()); break;
    case Attribute::Kind::integers:
      proto.set_type(Type::INTS);
      for (const std::int64_t v : a.integers) proto.add_ints(v);
      break;
    case Attribute::Kind::reals:
      proto.set_type(Type::FLOATS);
      for (const double v : a.reals) proto.add_floats(static_cast<float>(v));
      break;
    case Attribute::Kind::texts:
      proto.set_type(Type::STRINGS);
      for (const std::string& v : a.texts) proto.add_strings(v);
      break;
    case Attribute::Kind::other: throw Error(Fault::internal, "attribute '" + name + "' has no value to write");
  }
}

void write(const OnnxNode& node, ::onnx::NodeProto& proto) {
  proto.set_name(node.name);
  proto.set_op_type(node.op);
  if (!node.domain.empty()) proto.set_domain(node.domain);
  for (const std::string& in : node.inputs) proto.add_input(in);
  for (const std::string& out : node.outputs) proto.add_output(out);
  for (const auto& [name, a] : node.attributes) write(name, a, *proto.add_attribute());
}

void write(const OnnxValue& value, ::onnx::ValueInfoProto& proto) {
  proto.set_name(value.name);
  auto& tensor = *proto.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(static_cast<int>(value.element));
  auto& shape = *tensor.mutable_shape();
  for (const Dim& dim : value.shape) {
    auto& made = *shape.add_dim();
    if (dim.extent >= 0) made.set_dim_value(dim.extent);
    if (dim.extent < 0 && !dim.symbol.empty()) made.set_dim_param(dim.symbol);
  }
}

}  // namespace

std::string serialize(const OnnxModel& model) {
  ::onnx::ModelProto proto;
  proto.set_ir_version(model.ir_version);
  proto.set_producer_name(model.producer);
  for (const auto& [domain, version] : model.opsets) {
    auto& set = *proto.add_opset_import();
    set.set_domain(domain);
    set.set_version(version);
  }
  auto& graph = *proto.mutable_graph();
  graph.set_name(model.graph_name);
  for (const OnnxNode& node : model.nodes) write(node, *graph.add_node());
  for (const auto& [name, tensor] : model.initializers) write(name, tensor, *graph.add_initializer());
  for (const OnnxValue& in : model.inputs) write(in, *graph.add_input());
  for (const OnnxValue& out : model.outputs) write(out, *graph.add_output());
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  proto.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

void check_onnx(const std::string& bytes, const std::string& origin) {
  ::onnx::ModelProto proto;
  if (!proto.ParseFromString(bytes)) throw Error(Fault::bad_input, origin + ": not an ONNX model (the bytes cannot be parsed)");
  try {
    ::onnx::checker::check_model(proto);
  } catch (const std::exception& e) {
    throw Error(Fault::bad_input, origin + ": the ONNX checker says: " + e.what());
  }
}

}  // namespace assay::onnx
