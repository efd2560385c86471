#!/usr/bin/env python3
"""What supervision costs a cell: CPU time of a run of many tiny cells beyond what the methods' workers themselves use, the
judging included, with the sandbox off and on, against bare fork and exec of a program that links oneDNN, all in one run.

    overhead.py BUILD SOURCE [CELLS]        default 2000; the targets are for 2000 on a quiet machine

A worker's own time is measured by starting `assay-worker JOB` as often, alone, on a job of the run; what a judge costs as a
process of its own is told beside it. Prints one JSON line.
"""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

CELLS = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
sys.argv = sys.argv[:3]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from assay_e2e import BUILD, Home  # noqa: E402

SUITE = """
[suite]
name = "overhead"
task = "attack"
version = 1
seeds = [0]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train", limit = 200 }
test  = { set = "mini-fashion", split = "test", limit = 8 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
[threat]
norm = "linf"
eps = ["1/10"]
[[method]]
use = "pgd"
params = { steps = 1 }
"""
TARGET_MS = {"off": 15, "require": 30}


def children_cpu():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def cpu_of(words, times, **options):
    """CPU milliseconds of one start, the mean of `times`."""
    before = children_cpu()
    for _ in range(times):
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    return 1000 * (children_cpu() - before) / times


def peak_rss_kb(pid, seen):
    while True:
        try:
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    seen[0] = max(seen[0], int(line.split()[1]))
        except (OSError, IndexError):
            return
        time.sleep(0.1)


def run_cells(home, suite, sandbox):
    """(CPU ms a cell of everything, of it the stages' as recorded, wall ms a cell, supervisor's peak MB)."""
    before, started, seen = children_cpu(), time.monotonic(), [0]
    process = subprocess.Popen([str(BUILD / "bin" / "assay"), "run", str(suite), "--jobs", "1", "--sandbox", sandbox, "--quiet"],
                               env=home.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watcher = threading.Thread(target=peak_rss_kb, args=(process.pid, seen))
    watcher.start()
    errors = process.communicate()[1]
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"the run failed: {errors}")
    cpu, wall = children_cpu() - before, time.monotonic() - started
    stages = home.connect().execute("SELECT sum(a.cpu_seconds) FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.kind = 'cell'").fetchone()[0]
    return 1000 * cpu / CELLS, 1000 * stages / CELLS, 1000 * wall / CELLS, seen[0] / 1024


def own_work(home, suite):
    """CPU ms of the run stage and of the judge stage alone, started by hand on the jobs of one cell."""
    work = home.folder / "work"
    process = subprocess.Popen([str(BUILD / "bin" / "assay"), "run", str(suite), "--jobs", "1", "--sandbox", "off"], env=home.env,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    copy = pathlib.Path(tempfile.mkdtemp(prefix="assay-overhead-"))
    job = None
    while process.poll() is None and job is None:
        for found in work.glob("*/judge/job.json"):
            try:
                text = found.read_text()
                shutil.copytree(found.parent.parent, copy / "cell", dirs_exist_ok=True)
                job = (text, found.parent.parent)
            except OSError:
                pass
    process.wait()
    if job is None:
        raise SystemExit("no job of a cell was seen")
    spent = {}
    for stage in ("run", "judge"):
        text = (copy / "cell" / stage / "job.json").read_text().replace(str(job[1]), str(copy / "cell"))
        (copy / "cell" / stage / "job.json").write_text(text)
        times, total = 20, 0.0
        for _ in range(times):
            scratch = copy / "again"
            shutil.rmtree(scratch, ignore_errors=True)
            (scratch / "out").mkdir(parents=True)
            (scratch / "tmp").mkdir()
            (scratch / "job.json").write_text(text.replace(str(copy / "cell" / stage) + '"', str(scratch) + '"'))
            total += cpu_of([str(BUILD / "bin" / "assay-worker"), str(scratch / "job.json")], 1, env={"OMP_NUM_THREADS": "1"})
        spent[stage] = total / times
    shutil.rmtree(copy, ignore_errors=True)
    return spent


def main():
    bare = cpu_of([str(BUILD / "bin" / "assay-worker"), "info", "nothing"], 50)  # links oneDNN, does nothing
    report = {"cells": CELLS, "load": os.getloadavg()[0], "bare_exec_ms": round(bare, 2)}
    homes = []
    for sandbox in ("off", "require"):
        home = Home()
        homes.append(home)
        home.fetch()
        suite = home.suite("overhead", SUITE)
        home.run("run", suite, check=0)  # what the cells share
        if sandbox == "off":
            own = own_work(home, home.suite("own", SUITE.replace("overhead", "own").replace("1/10", "1/11")))
            report["worker_ms"] = {stage: round(value, 2) for stage, value in own.items()}
        methods = "".join(f'[[method]]\nuse = "pgd"\nname = "v{i}"\nparams = {{ steps = 1, step = {0.1 + 1e-4 * i:.4f} }}\n'
                          for i in range(CELLS))
        many = home.suite("many", SUITE[:SUITE.index("[[method]]")].replace("1/10", "1/12") + methods)
        total, stages, wall, peak = run_cells(home, many, sandbox)
        report[sandbox] = {"cpu_ms": round(total, 2), "overhead_ms": round(total - own["run"], 2), "stages_ms": round(stages, 2),
                           "wall_ms": round(wall, 1), "supervisor_mb": round(peak, 1), "target_ms": TARGET_MS[sandbox]}
    for home in homes:  # not between the two: ext4 looks past the inodes of what was removed within the last minute
        home.remove()
    print(json.dumps(report))


main()
