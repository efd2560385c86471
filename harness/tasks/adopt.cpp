#include "harness/tasks/adopt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "harness/base/error.hpp"
#include "harness/base/rational.hpp"

namespace assay::tasks {

namespace {

using data::Field;
using data::RecordSet;
using Positions = std::unordered_map<std::int64_t, std::size_t>;

[[noreturn]] void reject(const std::string& why) { throw Error(Fault::constraint, "reduced set: " + why); }

Positions positions_of(const RecordSet& set) {
  Positions at;
  at.reserve(set.ids.size());
  for (std::size_t i = 0; i < set.ids.size(); ++i) at.emplace(set.ids[i], i);
  return at;
}

void check_size(const RecordSet& left, std::int64_t size) {
  if (left.size() == 0) reject("it has no record");
  if (left.size() > size) reject(fmt::format("{} records, at most {} asked", left.size(), size));
}

void check_names(const RecordSet& left, const RecordSet& train) {
  std::vector<std::string> known;
  for (const Field& field : train.fields)
    if (field.role != data::Role::truth) known.push_back(field.name);
  for (const Field& field : left.fields) {
    if (field.name == "soft_target" || field.name == "weight")
      throw Error(Fault::unsupported, "reduced set: '" + field.name + "': training knows hard labels of equal weight only");
    if (std::find(known.begin(), known.end(), field.name) == known.end())
      reject("field '" + field.name + "' is none of the training set's" + suggestion(field.name, known));
  }
  for (const char* needed : {"input", "target"})
    if (!left.has(needed)) reject(std::string("it has no '") + needed + "'");
}

// New records are numbered in a space of the method's own, so that none can pass for one of `train`.
std::vector<std::int64_t> adopted_ids(const RecordSet& left, const RecordSet& train, const std::string& method) {
  const Positions known = positions_of(train);
  const bool numbered = left.provenance.is_object() && left.provenance.get("numbered", false);
  std::vector<std::int64_t> ids;
  std::unordered_set<std::int64_t> seen;
  ids.reserve(left.ids.size());
  for (std::size_t i = 0; i < left.ids.size(); ++i) {
    const bool from_train = !numbered && known.count(left.ids[i]) > 0;
    ids.push_back(from_train ? left.ids[i] : data::sample_id(train.origin + " by " + method, "reduced", static_cast<std::int64_t>(i)));
    if (!seen.insert(left.ids[i]).second) reject(fmt::format("id {} occurs twice", left.ids[i]));
  }
  return ids;
}

void check_labels(const Field& field, const data::FieldType& type) {
  if (field.values.dtype != "I64" || field.values.shape.size() != 1)
    reject(fmt::format("'{}' is {} {}, not I64 [{}]", field.name, field.values.dtype, engine::shape_str(field.values.shape),
                       field.values.shape.empty() ? 0 : field.values.shape[0]));
  for (const std::int64_t label : field.values.as_i64())
    if (label < 0 || label >= type.classes)
      reject(fmt::format("'{}': class {} is outside [0, {})", field.name, label, type.classes));
}

void check_values(const Field& field, const data::FieldType& type) {
  const auto values = field.values.as_f32();
  const std::size_t channels = type.ranges.size();
  const auto row = static_cast<std::size_t>(engine::element_count(type.shape));
  const std::size_t plane = channels > 1 ? row / channels : row;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto v = static_cast<double>(values[i]);
    if (!std::isfinite(v)) reject(fmt::format("'{}' row {}: a value is not finite", field.name, i / row));
    if (channels == 0) continue;
    const data::Range& range = type.ranges[channels > 1 ? i % row / plane : 0];
    if (v < range.lo || v > range.hi)
      reject(fmt::format("'{}' row {}: {:g} is outside [{:g}, {:g}]", field.name, i / row, v, range.lo, range.hi));
  }
}

// u8 v stands for v / 255. nullopt when a value is no such number.
std::optional<Array> as_bytes(const Array& floats) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(static_cast<std::size_t>(floats.count()));
  for (const float v : floats.as_f32()) {
    if (!(v >= 0 && v <= 1)) return std::nullopt;
    const auto byte = static_cast<std::uint8_t>(std::lround(v * 255.0f));
    if (static_cast<float>(byte) / 255.0f != v) return std::nullopt;
    bytes.push_back(byte);
  }
  return Array::u8(floats.shape, bytes);
}

