// An attack that writes to its scratch folder without end, in files below any limit on one of them.
#include "hostile.hpp"

namespace {

void fill() {
  constexpr int most = 512;  // 2 GB: a failing test should not fill the disk
  const std::string piece(std::size_t{4} << 20, 'x');
  for (int i = 0; i < most; ++i) std::ofstream("tmp/" + std::to_string(i), std::ios::binary) << piece;
}

}  // namespace

HOSTILE_ATTACK("hostile-fill-disk", "writes until it is stopped", fill)
