// Values of other implementations (fixtures/*.json) and what the tests of statistics share.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "harness/base/error.hpp"
#include "harness/base/json.hpp"
#include "harness/base/rng.hpp"
#include "tests/unit/agreement.hpp"

namespace agreement {

inline assay::Json read_fixture(const std::string& name) {
  const std::string path = std::string(ASSAY_SOURCE_DIR) + "/tests/unit/stats/fixtures/" + name;
  std::ifstream in(path);
  REQUIRE_MESSAGE(in.good(), path);
  return assay::Json::parse(std::string(std::istreambuf_iterator<char>(in), {}), name);
}
inline const assay::Json& python() {
  static const assay::Json json = read_fixture("python.json");
  return json;
}
inline const assay::Json& r() {
  static const assay::Json json = read_fixture("r.json");
  return json;
}

inline double real(const assay::Json& at, const char* key) { return at.at(key).as_real(); }
inline std::vector<double> reals(const assay::Json& json) {
  std::vector<double> out;
  for (const auto& v : json.as_array()) out.push_back(v.as_real());
  return out;
}
inline std::vector<double> reals(const assay::Json& at, const char* key) { return reals(at.at(key)); }

inline std::string message_of(const auto& call) {
  try {
    call();
  } catch (const assay::Error& error) {
    return error.what();
  }
  return "";
}

inline std::vector<double> normals(std::uint64_t stream, std::size_t n, double mean = 0) {
  const assay::Rng rng(99, "stats-test", stream);
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = mean + rng.normal(i);
  return out;
}

}  // namespace agreement
