// The kinds of source that lie elsewhere, over apt-get, dpkg-deb and curl as child processes.
#include "harness/data/fetch_sources.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "harness/base/files.hpp"
#include "harness/base/subprocess.hpp"
#include "harness/data/loaders/formats.hpp"

namespace assay::data {
namespace {

using Local = std::map<std::string, fs::path>;

[[noreturn]] void fail(const std::string& what) { throw Error(Fault::io, what); }

fs::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    fs::path candidate = fs::path(rest.substr(0, end)) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = end == std::string::npos ? std::string() : rest.substr(end + 1);
  }
  return {};
}

fs::path need_program(const std::string& name) {
  fs::path program = find_program(name);
  if (program.empty()) fail("the program '" + name + "' is not installed");
  return program;
}

// Proxies, certificates and mirrors are set in the environment, so the child gets all of it.
std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> env;
  for (char** item = environ; *item != nullptr; ++item) {
    const std::string text = *item;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos && equals > 0) env[text.substr(0, equals)] = text.substr(equals + 1);
  }
  env["LC_ALL"] = "C";  // messages are matched below
  return env;
}

std::string last_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line, last;
  while (std::getline(stream, line))
    if (!line.empty()) last = line;
  return last;
}

std::string whole(const fs::path& file) {
  std::error_code missing;
  return fs::exists(file, missing) ? read_text(file) : std::string();
}

struct Tool {
  std::vector<std::string> argv;
  fs::path cwd;
  std::string what;  // for progress: "downloading"
  fs::path watch;    // a file whose size is the progress; may be empty
};
struct ToolResult {
  int code = -1;
  std::string log, last;
};

ToolResult run_tool(const SourceRequest& request, const Tool& tool) {
  constexpr double tick = 0.2;
  const fs::path log = request.work / "tool.log";
  std::error_code ignored;
  fs::remove(log, ignored);
  SpawnOptions options;
  options.argv = tool.argv;
  options.env = environment();
  options.cwd = tool.cwd;
  options.stdout_file = options.stderr_file = log;
  Child child = Child::spawn(options);
  double waited = 0;
  std::optional<Exit> exit;
  while (!(exit = child.wait(tick))) {
    waited += tick;
    std::error_code absent;
    const auto size = tool.watch.empty() ? 0 : fs::file_size(tool.watch, absent);
    if (request.progress) request.progress(tool.what, absent ? 0 : size);
    if (waited > request.options.timeout_seconds)
      fail(tool.what + " took more than " + std::to_string(static_cast<int>(waited)) + " s");
  }
  return {exit->code, whole(log), last_line(log)};
}

void download(const SourceRequest& request, const std::string& address, const fs::path& to) {
  constexpr int curl_write_error = 23;
  const std::string program = need_program("curl").string();
  Tool tool;
  // A transfer below 1 kB/s for a minute has stalled. The digest makes the protocol's own safety secondary.
  tool.argv = {
      program,   "--fail",   "--silent",          "--show-error", "--location",    "--proto", "=http,https,ftp,file",
      "--retry", "2",        "--connect-timeout", "20",           "--speed-limit", "1000",    "--speed-time",
      "60",      "--output", to.string(),         address};
  tool.cwd = request.work;
  tool.what = "downloading";
  tool.watch = to;
  const ToolResult result = run_tool(request, tool);
  if (result.code == 0) return;
  const std::string reason = result.last.empty() ? "curl ended with code " + std::to_string(result.code) : result.last;
  if (result.code == curl_write_error) throw MachineError("cannot store the download of " + address + ": " + reason);
  fail(address + ": " + reason);
}

Local below(const fs::path& root, const std::vector<std::string>& members) {
  Local local;
  for (const std::string& member : members) {
    const fs::path file = root / member;
    std::error_code code;
    if (!fs::is_regular_file(file, code)) fail(file.string() + " is not there");
    local[member] = file;
  }
  return local;
}

