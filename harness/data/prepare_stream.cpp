// The stream of in- and out-of-distribution test inputs.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

#include "harness/base/error.hpp"
#include "harness/base/rng.hpp"
#include "harness/data/prepare.hpp"

namespace assay::data {
namespace {

const std::vector<std::string> group_names{"id", "near", "far"};

// u8 v stands for v / 255; back with rounding to the nearest.
Array to_dtype(const Array& values, const std::string& dtype, const std::string& where) {
  if (values.dtype == dtype) return values;
  if (values.dtype == "U8" && dtype == "F32") {
    std::vector<float> out;
    for (const std::uint8_t v : values.as_u8()) out.push_back(static_cast<float>(v) / 255.0f);
    return Array::f32(values.shape, out);
  }
  if (values.dtype != "F32" || dtype != "U8")
    bad_input(where + ": inputs of " + values.dtype + " cannot join " + dtype);
  std::vector<std::uint8_t> out;
  for (const float v : values.as_f32()) {
    if (!(v >= 0 && v <= 1)) bad_input(where + ": an input value outside [0, 1] cannot join 8-bit inputs");
    out.push_back(static_cast<std::uint8_t>(std::floor(v * 255.0f + 0.5f)));
  }
  return Array::u8(values.shape, out);
}

// Out-of-distribution inputs in the form of the in-distribution ones.
Array conform(const OodSource& source, const Field& like) {
  const Field& input = source.records.find("input");
  const std::string where = "out-of-distribution set '" + source.label + "'";
  if (input.type.kind != TypeKind::dense) bad_input(where + ": the input is not dense");
  if (input.type.shape == like.type.shape) return to_dtype(input.values, like.values.dtype, where);
  const engine::Shape &have = input.type.shape, &want = like.type.shape;
  if (have.size() != want.size() || input.type.space != Space::image || like.type.space != Space::image ||
      have.front() != want.front())
    bad_input(where + ": inputs of shape " + engine::shape_str(have) + " cannot join inputs of shape " +
              engine::shape_str(want) + "; only height and width of images are adapted, never channels");
  if (input.values.dtype != "U8" && input.values.dtype != "F32")
    bad_input(where + ": images of " + input.values.dtype + " cannot be resized");
  return to_dtype(resize_images(input.values, want[1], want[2]), like.values.dtype, where);
}

// Everything of the stream before it is shuffled.
struct Pool {
  std::vector<std::int64_t> samples, origins, groups, targets;
  std::vector<std::string> labels;
  Array inputs;
  Json lists = Json::array();  // which list has which digest (rule 28)

  void append(const RecordSet& set, const std::string& label, std::int64_t group, Array values) {
    const auto n = set.ids.size();
    samples.insert(samples.end(), set.ids.begin(), set.ids.end());
    origins.insert(origins.end(), n, static_cast<std::int64_t>(labels.size()));
    groups.insert(groups.end(), n, group);
    if (group == 0 && set.has("target") && set.find("target").type.kind == TypeKind::cat) {
      const auto labels_of = set.labels();
      targets.insert(targets.end(), labels_of.begin(), labels_of.end());
    } else {
      targets.insert(targets.end(), n, -1);
    }
    labels.push_back(label);
    lists.push_back(Json::object({{"label", label},
                                  {"group", group_names[static_cast<std::size_t>(group)]},
                                  {"count", set.size()},
                                  {"digest", set.digest()}}));
    if (inputs.shape.empty()) {
      inputs = std::move(values);
      return;
    }
    inputs.shape.front() += values.shape.front();
    inputs.bytes.insert(inputs.bytes.end(), values.bytes.begin(), values.bytes.end());
  }
};

// Opaque ids: 63 random bits keyed by (key, sample id). The order of the ids is the shuffle.
std::vector<std::int64_t> opaque_ids(const Pool& pool, std::uint64_t key) {
  std::unordered_map<std::int64_t, std::int64_t> seen;  // opaque -> sample
  std::vector<std::int64_t> out;
  for (const std::int64_t sample : pool.samples) {
    const Rng rng(key, "stream", static_cast<std::uint64_t>(sample));
    std::uint64_t attempt = 0;
    std::int64_t id = 0;
    do id = static_cast<std::int64_t>(rng.bits(attempt++) >> 1);
    while (!seen.emplace(id, sample).second);
    out.push_back(id);
  }
  return out;
}

void check_lists(const StreamSpec& spec) {
  std::map<std::string, int> labels{{spec.id_label, 1}};
  for (const OodSource& source : spec.ood) {
    if (source.group != "near" && source.group != "far")
      bad_input("out-of-distribution set '" + source.label + "': group '" + source.group + "'" +
                suggestion(source.group, {"near", "far"}));
    if (++labels[source.label] > 1) bad_input("the label '" + source.label + "' occurs twice in the stream");
    refuse_overlap(spec.id, source.records, "rule 28: the lists of a stream are disjoint");
    for (const OodSource& other : spec.ood)
      if (&other != &source)
        refuse_overlap(other.records, source.records, "rule 28: the lists of a stream are disjoint");
    if (spec.fit != nullptr)
      refuse_overlap(*spec.fit, source.records, "rule 32: detectors fit on the in-distribution train list only");
  }
  if (spec.ood.empty()) bad_input("a stream needs at least one out-of-distribution list");
  if (spec.fit != nullptr) refuse_overlap(*spec.fit, spec.id, "rule 28: the test list is disjoint from the fit list");
}

RecordSet head_of(const StreamSpec& spec, const Pool& pool, std::vector<std::int64_t> ids) {
  RecordSet set;
  set.ids = std::move(ids);
  set.origin = "stream";
  set.classes = spec.id.classes;
  set.provenance = Json::object({{"lists", pool.lists}});
  return set;
}

Field truth_field(const std::string& name, FieldType type, const std::vector<std::int64_t>& values) {
  return {name, Role::truth, std::move(type), Array::i64({static_cast<std::int64_t>(values.size())}, values), {}, {}};
}

}  // namespace

Blinded make_stream(const StreamSpec& spec) {
  check_lists(spec);
  const Field& like = spec.id.find("input");
  if (like.type.kind != TypeKind::dense) bad_input(spec.id.origin + ": the input is not dense");
  Pool pool;
  pool.append(spec.id, spec.id_label, 0, like.values);
  for (const OodSource& source : spec.ood)
    pool.append(source.records, source.label, source.group == "near" ? 1 : 2, conform(source, like));
  const std::vector<std::int64_t> ids = opaque_ids(pool, spec.key);
  std::vector<std::int64_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return ids[static_cast<std::size_t>(a)] < ids[static_cast<std::size_t>(b)];
  });
  RecordSet visible = head_of(spec, pool, ids), truth = visible;
  visible.provenance = Json();  // which lists are in it is not the method's business
  visible.add({"input", Role::input, like.type, std::move(pool.inputs), {}, {}});
  const auto classes = static_cast<std::int64_t>(spec.id.classes.size());
  FieldType sample_type = FieldType::dense(engine::DType::i64, {});
  truth.add(truth_field("sample", std::move(sample_type), pool.samples));
  truth.add(truth_field("origin", FieldType::category(pool.labels), pool.origins));
  truth.add(truth_field("group", FieldType::category(group_names), pool.groups));
  truth.add(
      truth_field("target", classes > 0 ? FieldType::category(spec.id.classes) : FieldType::category(1), pool.targets));
  return {visible.select(order), truth.select(order)};
}

}  // namespace assay::data
