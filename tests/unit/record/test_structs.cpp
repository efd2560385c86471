// Jobs, manifests, descriptors and catalogue entries: round trips and refusals.
#include <doctest/doctest.h>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/catalog.hpp"
#include "harness/record/descriptor.hpp"
#include "harness/record/job.hpp"
#include "harness/record/plan.hpp"

using namespace assay;

namespace {

Job sample_job() {
  Job job;
  job.stage = "run";
  job.key = "abc";
  job.attempt = 3;
  job.inputs["data"] = {"/x/records.safetensors", "11"};
  job.inputs["model:m"] = {"/x/model.safetensors", "22"};
  job.plugin_path = "/p/pgd.so";
  job.plugin_id = "pgd";
  job.scratch = "/s";
  job.numerics = {1, "avx2", "2.6.3", 1, 64};
  job.seeds.values = {{"data", 0}, {"method", 4}};
  job.spec = Json::object({{"task", "attack"}, {"params", Json::object({{"eps", "8/255"}})}});
  return job;
}

}  // namespace

TEST_CASE("a job survives JSON and the disk") {
  const TempDir folder;
  const Job job = sample_job();
  write_atomic(folder.path() / "job.json", job.to_json().dump(2));
  const Job back = Job::load(folder.path() / "job.json");
  CHECK(back.to_json() == job.to_json());
  CHECK(back.numerics == job.numerics);
  CHECK(back.seeds.get("method") == 4);
  CHECK(back.seeds.get("none") == 0);
  CHECK(job.numerics.str() == "n1/dnnl2.6.3/avx2/t1/b64");
}

TEST_CASE("a job with a missing, unknown or mistyped key is refused by name") {
  Json json = sample_job().to_json();
  Json broken = json;
  broken.object_ref().erase("stage");
  CHECK_THROWS_WITH_AS(Job::from_json(broken, "j"), doctest::Contains("j: key 'stage'"), Error);
  broken = json;
  broken["sepc"] = 1;
  CHECK_THROWS_WITH_AS(Job::from_json(broken, "j"), "j: unknown key 'sepc'; did you mean 'spec'?", Error);
  broken = json;
  broken["attempt"] = "one";
  CHECK_THROWS_WITH_AS(Job::from_json(broken, "j"), "j: key 'attempt': expected an integer, found a string", Error);
  broken = json;
  broken["inputs"]["data"] = 3;
  CHECK_THROWS_WITH_AS(Job::from_json(broken, "j"), doctest::Contains("j.inputs.data"), Error);
  broken = json;
  broken["seeds"]["method"] = 0.5;
  CHECK_THROWS_WITH_AS(Job::from_json(broken, "j"), doctest::Contains("seeds: key 'method'"), Error);
  CHECK_THROWS_AS(Job::from_json(Json(1), "j"), Error);
}

TEST_CASE("a manifest describes every file below a folder but itself") {
  const TempDir folder;
  write_atomic(folder.path() / "b", "bb");
  write_atomic(folder.path() / "a/x", "x");
  const Manifest manifest = Manifest::describe(folder.path(), "key", "train", "a label");
  write_atomic(folder.path() / "manifest.json", manifest.to_json().dump());
  CHECK(Manifest::describe(folder.path(), "key", "train", "a label").to_json() == manifest.to_json());
  const Manifest back = Manifest::load(folder.path());
  REQUIRE(back.files.size() == 2);
  CHECK(back.files[0].name == "a/x");
  CHECK(back.find("b")->sha256 == sha256("bb"));
  CHECK(back.find("b")->bytes == 2);
  CHECK(back.find("c") == nullptr);
  CHECK(back.label == "a label");
  CHECK_THROWS_AS(Manifest::load(folder.path() / "a"), Error);
}

TEST_CASE("a descriptor survives JSON") {
  Descriptor descriptor;
  descriptor.id = "pgd";
  descriptor.version = "1.0.0";
  descriptor.year = 2018;
  descriptor.roles = {"attack"};
  descriptor.iterative = true;
  descriptor.deterministic = false;
  descriptor.params = {{"steps", "steps taken", "", "int", Json(10), 1, 1000, {}, true, {}},
                       {"inner", "", "", "choice", Json("mi"), 0, 0, {"mi", "ni"}, false, Json("ni")}};
  descriptor.slots = {{"x", "perturb", "tensor", "inputs", false, false, true, {}},
                      {"model", "perturb", "model", "", false, true, false, {"scores", "input-gradient"}}};
  const Descriptor back = Descriptor::from_json(Json::parse(descriptor.to_json().dump()));
  CHECK(back.to_json() == descriptor.to_json());
  CHECK(back.iterative);
  CHECK_FALSE(back.deterministic);
  CHECK(back.has_role("attack"));
  CHECK_FALSE(back.has_role("trainer"));
  CHECK(back.param("inner")->choices.size() == 2);
  CHECK_FALSE(back.param("inner")->identity);
  CHECK(back.param("inner")->silent_at == Json("ni"));
  CHECK(back.param("steps")->silent_at.is_null());
  CHECK(back.param("none") == nullptr);
  CHECK(back.slots[1].access.size() == 2);
  CHECK_THROWS_WITH_AS(Descriptor::from_json(Json::parse(R"({"id":"a","version":"1"})")),
                       doctest::Contains("descriptor 'a': key 'roles'"), Error);
}

TEST_CASE("a catalogue entry survives JSON") {
  CatalogEntry entry;
  entry.name = "mnist";
  entry.format = "idx";
  entry.shape = {1, 28, 28};
  entry.classes = {"0", "1"};
  entry.files = {{"images", "train-images", "aa", 100}};
  entry.splits = {{"train", 60000, {"images"}}};
  entry.sources = {{"npm", "p@1", {{"images", "a/b.gz"}}}};
  const CatalogEntry back = CatalogEntry::from_json(Json::parse(entry.to_json().dump()));
  CHECK(back.to_json() == entry.to_json());
  CHECK(back.split("train")->count == 60000);
  CHECK(back.split("test") == nullptr);
  CHECK(back.find_file("images")->bytes == 100);
  CHECK(back.sources[0].members[0].second == "a/b.gz");
  Json broken = entry.to_json();
  broken["files"].array_ref()[0]["bytes"] = -1;
  CHECK_THROWS_WITH_AS(CatalogEntry::from_json(broken), doctest::Contains("entry 'mnist'.files[0]: key 'bytes'"), Error);
}

TEST_CASE("a plan finds nodes by key") {
  Plan plan;
  plan.nodes.resize(2);
  plan.nodes[1].key = "k";
  CHECK(plan.find("k") == &plan.nodes[1]);
  CHECK(plan.find("x") == nullptr);
  CHECK(std::string(node_kind_name(NodeKind::certify)) == "certify");
  CHECK(Claim{"a", "b", "c", "d", false}.to_json().dump() ==
        R"({"expect":"c","gate":false,"id":"a","says":"b","test":"d"})");
}