// Only the wanted members leave the archive, under names of our own.
Local unpack_archive(const SourceRequest& request, const fs::path& archive) {
  Local local;
  std::ofstream out;
  TarVisitor visitor;
  visitor.wanted = [&](const std::string& raw, std::uint64_t) -> PieceSink {
    const std::string name = raw.rfind("./", 0) == 0 ? raw.substr(2) : raw;
    if (std::find(request.members.begin(), request.members.end(), name) == request.members.end()) return {};
    const fs::path file = request.work / ("member-" + std::to_string(local.size()));
    local[name] = file;
    out.open(file, std::ios::binary | std::ios::trunc);
    return [&](std::span<const std::byte> piece) {
      out.write(reinterpret_cast<const char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
      if (!out) throw MachineError("cannot write " + request.work.string() + " (is the disk full?)");
    };
  };
  visitor.done = [&](const std::string&) {
    out.close();
    if (!out) throw MachineError("cannot write " + request.work.string() + " (is the disk full?)");
  };
  if (request.progress) request.progress("unpacking", 0);
  read_tar(archive, visitor);
  for (const std::string& member : request.members)
    if (local.count(member) == 0) fail("the archive has no member " + member);
  return local;
}

Local from_deb(const SourceRequest& request) {
  const std::string& package = request.source.locator;
  const std::string apt = need_program("apt-get").string(), dpkg = need_program("dpkg-deb").string();
  Tool get{{apt, "download", "-q", package}, request.work, "downloading", {}};
  const ToolResult got = run_tool(request, get);
  if (got.code != 0) {
    const bool unknown = got.log.find("Unable to locate package") != std::string::npos ||
                         got.log.find("No candidate") != std::string::npos ||
                         got.log.find("Can't find a source") != std::string::npos;
    fail("apt-get download: " + got.last +
         (unknown ? " (the package lists may be empty: run 'apt-get update' as root)" : ""));
  }
  fs::path deb;
  for (const auto& item : fs::directory_iterator(request.work))
    if (item.path().extension() == ".deb") deb = item.path();
  if (deb.empty()) fail("apt-get download left no package");
  const fs::path root = request.work / "root";
  Tool extract{{dpkg, "-x", deb.string(), root.string()}, request.work, "unpacking", {}};
  const ToolResult unpacked = run_tool(request, extract);
  if (unpacked.code != 0) {
    if (unpacked.log.find("No space left") != std::string::npos) throw MachineError("dpkg-deb: " + unpacked.last);
    fail("dpkg-deb: " + unpacked.last);
  }
  return below(root, request.members);
}

std::string npm_registry(const FetchOptions& options) {
  std::string registry = options.npm_registry;
  if (const fs::path npm = find_program("npm"); registry.empty() && !npm.empty()) {
    SpawnOptions spawn;
    spawn.argv = {npm.string(), "config", "get", "registry"};
    spawn.env = environment();
    constexpr double patience = 30;
    const Captured answer = run_captured(spawn, patience);
    registry = answer.out.substr(0, answer.out.find_first_of("\r\n"));
    if (answer.exit.code != 0 || registry.rfind("http", 0) != 0) registry.clear();
  }
  if (registry.empty()) registry = "https://registry.npmjs.org/";
  if (registry.back() != '/') registry += '/';
  return registry;
}

// <registry>/<name>/-/<name without scope>-<version>.tgz
Local from_npm(const SourceRequest& request) {
  const std::string& locator = request.source.locator;
  const std::size_t at = locator.rfind('@');
  if (at == std::string::npos || at == 0) fail("expected a locator <package>@<version>");
  const std::string name = locator.substr(0, at), version = locator.substr(at + 1);
  const std::string file = name.substr(name.rfind('/') == std::string::npos ? 0 : name.rfind('/') + 1);
  const fs::path archive = request.work / "package.tgz";
  download(request, npm_registry(request.options) + name + "/-/" + file + "-" + version + ".tgz", archive);
  return unpack_archive(request, archive);
}

bool is_archive(const std::string& address) {
  return address.ends_with(".tar.gz") || address.ends_with(".tgz") || address.ends_with(".tar");
}

Local from_url(const SourceRequest& request) {
  const std::string& address = request.source.locator;
  if (is_archive(address)) {
    const fs::path archive = request.work / "archive";
    download(request, address, archive);
    return unpack_archive(request, archive);
  }
  const std::string folder = address.ends_with('/') ? address : address + "/";
  Local local;
  for (const std::string& member : request.members) {
    const fs::path file = request.work / ("member-" + std::to_string(local.size()));
    download(request, folder + member, file);
    local[member] = file;
  }
  return local;
}

}  // namespace

std::string source_label(const CatalogSource& source) { return source.kind + " " + source.locator; }

std::map<std::string, std::filesystem::path> bring(const SourceRequest& request) {
  const std::string& kind = request.source.kind;
  if (kind == "generator") return generate(request);
  if (kind == "path") return below(request.source.locator, request.members);
  if (request.options.offline) fail("not tried: offline");
  if (kind == "deb") return from_deb(request);
  if (kind == "npm") return from_npm(request);
  if (kind == "url") return from_url(request);
  throw Error(Fault::bad_input,
              "unknown kind of source '" + kind + "'" + suggestion(kind, {"generator", "path", "deb", "npm", "url"}));
}

}  // namespace assay::data
