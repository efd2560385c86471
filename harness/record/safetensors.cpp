// Encoding and strict decoding of the safetensors format.
#include "harness/record/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay {
namespace {

constexpr std::size_t prefix_bytes = 8;
constexpr std::uint64_t max_header_bytes = 100'000'000;  // as the reference implementation
constexpr const char* metadata_key = "__metadata__";

struct Dtype {
  const char* name;
  std::size_t bytes;
};
constexpr Dtype dtypes[] = {{"F32", 4}, {"F64", 8}, {"BF16", 2}, {"I64", 8},
                            {"I32", 4}, {"U8", 1},  {"I8", 1},   {"BOOL", 1}};

[[noreturn]] void refuse(const std::string& origin, const std::string& what) {
  throw Error(Fault::bad_input, origin + ": " + what);
}

template <class T>
Array make(const char* dtype, std::vector<std::int64_t> shape, std::span<const T> values) {
  Array array{dtype, std::move(shape), {}};
  if (array.count() != static_cast<std::int64_t>(values.size()))
    throw Error(Fault::internal, "an array of " + std::to_string(array.count()) + " elements was given " +
                                     std::to_string(values.size()) + " values");
  const auto bytes = std::as_bytes(values);
  array.bytes.assign(bytes.begin(), bytes.end());
  return array;
}

template <class T>
std::span<const T> view(const Array& array, const char* dtype) {
  if (array.dtype != dtype)
    throw Error(Fault::bad_input, std::string("expected an array of ") + dtype + ", found " + array.dtype);
  return {reinterpret_cast<const T*>(array.bytes.data()), array.bytes.size() / sizeof(T)};
}

// Elements times element size, or nothing when the shape is negative or the product overflows.
std::optional<std::uint64_t> byte_count(const std::vector<std::int64_t>& shape, std::size_t element) {
  std::uint64_t total = element;
  bool zero = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) zero = true;
    if (!zero && __builtin_mul_overflow(total, static_cast<std::uint64_t>(extent), &total)) return std::nullopt;
  }
  return zero ? 0 : total;
}

struct Entry {
  std::string name;
  std::uint64_t begin = 0, end = 0;
};

// One header entry: fills dtype and shape, gives the byte range. Everything is checked but overlap with others.
Entry read_entry(const std::string& name, const Json& json, std::uint64_t data_bytes, Array& array) {
  for (const auto& [key, value] : json.as_object())
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      throw Error(Fault::bad_input, "unknown key '" + key + "'");
  array.dtype = json.at("dtype").as_string();
  const std::size_t element = dtype_bytes(array.dtype);
  for (const Json& extent : json.at("shape").as_array()) array.shape.push_back(extent.as_int());
  const auto bytes = byte_count(array.shape, element);
  if (!bytes) throw Error(Fault::bad_input, "impossible shape " + json.at("shape").dump());
  const Json& offsets = json.at("data_offsets");
  if (offsets.as_array().size() != 2) throw Error(Fault::bad_input, "data_offsets must be [begin, end]");
  const std::int64_t begin = offsets.at(std::size_t{0}).as_int(), end = offsets.at(std::size_t{1}).as_int();
  if (begin < 0 || end < begin || static_cast<std::uint64_t>(end) > data_bytes)
    throw Error(Fault::bad_input, "data_offsets " + offsets.dump() + " lie outside the " + std::to_string(data_bytes) +
                                      " bytes of data");
  if (static_cast<std::uint64_t>(end - begin) != *bytes)
    throw Error(Fault::bad_input, "shape " + json.at("shape").dump() + " of " + array.dtype + " needs " +
                                      std::to_string(*bytes) + " bytes, data_offsets give " +
                                      std::to_string(end - begin));
  return {name, static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end)};
}

void check_cover(std::vector<Entry>& entries, std::uint64_t data_bytes, const std::string& origin) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at)
      refuse(origin, "tensor '" + entry.name + "' " + (entry.begin < at ? "overlaps another" : "follows a hole"));
    at = entry.end;
  }
  if (at != data_bytes)
    refuse(origin, std::to_string(data_bytes - at) + " bytes of data belong to no tensor (is the file whole?)");
}

void check_bools(const Array& array) {
  if (array.dtype != "BOOL") return;
  for (const std::byte b : array.bytes)
    if (b > std::byte{1}) throw Error(Fault::bad_input, "BOOL data other than 0 and 1");
}

Json parse_header(std::span<const std::byte> bytes, const std::string& origin, std::uint64_t& length) {
  if (bytes.size() < prefix_bytes)
    refuse(origin, "not a safetensors file: " + std::to_string(bytes.size()) + " bytes");
  length = 0;
  for (std::size_t i = prefix_bytes; i > 0; --i) length = length << 8 | static_cast<std::uint64_t>(bytes[i - 1]);
  if (length > max_header_bytes || length > bytes.size() - prefix_bytes)
    refuse(origin, "header of " + std::to_string(length) + " bytes in a file of " + std::to_string(bytes.size()));
  const auto* text = reinterpret_cast<const char*>(bytes.data() + prefix_bytes);
  Json header = Json::parse(std::string_view(text, static_cast<std::size_t>(length)), origin + " (header)");
  if (!header.is_object()) refuse(origin, "the header is no object");
  return header;
}

}  // namespace

