// Records: samples with a 64-bit id that survives filtering, union and relabelling, and named, typed fields.
// Every field is one array with one row a sample, whatever its type; variable-length and optional types carry a
// `lengths` or `present` array beside it. Values are plain data; const access is safe from any thread.
// Invariants (checked by validate(), load() and every function that makes a set): ids are distinct and >= 0 (-1 marks
// padding rows of a batch), field names are distinct, each array has the dtype and row shape that row_spec() states.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.hpp"
#include "harness/engine/tensor/tensor.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::data {

enum class TypeKind { dense, cat, dist, tokens, labelmap, geom, list, opt };
enum class Space { image, series, audio, voxel, field, vector };
enum class GeomForm { box, quad, event };                                 // x0 y0 x1 y1 | four corners | start, end
enum class Role { input, target, condition, group, weight, truth, tag };  // truth: only the judge sees it

const char* role_name(Role role);
Role role_from_name(const std::string& name);  // throws Error(bad_input) with the nearest role

struct Range {
  double lo = 0, hi = 1;
  bool operator==(const Range&) const = default;
};

// One type of the system. Only the members of `kind` are meaningful; the makers below set them.
struct FieldType {
  TypeKind kind = TypeKind::dense;
  // dense. A u8 array holds v and stands for v / 255: `ranges` are those of the converted values.
  engine::DType dtype = engine::DType::f32;
  engine::Shape shape;  // of one sample; image [C, H, W], vector [d], scalar []; labelmap [H, W]
  Space space = Space::vector;
  double rate = 0;            // series, audio: samples a second
  std::vector<Range> ranges;  // one a channel, or one for all, or none (unbounded)
  std::string unit;
  // cat, dist, labelmap: K classes; names and parents (class tree, -1 = root) may be empty
  std::int64_t classes = 0;
  std::vector<std::string> names;
  std::vector<std::int64_t> parents;
  // tokens: ids in [0, vocabulary), at most max_length of them
  std::int64_t vocabulary = 0;
  std::int64_t max_length = 0;  // tokens and list
  // geom: coordinates, then class when classes > 0, then score and ignore flag where they are there
  GeomForm form = GeomForm::box;
  bool has_score = false, has_ignore = false;
  // list, opt. A list's item is neither a list nor opt; opt<opt> is refused.
  std::shared_ptr<const FieldType> item;

  static FieldType dense(engine::DType dtype, engine::Shape shape, Space space = Space::vector,
                         std::vector<Range> ranges = {});
  static FieldType image_u8(engine::Shape chw);  // range [0, 1]
  static FieldType category(std::vector<std::string> names);
  static FieldType category(std::int64_t classes);
  static FieldType distribution(std::int64_t classes);
  static FieldType token_ids(std::int64_t vocabulary, std::int64_t max_length);
  static FieldType label_map(std::int64_t classes, engine::Shape shape);
  static FieldType geometry(GeomForm form, std::int64_t classes, bool has_score = false, bool has_ignore = false);
  static FieldType list(FieldType item, std::int64_t max_length);
  static FieldType optional(FieldType item);

  // Throws Error(bad_input) saying what is wrong and in which field.
  void validate(const std::string& where) const;
  // How one sample lies in the field's array: dense: its own; cat I64 []; dist F32 [K]; tokens I32 [max]; labelmap U8
  // (I32 over 256 classes); geom F64 [coordinates + extras]; list [max, item...]; opt: its item's.
  engine::Spec row_spec() const;
  bool has_lengths() const;  // tokens, list, and opt of one of them
  bool operator==(const FieldType& other) const;
  Json to_json() const;
  static FieldType from_json(const Json& json, const std::string& where);
};

struct Field {
  std::string name;
  Role role = Role::input;
  FieldType type;
  Array values;   // [n, row shape...]
  Array lengths;  // I64 [n] when type.has_lengths(), else empty
  Array present;  // U8 [n] of 0 and 1 when the type is opt, else empty
};

// 63-bit id of sample `index` of a split: distinct within a split for certain, between sets but for a chance of
// about n^2 / 2^64. A pure function of its arguments: the same on every machine and in every version.
std::int64_t sample_id(const std::string& origin, const std::string& split, std::int64_t index);

class RecordSet {
 public:
  std::vector<std::int64_t> ids;
  std::vector<Field> fields;
  std::vector<std::string> classes;  // names of the target's classes; may be empty
  std::string origin;                // "fashion-mnist/test"; a union joins its parts' with "+"
  Json provenance;                   // how it was made: source digests, selection, relabelling

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
  bool has(const std::string& name) const;
  const Field& find(const std::string& name) const;  // throws Error(bad_input) with the nearest field
  void add(Field field);                             // validates; the name must be free
  void validate(const std::string& where) const;     // throws Error(bad_input) on a broken invariant

  // New sets with the same ids for the same samples. Indices may come in any order, without repeats.
  RecordSet select(std::span<const std::int64_t> indices) const;
  RecordSet filter(const std::function<bool(std::int64_t index)>& keep) const;
  RecordSet filter_classes(std::span<const std::int64_t> keep, const std::string& field = "target") const;
  // Class c becomes map[c] of `names`; samples with map[c] == -1 are dropped.
  RecordSet relabel(std::span<const std::int64_t> map, std::vector<std::string> names,
                    const std::string& field = "target") const;
  // Only the fields with one of these roles.
  RecordSet with_roles(std::span<const Role> roles) const;

  // Rows of a dense, dist or cat field as a tensor [count, row shape...]: f32 (u8 becomes v / 255; other numbers are
  // converted), i64 for cat. Throws Error(bad_input) when the range or a type does not fit.
  engine::Tensor batch(const std::string& field, std::span<const std::int64_t> indices) const;
  engine::Tensor input_batch(std::int64_t start, std::int64_t count) const;
  engine::Tensor input_batch(std::span<const std::int64_t> indices) const;
  // Class indices of a cat field.
  std::span<const std::int64_t> labels(const std::string& field = "target") const;
  std::vector<std::int64_t> labels(std::span<const std::int64_t> indices, const std::string& field = "target") const;

  Container to_container() const;
  static RecordSet from_container(const Container& container, const std::string& where);
  void save(const std::filesystem::path& file) const;  // deterministic bytes, atomic
  static RecordSet load(const std::filesystem::path& file);
  std::string digest() const;  // SHA-256 of exactly the bytes that save() writes
};

// All samples of both; same fields (name, role, type) and classes. An id in both is refused with Error(bad_input).
RecordSet unite(const RecordSet& a, const RecordSet& b);

// Throws Error(constraint) naming `what` and the count when the sets share a sample id.
void refuse_overlap(const RecordSet& a, const RecordSet& b, const std::string& what);

}  // namespace assay::data
