// The artifact cache as `assay cache` sees it.
#include <doctest/doctest.h>

#include "harness/base/files.hpp"
#include "harness/record/job.hpp"
#include "harness/sched/cache.hpp"
#include "harness/sched/cache_folder.hpp"

using namespace assay;
using namespace assay::sched;

namespace {

fs::path put(const fs::path& cache, const std::string& kind, const std::string& key, const std::string& content) {
  fs::path folder = cache / kind / key;
  write_atomic(folder / "model.safetensors", content);
  write_atomic(folder / "manifest.json", Manifest::describe(folder, key, kind, kind + " " + key).to_json().dump());
  return folder;
}

}  // namespace

TEST_CASE("an artifact from elsewhere is adopted once, and only whole") {
  const TempDir here("assay-cache"), there("assay-cache");
  const fs::path folder = put(there.path(), "train", "aa", "weights");
  const CachedArtifact one = cached_artifacts(there.path()).at(0);
  CHECK(adopt(here.path(), one));
  CHECK(read_text(here.path() / "train" / "aa" / "model.safetensors") == "weights");
  CHECK(cached_artifacts(here.path()).size() == 1);
  CHECK_FALSE(adopt(here.path(), one));
  remove_cached(here.path() / "train" / "aa");
  {
    const FileLock held = lock_artifact(here.path(), "train", "aa");
    CHECK_FALSE(adopt(here.path(), one));
  }
  write_atomic(folder / "model.safetensors", "forgery");
  CHECK_THROWS_WITH_AS(adopt(here.path(), one), doctest::Contains("has another digest than its manifest says"), Error);
  CHECK(cached_artifacts(here.path()).empty());
  CHECK(leftovers(here.path()).empty());
}

TEST_CASE("the cache lists what is whole, names what is damaged, and leaves what a run holds") {
  const TempDir dir("assay-cache");
  const fs::path& cache = dir.path();
  put(cache, "train", "aa", "weights");
  const fs::path damaged = put(cache, "prepare", "bb", "records");
  put(cache, "train", ".tmp-cc", "half");
  put(cache, "train", "dd.corrupt-1", "put aside");
  write_atomic(cache / "train" / "ee" / "model.safetensors", "no manifest");

  auto all = cached_artifacts(cache);
  REQUIRE(all.size() == 2);
  CHECK(all[0].key == "bb");
  CHECK(all[1].label == "train aa");
  CHECK(all[1].bytes == 7);
  CHECK(all[1].age_days < 1);
  CHECK(leftovers(cache).size() == 3);
  CHECK(bytes_below(leftovers(cache)[0]) > 0);

  CHECK(damage_of(all[0]).empty());
  write_atomic(damaged / "model.safetensors", "recordz");
  CHECK(damage_of(all[0]) == "model.safetensors: has another digest than its manifest says");
  write_atomic(damaged / "model.safetensors", "short");
  CHECK(damage_of(all[0]) == "model.safetensors: has another length than its manifest says");
  fs::remove(damaged / "model.safetensors");
  CHECK(damage_of(all[0]) == "model.safetensors: is missing");

  {
    const FileLock held = lock_artifact(cache, "train", "aa");
    CHECK_FALSE(remove_cached(all[1].folder));
    CHECK(fs::exists(all[1].folder / "manifest.json"));
  }
  CHECK(remove_cached(all[1].folder));
  CHECK_FALSE(fs::exists(all[1].folder));
  CHECK(cached_artifacts(cache).size() == 1);

  {  // a supervisor that publishes "cc" at this moment
    const FileLock held = lock_artifact(cache, "train", "cc");
    CHECK_FALSE(remove_cached(cache / "train" / ".tmp-cc"));
    CHECK(fs::exists(cache / "train" / ".tmp-cc"));
  }
  for (const fs::path& folder : leftovers(cache)) CHECK(remove_cached(folder));
  CHECK(leftovers(cache).empty());
  CHECK(cached_artifacts(cache / "nowhere").empty());
}
