// expand_params: every type's canonical form, its refusals, and what enters an identity.
#include <doctest/doctest.h>

#include <string>

#include "harness/base/error.hpp"
#include "harness/record/params.hpp"

using namespace assay;

namespace {

ParamSchema make(const std::string& key, const std::string& type, Json fallback, double min = 0, double max = 0) {
  ParamSchema out;
  out.key = key;
  out.type = type;
  out.fallback = std::move(fallback);
  out.min = min;
  out.max = max;
  return out;
}

Descriptor pgd() {
  Descriptor out;
  out.id = "pgd";
  ParamSchema loss = make("loss", "choice", "ce");
  loss.choices = {"ce", "margin"};
  ParamSchema verbose = make("verbose", "bool", false);
  verbose.identity = false;
  out.params = {make("steps", "int", 20, 1, 100), make("eps", "real", "8/255", 0, 1), make("title", "text", ""), loss, verbose,
                make("scales", "list", Json(Json::Array{1.0}), 0, 4), make("sizes", "list", Json(Json::Array{1}), 1, 9),
                make("mask", "tensor", Json()), make("inner", "method", Json())};
  return out;
}

Json expanded(const char* key, Json value) { return expand_params(pgd(), Json::object({{key, std::move(value)}})).at(key); }

void refused(const char* key, Json value, const std::string& message) {
  CAPTURE(key);
  try {
    expanded(key, std::move(value));
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::bad_input);
    CHECK(std::string(error.what()) == message);
  }
}

}  // namespace

TEST_CASE("nothing given: every parameter once, with its default in canonical form") {
  const Json all = expand_params(pgd(), Json());
  CHECK(all.size() == 9);
  CHECK(all.at("steps") == Json(20));
  CHECK(all.at("eps") == Json("8/255"));
  CHECK(all.at("mask").is_null());
  CHECK(expand_params(pgd(), Json(Json::Object{})) == all);
}

TEST_CASE("equal values have one form, so that they have one hash") {
  CHECK(expanded("eps", "16/510") == Json("8/255"));
  CHECK(expanded("eps", "0.5") == Json("1/2"));
  CHECK(expanded("eps", "2/2") == Json(1.0));
  CHECK(expanded("eps", 1) == Json(1.0));
  CHECK(expanded("eps", 0.25) == Json(0.25));
  CHECK(expanded("steps", 5.0) == Json(5));
  CHECK(expanded("steps", "10/2") == Json(5));
  CHECK(expanded("scales", Json(Json::Array{2, "1/2", 0.5})) == Json(Json::Array{2.0, "1/2", 0.5}));
  CHECK(expanded("sizes", Json(Json::Array{2.0, "9"})) == Json(Json::Array{2, 9}));
  CHECK(expanded("inner", "fgsm") == Json::object({{"use", "fgsm"}, {"params", Json(Json::Object{})}}));
}

TEST_CASE("refusals name method, parameter, expectation and the nearest name") {
  refused("step", 5, "method 'pgd': unknown parameter 'step'; did you mean 'steps'?");
  refused("steps", 0, "method 'pgd': parameter 'steps' must be an integer in [1, 100], not 0");
  refused("steps", 2.5, "method 'pgd': parameter 'steps' must be an integer in [1, 100], not 2.5");
  refused("steps", 1e300, "method 'pgd': parameter 'steps' must be an integer in [1, 100], not 1e+300");
  refused("eps", "big", "method 'pgd': parameter 'eps' must be a real in [0, 1], not \"big\"");
  refused("eps", "nan", "method 'pgd': parameter 'eps' must be a real in [0, 1], not \"nan\"");
  refused("eps", "256/255", "method 'pgd': parameter 'eps' must be a real in [0, 1], not \"256/255\"");
  refused("eps", true, "method 'pgd': parameter 'eps' must be a real in [0, 1], not true");
  refused("loss", "margn", "method 'pgd': parameter 'loss' cannot be \"margn\"; did you mean 'margin'?");
  refused("verbose", 1, "method 'pgd': parameter 'verbose' must be true or false, not 1");
  refused("title", 1, "method 'pgd': parameter 'title' must be text, not 1");
  refused("scales", 1.0, "method 'pgd': parameter 'scales' must be a list, not 1.0");
  refused("scales", Json(Json::Array{5.0}), "method 'pgd': parameter 'scales' must be a list of reals in [0, 4], not [5.0]");
  refused("sizes", Json(Json::Array{1.5}), "method 'pgd': parameter 'sizes' must be a list of integers in [1, 9], not [1.5]");
  refused("mask", "a.npy", "method 'pgd': parameter 'mask' must be {\"file\": path, \"sha256\": digest} or null, not \"a.npy\"");
  refused("inner", 3, "method 'pgd': parameter 'inner' must be a method id, {\"use\": id, \"params\": {...}} or null, not 3");
  CHECK_THROWS_AS(expand_params(pgd(), Json(Json::Array{})), Error);
}

TEST_CASE("parameters without identity stay out of what is hashed") {
  const Json all = expand_params(pgd(), Json::object({{"verbose", true}}));
  CHECK(all.at("verbose") == Json(true));
  CHECK_FALSE(identity_params(pgd(), all).has("verbose"));
  CHECK(identity_params(pgd(), all).size() == all.size() - 1);
}

TEST_CASE("param_real divides fractions") {
  CHECK(param_real("8/255") == 8.0 / 255.0);
  CHECK(param_real(3) == 3.0);
  CHECK_THROWS_AS(param_real(true), Error);
  CHECK_THROWS_AS(param_real("x"), Error);
}
