// An attack whose library writes into assay's home as soon as it is opened, before anybody has asked for anything.
#include <cstdlib>

#include "hostile.hpp"

namespace {

struct AtLoad {
  AtLoad() {
    if (const char* home = std::getenv("ASSAY_HOME")) std::ofstream(hostile::fs::path(home) / "was-here") << "opened";
  }
};
const AtLoad at_load;

}  // namespace

HOSTILE_ATTACK("hostile-load", "writes into assay's home when its library is opened", [] {})
