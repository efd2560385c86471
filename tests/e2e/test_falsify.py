#!/usr/bin/env python3
"""The falsify task end to end: searches that agree with looking at every point, counter-examples that are none, a suite's pictures.

    test_falsify.py BUILD SOURCE
"""
import json
import shutil

from assay_e2e import BUILD, Checks, Home, SOURCE, all_rejected

IMAGES = """
[suite]
name = "regions"
task = "falsify"
version = 1
seeds = [1, 2, 3]
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 20 }
[[model]]
id = "mlp"
build = "mlp"
params = { hidden = [16] }
train = { recipe = "quick", epochs = 2, batch = 20 }
[region]
eps = 1
step = "1/2"
elements = 4
enumerate = 1000
[[method]]
use = "random-sampling"
params = { points = 30 }
[[method]]
use = "dlv"
[[claim]]
id = "exact"
says = "the search of one group is exact"
expect = "min(agreement, method='dlv') == 1"
"""
REJECTED = """
[suite]
name = "rejected"
task = "falsify"
version = 1
seeds = [1]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 20 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
[region]
eps = "1/10"
step = "1/20"
"""
SINS = {"odd-outside": "not in the region", "odd-same-class": "have the class of their input", "odd-verdict": "expected -1 to 1"}


def scores(home, method, quantity):
    rows = home.connect().execute(
        "SELECT s.value FROM score s JOIN attempt a ON s.attempt = a.id JOIN cell c ON a.cell = c.id WHERE c.kind = 'cell' AND "
        "c.method = ? AND s.quantity = ? ORDER BY c.label", (method, quantity)).fetchall()
    return [value for value, in rows]


def smallest(home, check):
    for name in ("grid-enumeration", "dlv", "z3-complete", "fgsm-grid"):
        home.run("run", SOURCE / "plugins" / "analyzers" / name / "smallest.toml", "--jobs", 2, check=0)
    for name in ("grid-enumeration", "dlv"):
        agreement = scores(home, name, "agreement")
        check(len(agreement) >= 3 and min(agreement) == 1, f"{name} is exact: {agreement}")
    check(max(scores(home, "z3-complete", "false_safe_rate")) == 0, "the solver is never falsely sure")
    check(max(scores(home, "dlv#hidden", "verified_rate")) == 0, "a hidden layer's search verifies nothing")


def images(home, check):
    done = home.run("run", home.suite("regions", IMAGES), "--jobs", 2, check=0)
    check("dlv" in done.stdout, f"it stands on the board: {done.stdout}")
    agreement = scores(home, "dlv", "agreement")
    check(len(agreement) == 6 and min(agreement) == 1, f"one group with all elements is all of the grid: {agreement}")
    # Where nothing is broken there is nothing to picture.
    calm = IMAGES.replace('"regions"', '"calm"').replace('eps = 1\nstep = "1/2"', 'eps = "1/1000"\nstep = "1/1000"')
    home.run("run", home.suite("calm", calm), "--jobs", 2, check=0)
    check(scores(home, "dlv", "verified_rate")[:1] != [] and 1 in scores(home, "dlv", "verified_rate"), "nothing happens within a thousandth")
    claims = json.loads(home.run("claims", "regions", "--format", "json", check=0).stdout)
    check("reproduced" in json.dumps(claims), f"the claim holds: {claims}")
    rows = home.connect().execute("SELECT e.name FROM cell c JOIN attempt a ON a.cell = c.id JOIN edge e ON e.attempt = a.id WHERE "
                                  "c.method = 'dlv' AND e.made = 1 AND e.name = 'examples.safetensors'").fetchall()
    check(len(rows) == 1, f"the judge keeps the first seed's pictures: {rows}")


def main():
    check = Checks()
    home = Home()
    odd = home.folder / "odd"
    odd.mkdir()
    shutil.copy(BUILD / "tests" / "plugins" / "odd_analyzers.so", odd)
    home.env["ASSAY_PLUGINS"] = str(odd)
    try:
        home.fetch()
        home.run("data", "fetch", "two-moons", check=0)
        smallest(home, check)
        images(home, check)
        all_rejected(home, REJECTED, SINS, check)
    finally:
        home.remove()
    check.done()


main()
