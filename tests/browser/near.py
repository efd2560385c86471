#!/usr/bin/env python3
"""The shipped suite with a near and a far list, from its run to a reader's question on its site: which detector should I use for
near-OOD if I have 1 ms an input? The answer that the pages give by clicks must be the database's. On the full sets where they are
fetched (ASSAY_DATA names another folder), else the same suite on the samples of tests/data, with lists as long as these allow.

    near.py BUILD SOURCE
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(sys.argv[2]) / "tests" / "e2e"))
from assay_e2e import BUILD, SOURCE, Checks, Home  # noqa: E402

SUITE = SOURCE / "suites" / "detect" / "near-fashion.toml"
BUDGET = 1.0
# What the samples have: 30 images a class of Fashion-MNIST, 20 of MNIST, 1,000 to train on.
SHRUNK = [('"fashion-mnist"', '"mini-fashion"'), ('"mnist"', '"mini-mnist"'), ("far:mnist", "far:mini-mnist"), ('"ankle-boot"', '"boot"'),
          ("limit = 10000", "limit = 300"), ("limit = 1800", "limit = 180"), ("limit = 1200", "limit = 120"), ("limit = 2000", "limit = 200")]


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def data_folder():
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.environ.get("HOME", "/"), ".local", "share")
    folder = os.environ.get("ASSAY_DATA") or os.path.join(os.environ.get("ASSAY_HOME") or os.path.join(base, "assay"), "data")
    return folder if all(os.path.isdir(os.path.join(folder, name)) for name in ("fashion-mnist", "mnist")) else None


def suite_of(home):
    folder = data_folder()
    if folder:
        home.env["ASSAY_DATA"] = folder
        return SUITE, "far:mnist"
    text = SUITE.read_text()
    for before, after in SHRUNK:
        if before not in text:
            raise SystemExit(f"{SUITE} has no {before}: this test no longer knows it")
        text = text.replace(before, after)
    home.fetch()
    return home.suite("near-fashion", text), "far:mini-mnist"


def answer(home, far):
    """From the board's own numbers: ranked rows within the budget, and the best of them on the near list; the same for a budget that
    only the cheaper ones keep to."""
    board = json.loads(home.run("leaderboard", "near-fashion", "--format", "json", check=0).stdout)
    near = "near:other-classes"
    quality, cost = {}, {}
    for row in board["rows"]:
        values = {value["condition"]: value for value in row["values"] if value["quantity"] == "auroc"}
        samples, = home.connect().execute(
            "SELECT sum(n) FROM (SELECT DISTINCT o.condition, o.n FROM outcome o JOIN attempt a ON a.id = o.attempt "
            "JOIN cell c ON c.id = a.cell WHERE c.method = ? AND o.quantity = 'score')", (row["method"],)).fetchone()
        if row["rank"]:
            quality[row["method"]] = values[near]["mean"]
            cost[row["method"]] = 1000 * row["cost"]["cpu_seconds"] / samples
    def of(budget):
        within = sorted(name for name in cost if cost[name] <= budget)
        return {"budget": budget, "within": within, "best": max(within, key=quality.get)}
    tight = (min(cost.values()) + max(cost.values())) / 2
    return {"suite": "near-fashion", "near": near, "far": far, "budgets": [of(tight), of(BUDGET)]}


def main():
    if not shutil.which("node") or not (BUILD / "site-build" / "node_modules").is_dir() or not (BUILD / "site" / "site.js").exists():
        skip("the front end is not built: cmake --build BUILD --target assay-site-bundle")
    if not os.environ.get("ASSAY_CHROMIUM") and not shutil.which("chromium"):
        skip("no chromium: apt-get install chromium")
    check = Checks()
    home = Home()
    suite, far = suite_of(home)
    home.run("run", suite, check=0, timeout=1500)
    print(home.run("leaderboard", "near-fashion", check=0).stdout, home.run("claims", suite).stdout, flush=True)
    site, shots = home.folder / "site", BUILD / "site-near" / "shots"
    home.run("site", site, check=0)
    expected = answer(home, far)
    seen = subprocess.run(["node", "browser/near.mjs", str(site), str(shots), json.dumps(expected)], cwd=BUILD / "site-build",
                          capture_output=True, text=True, timeout=300)
    print(seen.stdout, seen.stderr, flush=True)
    check(seen.returncode == 0, "the question is answered by clicks")
    check(len(re.findall("^ok ", seen.stdout, re.M)) >= 8, "and every step was checked")
    home.remove()
    check.done()


main()
