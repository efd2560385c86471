#!/usr/bin/env python3
"""Budgets of a suite, as a run keeps them: a method that acts on the error ends well, one that does not is rejected, and both
records say what ran out, how often and at what point first.

    test_budgets.py BUILD SOURCE
"""
import json
import shutil

from assay_e2e import BUILD, Checks, Home

SUITE = """
[suite]
name = "limited"
task = "attack"
version = 1
seeds = [0]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
[threat]
norm = "linf"
eps = ["1/20", "1/10"]
rank_eps = "1/10"
[[method]]
use = "budget-best-so-far"
[[method]]
use = "budget-ignored"
[budget]
backward_per_sample = 3
"""


def attempts(home, suite):
    rows = home.connect().execute("SELECT c.method, a.status, a.reason, a.level, a.forward, a.backward, a.counters_json, c.generation "
                                  "FROM cell c JOIN attempt a ON a.cell = c.id JOIN protocol p ON p.hash = a.protocol_hash "
                                  "JOIN plan l ON l.protocol_hash = p.hash JOIN suite s ON s.id = l.suite "
                                  "WHERE c.kind = 'cell' AND s.name = ?", (suite,)).fetchall()
    return {row[0]: row[1:] for row in rows}


def passes(home, check):
    done = home.run("run", home.suite("limited", SUITE), check=1)
    check("budget exhausted" in done.stderr, f"told: {done.stderr}")
    found = attempts(home, "limited")
    status, _, level, _, backward, counters, key = found["budget-best-so-far"]
    budget = json.loads(counters)["budgets"]["backward_per_sample"]
    check((status, level) == ("ok", 0), f"acting on the error ends well: {status} {level}")
    check(backward == 3 * 100 * 2, f"three passes for each of 100 samples at two radii: {backward}")
    check(budget["limit"] == 3 and budget["calls"] == 4, f"two batches at two radii: {budget}")
    check(budget["first"]["at"] == "eps=1/20, batch 0" and budget["first"]["backward"] == 3, f"the point: {budget}")
    shown = home.run("show", key, check=0).stdout
    check("backward_per_sample = 3 ran out in 4 calls, first at eps=1/20, batch 0" in shown, f"show: {shown}")

    status, reason, level, _, backward, counters, key = found["budget-ignored"]
    check(status == "rejected" and level == 2, f"ignoring it is rejected: {status} {level}")
    check("failed with BUDGET: budget exhausted: backward_per_sample = 3 (at eps=1/20, batch 0)" in reason, f"the reason: {reason}")
    budget = json.loads(counters)["budgets"]["backward_per_sample"]
    check(budget["calls"] == 1 and budget["first"]["backward"] == 3 and backward == 3 * 64, f"its counters: {backward} {budget}")


def curve(home, check):
    """A list of budgets: a cell a level, what each call ended by, a curve on the board [rule 43]."""
    text = SUITE.replace('"limited"', '"curve"').replace("backward_per_sample = 3", "backward_per_sample = [1, 2, 4]\nrank_at = 4")
    suite = home.suite("curve", text)
    home.run("run", suite, "--only", "method=budget-best-so-far", check=0)
    rows = home.connect().execute("SELECT c.generation, a.backward, a.counters_json FROM cell c JOIN attempt a ON a.cell = c.id "
                                  "JOIN plan l ON l.protocol_hash = a.protocol_hash JOIN suite s ON s.id = l.suite "
                                  "WHERE c.kind = 'cell' AND s.name = 'curve'").fetchall()
    check(sorted(backward for _, backward, _ in rows) == [200, 400, 800], f"each level spends what it may: {rows}")
    check(all(json.loads(c)["ended"] == {"by_itself": 0, "at_a_budget": 4} for _, _, c in rows), f"how the calls ended: {rows}")
    check("at a budget in 4 of 4 calls" in home.run("show", rows[0][0], check=0).stdout, "show says it")
    board = home.run("leaderboard", suite, check=0).stdout
    check("backward_per_sample" in board, f"the curve: {board}")


def time(home, check):
    """A budget of time makes outcomes depend on the clock, so such cells are not asked for equal bytes."""
    text = SUITE.replace('"limited"', '"timed"').replace("backward_per_sample = 3", "seconds = 0.5")
    suite = home.suite("timed", text)
    check("0 cells run twice" in home.run("run", suite, "--repeat-check", "100%", "--dry-run", check=0).stdout, "no repetition")
    home.run("run", suite, "--only", "method=budget-best-so-far", check=0)
    status, _, _, _, _, counters, key = attempts(home, "timed")["budget-best-so-far"]
    budget = json.loads(counters)["budgets"]["seconds"]
    check(status == "ok" and budget["calls"] == 4, f"the first batch spends it all: {budget}")
    check(0.5 <= budget["first"]["seconds"] < 5 and budget["first"]["backward"] >= 1, f"the point: {budget}")
    again = json.loads(home.run("reproduce", key, "--format", "json").stdout)
    check(not again["exact"] and again["verdict"] in ("equivalent", "different"), f"a clock is no promise of bytes: {again['says']}")


def main():
    check = Checks()
    home = Home()
    folder = home.folder / "plugins"
    folder.mkdir()
    for name in ("budget_best_so_far", "budget_ignored"):
        shutil.copy(BUILD / "tests" / "plugins" / f"{name}.so", folder)
    home.env["ASSAY_PLUGINS"] = str(folder)
    home.fetch()
    passes(home, check)
    curve(home, check)
    time(home, check)
    home.remove()
    check.done()


main()
