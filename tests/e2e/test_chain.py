#!/usr/bin/env python3
"""A chain of attacks from plan to leaderboard: the worst case of its links, sample by sample; cached, resumed, counted.

    test_chain.py BUILD SOURCE
"""
import json

from assay_e2e import Checks, Home

SUITE = """
[suite]
name = "chained"
task = "attack"
version = 1
seeds = [0, 1, 2]
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 2, batch = 50 }
[threat]
norm = "linf"
eps = ["0", "1/50"]
rank_eps = "1/50"
[[method]]
use = "noise"
[[method]]
use = "fgsm"
[[method]]
use = "pgd"
params = { steps = 5 }
[[method]]
name = "worst"
chain = [{ use = "pgd", params = { steps = 5 } }, "fgsm", { use = "square", params = { queries = 40 } }]
"""


def robust(home):
    """method -> seed -> sample -> robust at 1/50, from the exported samples."""
    out = home.folder / "dump"
    home.run("db", "export", out, "--format", "jsonl", "--samples", check=0)
    cells = {generation: (method, json.loads(seeds)["method"]) for generation, method, seeds in
             home.connect().execute("SELECT generation, method, seeds_json FROM cell WHERE kind = 'cell'")}
    found = {}
    for line in (out / "samples.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["quantity"] == "robust" and row["condition"] == "eps=1/50":
            method, seed = cells[row["generation"]]
            found.setdefault(method, {}).setdefault(seed, {})[row["id"]] = row["value"]
    return found


def main():
    check = Checks()
    home = Home()
    home.fetch()
    suite = home.suite("chained", SUITE)
    plan = json.loads(home.run("plan", suite, "--format", "json", check=0).stdout)
    check(sum(row["kind"] == "cell" for row in plan) == 12, f"three methods and a chain, three seeds: {plan}")
    done = home.run("run", suite, "--jobs", 2, check=0)
    check("12 ok, 0 failed" in done.stderr and "worst" in done.stdout, f"all cells: {done.stdout}{done.stderr}")
    outcome = robust(home)
    for seed, worst in outcome["worst"].items():
        one, two = outcome["pgd"][seed], outcome["fgsm"][seed]
        check(len(worst) == 100, "every sample has an outcome")
        check(all(worst[i] <= min(one[i], two[i]) for i in worst), f"[rule 14] the worst case of the links, seed {seed}")
        check(sum(worst.values()) < sum(one.values()), f"later links add to the first, seed {seed}")
    spent = dict(home.connect().execute("SELECT c.method, sum(a.forward) FROM cell c JOIN attempt a ON a.cell = c.id "
                                        "WHERE c.kind = 'cell' GROUP BY c.method"))
    check(spent["worst"] > spent["fgsm"] > 0, f"the chain's passes are those of all its links: {spent}")
    again = home.run("run", suite, check=0)
    check("0 ok, 0 failed, 12 were there already" in again.stderr, f"nothing is run twice: {again.stderr}")
    board = json.loads(home.run("leaderboard", "chained", "--format", "json", check=0).stdout)
    check("worst" in [row["method"] for row in board["rows"][:2]], f"the chain leads, alone or with an equal: {[row['method'] for row in board['rows']]}")
    longer = home.suite("longer", SUITE.replace('{ queries = 40 }', '{ queries = 41 }'))
    more = home.run("run", longer, check=0)
    check("3 ok, 0 failed, 9 were there already" in more.stderr, f"another last link runs alone: {more.stderr}")
    home.remove()
    check.done()


main()
