#!/usr/bin/env python3
"""APGD-CE, APGD-T, FAB-T and Square of assay against torch_attacks.py on one ONNX model and the same CIFAR-10 images: robust
accuracies within a point, and on more than 97 % of the images the same verdict.

usage: peer_attacks.py BUILD MODEL.onnx [--images 200] [--eps 8/255] [--queries 5000] [--threads 1] [--only NAME ...] [--out FILE] [--work DIR]
The model takes [n, 3, 32, 32] in [0, 1] and is a chain of convolutions, batch norms, relus, sums, average pools and linear
layers, such as `assay model export` writes of a ResNet. ASSAY_HOME must hold CIFAR-10. Agreement is given over all images
and over those that the model classifies correctly, the interesting ones.
"""
import argparse
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
import torch

import torch_attacks
from torch_net import Net

SUITE = """
[suite]
name = "attack-peers"
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
[[method]]
use = "noise"
{methods}
[limits]
seconds_per_cell = 6000
memory_mb = 4096
"""
COST = """SELECT a.cpu_seconds, a.forward, a.backward FROM cell c JOIN attempt a ON a.cell = c.id
          WHERE c.kind = 'cell' AND c.method = ? ORDER BY a.n DESC LIMIT 1"""
METHODS = {
    "apgd-ce": (lambda a: "", lambda net, x, y, eps, g, a: torch_attacks.apgd_ce(net, x, y, eps, g)),
    "apgd-t": (lambda a: "", lambda net, x, y, eps, g, a: torch_attacks.apgd_t(net, x, y, eps, g)),
    "fab-t": (lambda a: "", lambda net, x, y, eps, g, a: torch_attacks.fab_t(net, x, y, eps)),
    "square": (lambda a: f"params = {{ queries = {a.queries} }}",
               lambda net, x, y, eps, g, a: torch_attacks.square(net, x, y, eps, g, queries=a.queries)),
}


def assay(build, *words):
    done = subprocess.run([os.path.join(build, "bin", "assay"), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"assay {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def ours(args, folder):
    """The inputs as methods were given them, and what assay found: {method: (robust by id, seconds, passes)}."""
    methods = "".join(f'[[method]]\nuse = "{name}"\n{METHODS[name][0](args)}\n' for name in args.only)
    suite, database = folder / "suite.toml", folder / "assay.db"
    suite.write_text(SUITE.format(images=args.images, model=args.model.resolve(), eps=args.eps, methods=methods))
    assay(args.build, "submit", suite, "--template", folder / "given", "--db", database)
    assay(args.build, "run", suite, "--db", database, "--jobs", "1", "--quiet")
    assay(args.build, "db", "share", suite, folder / "found", "--as", "npz", "--db", database)
    found = {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        for name in args.only:
            column = f"robust@{args.condition}"
            outcome = numpy.load(folder / "found" / name / "s0.npz")
            robust = dict(zip(outcome[column + ".id"].tolist(), outcome[column].tolist()))
            cost = db.execute(COST, (name,)).fetchone()
            found[name] = (robust, *cost)
    return numpy.load(folder / "given" / "inputs.npz"), found


def compare(name, args, net, given, found):
    x, y = torch.tensor(given["x"]), torch.tensor(given["y"])
    eps = float(fractions.Fraction(args.eps))
    generator = torch.Generator().manual_seed(0)
    begin = time.process_time()
    broken = METHODS[name][1](net, x, y, eps, generator, args)
    seconds = time.process_time() - begin
    clean = torch_attacks.logits_of(net, x).argmax(1) == y
    peer = (clean & ~broken).numpy()
    robust, own_seconds, forward, backward = found
    own = numpy.array([robust[i] == 1 for i in given["id"].tolist()])
    same, correct = own == peer, clean.numpy()
    return {"attack": name, "images": len(x), "correct": int(correct.sum()),
            "robust": float(own.mean()), "robust_torch": float(peer.mean()), "agreement": float(same.mean()),
            "agreement_of_correct": float(same[correct].mean()), "only_assay_breaks": int((~own & peer).sum()),
            "only_torch_breaks": int((own & ~peer).sum()), "cpu_seconds": own_seconds, "cpu_seconds_torch": seconds,
            "forward": forward, "backward": backward}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--eps", default="8/255")
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--out", help="JSON lines, one an attack")
    parser.add_argument("--work", help="folder of suite and database, kept, so that a second call measures no cell again")
    args = parser.parse_args()
    args.condition = f"eps={args.eps}"
    torch.set_num_threads(args.threads)
    net, wrong = Net(args.model), []
    with tempfile.TemporaryDirectory(prefix="assay-peer-") as own:
        folder = pathlib.Path(args.work or own)
        folder.mkdir(parents=True, exist_ok=True)
        given, found = ours(args, folder)
        for name in args.only:
            row = compare(name, args, net, given, found[name])
            print(json.dumps(row), flush=True)
            if args.out:
                with open(args.out, "a", encoding="utf-8") as lines:
                    lines.write(json.dumps(row) + "\n")
            if abs(row["robust"] - row["robust_torch"]) > 0.01 or row["agreement"] <= 0.97:
                wrong.append(name)
    if wrong:
        sys.exit("disagree: " + ", ".join(wrong))


main()
