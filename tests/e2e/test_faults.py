#!/usr/bin/env python3
"""What happens to a run when the world around it fails: free disk gone, the database held by another program, the clock
jumping back, scratch folders removed, SIGTERM. Each is injected several times at random moments; afterwards the same command
goes on, and cells, outcomes, columns and artifacts equal those of a run that nothing happened to, bit for bit.
SIGKILL is test_kill.py, power cuts are tests/unit/store/power_cut_test.cpp.

    test_faults.py BUILD SOURCE [TIMES=3] [SEED] [FAULT]
"""
import contextlib
import errno
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from assay_e2e import ASSAY, Checks, Home, snapshot

SUITE = """
[suite]
name = "faults"
task = "attack"
version = 1
seeds = [0, 1]
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 200 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 3, batch = 50 }
[threat]
norm = "linf"
eps = ["0", "1/20", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
[[method]]
use = "fgsm"
[[method]]
use = "pgd"
params = { steps = 20, restarts = 2 }
"""
DISK_MB, NEEDED_MB = 400, 134.2  # of the small file system; what a run wants to be free
BUSY_SECONDS = 5                 # how long the program waits for a lock
# A clock that a bad time server turns back by an hour whenever it is asked.
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static long hours;
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(id, at);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) at->tv_sec -= 3600 * __atomic_add_fetch(&hours, 1, __ATOMIC_RELAXED);
  return code;
}
time_t time(time_t *out) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (out) *out = at.tv_sec;
  return at.tv_sec;
}
int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
"""


def stored(home):
    """Attempts by what names them. What is in here once must never go."""
    if not home.database.exists():
        return set()
    with contextlib.closing(home.connect()) as db:
        return set(db.execute("SELECT c.generation, a.digest FROM attempt a JOIN cell c ON c.id = a.cell"))


def failures(home):
    with contextlib.closing(home.connect()) as db:
        return db.execute("SELECT c.label, a.status, a.reason FROM attempt a JOIN cell c ON c.id = a.cell WHERE a.status <> 'ok'").fetchall()


class Trial:
    """A run under one kind of fault, beside the calm one; counts what was injected and lost."""

    def __init__(self, name, calm, chance, check, folder=None):
        self.name, self.calm, self.chance, self.check = name, calm, chance, check
        tempfile.tempdir = folder
        self.home = Home()
        tempfile.tempdir = None
        self.home.fetch()
        self.suite = self.home.suite("faults", SUITE)
        self.seen, self.times, self.lost, self.equal = set(), 0, 0, True

    def start(self, env=None):
        words = ["run", str(self.suite), "--jobs", "2"]
        return subprocess.Popen([str(ASSAY), *words], env=dict(self.home.env, **(env or {})), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def wait_for_work(self, process, seconds):
        """Until some cells are stored and a random while more; False when the run ended by then."""
        end = time.monotonic() + self.chance.uniform(0.1, seconds)
        while time.monotonic() < end or not stored(self.home):
            if process.poll() is not None:
                return False
            time.sleep(0.01)
        return True

    def injected(self):
        self.times += 1
        self.seen |= stored(self.home)

    def after(self):
        self.lost += len(self.seen - stored(self.home))

    def fresh(self):
        """All of it again: the next fault should meet live work."""
        for name in ("assay.db", "assay.db-wal", "assay.db-shm"):
            (self.home.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.home.folder / "cache", ignore_errors=True)
        self.seen = set()

    def finish(self, *words):
        done = self.home.run("run", self.suite, "--jobs", 2, *words)
        self.check(done.returncode == 0, f"{self.name}: the same command ends with {done.returncode}: {done.stderr[-600:]}")
        self.after()
        self.check(self.lost == 0, f"{self.name}: {self.lost} records lost")
        self.check(self.home.run("db", "check").returncode == 0, f"{self.name}: the database is not whole")
        here = snapshot(self.home)
        for part, expected in self.calm.items():
            different = sorted(set(map(str, expected)) ^ set(map(str, here[part])))
            self.equal = self.equal and here[part] == expected
            self.check(here[part] == expected, f"{self.name}: {part} differ: {different[:4]}")

    def close(self):
        print(f"| {self.name} | {self.times} | {self.lost} | {'equals the calm run' if self.equal else 'DIFFERS'} |", flush=True)
        self.home.remove()


@contextlib.contextmanager
def small_disk(megabytes):
    """A file system of its own; None where this user may not mount one."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], capture_output=True).returncode == 0
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def fill(folder, leave):
    """Takes the free space but for `leave` bytes; gives the file to remove."""
    path, piece = folder / "filler", 16 << 20
    with open(path, "wb") as file:
        while (free := os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize) > leave:
            # In pieces: what cannot be had whole is given back, and the disk would be full for a moment only.
            size = os.fstat(file.fileno()).st_size
            try:
                os.posix_fallocate(file.fileno(), size, min(piece, free - leave))
            except OSError as error:  # the run has written meanwhile
                if error.errno != errno.ENOSPC:
                    raise
                piece = max(4096, piece // 2)
    return path


def nearly_full(calm, times, chance, check):
    """A run that sees the end of the disk coming stops in order: what runs ends and is recorded."""
    with small_disk(DISK_MB) as disk:
        if disk is None:
            return print("skipped: no right to mount a file system")
        trial = Trial("disk nearly full", calm, chance, check, disk)
        for _ in range(times):
            trial.fresh()
            process = trial.start()
            if not trial.wait_for_work(process, 1):
                process.communicate()
                continue
            filler = fill(disk, 40 << 20)
            trial.injected()
            said = process.communicate(timeout=120)[1]
            check(process.returncode == 130, f"nearly full: exit {process.returncode}: {said[-600:]}")
            check(f"stopped: {trial.home.folder}" in said and f"{NEEDED_MB} MB are needed" in said and "run the same command" in said,
                  f"nearly full: the message: {said[-600:]}")
            check(not failures(trial.home), f"nearly full: recorded as failed: {failures(trial.home)}")
            again = trial.home.run("run", trial.suite)
            check(again.returncode == 130 and "MB are needed" in again.stderr, f"nearly full, again: {again.returncode} {again.stderr[-400:]}")
            filler.unlink()
            trial.finish()
        # With nothing to do, no space is needed.
        filler = fill(disk, 40 << 20)
        done = trial.home.run("run", trial.suite)
        check(done.returncode == 0 and "were there already" in done.stderr, f"nearly full, nothing to do: {done.returncode} {done.stderr}")
        trial.close()


def full(calm, times, chance, check):
    """The last free byte goes at once, under cells that write."""
    with small_disk(DISK_MB) as disk:
        if disk is None:
            return None
        trial = Trial("disk full", calm, chance, check, disk)
        for at in range(2 * times):
            trial.fresh()
            process = trial.start()
            if not trial.wait_for_work(process, 1.5):
                process.communicate()
                continue
            trial.injected()  # before: on a full disk a reader finds no room for the log's index
            filler = fill(disk, (0, 16 << 10, 300 << 10)[at % 3])
            said = process.communicate(timeout=120)[1]
            check(process.returncode in (2, 130), f"full: exit {process.returncode}: {said[-600:]}")
            check(f"{trial.home.folder}" in said and "are needed" in said, f"full: the message: {said[-600:]}")
            filler.unlink()
            check(not failures(trial.home), f"full: recorded as failed: {failures(trial.home)}")
            trial.finish()
        trial.close()


def locked(calm, times, chance, check):
    """Another program holds the database: for a while, and for longer than anyone waits."""
    trial = Trial("database locked by another program", calm, chance, check)
    for at in range(times):
        for seconds in (2, BUSY_SECONDS + 4):
            trial.fresh()
            process = trial.start()
            if not trial.wait_for_work(process, 1):
                process.communicate()
                continue
            other = sqlite3.connect(trial.home.database, isolation_level=None, timeout=10)
            other.execute("BEGIN EXCLUSIVE")
            trial.injected()
            if seconds < BUSY_SECONDS:
                time.sleep(seconds)
                other.close()
            said = process.communicate(timeout=120)[1]
            other.close()
            if seconds < BUSY_SECONDS:
                check(process.returncode == 0, f"locked for {seconds} s: exit {process.returncode}: {said[-600:]}")
            else:
                check(process.returncode in (0, 2), f"locked: exit {process.returncode}: {said[-600:]}")
                check(process.returncode == 0 or "locked by another process; try again when it is done" in said, f"locked: {said[-600:]}")
            check(not failures(trial.home), f"locked: recorded as failed: {failures(trial.home)}")
            trial.finish()
    trial.close()


def clock_back(calm, times, chance, check):
    """The wall clock of the supervisor jumps back by an hour at every look."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return print("skipped: no compiler for the library that turns the clock back")
    trial = Trial("clock jumping back", calm, chance, check)
    library = trial.home.folder / "clock.so"
    (trial.home.folder / "clock.c").write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, trial.home.folder / "clock.c", "-ldl"], check=True)
    for _ in range(times):
        trial.fresh()
        process = trial.start({"LD_PRELOAD": str(library)})
        trial.injected()
        said = process.communicate(timeout=300)[1]
        check(process.returncode == 0, f"clock: exit {process.returncode}: {said[-600:]}")
        trial.finish()
    trial.close()


def folder_removed(calm, times, chance, check):
    """Somebody cleans up the scratch folders of a run that works in them."""
    trial = Trial("scratch folders removed", calm, chance, check)
    for _ in range(times):
        trial.fresh()
        process = trial.start()
        if not trial.wait_for_work(process, 1):
            process.communicate()
            continue
        shutil.rmtree(trial.home.folder / "work", ignore_errors=True)
        trial.injected()
        said = process.communicate(timeout=300)[1]
        check(process.returncode in (0, 1, 2), f"removed: exit {process.returncode}: {said[-600:]}")
        # What needs a node that was in flight fails with it.
        in_flight = [row for row in failures(trial.home) if not row[2].startswith("needs ")]
        check(len(in_flight) <= 2, f"removed: more failed than was in flight: {in_flight}")
        trial.finish("--retry-failed")
    trial.close()


def terminated(calm, times, chance, check):
    """SIGTERM ends the run at once and leaves nobody behind."""
    trial = Trial("SIGTERM", calm, chance, check)
    for _ in range(2 * times):
        trial.fresh()
        process = trial.start()
        if not trial.wait_for_work(process, 1.5):
            process.communicate()
            continue
        process.send_signal(signal.SIGTERM)
        trial.injected()
        asked = time.monotonic()
        said = process.communicate(timeout=60)[1]
        check(process.returncode in (0, 130), f"SIGTERM: exit {process.returncode}: {said[-600:]}")
        check(time.monotonic() - asked < 15, f"SIGTERM: took {time.monotonic() - asked:.1f} s")
        left = [p.name for p in pathlib.Path("/proc").iterdir() if p.name.isdigit() and mentions(p, trial.home.folder)]
        check(not left, f"SIGTERM: left running: {left}")
        trial.finish()
    trial.close()


def mentions(process, folder):
    try:
        return str(folder).encode() in (process / "cmdline").read_bytes()
    except OSError:
        return False


def main():
    times = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
    print(f"seed {seed}", flush=True)
    check, chance = Checks(), random.Random(seed)
    quiet = Home()
    quiet.fetch()
    quiet.run("run", quiet.suite("faults", SUITE), "--jobs", 2, check=0)
    calm = snapshot(quiet)
    check(all(calm[part] for part in ("cells", "outcomes", "scores", "artifacts")), "the calm run recorded nothing")
    print("| fault | times | records lost | state after the same command |\n|---|---|---|---|")
    only = sys.argv[5] if len(sys.argv) > 5 else ""
    for fault in (nearly_full, full, locked, clock_back, folder_removed, terminated):
        if only in ("", fault.__name__):
            fault(calm, times, chance, check)
    quiet.remove()
    check.done()


main()
