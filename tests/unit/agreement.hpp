// Values here against those of another implementation, with the largest difference kept. Where ASSAY_AGREEMENT names a
// file each adds a line to it; tests/unit/agreement.py makes a table of the lines. [one thread]
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

namespace agreement {

// One line of the file, if there is one.
inline void tell(const auto&... parts) {
  const char* file = std::getenv("ASSAY_AGREEMENT");
  if (file == nullptr) return;
  std::ofstream out(file, std::ios::app);
  bool first = true;
  ((out << (first ? "" : "\t") << parts, first = false), ...);
  out << '\n';
}

class Agreement {
 public:
  Agreement(std::string function, std::string reference, double tolerance = 1e-9)
      : function_(std::move(function)), reference_(std::move(reference)), tolerance_(tolerance) {}
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;
  ~Agreement() { tell(function_, reference_, largest_, tolerance_, count_); }
  void operator()(double got, double want) {
    ++count_;
    if (std::isinf(want)) {
      CHECK(got == want);
      return;
    }
    CHECK_MESSAGE(std::abs(got - want) <= tolerance_, function_, ", ", reference_, ": ", got, " for ", want);
    largest_ = std::max(largest_, std::abs(got - want));
  }

 private:
  std::string function_, reference_;
  double tolerance_, largest_ = 0;
  int count_ = 0;
};

}  // namespace agreement
