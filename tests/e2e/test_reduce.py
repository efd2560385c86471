#!/usr/bin/env python3
"""The reduce task end to end: a subset, a poison and sets that are rejected, on a board. The subset at ratio 1 is the full set to the
last bit of the net (rules 4 and 39).

    test_reduce.py BUILD SOURCE
"""
import json
import shutil

from assay_e2e import BUILD, Checks, Home, all_rejected

SUITE = """
[suite]
name = "reduced"
task = "reduce"
version = 1
seeds = [1, 2, 3]
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 2, batch = 20 }
[target]
kind = "ratio"
values = [1, 4]
rank_at = 1
[[method]]
use = "random-subset"
[[method]]
use = "cuda"
targets = [1]
[[claim]]
id = "nothing-lost"
says = "the full set as a subset loses nothing"
expect = "mean(accuracy_lost, method='random-subset', ratio='1') == 0"
"""
REJECTED = """
[suite]
name = "rejected"
task = "reduce"
version = 1
seeds = [1]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
"""
SINS = {"odd-shape": "is [400, 784], not [400, 1, 28, 28]", "odd-nan": "is not finite", "odd-range": "is outside [0, 1]",
        "odd-class": "class 10 is outside [0, 10)"}


def scores(home, method, quantity, condition):
    rows = home.connect().execute(
        "SELECT s.value FROM score s JOIN attempt a ON s.attempt = a.id JOIN cell c ON a.cell = c.id WHERE c.kind = 'cell' AND "
        "c.label LIKE ? AND s.quantity = ? AND s.condition = ? ORDER BY c.label", (method, quantity, condition)).fetchall()
    return [value for value, in rows]


def nets(home, where):
    rows = home.connect().execute("SELECT DISTINCT e.artifact FROM cell c JOIN attempt a ON a.cell = c.id JOIN edge e ON e.attempt = a.id "
                                  f"WHERE e.made = 1 AND e.name = 'model.safetensors' AND {where}").fetchall()
    return {artifact for artifact, in rows}


def reduced(home, check):
    done = home.run("run", home.suite("reduced", SUITE), "--jobs", 2, check=0)
    check("random-subset" in done.stdout and "cuda" in done.stdout, f"both stand on the board: {done.stdout}")
    same, quarter = "random-subset on mlp%ratio 1", "random-subset on mlp%ratio 4"
    full = nets(home, "c.kind = 'train'")
    check(len(full) == 3, f"one net a seed on the full set: {full}")
    check(nets(home, "c.label LIKE 'random-subset on mlp%ratio 1'") == full, "the subset at ratio 1 gives the very nets of the full set")
    check(not nets(home, "c.label LIKE 'random-subset on mlp%ratio 4'") & full, "a quarter gives others")
    check(scores(home, same, "accuracy_lost", "test") == [0, 0, 0], "nothing is lost with nothing left out")
    check(scores(home, same, "records_kept", "reduced") == [400] * 3, "all records stay")
    check(scores(home, quarter, "records_kept", "reduced") == [100] * 3, "a quarter of the records stays")
    check(scores(home, quarter, "records_ratio", "reduced") == [4] * 3, "the ratio is met")
    poison = "cuda on mlp%"
    check(sum(scores(home, poison, "records_altered", "reduced")) > 1190, "the poison alters every record")
    lost = [a - b for a, b in zip(scores(home, poison, "original_accuracy", "test"), scores(home, poison, "accuracy", "test"))]
    found = scores(home, poison, "accuracy_lost", "test")
    check(all(abs(a - b) < 1e-9 for a, b in zip(lost, found)) and len(found) == 3, f"the loss is the difference: {lost} {found}")
    check(min(scores(home, poison, "accuracy", "reduced")) > 0.7, "nets are judged on the set that they were trained on, too")
    claims = json.loads(home.run("claims", "reduced", "--format", "json", check=0).stdout)
    check("reproduced" in json.dumps(claims), f"the claim holds: {claims}")


def main():
    check = Checks()
    home = Home()
    odd = home.folder / "odd"
    odd.mkdir()
    shutil.copy(BUILD / "tests" / "plugins" / "odd_reducers.so", odd)
    home.env["ASSAY_PLUGINS"] = str(odd)
    try:
        home.fetch()
        reduced(home, check)
        all_rejected(home, REJECTED, SINS, check)
    finally:
        home.remove()
    check.done()


main()
