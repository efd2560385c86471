// Protobuf -> plain structs. Every size is checked before memory is taken: a file is never trusted.
#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/graph/onnx/proto.hpp"

namespace assay::onnx {
namespace {

// The number of elements; throws for negative extents and for more bytes than a file could hold.
std::int64_t checked_count(const ::onnx::TensorProto& proto, std::size_t element_bytes) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  std::int64_t count = 1;
  bool zero = false;
  for (const std::int64_t extent : proto.dims()) {
    if (extent < 0) bad_input(fmt::format("tensor '{}' has the extent {}", proto.name(), extent));
    if (extent == 0) zero = true;
    if (extent > 0 && count > most / extent)
      bad_input(fmt::format("tensor '{}' is too large to be read", proto.name()));
    count *= extent > 0 ? extent : 1;
  }
  if (count > most / static_cast<std::int64_t>(element_bytes))
    bad_input(fmt::format("tensor '{}' is too large to be read", proto.name()));
  return zero ? 0 : count;
}

// External data: location, offset, length as text entries.
class External {
 public:
  External(const ::onnx::TensorProto& proto, const fs::path& folder) : name_(proto.name()) {
    if (folder.empty())
      bad_input(
          fmt::format("tensor '{}' is external data, which are not read here: store the weights in the file", name_));
    for (const auto& entry : proto.external_data()) {
      if (entry.key() == "location") file_ = folder / checked(entry.value());
      if (entry.key() == "offset") offset_ = number(entry.value());
      if (entry.key() == "length") length_ = number(entry.value());
    }
    if (file_.empty()) bad_input(fmt::format("tensor '{}' has external data without a location", name_));
  }

  std::vector<std::byte> read(std::size_t bytes) const {
    if (!fs::is_regular_file(file_))
      bad_input(fmt::format("tensor '{}': external data file '{}' is not there", name_, file_.string()));
    const MappedFile map(file_);
    const std::size_t size = map.bytes().size();
    if (length_ >= 0 && static_cast<std::size_t>(length_) != bytes) {
      bad_input(fmt::format("tensor '{}' needs {} bytes; its external data are {}", name_, bytes, length_));
    }
    if (static_cast<std::size_t>(offset_) > size || bytes > size - static_cast<std::size_t>(offset_)) {
      bad_input(fmt::format("tensor '{}' needs {} bytes from offset {} of '{}', which has {}", name_, bytes, offset_,
                            file_.string(), size));
    }
    const auto part = map.bytes().subspan(static_cast<std::size_t>(offset_), bytes);
    return {part.begin(), part.end()};
  }

 private:
  // A location is relative and stays in the model's folder.
  std::string checked(const std::string& location) const {
    const fs::path path(location);
    for (const fs::path& part : path) {
      if (part == "..")
        bad_input(fmt::format("tensor '{}': external data '{}' lie outside the model's folder", name_, location));
    }
    if (path.is_absolute() || path.empty())
      bad_input(fmt::format("tensor '{}': external data '{}' lie outside the model's folder", name_, location));
    return location;
  }

  std::int64_t number(const std::string& text) const {
    std::int64_t value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9' || value > std::numeric_limits<std::int64_t>::max() / 100) {
        bad_input(fmt::format("tensor '{}': '{}' is no offset or length", name_, text));
      }
      value = value * 10 + (c - '0');
    }
    return value;
  }

  std::string name_;
  fs::path file_;
  std::int64_t offset_ = 0, length_ = -1;
};

