// What a task of Slurm does on its node.
#include <signal.h>
#include <time.h>

#include <atomic>

#include "harness/base/error.hpp"
#include "harness/base/files.hpp"
#include "harness/sched/local_run.hpp"
#include "harness/sched/slurm.hpp"

namespace assay::sched {
namespace {

constexpr long tick_nanoseconds = 5'000'000;
constexpr int ticks_per_watch = 10, ticks_per_group = 100;
constexpr int exit_terminated = 128 + SIGTERM;

std::atomic<bool> terminated{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void catch_termination() {
  struct sigaction action {};
  action.sa_handler = [](int) { terminated.store(true); };
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
}

void wait_a_tick() {
  const timespec time{0, tick_nanoseconds};
  ::nanosleep(&time, nullptr);
}

void look(LocalRun& run, bool whole) {
  if (!whole) return run.watch(nullptr);
  const std::vector<ProcessFacts> all = all_processes();
  run.watch(&all);
  kill_strays();
}

// Slurm's signal goes to every process of a task, and the worker may end of it before we have heard: what broke then says
// nothing of the cell. Waits for the signal before it believes in a crash.
bool was_cut_off(const Ended& ended) {
  constexpr double patience_seconds = 1;
  const double until = now_seconds() + patience_seconds;
  while (ended.status == "crashed" && !terminated.load() && now_seconds() < until) wait_a_tick();
  return ended.status != "ok" && terminated.load();
}

}  // namespace

int run_ticket(const fs::path& file) {
  const Ticket ticket = Ticket::from_json(Json::parse(read_text(file), file.string()), file.string());
  const fs::path result = ticket.scratch / "ended.json";
  // A task that Slurm started twice waits for the other one, and goes on from what that one left if it died.
  const FileLock lock = FileLock::lock(ticket.scratch / "run.lock");
  if (!fs::exists(file)) {  // recorded and tidied up meanwhile
    fs::remove_all(ticket.scratch);
    return 0;
  }
  if (fs::exists(result)) return 0;
  catch_termination();
  const Confinement confinement = find_confinement(ticket.sandbox, ticket.worker);
  LocalRun run(ticket, confinement, nullptr, nullptr);
  for (int tick = 1; !run.ended(); ++tick) {
    if (terminated.load()) {
      run.kill();
      return exit_terminated;
    }
    wait_a_tick();
    if (tick % ticks_per_watch == 0) look(run, tick % ticks_per_group == 0);
    run.poll();
  }
  if (was_cut_off(*run.ended())) return exit_terminated;
  write_atomic(result, run.ended()->to_json().dump());
  return 0;
}

}  // namespace assay::sched
