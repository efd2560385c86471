#include "harness/worker/serve.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "harness/base/error.hpp"
#include "harness/base/log.hpp"
#include "harness/base/machine_load.hpp"
#include "harness/record/job.hpp"
#include "harness/record/served.hpp"
#include "harness/worker/run_job.hpp"

namespace assay::worker {
namespace {

namespace fs = std::filesystem;

// A line of /proc/self/status in bytes, 0 when it is not there.
std::uint64_t status_bytes(const char* name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(name, 0) == 0) return std::strtoull(line.c_str() + std::strlen(name), nullptr, 10) * 1024;
  return 0;
}

// The peak counts from here; where the kernel refuses, it stays that of the process, which is no less.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void write_to(const fs::path& file) {
  std::fflush(nullptr);
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return;
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  ::close(fd);
}

int judge(const fs::path& job_file, FileDigests& digests) {
  try {
    write_to(job_file.parent_path() / "log");
    if (!Job::load(job_file).plugin_path.empty()) throw Error(Fault::bad_input, "a judge loads no plugin: " + job_file.string());
    return run_job(job_file, digests);
  } catch (const Error& error) {
    log::error("{}", error.what());
    return error.fault() == Fault::internal ? 3 : 2;
  } catch (const std::exception& error) {
    log::error("{}", error.what());
    return 3;
  }
}

}  // namespace

int serve() {
  const fs::path home = fs::current_path();
  FileDigests digests;
  while (true) {
    std::array<char, longest_judge_message> text{};
    const ssize_t got = ::recv(judge_socket_fd, text.data(), text.size(), 0);
    if (got < 0) return 2;
    if (got == 0) return 0;
    forget_peak();
    const double before = own_cpu_seconds();
    Served served;
    served.code = judge(std::string(text.data(), static_cast<std::size_t>(got)), digests);
    fs::current_path(home);  // the job's folder is removed when it is recorded
    write_to("/dev/null");
    served.cpu_seconds = own_cpu_seconds() - before;
    served.peak_rss_bytes = status_bytes("VmHWM:");
    served.rss_bytes = status_bytes("VmRSS:");
    const std::string answer = served.to_text();
    if (::send(judge_socket_fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return 0;
  }
}

}  // namespace assay::worker
