#!/usr/bin/env python3
"""AutoAttack standard by assay beside the reference algorithm on PyTorch: one ONNX model, the same CIFAR-10 images, one run.

usage: autoattack.py BUILD MODEL.onnx [--images 100] [--search f32 bf16] [--eps 8/255] [--batch 100] [--queries 5000]
                     [--no-peer] [--out FILE] [--work DIR]
assay: a suite with the chain APGD-CE, APGD-T, FAB-T, Square; the CPU time of its workers' run stages. PyTorch: the attacks
of tests/methods/torch_attacks.py one after the other on what is still robust, batch by batch as the reference code does
(APGD drops no sample inside a run), one thread, frozen parameters, channels-last, malloc that keeps its memory; the CPU
time of the attacks alone. ASSAY_HOME must hold CIFAR-10; python3-torch and python3-onnx are needed. Prints JSON lines:
robust accuracy, passes and CPU seconds of each, and the ratio of seconds to the peer's.
"""
import argparse
import concurrent.futures
import fractions
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "methods"))
from run import environment, KEEP_MEMORY  # noqa: E402

SUITE = """
[suite]
name = "autoattack-peer"
task = "attack"
version = 1
seeds = [0]
[data]
train = {{ set = "cifar10", split = "train", limit = 100 }}
test = {{ set = "cifar10", split = "test", limit = {images} }}
[[model]]
id = "victim"
onnx = "{model}"
[threat]
norm = "linf"
eps = "{eps}"
[numerics]
search = "{search}"
[[method]]
use = "noise"
[[method]]
name = "autoattack"
chain = ["apgd-ce", "apgd-t", "fab-t", {{ use = "square", params = {{ queries = {queries} }} }}]
[limits]
seconds_per_cell = 36000
memory_mb = 4096
"""
LAST = """SELECT a.id FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.label LIKE ? AND a.status = 'ok'
          ORDER BY a.id DESC LIMIT 1"""
LINKS = ("apgd-ce of autoattack", "apgd-t of autoattack", "fab-t of autoattack", "autoattack on victim")


def assay(build, *words):
    done = subprocess.run([os.path.join(build, "bin", "assay"), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"assay {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")


def write_suite(args, folder, search):
    suite = folder / f"{search}.toml"
    suite.write_text(SUITE.format(images=args.images, model=args.model.resolve(), eps=args.eps, search=search, queries=args.queries))
    return suite


def ours(args, folder, search):
    suite, database = write_suite(args, folder, search), folder / f"{search}.db"
    assay(args.build, "run", suite, "--db", database, "--jobs", "1", "--quiet")
    assay(args.build, "db", "share", suite, folder / search, "--as", "npz", "--db", database)
    outcome = numpy.load(folder / search / "autoattack" / "s0.npz")
    seconds = {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        for label in LINKS:
            attempt = db.execute(LAST, (label + "%",)).fetchone()[0]
            seconds[label.split()[0]] = db.execute("SELECT cpu_seconds FROM stage WHERE attempt = ? AND name = 'run'",
                                                   (attempt,)).fetchone()[0]
        forward, backward = db.execute("SELECT forward, backward FROM attempt WHERE id = ?", (attempt,)).fetchone()
    seconds["square"] = seconds.pop("autoattack")
    robust = outcome[f"robust@eps={args.eps}"]
    return {"who": "assay", "search": search, "images": args.images, "robust": float((robust == 1).mean()),
            "cpu_seconds": round(sum(seconds.values()), 2), "forward": forward, "backward": backward,
            "by_attack": {k: round(v, 2) for k, v in seconds.items()}}


def peer(args, given):
    """The child: runs the reference algorithm and prints what it found."""
    import torch
    import torch_attacks
    from torch_net import Net
    torch.set_num_threads(1)
    torch_attacks.CHUNK = args.batch
    net, data = Net(args.model, channels_last=True), numpy.load(given)
    x, y = (torch.tensor(data[name])[:args.peer_images] for name in ("x", "y"))
    eps = float(fractions.Fraction(args.eps))
    generator = torch.Generator().manual_seed(0)
    attacks = {"apgd-ce": lambda a, b: torch_attacks.apgd_ce(net, a, b, eps, generator, drop=False),
               "apgd-t": lambda a, b: torch_attacks.apgd_t(net, a, b, eps, generator, drop=False),
               "fab-t": lambda a, b: torch_attacks.fab_t(net, a, b, eps),
               "square": lambda a, b: torch_attacks.square(net, a, b, eps, generator, queries=args.queries)}
    torch_attacks.logits_of(net, x[:args.batch])  # what a first pass costs once is not measured
    net.forward, seconds = 0, {}
    begin = time.process_time()
    robust = torch_attacks.logits_of(net, x).argmax(1) == y
    correct = int(robust.sum())
    for name, attack in attacks.items():
        start = time.process_time()
        for rows in robust.nonzero()[:, 0].split(args.batch):
            robust[rows[attack(x[rows], y[rows])]] = False
        seconds[name] = round(time.process_time() - start, 2)
        print(f"{name}: {seconds[name]} s", file=sys.stderr, flush=True)
    print(json.dumps({"who": "torch", "images": len(x), "clean": correct / len(x), "robust": float(robust.float().mean()),
                      "cpu_seconds": round(time.process_time() - begin, 2), "forward": net.forward, "backward": net.backward,
                      "by_attack": seconds}))


def beside(args, given):
    words = [sys.executable, "-B", __file__, *sys.argv[1:], "--peer-of", str(given)]
    child = subprocess.run(words, env=environment(1, **KEEP_MEMORY), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(child.stdout)


def measure(args, folder):
    """All at the same time, so that what the machine does besides meets all of them."""
    write_suite(args, folder, "f32")
    assay(args.build, "submit", folder / "f32.toml", "--template", folder / "given", "--db", folder / "f32.db")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = [pool.submit(ours, args, folder, search) for search in args.search]
        if not args.no_peer:
            found.append(pool.submit(beside, args, folder / "given" / "inputs.npz"))
        rows = [one.result() for one in found]
    for row in rows:
        if not args.no_peer and row["who"] == "assay":
            row["ratio"] = round(rows[-1]["cpu_seconds"] / row["cpu_seconds"], 3)
        print(json.dumps(row), flush=True)
        if args.out:
            with open(args.out, "a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--search", nargs="*", choices=["f32", "bf16"], default=["f32", "bf16"])
    parser.add_argument("--eps", default="8/255")
    parser.add_argument("--batch", type=int, default=100, help="of the peer")
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--peer-images", type=int, help="the peer attacks only so many of them, the first; default: all")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--out", help="JSON lines are appended")
    parser.add_argument("--work", help="folder of suites and databases, kept, so that a second call measures no cell again")
    parser.add_argument("--peer-of", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer_of:
        return peer(args, args.peer_of)
    with tempfile.TemporaryDirectory(prefix="assay-autoattack-") as own:
        folder = pathlib.Path(args.work or own)
        folder.mkdir(parents=True, exist_ok=True)
        measure(args, folder)
    return None


main()
