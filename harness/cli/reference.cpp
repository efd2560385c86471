#include "harness/cli/reference.hpp"

#include <algorithm>
#include <sstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/cli/output.hpp"
#include "harness/cli/running.hpp"
#include "harness/sched/cache_folder.hpp"
#include "results/board/format.hpp"
#include "results/claims/claims.hpp"

namespace assay::cli {
namespace {

constexpr const char* database = "results.db";
constexpr const char* sums = "SHA256SUMS";
constexpr const char* models = "models";

std::string readme(const store::Store& db, const store::SuiteRecord& suite) {
  board::Query query;
  query.protocol = suite.protocol_hash;
  const board::Board made = board::make_board(db, query);
  std::string text = fmt::format("# {}\n\n{}, version {}, protocol `{}`. Read back with `assay db merge` and this folder's name.\n\n",
                                 suite.name, suite.file, suite.version, short_key(suite.protocol_hash));
  text += board::format(made, board::Format::markdown, {});
  const auto verdicts = claims::judge(db, suite.protocol_hash, db.claims(suite.name));
  if (!verdicts.empty()) text += "\n" + claims::format(verdicts, claims::Format::markdown);
  return text;
}

// Nets of the part that the cache still has.
void copy_models(const store::Store& db, const fs::path& folder) {
  std::size_t copied = 0, large = 0;
  for (const sched::CachedArtifact& one : sched::cached_artifacts(artifact_folder())) {
    if (one.kind != "train" || !db.find(one.key)) continue;
    if (one.bytes > reference_model_bytes) {
      ++large;
      continue;
    }
    copied += sched::adopt(folder / models, one);
  }
  fs::remove(folder / models / "locks");
  remark(fmt::format("{} trained nets{}", copied,
                     large > 0 ? fmt::format("; {} above {} are left out", large, bytes_text(reference_model_bytes)) : ""));
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) out.push_back(entry.path().lexically_relative(folder));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

void write_reference(const store::Store& db, const std::string& protocol, const fs::path& folder) {
  if (fs::exists(folder) && !fs::is_empty(folder))
    throw Error(Fault::bad_input, "folder '" + folder.string() + "' is there already and not empty; name a new one");
  const fs::path target = fs::absolute(folder).lexically_normal();
  make_folders(target.parent_path());
  const TempDir scratch(".reference", target.parent_path());  // beside it: it appears by a rename
  const fs::path made = scratch.path() / "folder";
  make_folders(made);
  db.extract(protocol, made / database);
  {
    store::OpenOptions reading;
    reading.write = false;
    const store::Store part = store::Store::open(made / database, reading);
    copy_models(part, made);
    write_atomic(made / "README.md", readme(part, part.protocol(protocol)));
  }
  std::string digests;
  for (const fs::path& file : files_below(made)) digests += sha256_file(made / file) + "  " + file.string() + "\n";
  write_atomic(made / sums, digests);
  fs::remove(target);  // an empty one
  publish_folder(made, target);
}

bool is_reference(const fs::path& folder) { return fs::is_regular_file(folder / sums) && fs::is_regular_file(folder / database); }

fs::path verified_database(const fs::path& folder) {
  std::istringstream lines(read_text(folder / sums));
  bool seen = false;
  for (std::string line; std::getline(lines, line);) {
    constexpr std::size_t digits = 64, gap = 2;
    if (line.size() <= digits + gap)
      throw Error(Fault::bad_input, (folder / sums).string() + ": expected a digest and a file, found '" + line + "'");
    const fs::path file = folder / line.substr(digits + gap);
    if (!fs::is_regular_file(file)) throw Error(Fault::bad_input, "'" + file.string() + "' is missing; " + sums + " names it");
    if (sha256_file(file) != line.substr(0, digits))
      throw Error(Fault::bad_input, "'" + file.string() + "' has another digest than " + sums + " says");
    seen |= file.filename() == database;
  }
  if (!seen) throw Error(Fault::bad_input, (folder / sums).string() + ": has no digest of " + database);
  return folder / database;
}

int adopt_models(const fs::path& folder) {
  int adopted = 0;
  for (const sched::CachedArtifact& one : sched::cached_artifacts(folder / models)) adopted += sched::adopt(artifact_folder(), one);
  return adopted;
}

}  // namespace assay::cli
