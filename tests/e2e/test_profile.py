#!/usr/bin/env python3
"""assay-worker profile: the table, the trace and its refusals.

    test_profile.py BUILD SOURCE
"""
import json
import re
import subprocess
import tempfile

from assay_e2e import BUILD, Checks

SMALL = ["resnet8", "--batch", "4", "--iterations", "2"]


def run(*words):
    return subprocess.run([str(BUILD / "bin" / "assay-worker"), "profile", *words], capture_output=True, text=True, check=False)


def number(text, name):
    """The milliseconds of a row of the table."""
    return float(re.search(rf"^{name}.*?\s+\d+\s+([\d.]+)\s+[\d.]+\s+[\d.]+\s+[\d.]+$", text, re.M).group(1))


def main():
    check = Checks()
    for work, op in (("infer", "conv2d"), ("pgd", "conv2d_bwd_data"), ("train", "conv2d_bwd_weights")):
        with tempfile.TemporaryDirectory() as folder:
            trace = folder + "/trace.json"
            done = run(*SMALL, "--work", work, "--trace", trace)
            check(done.returncode == 0 and op in done.stdout, f"{work}: no row {op}\n{done.stdout}{done.stderr}")
            events = json.load(open(trace, encoding="utf-8"))["traceEvents"]
            ends = [e["ts"] + e["dur"] for e in events]
            check(all(e["ts"] >= end for e, end in zip(events[1:], ends)), f"{work}: kernels overlap in the trace")
            count = int(re.search(r"(\d+) kernels", done.stdout).group(1))
            check(len(events) == count, f"{work}: {len(events)} events of {count} kernels")
            check(number(done.stdout, "all kernels") > number(done.stdout, op), f"{work}: the sum is less than a part")
    refused = run("resnet8", "--btach", "4")
    check(refused.returncode == 2 and "did you mean '--batch'?" in refused.stderr, refused.stderr)
    refused = run("resnet8", "--batch", "0")
    check(refused.returncode == 2 and "at least 1" in refused.stderr, refused.stderr)
    check(run("resnet8", "--work", "sleep").returncode == 2, "unknown work")
    check.done()


if __name__ == "__main__":
    main()
