#include "results/export/image_sets.hpp"

#include <algorithm>
#include <cmath>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/examples.hpp"
#include "harness/record/safetensors.hpp"

namespace assay::site {
namespace {

constexpr const char* records_file = "records.safetensors";

// The field with the role, of this kind of type.
const Json* field_of(const Container& records, const std::string& role, const std::string& kind) {
  for (const Json& field : records.metadata.at("fields").as_array())
    if (field.get("role", "") == role && field.at("type").get("kind", "") == kind) return &field;
  return nullptr;
}

// The ends of the range over all channels; 0 and 1 where nothing is said.
std::pair<double, double> range_of(const Json& type) {
  double lo = 0, hi = 1;
  if (!type.has("ranges") || type.at("ranges").size() == 0) return {lo, hi};
  lo = INFINITY, hi = -INFINITY;
  for (const Json& one : type.at("ranges").as_array()) {
    lo = std::min(lo, one.at(std::size_t{0}).as_real());
    hi = std::max(hi, one.at(std::size_t{1}).as_real());
  }
  if (!(hi > lo)) bad_input("an input range without extent");
  return {lo, hi};
}

std::vector<std::uint8_t> bytes_of(const Array& values, const Json& type) {
  if (values.dtype == "U8") return {values.as_u8().begin(), values.as_u8().end()};
  const auto [lo, hi] = range_of(type);
  std::vector<std::uint8_t> out;
  for (const float v : values.as_f32()) {
    const double share = (static_cast<double>(v) - lo) / (hi - lo);
    out.push_back(std::isfinite(share) ? static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0))) : 0);
  }
  return out;
}

void read_labels(const Container& records, ImageSet& set) {
  for (const Json& name : records.metadata.at("classes").as_array()) set.classes.push_back(name.as_string());
  const Json* target = field_of(records, "target", "cat");
  if (target == nullptr) return;
  const auto labels = records.at("values/" + target->at("name").as_string()).as_i64();
  if (labels.size() != set.rows.size()) bad_input("another number of labels than of inputs");
  for (const auto& [id, row] : set.rows) set.labels[id] = labels[row];
}

ImageSet read_images(const Container& records) {
  const Json* input = field_of(records, "input", "dense");
  if (input == nullptr || input->at("type").get("space", "") != "image") bad_input("its inputs are no images");
  const Json& type = input->at("type");
  const auto& shape = type.at("shape").as_array();
  if (shape.size() != 3) bad_input("its inputs have no channels, height and width");
  ImageSet set;
  set.size = {shape[0].as_int(), shape[1].as_int(), shape[2].as_int()};
  if (set.size.channels != 1 && set.size.channels != 3) bad_input("its inputs have neither one channel nor three");
  if (set.size.height * set.size.width > most_example_pixels) bad_input("its inputs are too large for this page");
  const auto ids = records.at("ids").as_i64();
  for (std::size_t i = 0; i < ids.size(); ++i) set.rows[ids[i]] = i;
  set.values = bytes_of(records.at("values/" + input->at("name").as_string()), type);
  if (set.values.size() != ids.size() * set.size.values()) bad_input("another number of pixels than its shape says");
  read_labels(records, set);
  return set;
}

}  // namespace

Maybe<fs::path> cached_file(const store::Store& db, const fs::path& cache, const store::CellRecord& node,
                            const std::string& name) {
  if (!node.standing) return {{}, "nothing stands for it"};
  for (const store::ArtifactRecord& one : db.artifacts(node.standing->id)) {
    if (!one.made || one.name != name) continue;
    const fs::path file = cache / node.kind / node.generation / name;
    std::error_code code;
    if (cache.empty() || !fs::is_regular_file(file, code)) return {{}, "the file is no longer in the artifact cache"};
    if (sha256_file(file) != one.sha256)
      return {{}, "the file in the artifact cache has another digest than was recorded"};
    return {file, ""};
  }
  return {{}, "none were kept"};
}

std::string ImageSet::class_name(std::int64_t label) const {
  if (label >= 0 && static_cast<std::size_t>(label) < classes.size()) return classes[static_cast<std::size_t>(label)];
  return "class " + std::to_string(label);
}

Maybe<ImageSet> ImageSets::load(const std::string& key) const {
  const auto node = db_.find(key);
  if (!node) return {{}, "the database does not know how its list was made"};
  const Maybe<fs::path> file = cached_file(db_, cache_, *node, records_file);
  if (!file.value) return {{}, "the list's records: " + file.why};
  try {
    return {read_images(load_container(*file.value)), ""};
  } catch (const std::exception& error) {
    return {{}, std::string("the list's records: ") + error.what()};
  }
}

const ImageSet* ImageSets::find(const std::string& key, std::string& why) {
  const auto found = sets_.find(key);
  const Maybe<ImageSet>& set = found != sets_.end() ? found->second : sets_.emplace(key, load(key)).first->second;
  why = set.why;
  return set.value ? &*set.value : nullptr;
}

}  // namespace assay::site
