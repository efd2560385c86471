// Loading, descriptors, digests, and the messages when they are wrong.
#include <cstdlib>

#include "harness/base/files.hpp"
#include "harness/engine/ops/op.hpp"
#include "harness/plugin/read_descriptor.hpp"
#include "world.hpp"

using namespace world;

TEST_CASE("a descriptor arrives as the plugin declares it") {
  const Descriptor& pgd = attack_library().descriptor("good-attack");
  CHECK(pgd.version == "1.0.0");
  CHECK(pgd.title == "Towards Deep Learning Models Resistant to Adversarial Attacks");
  CHECK(pgd.year == 2018);
  CHECK(pgd.roles == std::vector<std::string>{"attack"});
  CHECK(pgd.needs_gradients);
  CHECK(pgd.iterative);
  CHECK_FALSE(pgd.baseline);
  REQUIRE(pgd.param("steps") != nullptr);
  CHECK(pgd.param("steps")->fallback == Json(10));
  CHECK(pgd.param("step")->unit == "eps");
  CHECK(pgd.param("step")->max == 1);
  CHECK(pgd.sha256.size() == 64);
  CHECK(validate::requested_access(pgd, "attack") == (plugin::kDecision | plugin::kScores | plugin::kInputGradient));
}

TEST_CASE("a library may hold several methods") {
  const PluginLibrary library = PluginLibrary::open(test_plugin("good_detector"));
  CHECK(library.descriptors().size() == 2);
  CHECK(library.descriptor("good-energy").param("weights")->fallback == Json::parse("[1.0]"));
  CHECK_FALSE(library.descriptor("good-energy").param("negate")->identity);
  CHECK(contains(message_of([&] { library.descriptor("good-enrgy"); }), "did you mean 'good-energy'?"));
}

TEST_CASE("what is no plugin is refused with the reason") {
  const TempDir folder;
  CHECK(contains(message_of([&] { PluginLibrary::open(folder.path() / "none.so"); }), "no such plugin"));
  write_atomic(folder.path() / "text.so",
               std::string(200, 'x'));
  CHECK(contains(message_of([&] { PluginLibrary::open(folder.path() / "text.so"); }), "not a 64-bit shared library"));
  const std::string whole = read_text(test_plugin("good_attack"));
  for (const std::size_t size : {0, 10, 63, 64, 200, 5000}) {
    write_atomic(folder.path() / "cut.so", std::string_view(whole).substr(0, size));
    CHECK(contains(message_of([&] { PluginLibrary::open(folder.path() / "cut.so"); }), "not a plugin"));
  }
}

TEST_CASE("the digest ignores stripping and sees code") {
  const TempDir folder;
  const std::filesystem::path stripped = folder.path() / "stripped.so", changed = folder.path() / "changed.so";
  const std::string command = "strip -o " + stripped.string() + " " + test_plugin("good_attack").string();
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(plugin::plugin_digest(stripped) == plugin::plugin_digest(test_plugin("good_attack")));
  std::string bytes = read_text(stripped);
  const std::size_t at = bytes.find("projected gradient descent");
  REQUIRE(at != std::string::npos);
  bytes[at] = 'P';
  write_atomic(changed, std::string_view(bytes));
  CHECK(plugin::plugin_digest(changed) != plugin::plugin_digest(stripped));
}

// A table that is wrong in one place, on top of a sound one.
namespace {
constexpr assay_citation kCitation{sizeof(assay_citation), 2020, "title", ""};
const char* const kRoles[] = {"assay.attack/1", nullptr};
const assay_slot* const kSlots[] = {nullptr};
assay_param sound_param() {
  assay_param param{};
  param.struct_size = sizeof param;
  param.key = "eps";
  param.doc = "radius";
  param.unit = "";
  param.fallback = {ASSAY_REAL, 0, 0, 0.5, nullptr, nullptr};
  param.max = 1;
  return param;
}
std::string complaint(assay_descriptor descriptor, assay_param param = sound_param()) {
  const assay_param* const params[] = {&param, nullptr};
  if (descriptor.params == nullptr) descriptor.params = params;
  const assay_descriptor* const descriptors[] = {&descriptor, nullptr};
  assay_plugin table{};
  table.descriptors = descriptors;
  return message_of([&] { plugin::read_descriptors(table, "x.so"); });
}
assay_descriptor sound() {
  return {sizeof(assay_descriptor), 0, "pgd", "1.0.0", "a summary", &kCitation, kRoles, nullptr, kSlots};
}
}  // namespace

TEST_CASE("every flaw of a descriptor has its message") {
  CHECK(complaint(sound()).empty());
  assay_descriptor bad = sound();
  bad.id = "Bad_Id";
  CHECK(contains(complaint(bad), "kebab-case"));
  bad = sound();
  bad.id = nullptr;
  CHECK(contains(complaint(bad), "id is NULL"));
  bad = sound();
  bad.summary = "two\nlines";
  CHECK(contains(complaint(bad), "one line"));
  bad = sound();
  bad.struct_size = 8;
  CHECK(contains(complaint(bad), "struct_size"));
  const char* const unknown[] = {"assay.atack/1", nullptr};
  bad = sound();
  bad.roles = unknown;
  CHECK(contains(complaint(bad), "unknown role 'assay.atack/1'"));
  const char* const twice[] = {"assay.attack/1", "assay.attack/1", nullptr};
  bad.roles = twice;
  CHECK(contains(complaint(bad), "declared twice"));

  assay_param param = sound_param();
  param.fallback.r = 2;
  CHECK(contains(complaint(sound(), param), "x.so: descriptor 'pgd'"));
  CHECK(contains(complaint(sound(), param), "a default is not valid"));
  param = sound_param();
  param.min = 2;
  CHECK(contains(complaint(sound(), param), "finite and ordered"));
  param = sound_param();
  param.key = "Eps";
  CHECK(contains(complaint(sound(), param), "key is not of the form"));
  param = sound_param();
  param.doc = "";
  CHECK(contains(complaint(sound(), param), "doc is empty"));
  param = sound_param();
  param.fallback.type = ASSAY_MODEL;
  CHECK(contains(complaint(sound(), param), "no parameter type"));
  param.fallback = {ASSAY_CHOICE, 0, 0, 0, "a", nullptr};
  CHECK(contains(complaint(sound(), param), "at least two choices"));
  param = sound_param();
  param.fallback = {ASSAY_LIST, 0, 0, 0, "[1, 2", nullptr};
  param.item = ASSAY_REAL;
  CHECK(contains(complaint(sound(), param), "param 'eps': fallback"));
}

TEST_CASE("parameters are checked before create") {
  CHECK(contains(message_of([] {
                   attack_library().create("good-attack", Json::object({{"stps", 3}}), context());
                 }),
                 "did you mean 'steps'?"));
  CHECK(contains(message_of([] {
                   attack_library().create("good-attack", Json::object({{"steps", 0}}), context());
                 }),
                 "[1, 100]"));
}

TEST_CASE("every op that the SDK names is in the registry") {
  const std::string text = read_text(std::filesystem::path(ASSAY_SOURCE_DIR) / "harness/include/assay/sdk/ops.hpp");
  int found = 0;
  for (const std::string call : {"apply1(\"", "apply(\"", "reduce(\"", "sample_norm(\""}) {
    for (std::size_t at = text.find(call); at != std::string::npos; at = text.find(call, at + 1), ++found) {
      const std::size_t from = at + call.size();
      const std::string op = text.substr(from, text.find('"', from) - from);
      CAPTURE(op);
      CHECK_NOTHROW(engine::Registry::get().id(op));
    }
  }
  CHECK(found > 40);
}
