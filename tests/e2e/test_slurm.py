#!/usr/bin/env python3
"""200 cells on a real Slurm of two nodes on this host: a node is taken down in the middle, a task is requeued, another is
cancelled behind our back, the supervisor is killed and started again. The database ends as that of the local executor.

    test_slurm.py BUILD SOURCE
"""
import os
import signal
import sys
import time

import slurm_cluster
from assay_e2e import Checks, Home, snapshot

SUITE = """
[suite]
name = "slurm"
task = "attack"
version = 1
seeds = [0, 1, 2, 3]
[data]
train = { set = "mini-fashion", split = "train" }
test  = { set = "mini-fashion", split = "test", limit = 40 }
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "standard", epochs = 2, lr = 0.02, batch = 50 }
[threat]
norm = "linf"
eps = ["0", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
"""
VARIANTS = 49
CELLS = 4 * (VARIANTS + 1)


def suite(home):
    text = SUITE
    for i in range(VARIANTS):
        text += f'[[method]]\nuse = "pgd"\nname = "v{i}"\nparams = {{ steps = {1 + i % 7}, step = {0.1 + 0.02 * (i // 7):.2f} }}\n'
    return home.suite("slurm", text)


def cells_done(home):
    if not home.database.exists():
        return 0
    try:
        return home.connect().execute("SELECT count(DISTINCT cell) FROM attempt JOIN cell ON cell.id = attempt.cell "
                                      "WHERE cell.kind = 'cell'").fetchone()[0]
    except Exception:  # the schema is being made
        return 0


def wait_for(home, process, cells, what):
    for _ in range(6000):
        if cells_done(home) >= cells:
            return
        if process.poll() is not None:
            raise SystemExit(f"assay ended before {what}: exit {process.returncode}")
        time.sleep(0.05)
    raise SystemExit(f"no {cells} cells before {what}")


def requeue_one(cluster):
    """Tasks take a second, and Slurm starts them in rounds: a look may meet none that runs."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        running = cluster.tasks("RUNNING")
        if running:
            cluster.call("scontrol", "requeue", running[0], check=False)
            return True
        time.sleep(0.05)
    return False


def trouble(cluster, home, check):
    """Everything that goes wrong on a cluster, while assay runs; leaves assay killed in the middle."""
    words = ["run", suite(home), "--executor", "slurm", "--slurm-profile", home.folder / "site.toml"]
    process = home.start(*words)
    wait_for(home, process, 20, "the node went down")
    cluster.call("scontrol", "update", "nodename=n1", "state=down", "reason=test")
    wait_for(home, process, 50, "a task was requeued")
    check(requeue_one(cluster), "no task was running to be requeued")
    wait_for(home, process, 80, "the supervisor was killed")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = cells_done(home)
    check(before < CELLS, f"nothing was left to do when the supervisor was killed: {before}")
    cluster.call("scontrol", "update", "nodename=n1", "state=resume", check=False)
    return words


def main():
    reason = slurm_cluster.missing()
    if reason:
        print(f"skipped: a Slurm cluster {reason}")
        sys.exit(77)
    check = Checks()
    with slurm_cluster.Cluster(nodes=2, cores=4, array=33) as cluster:
        calm, wild = Home(), Home()
        for home in (calm, wild):
            home.fetch()
        wild.env.update(SLURM_CONF=cluster.env["SLURM_CONF"], PATH=cluster.env["PATH"])
        (wild.folder / "site.toml").write_text('partition = "main"\nmax_tasks = 60\npoll_seconds = 1\n')
        calm.run("run", suite(calm), "--jobs", 2, check=0, timeout=1500)
        words = trouble(cluster, wild, check)
        done = wild.run(*words, timeout=1500)
        check(done.returncode == 0, f"the second run ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        a, b = snapshot(calm), snapshot(wild)
        check(sum(row[1] == "cell" for row in a["cells"]) == CELLS, "the local executor did not run 200 cells")
        for part in a:
            check(a[part] == b[part], f"{part} differ:\n  {sorted(set(map(str, a[part])) ^ set(map(str, b[part])))[:6]}")
        waves = list((wild.folder / "work" / "waves").iterdir())
        check(len(waves) >= CELLS // 60, f"the limits of the site were not respected: {len(waves)} waves")
        hosts = wild.connect().execute("SELECT count(*) FROM attempt WHERE host_json LIKE '%\"slurm\"%'").fetchone()[0]
        check(hosts >= CELLS, f"only {hosts} attempts say that Slurm ran them")
        left = list(p for p in (wild.folder / "work").iterdir() if p.name != "waves")
        check(not left, f"scratch folders stay: {left[:3]}")
        for home in (calm, wild):
            home.remove()
    check.done()


main()
