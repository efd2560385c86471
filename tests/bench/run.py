#!/usr/bin/env python3
"""Speed of assay against its peers, alternating in one run: medians, paired ratios with intervals, JSON and markdown.

usage: tests/bench/run.py [--subjects resnet20 ...] [--works train pgd infer ...] [--rounds 7] [--out DIR]
Peers: Debian's python3-torch and python3-sklearn (apt-get install python3-torch libopenblas0-pthread python3-sklearn), and
onnxruntime-node, which is put into a cache folder outside the tree (npm i --ignore-scripts). A peer that is missing is left out and said so.

Every contestant is a process that is told how many iterations to do. Within a round each does about --seconds of work,
one after the other, in an order that rotates; the ratio of a round is peer time / assay time, so that drift of the
machine cancels. What is compared is process CPU time on one thread; wall time is kept beside it.
"""
import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time

import report
import subjects

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "assay-bench")
PYTHON = "/usr/bin/python3"
# Torch with glibc's defaults mostly measures mmap: large tensors go back to the system at every step.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 30), "MALLOC_TRIM_THRESHOLD_": str(32 << 30),
               "MALLOC_TOP_PAD_": str(256 << 20)}


def environment(threads, **more):
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    return {**env, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads), **more}


class Contestant:
    """A persistent child that answers iteration counts with the time they took."""

    def __init__(self, name, command, env):
        self.name = name
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
        self.facts, self.count, self.rounds = self.read(), 1, []

    def read(self):
        for line in self.child.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.name} ended with {self.child.wait()}")

    def run(self, count):
        self.child.stdin.write(f"{count}\n")
        self.child.stdin.flush()
        took = self.read()
        return {key: took[key] / count for key in ("cpu", "wall")}

    def calibrate(self, seconds):
        first = self.run(1)["cpu"]
        if first < seconds / 4:
            first = self.run(max(1, int(seconds / 8 / max(first, 1e-6))))["cpu"]
        self.count = max(1, round(seconds / max(first, 1e-7)))

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def exported(subject, batch):
    """The ONNX file of a subject, made by torch.onnx.export and kept in the cache."""
    os.makedirs(CACHE, exist_ok=True)
    file = os.path.join(CACHE, f"{subject}-b{batch}.onnx")
    source = os.path.join(HERE, "torch_models.py")
    if not os.path.exists(file) or os.path.getmtime(file) < os.path.getmtime(source):
        subprocess.run([PYTHON, "-B", source, "export", subject, str(batch), file], check=True, env=environment(1),
                       stdout=subprocess.DEVNULL)
    return file


def has_module(name):
    return subprocess.run([PYTHON, "-c", f"import {name}"], stderr=subprocess.DEVNULL, check=False).returncode == 0


def has_torch():
    """Torch on the reference BLAS does linear layers at a thirtieth of its speed: not a peer."""
    if not has_module("torch"):
        return False
    maps = subprocess.run([PYTHON, "-c", "import torch; print(open('/proc/self/maps').read())"], capture_output=True,
                          text=True, check=False).stdout
    if "openblas" in maps or "libmkl" in maps:
        return True
    print("python3-torch runs on the reference BLAS here: apt-get install libopenblas0-pthread", file=sys.stderr)
    return False


