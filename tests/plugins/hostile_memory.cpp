// An attack that eats memory, page after touched page.
#include <vector>

#include "assay/sdk.hpp"

struct Hostile {
  static constexpr assay::Info info{.id = "hostile-memory",
                                    .version = "1.0.0",
                                    .summary = "takes memory until it is stopped",
                                    .title = "",
                                    .baseline = true};
  assay::Tensor attack(assay::Run&, const assay::Batch& batch) const {
    constexpr std::size_t kPiece = std::size_t{16} << 20;
    std::vector<std::vector<char>> taken;
    while (taken.size() < 4096) taken.emplace_back(kPiece, static_cast<char>(1 + taken.size() % 100));
    return batch.x;
  }
};

ASSAY_PLUGIN(Hostile)