template <class T, class Field>
std::vector<std::byte> packed(const Field& field) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(field.size()) * sizeof(T));
  for (int i = 0; i < field.size(); ++i) {
    const auto value = static_cast<T>(field.Get(i));
    std::memcpy(bytes.data() + static_cast<std::size_t>(i) * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

// The typed fields, which hold small types widened.
std::vector<std::byte> typed_bytes(const ::onnx::TensorProto& proto, Element element) {
  switch (element) {
    case Element::f32:
      return packed<float>(proto.float_data());
    case Element::f64:
      return packed<double>(proto.double_data());
    case Element::i64:
      return packed<std::int64_t>(proto.int64_data());
    case Element::i32:
      return packed<std::int32_t>(proto.int32_data());
    case Element::bf16:
      return packed<std::uint16_t>(proto.int32_data());
    default:
      return packed<std::uint8_t>(proto.int32_data());
  }
}

Tensor tensor_of(const ::onnx::TensorProto& proto, const fs::path& folder) {
  const auto element = static_cast<Element>(proto.data_type());
  if (!readable(element)) {
    throw Error(
        Fault::unsupported,
        fmt::format("tensor '{}' is of type {}; read are FLOAT, DOUBLE, BFLOAT16, INT64, INT32, UINT8, INT8 and BOOL",
                    proto.name(), element_name(element)));
  }
  Spec spec{dtype_of(element), {proto.dims().begin(), proto.dims().end()}};
  const auto count = static_cast<std::size_t>(checked_count(proto, engine::dtype_size(spec.dtype)));
  const std::size_t want = count * engine::dtype_size(spec.dtype);
  std::vector<std::byte> bytes;
  if (proto.data_location() == ::onnx::TensorProto::EXTERNAL) {
    bytes = External(proto, folder).read(want);
  } else if (proto.has_raw_data()) {
    const auto* raw = reinterpret_cast<const std::byte*>(proto.raw_data().data());
    bytes.assign(raw, raw + proto.raw_data().size());
  } else {
    bytes = typed_bytes(proto, element);
  }
  if (bytes.size() != want) {
    bad_input(fmt::format("tensor '{}' of {} needs {} bytes and has {}", proto.name(), spec.str(), want, bytes.size()));
  }
  return Tensor::from_bytes(spec, bytes);
}

// The file's f32 as the decimal number that was meant: 1e-05, not 9.99999974737875e-06.
double decimal(float value) {
  return std::isfinite(value) ? std::stod(fmt::format("{}", value)) : static_cast<double>(value);
}

Attribute attribute_of(const ::onnx::AttributeProto& proto, const fs::path& folder) {
  using Type = ::onnx::AttributeProto;
  Attribute a;
  switch (proto.type()) {
    case Type::INT:
      a.kind = Attribute::Kind::integer;
      a.integer = proto.i();
      break;
    case Type::FLOAT:
      a.kind = Attribute::Kind::real;
      a.real = decimal(proto.f());
      break;
    case Type::STRING:
      a.kind = Attribute::Kind::text;
      a.text = proto.s();
      break;
    case Type::TENSOR:
      a.kind = Attribute::Kind::tensor;
      a.tensor = tensor_of(proto.t(), folder);
      break;
    case Type::INTS:
      a.kind = Attribute::Kind::integers;
      a.integers.assign(proto.ints().begin(), proto.ints().end());
      break;
    case Type::FLOATS:
      a.kind = Attribute::Kind::reals;
      for (const float v : proto.floats()) a.reals.push_back(decimal(v));
      break;
    case Type::STRINGS:
      a.kind = Attribute::Kind::texts;
      a.texts.assign(proto.strings().begin(), proto.strings().end());
      break;
    default:
      break;
  }
  return a;
}

OnnxNode node_of(const ::onnx::NodeProto& proto, const fs::path& folder) {
  OnnxNode node{proto.name(), proto.op_type(), proto.domain() == "ai.onnx" ? "" : proto.domain(), {}, {}, {}};
  node.inputs.assign(proto.input().begin(), proto.input().end());
  node.outputs.assign(proto.output().begin(), proto.output().end());
  for (const ::onnx::AttributeProto& a : proto.attribute()) {
    try {
      node.attributes[a.name()] = attribute_of(a, folder);
    } catch (const Error& e) {
      throw Error(e.fault(), fmt::format("node '{}' ({}), attribute '{}': {}", node.name, node.op, a.name(), e.what()));
    }
  }
  return node;
}

OnnxValue value_of(const ::onnx::ValueInfoProto& proto) {
  OnnxValue value;
  value.name = proto.name();
  const ::onnx::TypeProto& type = proto.type();
  if (type.has_sequence_type()) value.kind = "sequence";
  if (type.has_map_type()) value.kind = "map";
  if (type.has_optional_type()) value.kind = "optional";
  if (type.has_sparse_tensor_type()) value.kind = "sparse tensor";
  if (!type.has_tensor_type()) return value;
  value.element = static_cast<Element>(type.tensor_type().elem_type());
  value.ranked = type.tensor_type().has_shape();
  for (const auto& dim : type.tensor_type().shape().dim()) {
    Dim d;
    if (dim.has_dim_value()) d.extent = dim.dim_value();
    if (dim.has_dim_param()) d.symbol = dim.dim_param();
    value.shape.push_back(d);
  }
  return value;
}

OnnxModel model_of(const ::onnx::ModelProto& proto, const fs::path& folder) {
  OnnxModel model;
  if (!proto.has_graph()) bad_input("not an ONNX model: it holds no graph");
  model.ir_version = proto.ir_version();
  model.producer = proto.producer_name() + (proto.producer_version().empty() ? "" : " " + proto.producer_version());
  model.graph_name = proto.graph().name();
  for (const auto& set : proto.opset_import())
    model.opsets[set.domain() == "ai.onnx" ? "" : set.domain()] = set.version();
  if (!proto.graph().sparse_initializer().empty()) throw Error(Fault::unsupported, "sparse initializers are not read");
  for (const auto& tensor : proto.graph().initializer()) {
    if (!model.initializers.emplace(tensor.name(), tensor_of(tensor, folder)).second) {
      bad_input(fmt::format("initializer '{}' is defined a second time", tensor.name()));
    }
  }
  for (const auto& node : proto.graph().node()) model.nodes.push_back(node_of(node, folder));
  for (const auto& in : proto.graph().input()) model.inputs.push_back(value_of(in));
  for (const auto& out : proto.graph().output()) model.outputs.push_back(value_of(out));
  return model;
}

template <class Proto>
Proto parsed(std::span<const std::byte> bytes, const char* what) {
  Proto proto;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    bad_input("larger than 2 GiB: keep the weights as external data");
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    bad_input(fmt::format("not {} (the bytes cannot be parsed)", what));
  return proto;
}

template <class F>
auto with_origin(const std::string& origin, const F& f) {
  try {
    return f();
  } catch (const Error& e) {
    throw Error(e.fault(), origin + ": " + e.what());
  }
}

}  // namespace

OnnxModel parse_onnx(std::span<const std::byte> bytes, const std::string& origin, const fs::path& folder) {
  return with_origin(origin, [&] { return model_of(parsed<::onnx::ModelProto>(bytes, "an ONNX model"), folder); });
}

OnnxModel read_onnx(const fs::path& file) {
  const MappedFile map(file);
  return parse_onnx(map.bytes(), file.string(), fs::absolute(file).parent_path());
}

Tensor read_tensor(const fs::path& file) {
  const MappedFile map(file);
  return with_origin(file.string(), [&] {
    return tensor_of(parsed<::onnx::TensorProto>(map.bytes(), "a tensor"), fs::absolute(file).parent_path());
  });
}

}  // namespace assay::onnx