Field adopt_dense(const Field& field, const Field& of_train) {
  const data::FieldType& type = of_train.type;
  engine::Shape shape = type.shape;
  shape.insert(shape.begin(), field.values.shape.empty() ? 0 : field.values.shape[0]);
  if (field.values.shape != shape)
    reject(fmt::format("'{}' is {}, not {}", field.name, engine::shape_str(field.values.shape), engine::shape_str(shape)));
  const bool bytes = type.dtype == engine::DType::u8;
  if (field.values.dtype != of_train.values.dtype && !(bytes && field.values.dtype == "F32"))
    reject(fmt::format("'{}' holds {}, not {}{}", field.name, field.values.dtype, of_train.values.dtype, bytes ? " or F32" : ""));
  Field out{field.name, of_train.role, type, {}, {}, {}};
  const bool floats = field.values.dtype == "F32";
  if (floats) check_values(field, type);
  if (floats && bytes) {
    if (auto packed = as_bytes(field.values)) {
      out.values = std::move(*packed);
      return out;
    }
    out.type.dtype = engine::DType::f32;
  }
  out.values = field.values;
  return out;
}

Field adopt_field(const Field& field, const Field& of_train) {
  if (of_train.type.kind == data::TypeKind::dense) return adopt_dense(field, of_train);
  if (of_train.type.kind != data::TypeKind::cat)
    throw Error(Fault::unsupported, "reduced set: '" + field.name + "' is neither numbers nor a class");
  check_labels(field, of_train.type);
  return {field.name, of_train.role, of_train.type, field.values, {}, {}};
}

bool same_rows(const RecordSet& a, std::int64_t i, const RecordSet& b, std::int64_t j) {
  const std::int64_t left[] = {i}, right[] = {j};
  const engine::Tensor x = a.input_batch(left), y = b.input_batch(right);
  return x.spec() == y.spec() && std::memcmp(x.raw(), y.raw(), x.spec().bytes()) == 0 && a.labels(left) == b.labels(right);
}

}  // namespace

std::int64_t reduced_size(std::int64_t n, const std::string& ratio) {
  const auto value = Rational::parse(ratio);
  if (!value || value->num < value->den)
    throw Error(Fault::bad_input, fmt::format("target.value: expected a ratio >= 1 such as \"8\", found {}", ratio));
  return std::max<std::int64_t>(1, n * value->den / value->num);
}

RecordSet adopt(const RecordSet& left, const RecordSet& train, std::int64_t size, const std::string& method) {
  check_size(left, size);
  check_names(left, train);
  RecordSet out;
  out.ids = adopted_ids(left, train, method);
  out.classes = train.classes;
  out.origin = train.origin + " reduced by " + method;
  out.provenance = Json::object({{"from", train.provenance}, {"reduced", Json::object({{"method", method}, {"records", left.size()}})}});
  for (const Field& field : left.fields) out.add(adopt_field(field, train.find(field.name)));
  out.validate(out.origin);
  return out;
}

Composition composition(const RecordSet& reduced, const RecordSet& train) {
  const Positions known = positions_of(train);
  Composition found;
  for (std::int64_t i = 0; i < reduced.size(); ++i) {
    const auto at = known.find(reduced.ids[static_cast<std::size_t>(i)]);
    if (at == known.end()) ++found.added;
    else if (same_rows(reduced, i, train, static_cast<std::int64_t>(at->second))) ++found.kept;
    else ++found.altered;
  }
  std::vector<std::int64_t> per_class(static_cast<std::size_t>(train.find("target").type.classes), 0);
  for (const std::int64_t label : reduced.labels()) ++per_class[static_cast<std::size_t>(label)];
  found.smallest = per_class.empty() ? 0 : *std::min_element(per_class.begin(), per_class.end());
  return found;
}

}  // namespace assay::tasks
