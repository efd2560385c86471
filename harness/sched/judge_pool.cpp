#include "harness/sched/judge_pool.hpp"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <utility>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/base/log.hpp"
#include "harness/record/served.hpp"

namespace assay::sched {
namespace {

constexpr int most_served = 1000;
// A judge keeps memory for the next cell; one that holds this part of the limit makes room, so that what an earlier cell
// left is never the reason why a later one has too little.
constexpr std::uint64_t kept_part = 4;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr double end_seconds = 0.2;

bool below(const fs::path& file, const fs::path& folder) {
  const fs::path relative = file.lexically_normal().lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// What is the same for all that a judge may serve: it is set when the process starts.
std::string kind_of(const Job& job, const StageLimits& limits) {
  return job.numerics.to_json().dump() + "/" + std::to_string(limits.memory_mb) + "/" + std::to_string(limits.threads) + "/" +
         std::to_string(limits.file_bytes);
}

}  // namespace

struct JudgePool::Judge {
  std::string kind;
  std::unique_ptr<WorkerProcess> process;
  int socket = -1;
  int served = 0;
  double cpu_seconds = 0;  // of all that it has served
  std::uint64_t memory_bytes = 0;

  Judge() = default;
  // One that waits for a job ends by itself when the socket is closed. Killed in its namespace, what it cost would be lost.
  ~Judge() {
    if (socket >= 0) ::close(socket);
    const double until = now_seconds() + end_seconds;
    while (process && !process->poll() && now_seconds() < until) ::usleep(500);
  }
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  // What it said, if it said something. A judge that is gone says nothing: process->poll() tells.
  std::optional<Served> answer() const {
    std::array<char, longest_judge_message> text{};
    const ssize_t got = ::recv(socket, text.data(), text.size(), MSG_DONTWAIT);
    if (got <= 0) return std::nullopt;
    return Served::from_text(std::string(text.data(), static_cast<std::size_t>(got)));
  }
};

// One job in the hands of a judge.
class JudgePool::Judgement final : public StageProcess {
 public:
  Judgement(JudgePool& pool, std::unique_ptr<Judge> judge, const fs::path& scratch, const StageLimits& limits)
      : pool_(pool), judge_(std::move(judge)), scratch_(scratch), limits_(limits), started_(now_seconds()) {}
  ~Judgement() override {
    if (!exit_) kill_and_wait();
  }

  std::optional<Exit> poll() override {
    if (exit_) return exit_;
    if (const auto served = judge_->answer()) {
      answered(*served);
    } else if (const auto end = judge_->process->poll()) {
      exit_ = *end;
      exit_->cpu_seconds = std::max(0.0, end->cpu_seconds - judge_->cpu_seconds);
      exit_->wall_seconds = now_seconds() - started_;
    }
    return exit_;
  }

  void kill() override {
    if (!exit_) judge_->process->kill();
  }

  void kill_and_wait() override {
    if (exit_) return;
    judge_->process->kill_and_wait();
    if (!poll()) throw Error(Fault::internal, "a judge cannot be ended");
  }

  std::optional<Breach> breach_so_far() override {
    if (exit_) return std::nullopt;
    if (now_seconds() - started_ > limits_.seconds) return wall_breach(limits_);
    return judge_->process->breach_so_far();
  }

  std::optional<Breach> breach_in(const std::vector<ProcessFacts>& all) override {
    if (exit_) return std::nullopt;
    if (auto breach = judge_->process->breach_in(all)) return breach;
    if (use(all).cpu_seconds > limits_.cpu_seconds) return cpu_breach(limits_);
    return disk_breach(scratch_, limits_);
  }

  TreeUse use(const std::vector<ProcessFacts>& all) const override {
    if (!judge_) return {};
    TreeUse tree = judge_->process->use(all);
    tree.cpu_seconds = std::max(0.0, tree.cpu_seconds - judge_->cpu_seconds);
    return tree;
  }

  std::optional<Breach> breach_at_end() const override {
    if (judge_)
      if (auto breach = judge_->process->breach_at_end()) return breach;
    return disk_breach(scratch_, limits_);
  }

