// The type system: makers, validation, storage and JSON.
#include <algorithm>
#include <array>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/data/records.hpp"

namespace assay::data {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, const char*>, N>;

constexpr Names<TypeKind, 8> kind_names{{{TypeKind::dense, "dense"},
                                         {TypeKind::cat, "cat"},
                                         {TypeKind::dist, "dist"},
                                         {TypeKind::tokens, "tokens"},
                                         {TypeKind::labelmap, "labelmap"},
                                         {TypeKind::geom, "geom"},
                                         {TypeKind::list, "list"},
                                         {TypeKind::opt, "opt"}}};
constexpr Names<Space, 6> space_names{{{Space::image, "image"},
                                       {Space::series, "series"},
                                       {Space::audio, "audio"},
                                       {Space::voxel, "voxel"},
                                       {Space::field, "field"},
                                       {Space::vector, "vector"}}};
constexpr Names<GeomForm, 3> form_names{{{GeomForm::box, "box"}, {GeomForm::quad, "quad"}, {GeomForm::event, "event"}}};
constexpr Names<Role, 7> role_names{{{Role::input, "input"},
                                     {Role::target, "target"},
                                     {Role::condition, "condition"},
                                     {Role::group, "group"},
                                     {Role::weight, "weight"},
                                     {Role::truth, "truth"},
                                     {Role::tag, "tag"}}};

template <class Enum, std::size_t N>
const char* name_of(const Names<Enum, N>& names, Enum value) {
  for (const auto& [known, name] : names)
    if (known == value) return name;
  throw Error(Fault::internal, "enumerator without a name");
}

template <class Enum, std::size_t N>
Enum from_name(const Names<Enum, N>& names, const std::string& name, const std::string& what) {
  std::vector<std::string> known;
  for (const auto& [value, text] : names) {
    if (name == text) return value;
    known.emplace_back(text);
  }
  throw Error(Fault::bad_input, "unknown " + what + " '" + name + "'" + suggestion(name, known));
}

constexpr std::int64_t u8_classes = 256;  // label maps up to here are stored as bytes
constexpr std::int64_t max_row_elements = std::int64_t{1}
                                          << 40;  // beyond it a shape is a mistake, and sums may overflow

// -1 when a dimension is not positive or the product is absurd.
std::int64_t checked_count(const engine::Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent <= 0 || extent > max_row_elements / count) return -1;
    count *= extent;
  }
  return count;
}

void check_shape(const engine::Shape& shape, const std::string& where) {
  if (checked_count(shape) < 0) bad_input_in(where, "impossible shape " + engine::shape_str(shape));
}

void check_dense(const FieldType& type, const std::string& where) {
  check_shape(type.shape, where);
  const std::size_t channels = type.shape.empty() ? 1 : static_cast<std::size_t>(type.shape.front());
  if (type.ranges.size() > 1 && type.ranges.size() != channels)
    bad_input_in(where, std::to_string(type.ranges.size()) + " ranges for " + std::to_string(channels) + " channels");
  for (const Range& range : type.ranges)
    if (!(range.lo < range.hi)) bad_input_in(where, "a range needs lo < hi");
  if (type.space == Space::image && type.shape.size() != 3)
    bad_input_in(where, "an image has shape [channels, height, width], not " + engine::shape_str(type.shape));
  if (type.rate < 0) bad_input_in(where, "a sampling rate is not negative");
}

void check_classes(const FieldType& type, const std::string& where) {
  if (type.classes < 1) bad_input_in(where, "expected at least one class");
  const auto classes = static_cast<std::size_t>(type.classes);
  if (!type.names.empty() && type.names.size() != classes)
    bad_input_in(where, std::to_string(type.names.size()) + " names for " + std::to_string(classes) + " classes");
  if (type.parents.empty()) return;
  if (type.parents.size() != classes)
    bad_input_in(where, std::to_string(type.parents.size()) + " parents for " + std::to_string(classes) + " classes");
  for (std::size_t i = 0; i < classes; ++i) {
    std::int64_t at = static_cast<std::int64_t>(i);
    for (std::size_t steps = 0; at != -1; ++steps) {
      if (steps > classes) bad_input_in(where, "the class tree has a cycle at class " + std::to_string(i));
      at = type.parents[static_cast<std::size_t>(at)];
      if (at < -1 || at >= type.classes)
        bad_input_in(where, "class " + std::to_string(i) + " has a parent out of range");
    }
  }
}

void check_item(const FieldType& type, const std::string& where) {
  if (!type.item) bad_input_in(where, "expected an item type");
  const TypeKind inner = type.item->kind;
  if (inner == TypeKind::opt) bad_input_in(where, "an optional value inside a list or another optional value");
  if (type.kind == TypeKind::list && inner == TypeKind::list) bad_input_in(where, "a list of lists");
  if (type.kind == TypeKind::list && inner == TypeKind::tokens) bad_input_in(where, "a list of token sequences");
  type.item->validate(where + " item");
}

