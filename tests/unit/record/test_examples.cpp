// The pictures that a judge keeps of a cell, as a file.
#include <doctest/doctest.h>

#include "harness/base/error.hpp"
#include "harness/record/examples.hpp"

using namespace assay;

namespace {

Examples two_pictures() {
  Examples set;
  set.condition = "eps=1/10";
  set.norm = "linf";
  set.rule = "the first two";
  set.channels = 3;
  set.height = 1;
  set.width = 2;
  for (std::int64_t i = 0; i < 2; ++i) {
    Example one;
    one.id = (std::int64_t{1} << 62) + i;
    one.label = 7;
    one.predicted = i;
    one.broken = i == 1;
    one.distance = 0.1;
    one.margin = i == 1 ? -2.5 : 3;
    one.scale = 0.05;
    one.clean = {0, 1, 2, 3, 4, 255};
    one.perturbed = {9, 8, 7, 6, 5, static_cast<std::uint8_t>(i)};
    one.difference = {128, 1, 255, 128, 0, 3};
    set.items.push_back(one);
  }
  return set;
}

std::string refusal(const Container& container) {
  try {
    Examples::from_container(container, "kept");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::bad_input);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("examples come back as they were written") {
  const Examples set = two_pictures();
  const Examples back = Examples::from_container(decode(encode(set.to_container()), "kept"), "kept");
  CHECK(back.condition == set.condition);
  CHECK(back.norm == set.norm);
  CHECK(back.rule == set.rule);
  CHECK(back.values() == 6);
  REQUIRE(back.items.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const Example &a = set.items[i], &b = back.items[i];
    CHECK(b.id == a.id);
    CHECK(b.label == a.label);
    CHECK(b.predicted == a.predicted);
    CHECK(b.broken == a.broken);
    CHECK(b.distance == a.distance);
    CHECK(b.margin == a.margin);
    CHECK(b.scale == a.scale);
    CHECK(b.clean == a.clean);
    CHECK(b.perturbed == a.perturbed);
    CHECK(b.difference == a.difference);
  }
}

TEST_CASE("a file that is no set of examples is refused by what is wrong with it") {
  Container other = two_pictures().to_container();
  other.metadata["format"] = "records";
  CHECK(refusal(other).find("no set of examples") != std::string::npos);
  Container huge = two_pictures().to_container();
  huge.metadata["shape"] = Json(Json::Array{3, std::int64_t{1} << 40, std::int64_t{1} << 40});
  CHECK(refusal(huge).find("size that is none") != std::string::npos);
  Container wide = two_pictures().to_container();
  wide.metadata["shape"] = Json(Json::Array{3, 2, 2});
  CHECK(refusal(wide).find("array 'clean' holds 12 values, expected 24") != std::string::npos);
  Container few = two_pictures().to_container();
  few.arrays["margin"] = Array::f64({1}, std::vector<double>{1});
  CHECK(refusal(few).find("array 'margin' holds 1 values, expected 2") != std::string::npos);
  Container without = two_pictures().to_container();
  without.arrays.erase("scale");
  CHECK(refusal(without).find("scale") != std::string::npos);
  Examples odd = two_pictures();
  odd.items[1].perturbed.pop_back();
  CHECK_THROWS_AS(odd.to_container(), Error);
}
