// Ops that move elements: reshape, expand.
#include "tests/ops/reference.hpp"

namespace assay::engine::reference {

void add_movement(Table& t) {
  t["reshape"] = [](const Arrays& in, const Attrs& attrs) {
    Array out = in[0];
    out.shape = attrs.ints("shape", {});
    std::int64_t known = 1;
    for (const std::int64_t d : out.shape) known *= d == -1 ? 1 : d;
    for (std::int64_t& d : out.shape) d = d == -1 ? element_count(in[0].shape) / known : d;
    return Arrays{out};
  };
  t["expand"] = [](const Arrays& in, const Attrs& attrs) {
    Array out(attrs.ints("shape", {}));
    for_each_index(out.shape, [&](const Shape& i) { out.ref(i) = in[0].at(i); });
    return Arrays{out};
  };
}

}  // namespace assay::engine::reference