// Coordinates of a geometry.
std::int64_t coordinates(GeomForm form) {
  switch (form) {
    case GeomForm::box:
      return 4;
    case GeomForm::quad:
      return 8;
    case GeomForm::event:
      return 2;
  }
  return 0;
}

Json ranges_json(const std::vector<Range>& ranges) {
  Json json = Json::array();
  for (const Range& range : ranges) json.push_back(Json(Json::Array{range.lo, range.hi}));
  return json;
}

void put_classes(const FieldType& type, Json& json) {
  json["classes"] = type.classes;
  if (!type.names.empty()) json["names"] = type.names;
  if (!type.parents.empty()) json["parents"] = type.parents;
}

void put_dense(const FieldType& type, Json& json) {
  json["dtype"] = engine::dtype_name(type.dtype);
  json["shape"] = type.shape;
  json["space"] = name_of(space_names, type.space);
  if (type.rate != 0) json["rate"] = type.rate;
  if (!type.ranges.empty()) json["ranges"] = ranges_json(type.ranges);
  if (!type.unit.empty()) json["unit"] = type.unit;
}

std::vector<std::int64_t> read_ints(const Json& json) {
  std::vector<std::int64_t> values;
  for (const Json& item : json.as_array()) values.push_back(item.as_int());
  return values;
}

void get_classes(const Json& json, FieldType& type) {
  type.classes = json.at("classes").as_int();
  if (json.has("names"))
    for (const Json& name : json.at("names").as_array()) type.names.push_back(name.as_string());
  if (json.has("parents")) type.parents = read_ints(json.at("parents"));
}

void get_dense(const Json& json, FieldType& type) {
  type.dtype = engine::dtype_from_name(json.at("dtype").as_string());
  type.shape = read_ints(json.at("shape"));
  type.space = from_name(space_names, json.at("space").as_string(), "space");
  type.rate = json.get("rate", 0.0);
  type.unit = json.get("unit", "");
  if (!json.has("ranges")) return;
  for (const Json& range : json.at("ranges").as_array())
    type.ranges.push_back({range.at(std::size_t{0}).as_real(), range.at(std::size_t{1}).as_real()});
}

FieldType read_type(const Json& json, const std::string& where) {
  FieldType type;
  type.kind = from_name(kind_names, json.at("kind").as_string(), "type");
  switch (type.kind) {
    case TypeKind::dense:
      get_dense(json, type);
      break;
    case TypeKind::cat:
    case TypeKind::dist:
      get_classes(json, type);
      break;
    case TypeKind::labelmap:
      get_classes(json, type);
      type.shape = read_ints(json.at("shape"));
      break;
    case TypeKind::tokens:
      type.vocabulary = json.at("vocabulary").as_int();
      type.max_length = json.at("max").as_int();
      break;
    case TypeKind::geom:
      type.form = from_name(form_names, json.at("form").as_string(), "geometry");
      if (json.at("classes").as_int() != 0) get_classes(json, type);
      type.has_score = json.at("score").as_bool();
      type.has_ignore = json.at("ignore").as_bool();
      break;
    case TypeKind::list:
      type.max_length = json.at("max").as_int();
      [[fallthrough]];
    case TypeKind::opt:
      type.item = std::make_shared<const FieldType>(FieldType::from_json(json.at("item"), where + " item"));
      break;
  }
  return type;
}

}  // namespace

const char* role_name(Role role) { return name_of(role_names, role); }
Role role_from_name(const std::string& name) { return from_name(role_names, name, "role"); }

FieldType FieldType::dense(engine::DType dtype, engine::Shape shape, Space space, std::vector<Range> ranges) {
  FieldType type;
  type.dtype = dtype;
  type.shape = std::move(shape);
  type.space = space;
  type.ranges = std::move(ranges);
  return type;
}

FieldType FieldType::image_u8(engine::Shape chw) {
  return dense(engine::DType::u8, std::move(chw), Space::image, {Range{0, 1}});
}

FieldType FieldType::category(std::vector<std::string> names) {
  FieldType type = category(static_cast<std::int64_t>(names.size()));
  type.names = std::move(names);
  return type;
}

FieldType FieldType::category(std::int64_t classes) {
  FieldType type;
  type.kind = TypeKind::cat;
  type.classes = classes;
  return type;
}

FieldType FieldType::distribution(std::int64_t classes) {
  FieldType type = category(classes);
  type.kind = TypeKind::dist;
  return type;
}