 private:
  void answered(const Served& served) {
    Exit exit;
    exit.code = served.code;
    exit.cpu_seconds = served.cpu_seconds;
    exit.wall_seconds = now_seconds() - started_;
    exit.peak_rss_bytes = served.peak_rss_bytes;
    exit_ = exit;
    judge_->cpu_seconds += served.cpu_seconds;
    pool_.take_back(std::move(judge_), served.rss_bytes);
  }

  JudgePool& pool_;
  std::unique_ptr<Judge> judge_;  // null once it is back in the pool; dead when it ended instead of answering
  fs::path scratch_;
  StageLimits limits_;
  double started_;
  std::optional<Exit> exit_;
};

JudgePool::JudgePool(const fs::path& worker, const Confinement& confinement, JudgeFolders folders)
    : worker_(fs::absolute(worker)), confinement_(confinement), folders_(std::move(folders)) {
  folders_.work = fs::absolute(folders_.work).lexically_normal();
  folders_.cache = fs::absolute(folders_.cache).lexically_normal();
}

JudgePool::~JudgePool() = default;

bool JudgePool::serves(const Job& job) const {
  if (job.stage != "judge" || !job.plugin_path.empty() || !below(job.scratch, folders_.work)) return false;
  return std::all_of(job.inputs.begin(), job.inputs.end(), [&](const auto& input) {
    return below(input.second.path, folders_.work) || below(input.second.path, folders_.cache);
  });
}

std::unique_ptr<JudgePool::Judge> JudgePool::idle_judge(const std::string& kind) {
  for (std::size_t i = idle_.size(); i-- > 0;) {
    if (idle_[i]->process->poll()) {  // somebody killed it while it waited
      idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    } else if (idle_[i]->kind == kind) {
      std::unique_ptr<Judge> found = std::move(idle_[i]);
      idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
      return found;
    }
  }
  return nullptr;
}

std::unique_ptr<JudgePool::Judge> JudgePool::new_judge(const Job& job, const StageLimits& limits) const {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw Error(Fault::io, "cannot make a socket");
  auto judge = std::make_unique<Judge>();
  judge->kind = kind_of(job, limits);
  judge->socket = ends[0];
  judge->memory_bytes = static_cast<std::uint64_t>(limits.memory_mb) * mebibyte;
  SpawnOptions options;
  options.argv = {worker_.string(), "serve"};
  options.env = worker_environment(job.numerics, folders_.work);
  options.cwd = folders_.work;
  options.stdout_file = options.stderr_file = fs::path(job.scratch) / "log";  // what keeps it from starting is told there
  options.pass_fds = {ends[1]};
  View view;
  view.program = worker_;
  view.scratch = folders_.work;
  view.read_only = {folders_.cache};
  StageLimits all = limits;  // time and disk are counted by the job
  all.seconds = all.cpu_seconds = std::numeric_limits<double>::infinity();
  all.disk_mb = -1;
  try {
    judge->process = std::make_unique<WorkerProcess>(std::move(options), view, all, confinement_);
  } catch (...) {
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
  return judge;
}

std::unique_ptr<StageProcess> JudgePool::start(const Job& job, const StageLimits& limits) {
  const std::string message = job.scratch + "/job.json";
  if (!serves(job) || message.size() > longest_judge_message) return nullptr;
  std::unique_ptr<Judge> judge = idle_judge(kind_of(job, limits));
  if (!judge) judge = new_judge(job, limits);
  ++judge->served;
  // A judge that died this very moment is seen by poll().
  const ssize_t ignored = ::send(judge->socket, message.data(), message.size(), MSG_NOSIGNAL);
  static_cast<void>(ignored);
  return std::make_unique<Judgement>(*this, std::move(judge), job.scratch, limits);
}

void JudgePool::take_back(std::unique_ptr<Judge> judge, std::uint64_t rss_bytes) {
  if (judge->served >= most_served || rss_bytes > judge->memory_bytes / kept_part) return;  // its end
  idle_.push_back(std::move(judge));
}

}  // namespace assay::sched
