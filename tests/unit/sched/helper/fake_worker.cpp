// Stands in for assay-worker in the supervisor's tests: `fake_worker JOB.json` behaves as the job's spec says.
//   spec: {do, batches, seconds (a batch), file, trace, pids, mb, rss_mb, code}
// `fake_worker serve` does jobs of judges one after the other. Real in what matters here: it resumes at the batch, its output depends on key and input digests only, and it checks
// the digests of its inputs.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/hash.hpp"
#include "harness/record/job.hpp"
#include "harness/record/served.hpp"
#include "harness/record/shard.hpp"

using namespace assay;

namespace {

void nap(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void append_line(const std::string& file, const std::string& line) {
  if (file.empty()) return;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || ::write(fd, line.data(), line.size()) < 0) std::abort();
  ::close(fd);
}

// One line a start and an end, appended in one write: the order of all processes.
void trace(const Job& job, const char* what) {
  append_line(job.spec.get("trace", ""), std::string(what) + " " + job.key + " " + job.stage + "\n");
}

void end(ShardWriter& shard, const char* status, const std::string& reason) {
  shard.append(Json::object({{"type", "end"}, {"status", status}, {"reason", reason}}));
  shard.sync();
}

[[noreturn]] void eat_memory(std::size_t mb) {
  for (std::size_t eaten = 0; eaten < mb; eaten += 8) {
    void* piece = std::malloc(std::size_t{8} << 20);
    if (piece == nullptr) std::_Exit(3);
    std::memset(piece, 1, std::size_t{8} << 20);
    nap(0.005);
  }
  nap(60);
  std::_Exit(0);
}

int crash(const Job& job) {
  const std::string what = job.spec.get("do", "ok");
  if (what == "segv") std::raise(SIGSEGV);
  if (what == "abort") std::raise(SIGABRT);
  if (what == "exit") std::_Exit(static_cast<int>(job.spec.get("code", 0)));
  if (what == "hang") nap(600);
  if (what == "eat") eat_memory(static_cast<std::size_t>(job.spec.get("mb", 4096)));
  if (what == "long-file") {
    std::signal(SIGXFSZ, SIG_DFL);
    std::FILE* file = std::fopen("big", "w");
    const std::string chunk(1 << 20, 'x');
    for (int i = 0; i < 64; ++i) std::fwrite(chunk.data(), 1, chunk.size(), file);
    std::fclose(file);
  }
  return 0;
}

std::string digest_of_inputs(const Job& job) {
  std::string all = job.key + "/" + job.stage;
  for (const auto& [name, input] : job.inputs) {
    if (!input.sha256.empty() && sha256_file(input.path) != input.sha256)
      throw Error(Fault::bad_input, "input '" + name + "' is damaged");
    if (!input.path.ends_with("/shard")) all += "/" + name + "=" + input.sha256;
  }
  return sha256(all);
}

int work(const Job& job, ShardWriter& shard, std::int64_t first) {
  const std::string digest = digest_of_inputs(job);
  const std::int64_t batches = job.spec.get("batches", 1);
  for (std::int64_t i = first; i < batches; ++i) {
    nap(job.spec.get("seconds", 0.0));
    const std::string content = sha256(digest + std::to_string(i));
    const auto bytes = std::as_bytes(std::span(content.data(), content.size()));
    shard.append({Json::object({{"type", "batch"}, {"index", i}}), {bytes.begin(), bytes.end()}});
    shard.append(Json::object({{"type", "progress"},
                               {"fraction", static_cast<double>(i + 1) / static_cast<double>(batches)},
                               {"what", "batch " + std::to_string(i)}}));
  }
  if (crash(job) != 0) return 1;
  if (const std::string file = job.spec.get("file", ""); !file.empty()) {
    const std::string what = job.spec.get("do", "ok");
    if (what == "link")
      fs::create_symlink("/etc/passwd", "out/" + file);
    else
      write_atomic("out/" + file, digest);
    const std::string announced = what == "lie" ? sha256("something else") : sha256(digest);
    shard.append(Json::object({{"type", "artifact"},
                               {"name", file},
                               {"path", "out/" + file},
                               {"sha256", announced},
                               {"bytes", static_cast<std::int64_t>(digest.size())}}));
  }
  return 0;
}

int run(const Job& job) {
  fs::current_path(job.scratch);
  std::int64_t batches_done = 0;
  if (fs::exists("shard"))
    for (const Event& event : read_shard("shard").events) batches_done += event.type() == "batch";
  ShardWriter shard("shard");
  shard.append(Json::object({{"type", "begin"}, {"key", job.key}, {"stage", job.stage}, {"attempt", job.attempt}}));
  trace(job, "start");
  append_line(job.spec.get("pids", ""), std::to_string(::getpid()) + "\n");
  std::printf("hello from %s\n", job.stage.c_str());
  std::fflush(stdout);
  const std::string what = job.spec.get("do", "ok");
  try {
    if (work(job, shard, batches_done) != 0) return 1;
  } catch (const Error& error) {
    end(shard, "failed", error.what());
    return 1;
  }
  trace(job, "end");
  if (what == "fail" || what == "reject") {
    end(shard, what == "fail" ? "failed" : "rejected", "asked to " + what);
    return 1;
  }
  end(shard, "ok", "");
  if (what == "crash-late") std::raise(SIGSEGV);
  return what == "exit-late" ? 5 : 0;
}

void log_to(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || ::dup2(fd, 1) < 0 || ::dup2(fd, 2) < 0) std::abort();
  ::close(fd);
}

int serve() {
  char text[longest_judge_message];
  for (ssize_t got = 0; (got = ::recv(judge_socket_fd, text, sizeof text, 0)) > 0;) {
    const Job job = Job::load(std::string(text, static_cast<std::size_t>(got)));
    log_to(fs::path(job.scratch) / "log");
    Served served;
    served.code = run(job);
    served.cpu_seconds = 0.001;
    served.peak_rss_bytes = served.rss_bytes = static_cast<std::uint64_t>(job.spec.get("rss_mb", 1)) << 20;
    fs::current_path("/");
    const std::string answer = served.to_text();
    if (::send(judge_socket_fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return 0;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3) return 0;  // `info TOPIC`: whether it can be started at all
  if (argc != 2) return 2;
  if (std::getenv("SECRET") != nullptr) return 2;
  if (std::strcmp(argv[1], "serve") == 0) return serve();
  return run(Job::load(argv[1]));
}