FieldType FieldType::token_ids(std::int64_t vocabulary, std::int64_t max_length) {
  FieldType type;
  type.kind = TypeKind::tokens;
  type.vocabulary = vocabulary;
  type.max_length = max_length;
  return type;
}

FieldType FieldType::label_map(std::int64_t classes, engine::Shape shape) {
  FieldType type = category(classes);
  type.kind = TypeKind::labelmap;
  type.shape = std::move(shape);
  return type;
}

FieldType FieldType::geometry(GeomForm form, std::int64_t classes, bool has_score, bool has_ignore) {
  FieldType type;
  type.kind = TypeKind::geom;
  type.form = form;
  type.classes = classes;
  type.has_score = has_score;
  type.has_ignore = has_ignore;
  return type;
}

FieldType FieldType::list(FieldType item, std::int64_t max_length) {
  FieldType type;
  type.kind = TypeKind::list;
  type.item = std::make_shared<const FieldType>(std::move(item));
  type.max_length = max_length;
  return type;
}

FieldType FieldType::optional(FieldType item) {
  FieldType type;
  type.kind = TypeKind::opt;
  type.item = std::make_shared<const FieldType>(std::move(item));
  return type;
}

void FieldType::validate(const std::string& where) const {
  switch (kind) {
    case TypeKind::dense:
      check_dense(*this, where);
      break;
    case TypeKind::cat:
    case TypeKind::dist:
      check_classes(*this, where);
      break;
    case TypeKind::labelmap:
      check_classes(*this, where);
      check_shape(shape, where);
      break;
    case TypeKind::tokens:
      if (vocabulary < 1 || vocabulary > INT32_MAX)
        bad_input_in(where, "expected a vocabulary of 1 to 2^31 - 1 tokens");
      if (max_length < 1) bad_input_in(where, "expected a maximal length of at least 1");
      break;
    case TypeKind::geom:
      if (classes != 0) check_classes(*this, where);
      break;
    case TypeKind::list:
      if (max_length < 1) bad_input_in(where, "expected a maximal length of at least 1");
      [[fallthrough]];
    case TypeKind::opt:
      check_item(*this, where);
      break;
  }
  if (checked_count(row_spec().shape) < 0) bad_input_in(where, "a sample of this type is too large");
}

engine::Spec FieldType::row_spec() const {
  switch (kind) {
    case TypeKind::dense:
      return {dtype, shape};
    case TypeKind::cat:
      return {engine::DType::i64, {}};
    case TypeKind::dist:
      return {engine::DType::f32, {classes}};
    case TypeKind::tokens:
      return {engine::DType::i32, {max_length}};
    case TypeKind::labelmap:
      return {classes <= u8_classes ? engine::DType::u8 : engine::DType::i32, shape};
    case TypeKind::geom: {
      const std::int64_t extras = (classes > 0 ? 1 : 0) + (has_score ? 1 : 0) + (has_ignore ? 1 : 0);
      return {engine::DType::f64, {coordinates(form) + extras}};
    }
    case TypeKind::list: {
      engine::Spec spec = item->row_spec();
      spec.shape.insert(spec.shape.begin(), max_length);
      return spec;
    }
    case TypeKind::opt:
      return item->row_spec();
  }
  throw Error(Fault::internal, "a type without a kind");
}

bool FieldType::has_lengths() const {
  if (kind == TypeKind::opt) return item->has_lengths();
  return kind == TypeKind::tokens || kind == TypeKind::list;
}

bool FieldType::operator==(const FieldType& other) const { return to_json() == other.to_json(); }

Json FieldType::to_json() const {
  Json json = Json::object({{"kind", name_of(kind_names, kind)}});
  switch (kind) {
    case TypeKind::dense:
      put_dense(*this, json);
      break;
    case TypeKind::labelmap:
      json["shape"] = shape;
      [[fallthrough]];
    case TypeKind::cat:
    case TypeKind::dist:
      put_classes(*this, json);
      break;
    case TypeKind::tokens:
      json["vocabulary"] = vocabulary;
      json["max"] = max_length;
      break;
    case TypeKind::geom:
      put_classes(*this, json);
      json["form"] = name_of(form_names, form);
      json["score"] = has_score;
      json["ignore"] = has_ignore;
      break;
    case TypeKind::list:
      json["max"] = max_length;
      [[fallthrough]];
    case TypeKind::opt:
      json["item"] = item->to_json();
      break;
  }
  return json;
}

FieldType FieldType::from_json(const Json& json, const std::string& where) {
  FieldType type;
  try {
    type = read_type(json, where);
  } catch (const Error& error) {
    bad_input_in(where, error.what());
  }
  type.validate(where);
  return type;
}

}  // namespace assay::data
