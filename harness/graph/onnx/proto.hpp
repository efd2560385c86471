// ONNX models as plain structs, so that only read_proto.cpp and write_proto.cpp know the protobuf classes.
// Value types; pure but for the files named; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/engine/tensor/tensor.hpp"

namespace assay::onnx {

using engine::DType;
using engine::Shape;
using engine::Spec;
using engine::Tensor;

// Element types by their numbers in the format (onnx.proto, TensorProto.DataType).
enum class Element : int {
  undefined = 0, f32 = 1, u8 = 2, i8 = 3, u16 = 4, i16 = 5, i32 = 6, i64 = 7, text = 8, boolean = 9, f16 = 10, f64 = 11,
  u32 = 12, u64 = 13, bf16 = 16
};
std::string element_name(Element element);   // the format's spelling: FLOAT, INT64, ...
bool readable(Element element);              // the engine has a dtype for it
DType dtype_of(Element element);             // throws Error(unsupported) when not readable
Element element_of(DType dtype);

struct Attribute {
  enum class Kind { integer, real, text, tensor, integers, reals, texts, other };
  Kind kind = Kind::other;  // other: subgraphs, sparse tensors, types
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  Tensor tensor;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  std::vector<std::string> texts;
};

struct OnnxNode {
  std::string name, op, domain;              // name may be empty
  std::vector<std::string> inputs, outputs;  // an empty name is an absent optional value
  std::map<std::string, Attribute> attributes;
};

struct Dim {
  std::int64_t extent = -1;  // -1: free
  std::string symbol;        // a free dimension's name, may be empty
};

struct OnnxValue {
  std::string name;
  std::string kind = "tensor";  // or sequence, optional, map, sparse tensor
  Element element = Element::undefined;
  bool ranked = false;          // a shape is given
  std::vector<Dim> shape;
};

struct OnnxModel {
  std::int64_t ir_version = 8;
  std::string producer, graph_name;
  std::map<std::string, std::int64_t> opsets;  // by domain; "" is ONNX's own
  std::vector<OnnxNode> nodes;
  std::vector<OnnxValue> inputs, outputs;
  std::map<std::string, Tensor> initializers;
};

// Reads a model; external data are looked for in `folder`, beside the file, and never outside it; no folder: refused. Throws Error(bad_input) or
// Error(unsupported) naming the file (and tensor) for anything malformed: truncated bytes, sizes that do not fit.
OnnxModel read_onnx(const std::filesystem::path& file);
OnnxModel parse_onnx(std::span<const std::byte> bytes, const std::string& origin, const std::filesystem::path& folder = {});
// One TensorProto, as the test data of the format store inputs and outputs.
Tensor read_tensor(const std::filesystem::path& file);

// Deterministic bytes of a model file.
std::string serialize(const OnnxModel& model);
// Runs the format's own checker over serialized bytes. Throws Error(bad_input) with its words.
void check_onnx(const std::string& bytes, const std::string& origin);

}  // namespace assay::onnx
