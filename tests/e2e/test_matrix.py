#!/usr/bin/env python3
"""A transfer matrix from plan to leaderboard: every surrogate by itself, the diagonal marked, shown as a matrix; a suite of
nets on the same database hears of what transfers.

    test_matrix.py BUILD SOURCE
"""
import json

from assay_e2e import Checks, Home

SUITE = """
[suite]
name = "matrix"
task = "attack"
version = 1
seeds = [0]
rank = "none"
rank_by = "attack_success_rate"
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 2, batch = 50 }
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "quick", epochs = 2, batch = 50 }
[threat]
norm = "linf"
eps = "1/10"
access = "transfer"
matrix = true
surrogates = ["mlp", "lenet"]
[[method]]
use = "noise"
[[method]]
use = "mi-fgsm"
params = { steps = 5 }
"""


def main():
    check = Checks()
    home = Home()
    home.fetch()
    suite = home.suite("matrix", SUITE)
    first = home.run("run", suite, "--only", "surrogate=mlp", "--only", "method=mi-fgsm", check=0)
    check("2 ok, 0 failed" in first.stderr, f"a line of the matrix runs alone: {first.stderr}")
    done = home.run("run", suite, "--jobs", 2, check=0)
    check("6 ok, 0 failed, 2 were there already" in done.stderr, f"sources by victims by methods: {done.stderr}")
    for text in ("mi-fgsm: attack_success_rate @ eps=1/10", "from \\ on", "noise (baseline)", "[", "single run"):
        check(text in done.stdout, f"the terminal has '{text}': {done.stdout}")
    rows = json.loads(home.run("leaderboard", "matrix", "--format", "json", check=0).stdout)["rows"]
    found = {(row["method"], row["axes"]["surrogate"], row["subject"]): row for row in rows}
    check(len(found) == 8, f"a row a pair: {sorted(found)}")
    for (method, source, victim), row in found.items():
        check(("diagonal" in row["axes"]) == (source == victim), f"[rule 27] {method} {source} {victim}: {row['axes']}")
    rate = {key[1:]: row["values"][0]["mean"] for key, row in found.items() if key[0] == "mi-fgsm"}
    for net, other in (("mlp", "lenet"), ("lenet", "mlp")):
        check(rate[net, net] > rate[other, net], f"a net's own gradients do more to it than another's: {rate}")
    refused = home.run("submit", suite, "--template", home.folder / "there", check=2)
    check("a transfer matrix has a cell for each source and victim" in refused.stderr, f"no foreign inputs: {refused.stderr}")
    home.remove()
    check.done()


main()
