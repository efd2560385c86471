// Record sets: invariants and the functions that make new sets from old ones.
#include "harness/data/records.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_set>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/base/hash.hpp"

namespace assay::data {
namespace {

// A permutation of the 63-bit numbers: each step (xor with a right shift, odd factor modulo 2^63) can be undone, so
// distinct inputs stay distinct. Constants: Steele, Lea, Flood, OOPSLA 2014 (SplitMix64).
std::uint64_t mix63(std::uint64_t value) {
  constexpr std::uint64_t mask = ~std::uint64_t{0} >> 1;
  value &= mask;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL & mask;
  value = (value ^ value >> 27) * 0x94d049bb133111ebULL & mask;
  return value ^ value >> 31;
}

void check_array(const Array& array, const char* dtype, const engine::Shape& shape, const std::string& where) {
  if (array.dtype != dtype || array.shape != shape)
    bad_input_in(where, std::string("expected ") + dtype + " " + engine::shape_str(shape) + ", found " + array.dtype +
                            " " + engine::shape_str(array.shape));
  if (array.bytes.size() != static_cast<std::size_t>(array.count()) * dtype_bytes(array.dtype))
    bad_input_in(where, "the array's bytes do not fit its shape");
}

// Class indices in [0, classes), or -1 where a class may be unknown (role truth, or an absent optional value).
void check_classes(const Field& field, std::int64_t classes, const std::string& where) {
  const auto values = field.values.as_i64();
  const bool unknown_allowed = field.role == Role::truth || field.type.kind == TypeKind::opt;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= (unknown_allowed ? -1 : 0) && values[i] < classes) continue;
    bad_input_in(where, "row " + std::to_string(i) + ": class " + std::to_string(values[i]) + " is outside [0, " +
                            std::to_string(classes) + ")");
  }
}

void check_lengths(const Field& field, std::int64_t n, const std::string& where) {
  if (!field.type.has_lengths()) {
    if (!field.lengths.bytes.empty()) bad_input_in(where, "lengths for a type of fixed size");
    return;
  }
  check_array(field.lengths, "I64", {n}, where + " lengths");
  const FieldType& type = field.type.kind == TypeKind::opt ? *field.type.item : field.type;
  for (const std::int64_t length : field.lengths.as_i64())
    if (length < 0 || length > type.max_length)
      bad_input_in(where,
                   "length " + std::to_string(length) + " is outside [0, " + std::to_string(type.max_length) + "]");
}

void check_present(const Field& field, std::int64_t n, const std::string& where) {
  if (field.type.kind != TypeKind::opt) {
    if (!field.present.bytes.empty()) bad_input_in(where, "a presence array for a type that is not optional");
    return;
  }
  check_array(field.present, "U8", {n}, where + " present");
  for (const std::uint8_t flag : field.present.as_u8())
    if (flag > 1) bad_input_in(where, "a presence flag other than 0 and 1");
}

void check_field(const Field& field, std::int64_t n, const std::string& where) {
  if (field.name.empty() || field.name.find_first_of("/\n") != std::string::npos)
    bad_input_in(where, "a field name is not empty and holds no '/'");
  field.type.validate(where);
  const engine::Spec row = field.type.row_spec();
  engine::Shape shape = row.shape;
  shape.insert(shape.begin(), n);
  check_array(field.values, engine::dtype_name(row.dtype), shape, where);
  check_lengths(field, n, where);
  check_present(field, n, where);
  const FieldType& type = field.type.kind == TypeKind::opt ? *field.type.item : field.type;
  if (type.kind == TypeKind::cat) check_classes(field, type.classes, where);
}

// Rows of an array whose first dimension is the sample.
Array take_rows(const Array& array, std::span<const std::int64_t> rows) {
  Array out{array.dtype, array.shape, {}};
  if (array.shape.empty()) return out;  // a field without lengths or presence
  const std::int64_t n = array.shape.front();
  const std::size_t width = n == 0 ? 0 : array.bytes.size() / static_cast<std::size_t>(n);
  out.shape.front() = static_cast<std::int64_t>(rows.size());
  out.bytes.resize(rows.size() * width);
  if (width == 0) return out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(out.bytes.data() + i * width, array.bytes.data() + static_cast<std::size_t>(rows[i]) * width, width);
  return out;
}

void append_rows(Array& array, const Array& more) {
  if (array.shape.empty()) return;
  array.shape.front() += more.shape.front();
  array.bytes.insert(array.bytes.end(), more.bytes.begin(), more.bytes.end());
}

std::vector<std::string> field_names(const RecordSet& set) {
  std::vector<std::string> names;
  for (const Field& field : set.fields) names.push_back(field.name);
  return names;
}

const Field& cat_field(const RecordSet& set, const std::string& name) {
  const Field& field = set.find(name);
  if (field.type.kind != TypeKind::cat) bad_input_in(set.origin, "field '" + name + "' holds no categories");
  return field;
}

}  // namespace

std::int64_t sample_id(const std::string& origin, const std::string& split, std::int64_t index) {
  const std::string digest = sha256(origin + "\n" + split);
  const std::uint64_t base = std::stoull(digest.substr(0, 16), nullptr, 16);
  return static_cast<std::int64_t>(mix63(base + static_cast<std::uint64_t>(index)));
}

bool RecordSet::has(const std::string& name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
}

const Field& RecordSet::find(const std::string& name) const {
  for (const Field& field : fields)
    if (field.name == name) return field;
  bad_input_in(origin.empty() ? "records" : origin, "no field '" + name + "'" + suggestion(name, field_names(*this)));
}

void RecordSet::add(Field field) {
  const std::string where = origin + ": field '" + field.name + "'";
  if (has(field.name)) bad_input_in(where, "is there already");
  check_field(field, size(), where);
  fields.push_back(std::move(field));
}