Array Array::f32(std::vector<std::int64_t> shape, std::span<const float> values) {
  return make("F32", std::move(shape), values);
}
Array Array::f64(std::vector<std::int64_t> shape, std::span<const double> values) {
  return make("F64", std::move(shape), values);
}
Array Array::i64(std::vector<std::int64_t> shape, std::span<const std::int64_t> values) {
  return make("I64", std::move(shape), values);
}
Array Array::u8(std::vector<std::int64_t> shape, std::span<const std::uint8_t> values) {
  return make("U8", std::move(shape), values);
}

std::span<const float> Array::as_f32() const { return view<float>(*this, "F32"); }
std::span<const double> Array::as_f64() const { return view<double>(*this, "F64"); }
std::span<const std::int64_t> Array::as_i64() const { return view<std::int64_t>(*this, "I64"); }
std::span<const std::uint8_t> Array::as_u8() const { return view<std::uint8_t>(*this, "U8"); }

std::int64_t Array::count() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) product *= extent;
  return product;
}

std::size_t dtype_bytes(const std::string& dtype) {
  std::vector<std::string> names;
  for (const Dtype& known : dtypes) {
    if (dtype == known.name) return known.bytes;
    names.emplace_back(known.name);
  }
  throw Error(Fault::bad_input, "unknown dtype '" + dtype + "'" + suggestion(dtype, names));
}

const Array& Container::at(const std::string& name) const {
  const auto found = arrays.find(name);
  if (found != arrays.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [key, array] : arrays) names.push_back(key);
  throw Error(Fault::bad_input, "no array '" + name + "'" + suggestion(name, names));
}

std::vector<std::byte> encode(const Container& container) {
  std::vector<std::pair<std::string, const Array*>> order;
  for (const auto& [name, array] : container.arrays) {
    const auto bytes = byte_count(array.shape, dtype_bytes(array.dtype));
    if (!bytes || *bytes != array.bytes.size() || name == metadata_key)
      throw Error(Fault::internal, "array '" + name + "': shape and bytes disagree");
    order.emplace_back(name, &array);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return dtype_bytes(a.second->dtype) > dtype_bytes(b.second->dtype);
  });
  Json header = Json::object({});
  std::uint64_t at = 0;
  for (const auto& [name, array] : order) {
    const std::uint64_t end = at + array->bytes.size();
    header[name] = Json::object(
        {{"dtype", array->dtype}, {"shape", array->shape}, {"data_offsets", Json(Json::Array{Json(at), Json(end)})}});
    at = end;
  }
  if (!container.metadata.is_null()) header[metadata_key] = Json::object({{"assay", container.metadata.dump()}});
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::vector<std::byte> bytes(prefix_bytes + text.size() + at);
  for (std::size_t i = 0; i < prefix_bytes; ++i) bytes[i] = static_cast<std::byte>(text.size() >> (8 * i) & 255U);
  std::memcpy(bytes.data() + prefix_bytes, text.data(), text.size());
  std::byte* out = bytes.data() + prefix_bytes + text.size();
  for (const auto& [name, array] : order) out = std::copy(array->bytes.begin(), array->bytes.end(), out);
  return bytes;
}

Container decode(std::span<const std::byte> bytes, const std::string& origin) {
  std::uint64_t header_bytes = 0;
  const Json header = parse_header(bytes, origin, header_bytes);
  const auto data = bytes.subspan(prefix_bytes + static_cast<std::size_t>(header_bytes));
  Container container;
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.as_object()) {
    if (name == metadata_key) {
      if (!json.is_object()) refuse(origin, "__metadata__ is no object");
      if (json.has("assay") && json.at("assay").is_string())
        container.metadata = Json::parse(json.at("assay").as_string(), origin + " (metadata)");
      continue;
    }
    try {
      entries.push_back(read_entry(name, json, data.size(), container.arrays[name]));
    } catch (const Error& error) {
      refuse(origin, "tensor '" + name + "': " + error.what());
    }
  }
  check_cover(entries, data.size(), origin);
  for (const Entry& entry : entries) {
    const auto part = data.subspan(static_cast<std::size_t>(entry.begin), static_cast<std::size_t>(entry.end - entry.begin));
    Array& array = container.arrays[entry.name];
    array.bytes.assign(part.begin(), part.end());
    try {
      check_bools(array);
    } catch (const Error& error) {
      refuse(origin, "tensor '" + entry.name + "': " + error.what());
    }
  }
  return container;
}

void save_container(const std::filesystem::path& file, const Container& container) {
  const std::vector<std::byte> bytes = encode(container);
  write_atomic(file, std::span<const std::byte>(bytes));
}

Container load_container(const std::filesystem::path& file) {
  const MappedFile map(file);
  return decode(map.bytes(), file.string());
}

}  // namespace assay
