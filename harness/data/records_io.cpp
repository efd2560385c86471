// Record sets on disk and as tensors.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/data/records.hpp"

namespace assay::data {
namespace {

constexpr const char* format_name = "records";
constexpr std::int64_t format_version = 1;

// The array `name`, which is left out of the container.
Array claim(std::map<std::string, Array>& arrays, const std::string& name, const std::string& where) {
  const auto found = arrays.find(name);
  if (found == arrays.end()) bad_input_in(where, "array '" + name + "' is missing");
  Array array = std::move(found->second);
  arrays.erase(found);
  return array;
}

Field read_field(const Json& json, std::map<std::string, Array>& arrays, const std::string& where) {
  Field field;
  field.name = json.at("name").as_string();
  field.role = role_from_name(json.at("role").as_string());
  field.type = FieldType::from_json(json.at("type"), where + ": field '" + field.name + "'");
  field.values = claim(arrays, "values/" + field.name, where);
  if (field.type.has_lengths()) field.lengths = claim(arrays, "lengths/" + field.name, where);
  if (field.type.kind == TypeKind::opt) field.present = claim(arrays, "present/" + field.name, where);
  return field;
}

RecordSet read_set(const Container& container, const std::string& where) {
  const Json& head = container.metadata;
  if (!head.is_object() || head.get("format", "") != format_name) bad_input_in(where, "is no set of records");
  if (head.get("version", 0) != format_version)
    bad_input_in(where, "records of version " + std::to_string(head.get("version", 0)) + ", expected " +
                            std::to_string(format_version));
  std::map<std::string, Array> arrays = container.arrays;
  RecordSet set;
  const Array ids = claim(arrays, "ids", where);
  set.ids.assign(ids.as_i64().begin(), ids.as_i64().end());
  for (const Json& name : head.at("classes").as_array()) set.classes.push_back(name.as_string());
  set.origin = head.at("origin").as_string();
  if (head.has("provenance")) set.provenance = head.at("provenance");
  for (const Json& field : head.at("fields").as_array()) set.fields.push_back(read_field(field, arrays, where));
  if (!arrays.empty()) bad_input_in(where, "array '" + arrays.begin()->first + "' belongs to no field");
  return set;
}

template <class T>
T read_as(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

float bf16(const std::byte* from) {
  const std::uint32_t bits = static_cast<std::uint32_t>(read_as<std::uint16_t>(from)) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float element(engine::DType dtype, const std::byte* at) {
  switch (dtype) {
    case engine::DType::f32:
      return read_as<float>(at);
    case engine::DType::f64:
      return static_cast<float>(read_as<double>(at));
    case engine::DType::bf16:
      return bf16(at);
    case engine::DType::i64:
      return static_cast<float>(read_as<std::int64_t>(at));
    case engine::DType::i32:
      return static_cast<float>(read_as<std::int32_t>(at));
    case engine::DType::u8:
      return static_cast<float>(read_as<std::uint8_t>(at)) / 255.0f;
    case engine::DType::s8:
      return static_cast<float>(read_as<std::int8_t>(at));
    case engine::DType::boolean:
      return static_cast<float>(read_as<std::uint8_t>(at));
  }
  throw Error(Fault::internal, "a dtype without a conversion");
}

void convert_row(engine::DType dtype, const std::byte* from, std::span<float> to) {
  if (dtype == engine::DType::f32) {
    std::memcpy(to.data(), from, to.size_bytes());
    return;
  }
  const std::size_t width = engine::dtype_size(dtype);
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = element(dtype, from + i * width);
}

void check_index(const RecordSet& set, std::int64_t index) {
  if (index < 0 || index >= set.size())
    bad_input_in(set.origin, "index " + std::to_string(index) + " is outside [0, " + std::to_string(set.size()) + ")");
}

}  // namespace

engine::Tensor RecordSet::batch(const std::string& name, std::span<const std::int64_t> indices) const {
  const Field& field = find(name);
  for (const std::int64_t index : indices) check_index(*this, index);
  if (field.type.kind == TypeKind::cat) {
    const std::vector<std::int64_t> values = labels(indices, name);
    return engine::Tensor::i64({static_cast<std::int64_t>(values.size())}, values);
  }
  if (field.type.kind != TypeKind::dense && field.type.kind != TypeKind::dist)
    bad_input_in(origin,
                 "field '" + name + "' is neither dense, a distribution nor a category, and has no single tensor");
  const engine::Spec row = field.type.row_spec();
  const auto elements = static_cast<std::size_t>(row.count());
  const std::size_t stride = row.bytes();
  std::vector<float> values(elements * indices.size());
  for (std::size_t i = 0; i < indices.size(); ++i)
    convert_row(row.dtype, field.values.bytes.data() + static_cast<std::size_t>(indices[i]) * stride,
                {values.data() + i * elements, elements});
  engine::Shape shape = row.shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(indices.size()));
  return engine::Tensor::f32(std::move(shape), values);
}

engine::Tensor RecordSet::input_batch(std::int64_t start, std::int64_t count) const {
  if (start < 0 || count < 0 || count > size() || start > size() - count)
    bad_input_in(origin, "samples " + std::to_string(start) + " to " + std::to_string(start + count) + " of " +
                             std::to_string(size()));
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), start);
  return batch("input", indices);
}

engine::Tensor RecordSet::input_batch(std::span<const std::int64_t> indices) const { return batch("input", indices); }

std::span<const std::int64_t> RecordSet::labels(const std::string& name) const {
  const Field& field = find(name);
  if (field.type.kind != TypeKind::cat) bad_input_in(origin, "field '" + name + "' holds no categories");
  return field.values.as_i64();
}

std::vector<std::int64_t> RecordSet::labels(std::span<const std::int64_t> indices, const std::string& name) const {
  const auto all = labels(name);
  std::vector<std::int64_t> out;
  out.reserve(indices.size());
  for (const std::int64_t index : indices) {
    check_index(*this, index);
    out.push_back(all[static_cast<std::size_t>(index)]);
  }
  return out;
}

Container RecordSet::to_container() const {
  Container container;
  Json list = Json::array();
  container.arrays["ids"] = Array::i64({size()}, ids);
  for (const Field& field : fields) {
    list.push_back(
        Json::object({{"name", field.name}, {"role", role_name(field.role)}, {"type", field.type.to_json()}}));
    container.arrays["values/" + field.name] = field.values;
    if (field.type.has_lengths()) container.arrays["lengths/" + field.name] = field.lengths;
    if (field.type.kind == TypeKind::opt) container.arrays["present/" + field.name] = field.present;
  }
  container.metadata = Json::object({{"format", format_name},
                                     {"version", format_version},
                                     {"origin", origin},
                                     {"classes", classes},
                                     {"provenance", provenance},
                                     {"fields", list}});
  return container;
}

RecordSet RecordSet::from_container(const Container& container, const std::string& where) {
  RecordSet set;
  try {
    set = read_set(container, where);
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.rfind(where, 0) == 0) throw;
    bad_input_in(where, what);
  }
  set.validate(where);
  return set;
}

void RecordSet::save(const std::filesystem::path& file) const {
  validate(file.string());
  save_container(file, to_container());
}

RecordSet RecordSet::load(const std::filesystem::path& file) {
  return from_container(load_container(file), file.string());
}

std::string RecordSet::digest() const { return sha256(encode(to_container())); }

}  // namespace assay::data
