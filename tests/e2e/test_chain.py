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
    cells = {generation: (method + (" stop=" + json.loads(params)["stop"] if "stop" in params else ""), json.loads(seeds)["method"])
             for generation, method, params, seeds in
             home.connect().execute("SELECT generation, method, params_json, seeds_json FROM cell WHERE kind = 'cell'")}
    found = {}
    for line in (out / "samples.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["quantity"] == "robust" and row["condition"] == "eps=1/50":
            method, seed = cells[row["generation"]]
            found.setdefault(method, {}).setdefault(seed, {})[row["id"]] = row["value"]
    return found


def stops_early(home, check):
    """A chain that stops when its interval is narrow: the samples that it attacked have the outcome of the whole chain."""
    text = SUITE.replace('name = "worst"', 'name = "worst"\nstop = { half_width = 0.2, looks = 3 }').replace('name = "chained"', 'name = "early"')
    done = home.run("run", home.suite("early", text), "--jobs", 2, check=0)
    check("3 ok, 0 failed, 9 were there already" in done.stderr, f"only the chain is new: {done.stderr}")
    outcome = robust(home)
    for seed, early in outcome["worst stop=1/5"].items():
        whole = outcome["worst"][seed]
        check(len(early) in (25, 50), f"it stopped at a look: {len(early)} samples")
        check(all(early[i] == whole[i] for i in early), f"[rule 8] the same outcome sample by sample, seed {seed}")
    row = home.connect().execute("SELECT x.extra_json, x.n, x.value FROM score x JOIN attempt a ON a.id = x.attempt JOIN cell c ON c.id = a.cell "
                                 "WHERE c.params_json LIKE '%stop%' AND x.quantity = 'robust_accuracy' AND x.condition = 'eps=1/50'").fetchone()
    stopped = json.loads(row[0])["stopped"]
    check(row[1] in (25, 50) and stopped["looks"] == 3 and stopped["lo"] <= row[2] <= stopped["hi"], f"the record says where: {row}")
    passes = dict(home.connect().execute("SELECT c.params_json LIKE '%stop%', sum(a.forward) FROM cell c JOIN attempt a ON a.cell = c.id "
                                         "WHERE c.kind = 'cell' AND c.method = 'worst' GROUP BY 1"))
    check(passes[1] < 0.7 * passes[0], f"it spent less: {passes}")
    board = home.run("leaderboard", "early", check=0).stdout
    check("worst" in board, f"the board shows it: {board}")


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
    stops_early(home, check)
    home.remove()
    check.done()


main()
