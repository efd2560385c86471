#!/usr/bin/env python3
"""[rule 7] [rule 9] A run whose supervisor or workers are killed with SIGKILL at random moments, and which is started again, ends with the
same cells, statuses, outcomes, per-sample columns and artifact digests as an uninterrupted run, bit for bit.

    test_kill.py BUILD SOURCE [KILLS=20] [SEED]

From 100 kills on over 200 cells; below over 15, which take seconds.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

from assay_e2e import Checks, Home, snapshot

MANY = 100  # kills

SUITES = {
    "attacks": """
[suite]
name = "kill-attacks"
task = "attack"
version = 1
seeds = [0, 1, 2]
[data]
train = { set = "mini-fashion", split = "train" }
test  = { set = "mini-fashion", split = "test", limit = 200 }
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "standard", epochs = 4, lr = 0.02, batch = 50 }
[threat]
norm = "linf"
eps = ["0", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
[[method]]
use = "fgsm"
[[method]]
use = "pgd"
params = { steps = 5 }
""",
    "ood": """
[suite]
name = "kill-ood"
task = "detect"
version = 1
seeds = [0, 1, 2]
[data]
train = { set = "mini-fashion", split = "train" }
test  = { set = "mini-fashion", split = "test", limit = 200 }
ood   = [ { set = "mini-mnist", split = "test", group = "far" } ]
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "standard", epochs = 4, lr = 0.02, batch = 50 }
[[method]]
use = "random-score"
[[method]]
use = "mahalanobis"
""",
}


def large(suites):
    """Ten seeds of twenty cells."""
    text = suites["attacks"].replace("[0, 1, 2]", str(list(range(10)))).replace("epochs = 4", "epochs = 1").replace("limit = 200", "limit = 100")
    grid = 'grid = { steps = [1, 2, 3, 4, 5, 6, 7, 8, 9], step = ["1/40", "1/20"] }'
    return {"attacks": text.replace("params = { steps = 5 }", grid)}


def uninterrupted(home, suites):
    for suite in suites:
        home.run("run", suite, "--jobs", 2, "--retry-failed", check=0)


def workers_of(supervisor):
    """The assay-worker processes below it; a sandbox stands between."""
    parents, names = {}, {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            head, tail = stat.read_text().rsplit(")", 1)
        except OSError:
            continue
        pid = int(head.split(" ", 1)[0])
        parents[pid], names[pid] = int(tail.split()[1]), head.split("(", 1)[1]
    found = []
    for pid, name in names.items():
        up = pid
        while up in parents and up != supervisor:
            up = parents[up]
        if name == "assay-worker" and up == supervisor:
            found.append(pid)
    return sorted(found)


def outlived(process, seconds):
    try:
        process.wait(timeout=seconds)
        return False
    except subprocess.TimeoutExpired:
        return True


def life_and_death(home, suite, chance, limit):
    """One start; kills a worker on the way by a toss of a coin, then the supervisor, unless the run ends before. How many of each."""
    process, workers = home.start("run", suite, "--jobs", 2, "--retry-failed"), 0
    if chance.random() < 0.5 and outlived(process, chance.uniform(0.02, limit)):
        victims = workers_of(process.pid)
        if victims:
            try:
                os.kill(chance.choice(victims), signal.SIGKILL)
                workers = 1
            except ProcessLookupError:
                pass
    if not outlived(process, chance.uniform(0.02, limit)):
        return workers, 0
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return workers, 1


def left_over(home):
    """Processes that name this home in their command line, once those that die with a killed one have had the time to."""
    for _ in range(50):
        found = []
        for words in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = words.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"{home.folder}/" in text:
                found.append(f"{words.parent.name}: {text[:200]}")
        if not found:
            break
        time.sleep(0.1)
    return found


def killed(home, suites, kills, chance, limit):
    """Starts, kills after a random while, starts again; `kills` times, then lets it end. How many workers and supervisors were killed."""
    workers = supervisors = finished = 0
    while workers + supervisors < kills:
        for suite in suites:
            one, other = life_and_death(home, suite, chance, limit)
            workers, supervisors = workers + one, supervisors + other
            if workers + supervisors >= kills:
                break
        else:
            ends = [home.run("run", suite, "--jobs", 2, "--retry-failed", "--dry-run").stdout for suite in suites]
            if all(" 0 to run" in end for end in ends):
                # Everything finished before the kills were used up: start over, so that each kill meets live work.
                finished += 1
                for name in ("assay.db", "assay.db-wal", "assay.db-shm", "assay.db.lock"):
                    (home.folder / name).unlink(missing_ok=True)
    uninterrupted(home, suites)
    return workers, supervisors, finished


def main():
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
    print(f"seed {seed}", flush=True)
    check = Checks()
    calm, wild = Home(), Home()
    for home in (calm, wild):
        home.fetch()
    start = time.monotonic()
    suites = large(SUITES) if kills >= MANY else SUITES
    uninterrupted(calm, [calm.suite(name, text) for name, text in suites.items()])
    took = time.monotonic() - start
    limit = 3 if kills >= MANY else took / 6
    counts = killed(wild, [wild.suite(name, text) for name, text in suites.items()], kills, random.Random(seed), limit)
    print("killed: {} workers, {} supervisors; finished {} times on the way".format(*counts), flush=True)
    a, b = snapshot(calm), snapshot(wild)
    for part in a:
        check(len(a[part]) > 0 or part == "verdicts", f"{part}: the uninterrupted run recorded nothing")
        check(a[part] == b[part], f"{part} differ:\n  {sorted(set(map(str, a[part])) ^ set(map(str, b[part])))[:6]}")
    left = left_over(wild)
    check(not left, f"{len(left)} processes outlived the kills and the run after them: {left[:3]}")
    for home in (calm, wild):
        home.remove()
    check.done()


main()
