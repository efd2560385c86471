#!/usr/bin/env python3
"""[rule 7] A run killed with SIGKILL at random moments and started again ends with the same cells, statuses, outcomes,
per-sample columns and artifact digests as an uninterrupted run, bit for bit.

    test_kill.py BUILD SOURCE [KILLS=20] [SEED]
"""
import os
import random
import signal
import sys
import time

from assay_e2e import Checks, Home, snapshot

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


def uninterrupted(home, suites):
    for suite in suites:
        home.run("run", suite, "--jobs", 2, check=0)


def killed(home, suites, kills, chance, limit):
    """Starts, kills after a random while, starts again; `kills` times, then lets it end."""
    done = 0
    while done < kills:
        for suite in suites:
            process = home.start("run", suite, "--jobs", 2)
            try:
                process.wait(timeout=chance.uniform(0.02, limit))
            except Exception:  # still running: that is the moment
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                done += 1
            if done >= kills:
                break
        else:
            if all(home.run("run", suite, "--jobs", 2).returncode == 0 for suite in suites) and done < kills:
                # Everything finished before the kills were used up: start over, so that each kill meets live work.
                for name in ("assay.db", "assay.db-wal", "assay.db-shm", "assay.db.lock"):
                    (home.folder / name).unlink(missing_ok=True)
    uninterrupted(home, suites)


def main():
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else int(time.time())
    print(f"seed {seed}", flush=True)
    check = Checks()
    calm, wild = Home(), Home()
    for home in (calm, wild):
        home.fetch()
    start = time.monotonic()
    uninterrupted(calm, [calm.suite(name, text) for name, text in SUITES.items()])
    took = time.monotonic() - start
    killed(wild, [wild.suite(name, text) for name, text in SUITES.items()], kills, random.Random(seed), took / 6)
    a, b = snapshot(calm), snapshot(wild)
    for part in a:
        check(len(a[part]) > 0 or part == "verdicts", f"{part}: the uninterrupted run recorded nothing")
        check(a[part] == b[part], f"{part} differ:\n  {sorted(set(map(str, a[part])) ^ set(map(str, b[part])))[:6]}")
    for home in (calm, wild):
        home.remove()
    check.done()


main()
