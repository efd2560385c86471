// Stored columns made once and used again and again: encoding a column costs more than writing its row. [one thread]
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace scale {

struct StoredColumn {
  std::vector<double> values;
  double mean = 0;
  std::string sha256;
  std::vector<std::byte> values_z;
};

class Columns {
 public:
  static constexpr int variants = 8;
  explicit Columns(int samples);

  std::vector<std::byte> ids() const;  // of every column, as the store keeps them

  // 0 or 1; one with probability percent / 100.
  const StoredColumn& share(int percent, int variant);
  // Normal, with this mean in hundredths and variance 1.
  const StoredColumn& normal(int hundredths, int variant);
  // Exponential with this mean in hundredths.
  const StoredColumn& exponential(int hundredths, int variant);
  // AUROC of normal(hundredths, variant) against normal(0, reference).
  double auroc(int hundredths, int variant, int reference);

 private:
  using Key = std::pair<int, int>;
  const StoredColumn& stored(std::map<Key, StoredColumn>& into, const Key& key, std::vector<double> values);

  std::vector<std::int64_t> ids_;
  std::map<Key, StoredColumn> shares_, normals_, exponentials_;
  std::map<std::pair<Key, int>, double> aurocs_;
};

}  // namespace scale