def has_onnxruntime():
    folder = os.path.join(CACHE, "node_modules", "onnxruntime-node")
    if not os.path.isdir(folder):
        os.makedirs(CACHE, exist_ok=True)
        try:
            subprocess.run(["npm", "i", "--ignore-scripts", "onnxruntime-node"], cwd=CACHE, check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError:
            return False
    return os.path.isdir(folder)


class Bench:
    def __init__(self, args):
        self.args = args
        self.program = os.path.join(args.build, "bin", "assay-bench")
        self.available = {"torch": has_torch(), "sklearn": has_module("sklearn"), "onnx": has_onnxruntime()}
        for peer, found in self.available.items():
            if not found:
                print(f"peer {peer} is missing: left out", file=sys.stderr)

    def start_assay(self, request):
        request = {**request, "threads": self.args.threads}
        return Contestant("assay", [self.program, json.dumps(request)], environment(self.args.threads))

    def start_peer(self, name, request):
        peer = request["peer"]
        if peer == "assay":
            return self.start_assay({key: value for key, value in request.items() if key != "peer"})
        if not self.available[peer]:
            return None
        request = {**request, "threads": self.args.threads}
        if peer == "onnx":
            request["file"] = exported(request["model"], request["batch"])
            env = environment(self.args.threads, NODE_PATH=os.path.join(CACHE, "node_modules"))
            return Contestant(name, ["node", os.path.join(HERE, "peer_onnx.js"), json.dumps(request)], env)
        script = os.path.join(HERE, f"peer_{peer}.py")
        return Contestant(name, [PYTHON, "-B", script, json.dumps(request)], environment(self.args.threads, **KEEP_MEMORY))

    def contest(self, subject, label, request, peers):
        """One row a peer: medians of both and the paired ratio."""
        assay = self.start_assay(request)
        rivals = [c for c in (self.start_peer(name, r) for name, r in peers) if c]
        everyone = [assay] + rivals
        for c in everyone:
            macs = c.facts.get("macs")
            if macs and abs(macs / assay.facts["macs"] - 1) > 0.02:
                raise SystemExit(f"{subject}: {c.name} counts {macs:.4g} multiply-adds, assay {assay.facts['macs']:.4g}")
            c.calibrate(self.args.seconds)
        for turn in range(self.args.rounds):
            for i in range(len(everyone)):
                c = everyone[(turn + i) % len(everyone)]
                c.rounds.append(c.run(c.count))
        for c in everyone:
            c.close()
        return [row_of(subject, label, request, assay, rival) for rival in rivals] or [row_of(subject, label, request, assay, None)]

    def peak(self):
        """f32 multiply-add rate of one core, flop/s of CPU time: the best of five."""
        c = self.start_assay({"work": "peak"})
        best = max(c.facts["flops"] / c.run(1)["cpu"] for _ in range(5))
        c.close()
        return best, c.facts

    def building(self, subject):
        """From a name to one training step done: the first cell of a process, and the second."""
        about = subjects.SUBJECTS[subject]
        request = {"work": "build", "model": about["model"], "params": about["params"], "input": about["input"], "batch": about["train"]}
        times = {"first": [], "second": []}
        for _ in range(max(3, self.args.rounds // 2)):
            c = self.start_assay(request)
            times["first"].append(c.run(1)["cpu"])
            times["second"].append(c.run(1)["cpu"])
            c.close()
        return [{"work": f"build-{which}", "subject": subject, "batch": about["train"], "assay": statistics.median(values),
                 "rounds": values} for which, values in times.items()]


def interval(ratios):
    """95 % percentile bootstrap of the median; the same numbers for the same rounds."""
    rng = random.Random(7)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(2000))
    return medians[49], medians[1949]


def row_of(subject, label, request, assay, rival):
    row = {"subject": subject, "work": label, "batch": request["batch"], "items": assay.facts["items"],
           "flops": assay.facts["flops"], "assay": statistics.median(r["cpu"] for r in assay.rounds),
           "assay_wall": statistics.median(r["wall"] for r in assay.rounds), "peer": None}
    if rival is None:
        return row
    ratios = [theirs["cpu"] / ours["cpu"] for ours, theirs in zip(assay.rounds, rival.rounds)]
    walls = [theirs["wall"] / ours["wall"] for ours, theirs in zip(assay.rounds, rival.rounds)]
    low, high = interval(ratios)
    row.update({"peer": rival.name, "peer_version": rival.facts["version"],
                "peer_time": statistics.median(r["cpu"] for r in rival.rounds), "ratio": statistics.median(ratios),
                "low": low, "high": high, "wall_ratio": statistics.median(walls), "rounds": ratios,
                "target": subjects.target(label, subject, rival.name)})
    return row


def measure(args):
    bench = Bench(args)
    peak, facts = bench.peak()
    result = {"machine": {"cpu": report.cpu_name(), "isa": facts["isa"], "onednn": facts["version"], "threads": args.threads,
                          "peak": peak, "load": os.getloadavg()[0], "kernel": platform.release()},
              "made": time.strftime("%Y-%m-%d %H:%M"), "seconds": args.seconds, "rounds": args.rounds, "rows": []}

    def add(rows):
        result["rows"] += rows
        for row in rows:
            print(report.line(row, peak), flush=True)
    for subject in args.subjects:
        for label, request, peers in subjects.contests(subject, args.works):
            if args.batches and label.startswith("infer") and request["batch"] not in args.batches:
                continue
            add(bench.contest(subject, label, request, peers))
        if "build" in args.works and subject == "resnet20":
            add(bench.building(subject))
    if "auroc" in args.works:
        request = {"work": "auroc", "batch": 1000000}
        add(bench.contest("-", "auroc", request, [("sklearn", {**request, "peer": "sklearn"})]))
    return result


def main():
    root = os.path.dirname(os.path.dirname(HERE))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", nargs="*", default=list(subjects.SUBJECTS), choices=list(subjects.SUBJECTS))
    parser.add_argument("--works", nargs="*", default=["train", "train-bf16", "pgd", "infer", "infer-lowered", "auroc", "build"])
    parser.add_argument("--batches", nargs="*", type=int, help="of inference; default all")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.7, help="of work a round and contestant")
    parser.add_argument("--threads", type=int, default=1, help="2: look at wall time, on a quiet machine")
    parser.add_argument("--build", default=os.path.join(root, "build"))
    parser.add_argument("--out", help="folder for bench.json and bench-<machine class>.md; default: print only")
    args = parser.parse_args()
    if not os.path.exists(os.path.join(args.build, "bin", "assay-bench")):
        sys.exit(f"no assay-bench in {args.build}/bin: cmake --build {args.build} --target assay-bench")
    result = measure(args)
    if args.out:
        report.write(result, args.out)


if __name__ == "__main__":
    main()
