// CIFAR's binary version: records of one label byte and the planes of one image, nothing else.
#include <cstring>

#include "harness/data/loaders/formats.hpp"
#include "harness/data/loaders/support.hpp"

namespace assay::data {

LabelledImages read_cifar_binary(const fs::path& file, std::span<const std::int64_t> chw, std::int64_t classes) {
  const std::size_t image = image_bytes(chw);
  if (image == 0) refuse_at(file, 0, "expected a shape [channels, height, width]");
  const std::size_t record = image + 1;
  const std::vector<std::byte> bytes = read_unpacked(file);
  if (bytes.empty() || bytes.size() % record != 0)
    refuse_at(file, bytes.size(),
              std::to_string(bytes.size()) + " bytes are no whole number of records of " + std::to_string(record));
  const std::size_t count = bytes.size() / record;
  LabelledImages data;
  data.images = {"U8", {static_cast<std::int64_t>(count), chw[0], chw[1], chw[2]}, {}};
  data.images.bytes.resize(count * image);
  data.labels.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto label = std::to_integer<std::int64_t>(bytes[i * record]);
    if (label >= classes)
      refuse_at(file, i * record,
                "label " + std::to_string(label) + " of record " + std::to_string(i) + " is outside [0, " +
                    std::to_string(classes) + ")");
    data.labels.push_back(label);
    std::memcpy(data.images.bytes.data() + i * image, bytes.data() + i * record + 1, image);
  }
  return data;
}

std::vector<std::byte> to_cifar_binary(const LabelledImages& data) {
  constexpr std::int64_t label_limit = 256;
  const std::size_t count = data.labels.size();
  if (data.images.shape.size() != 4 || data.images.shape[0] != static_cast<std::int64_t>(count))
    throw Error(Fault::internal, "to_cifar_binary needs as many labels as images");
  const std::size_t image = count == 0 ? 0 : data.images.bytes.size() / count;
  std::vector<std::byte> bytes(count * (image + 1));
  for (std::size_t i = 0; i < count; ++i) {
    if (data.labels[i] < 0 || data.labels[i] >= label_limit)
      throw Error(Fault::bad_input, "label " + std::to_string(data.labels[i]) + " does not fit a byte");
    bytes[i * (image + 1)] = static_cast<std::byte>(data.labels[i]);
    std::memcpy(bytes.data() + i * (image + 1) + 1, data.images.bytes.data() + i * image, image);
  }
  return bytes;
}

}  // namespace assay::data
