// Inputs of prepared lists as pictures, from the artifact cache: <cache>/<kind>/<key>/<file>. Nothing is believed
// without the digest that the database recorded. Inside of the export; one thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "results/export/picture.hpp"
#include "results/store/store.hpp"

namespace assay::site {

// Why something cannot be shown, in words, beside what can.
template <class T>
struct Maybe {
  std::optional<T> value;
  std::string why;
};

// The file `name` that the attempt that stands for the node made, when it is in the cache with the recorded digest.
Maybe<std::filesystem::path> cached_file(const store::Store& db, const std::filesystem::path& cache,
                                         const store::CellRecord& node, const std::string& name);

struct ImageSet {
  PictureSize size;
  std::vector<std::string> classes;          // names; may be empty
  std::map<std::int64_t, std::size_t> rows;  // by sample id
  std::map<std::int64_t, std::int64_t> labels;
  std::vector<std::uint8_t> values;  // [n, channels, height, width]
  std::span<const std::uint8_t> at(std::size_t row) const {
    return std::span(values).subspan(row * size.values(), size.values());
  }
  std::string class_name(std::int64_t label) const;  // "sneaker", else "class 7"
};

class ImageSets {
 public:
  ImageSets(const store::Store& db, std::filesystem::path cache) : db_(db), cache_(std::move(cache)) {}
  // The list with this content key; nullptr, and `why`, when it is not there, is damaged or holds no images.
  const ImageSet* find(const std::string& key, std::string& why);
  const std::filesystem::path& cache() const { return cache_; }

 private:
  Maybe<ImageSet> load(const std::string& key) const;
  const store::Store& db_;
  std::filesystem::path cache_;
  std::map<std::string, Maybe<ImageSet>> sets_;
};

}  // namespace assay::site
