#!/usr/bin/env python3
"""[rule 10] [rule 11] A tuned method: trials on validation data, every one in the record, the best one judged on the test list,
where it gives the very outcomes that its parameters give when they are written down.

    test_tune.py BUILD SOURCE
"""
import json

from assay_e2e import Checks, Home

HEAD = """
[suite]
name = "NAME"
task = "attack"
version = 1
seeds = [0]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
val   = { set = "mini-fashion", split = "train", first = 400, limit = 100 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 2, batch = 50 }
[threat]
norm = "linf"
eps = ["1/20"]
"""
TUNED = HEAD.replace("NAME", "tuned") + """
[[method]]
use = "pgd"
[method.tune]
search = "grid"
space = { steps = [1, 2, 10] }
"""
FIXED = HEAD.replace("NAME", "fixed").replace('val   = { set = "mini-fashion", split = "train", first = 400, limit = 100 }\n', "") + """
[[method]]
use = "pgd"
params = { steps = STEPS }
"""


def robust(home, suite):
    """Digest of the per-sample outcomes of the suite's cell."""
    return home.connect().execute("SELECT o.sha256 FROM suite s JOIN plan p ON p.suite = s.id JOIN plan_cell pc ON pc.plan = p.id "
                                  "JOIN cell c ON c.id = pc.cell AND c.kind = 'cell' JOIN attempt a ON a.cell = c.id JOIN outcome o ON o.attempt = a.id "
                                  "WHERE s.name = ? AND o.quantity = 'robust'", (suite,)).fetchall()


def main():
    check = Checks()
    home = Home()
    home.fetch()
    home.run("run", home.suite("tuned", TUNED), "--jobs", 2, check=0)
    db = home.connect()
    key, attempt = db.execute("SELECT c.generation, a.id FROM cell c JOIN attempt a ON a.cell = c.id WHERE c.kind = 'cell'").fetchone()
    traces = db.execute("SELECT name, step, value FROM trace WHERE attempt = ? ORDER BY place", (attempt,)).fetchall()
    values = [value for name, _, value in traces if name == "trial robust_accuracy"]
    taken = [value for name, _, value in traces if name == "trial taken"]
    check(len(values) == 3 and taken == [values.index(min(values))], f"the attack that leaves least is taken: {traces}")
    trials = db.execute("SELECT c.params_json, s.value FROM cell c JOIN attempt a ON a.cell = c.id JOIN score s ON s.attempt = a.id "
                        "WHERE c.label LIKE 'trial %' AND s.quantity = 'robust_accuracy' ORDER BY c.label").fetchall()
    check([value for _, value in trials] == values, f"[rule 11] every trial is a record: {trials}")
    check(values[0] > min(values), f"the trials differ: {values}")
    # Trials never saw a test sample: their outcomes are of other samples.
    lists = db.execute("SELECT DISTINCT c.kind, o.sha256 FROM cell c JOIN attempt a ON a.cell = c.id JOIN outcome o ON o.attempt = a.id "
                       "WHERE o.quantity = 'correct'").fetchall()
    check(len({digest for _, digest in lists}) == 2, f"[rule 10] one column of clean outcomes for trials, another for the test: {lists}")
    board = json.loads(home.run("leaderboard", "tuned", "--format", "json", check=0).stdout)
    check(len(board["rows"]) == 1, f"no trial is on a board: {board['rows']}")
    steps = json.loads(trials[int(taken[0])][0])["steps"]
    home.run("run", home.suite("fixed", FIXED.replace("STEPS", str(steps))), check=0)
    check(robust(home, "tuned") == robust(home, "fixed") != [], f"the outcomes are those of steps = {steps}")
    again = json.loads(home.run("reproduce", key, "--fresh", "--format", "json", check=0).stdout)
    check(again["verdict"] == "identical", f"and again: {again['says']}")
    home.remove()
    check.done()


main()
