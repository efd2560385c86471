// Where assay's own files are. No path is compiled in, so a build tree and an install tree can be moved.
#include <cstdlib>
#include <fstream>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"

namespace assay {
namespace {

fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

fs::path if_exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? path : fs::path();
}

// The nearest folder at or above `start` that is the root of a source tree.
fs::path source_root(fs::path start) {
  while (true) {
    if (fs::exists(start / "harness/data/catalog.toml") && fs::exists(start / "suites")) return start;
    if (!start.has_relative_path()) return {};
    start = start.parent_path();
  }
}

// A build tree that is not inside its source tree says in the file source-tree where that is.
fs::path root_of_build(const fs::path& bin) {
  if (fs::path above = source_root(bin); !above.empty()) return above;
  std::ifstream file(bin.parent_path() / "source-tree");
  std::string root;
  return std::getline(file, root) ? source_root(root) : fs::path();
}

Layout install_layout(const fs::path& prefix) {
  return {if_exists(prefix / "bin/assay-worker"), if_exists(prefix / "lib/assay/plugins"),
          if_exists(prefix / "share/assay/suites"), if_exists(prefix / "share/assay/catalog.toml"),
          if_exists(prefix / "share/assay/site")};
}

Layout build_layout(const fs::path& bin, const fs::path& root) {
  Layout layout{if_exists(bin / "assay-worker"), if_exists(bin.parent_path() / "plugins"), {}, {},
                if_exists(bin.parent_path() / "site")};
  if (root.empty()) return layout;
  layout.suites = if_exists(root / "suites");
  layout.catalog = if_exists(root / "harness/data/catalog.toml");
  return layout;
}

}  // namespace

fs::path assay_home() {
  if (fs::path home = variable("ASSAY_HOME"); !home.empty()) return home;
  if (fs::path data = variable("XDG_DATA_HOME"); !data.empty()) return data / "assay";
  fs::path home = variable("HOME");
  if (home.empty()) throw Error(Fault::io, "neither ASSAY_HOME, XDG_DATA_HOME nor HOME is set");
  return home / ".local/share/assay";
}

fs::path self_path() {
  std::error_code code;
  fs::path path = fs::read_symlink("/proc/self/exe", code);
  if (code) throw Error(Fault::io, "cannot read /proc/self/exe: " + code.message());
  return path;
}

Layout installed_layout() {
  const fs::path bin = self_path().parent_path();
  if (const fs::path root = variable("ASSAY_ROOT"); !root.empty()) {
    const fs::path full = fs::absolute(root).lexically_normal();
    if (fs::exists(full / "share/assay")) return install_layout(full);
    return build_layout(fs::exists(full / "bin/assay-worker") ? full / "bin" : bin, source_root(full));
  }
  if (fs::exists(bin.parent_path() / "share/assay")) return install_layout(bin.parent_path());
  return build_layout(bin, root_of_build(bin));
}

}  // namespace assay