void RecordSet::validate(const std::string& where) const {
  std::unordered_set<std::int64_t> seen;
  seen.reserve(ids.size());
  for (const std::int64_t id : ids) {
    if (id < 0) bad_input_in(where, "a sample id is negative");
    if (!seen.insert(id).second) bad_input_in(where, "sample id " + std::to_string(id) + " occurs twice");
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      if (fields[j].name == fields[i].name) bad_input_in(where, "field '" + fields[i].name + "' occurs twice");
    check_field(fields[i], size(), where + ": field '" + fields[i].name + "'");
  }
}

RecordSet RecordSet::select(std::span<const std::int64_t> indices) const {
  std::vector<char> used(ids.size(), 0);
  RecordSet out;
  out.classes = classes;
  out.origin = origin;
  out.provenance = provenance;
  out.ids.reserve(indices.size());
  for (const std::int64_t index : indices) {
    if (index < 0 || index >= size())
      bad_input_in(origin, "index " + std::to_string(index) + " is outside [0, " + std::to_string(size()) + ")");
    if (std::exchange(used[static_cast<std::size_t>(index)], char{1}) != 0)
      bad_input_in(origin, "index " + std::to_string(index) + " is selected twice");
    out.ids.push_back(ids[static_cast<std::size_t>(index)]);
  }
  for (const Field& field : fields)
    out.fields.push_back({field.name, field.role, field.type, take_rows(field.values, indices),
                          take_rows(field.lengths, indices), take_rows(field.present, indices)});
  return out;
}

RecordSet RecordSet::filter(const std::function<bool(std::int64_t index)>& keep) const {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < size(); ++i)
    if (keep(i)) indices.push_back(i);
  return select(indices);
}

RecordSet RecordSet::filter_classes(std::span<const std::int64_t> keep, const std::string& field) const {
  const auto values = cat_field(*this, field).values.as_i64();
  return filter([&](std::int64_t index) {
    return std::find(keep.begin(), keep.end(), values[static_cast<std::size_t>(index)]) != keep.end();
  });
}

RecordSet RecordSet::relabel(std::span<const std::int64_t> map, std::vector<std::string> names,
                             const std::string& field) const {
  const Field& old = cat_field(*this, field);
  const auto count = static_cast<std::int64_t>(names.size());
  if (static_cast<std::int64_t>(map.size()) != old.type.classes)
    bad_input_in(origin, "a map of " + std::to_string(map.size()) + " entries for " + std::to_string(old.type.classes) +
                             " classes");
  for (const std::int64_t to : map)
    if (to < -1 || to >= count)
      bad_input_in(origin, "relabelling to class " + std::to_string(to) + " of " + std::to_string(count));
  const auto target = [&](std::int64_t label) { return label < 0 ? -1 : map[static_cast<std::size_t>(label)]; };
  const auto before = old.values.as_i64();
  RecordSet out = filter([&](std::int64_t i) { return target(before[static_cast<std::size_t>(i)]) >= 0; });
  for (Field& one : out.fields) {
    if (one.name != field) continue;
    std::vector<std::int64_t> values;
    for (const std::int64_t label : one.values.as_i64()) values.push_back(target(label));
    one.values = Array::i64({out.size()}, values);
    one.type = FieldType::category(names);
  }
  if (field == "target") out.classes = std::move(names);
  out.provenance = Json::object({{"from", provenance}, {"relabel", std::vector<std::int64_t>(map.begin(), map.end())}});
  return out;
}

RecordSet RecordSet::with_roles(std::span<const Role> roles) const {
  RecordSet out;
  out.ids = ids;
  out.classes = classes;
  out.origin = origin;
  out.provenance = provenance;
  for (const Field& field : fields)
    if (std::find(roles.begin(), roles.end(), field.role) != roles.end()) out.fields.push_back(field);
  return out;
}

RecordSet unite(const RecordSet& a, const RecordSet& b) {
  const std::string where = a.origin + " + " + b.origin;
  if (a.classes != b.classes) bad_input_in(where, "a union needs the same classes on both sides; relabel one first");
  if (a.fields.size() != b.fields.size()) bad_input_in(where, "a union needs the same fields on both sides");
  RecordSet out = a;
  out.origin = a.origin + "+" + b.origin;
  out.provenance = Json::object({{"union", Json(Json::Array{a.provenance, b.provenance})}});
  std::unordered_set<std::int64_t> seen(a.ids.begin(), a.ids.end());
  for (const std::int64_t id : b.ids) {
    if (!seen.insert(id).second) bad_input_in(where, "sample id " + std::to_string(id) + " is in both sets");
    out.ids.push_back(id);
  }
  for (Field& field : out.fields) {
    const Field& other = b.find(field.name);
    if (other.role != field.role || !(other.type == field.type))
      bad_input_in(where, "field '" + field.name + "' differs in role or type: " + field.type.to_json().dump() +
                              " and " + other.type.to_json().dump());
    append_rows(field.values, other.values);
    append_rows(field.lengths, other.lengths);
    append_rows(field.present, other.present);
  }
  return out;
}

void refuse_overlap(const RecordSet& a, const RecordSet& b, const std::string& what) {
  const std::unordered_set<std::int64_t> seen(a.ids.begin(), a.ids.end());
  const auto shared = std::count_if(b.ids.begin(), b.ids.end(), [&](std::int64_t id) { return seen.count(id) > 0; });
  if (shared == 0) return;
  throw Error(Fault::constraint, what + ": " + std::to_string(shared) + " of " + std::to_string(b.size()) +
                                     " samples of " + b.origin + " are also in " + a.origin);
}

}  // namespace assay::data
