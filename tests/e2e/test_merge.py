#!/usr/bin/env python3
"""Two machines run a half of a suite each; their databases are merged, both ways, into the board of one machine.

    test_merge.py BUILD SOURCE
"""
import csv
import io
import shutil
import sqlite3
import subprocess

from assay_e2e import Checks, Home

SUITE = """
[suite]
name = "halves"
task = "attack"
version = 1
seeds = [0, 1]
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
[threat]
norm = "linf"
eps = ["0", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
[[method]]
use = "fgsm"
[[claim]]
id = "gradients-beat-noise"
says = "FGSM leaves less robust accuracy than noise of the same size"
expect = "mean(robust_accuracy, method='fgsm') < mean(robust_accuracy, method='noise')"
test = "paired-bootstrap"
"""


def machine(*only):
    home = Home()
    home.fetch()
    home.run("run", home.suite("halves", SUITE), *only, check=0)
    return home


def board(home, database):
    """All of the leaderboard but what was timed."""
    rows = csv.DictReader(io.StringIO(home.run("leaderboard", "halves", "--format", "csv", "--db", database, check=0).stdout))
    return [{key: value for key, value in row.items() if key not in ("cpu_seconds", "wall_seconds", "peak_rss_bytes")} for row in rows]


def change(database, sql):
    db = sqlite3.connect(database)
    db.executescript(sql)
    db.close()


def copy(home, name):
    return shutil.copy(home.database, home.folder / name)


def both_ways(one, two, whole, check):
    a, b, new = copy(one, "a.db"), copy(two, "b.db"), one.folder / "new.db"
    dry = one.run("db", "merge", two.database, "--db", new, "--dry-run", check=0).stdout
    check("attempts would be added" in dry and not new.exists(), f"a dry run makes no file: {dry}")
    said = one.run("db", "merge", two.database, "--db", a, check=0).stdout
    check(said.startswith(f"{two.database}: ") and " attempts added; " in said, f"merge says: {said}")
    one.run("db", "merge", one.database, "--db", b, check=0)
    one.run("db", "merge", one.database, two.database, "--db", new, check=0)
    expected = board(whole, whole.database)
    check(len(expected) == 10 and all(row["done"] == "2" for row in expected), f"the board of one machine: {expected}")
    for name in (a, b, new):
        check(board(one, name) == expected, f"{name}: the board is not that of one machine")
        check("whole (schema" in one.run("db", "check", "--db", name, check=0).stdout, f"{name} is not whole")
        check(one.run("claims", "halves", "--db", name, check=0).stdout == whole.run("claims", "halves", check=0).stdout, f"{name}: claims")
    again = one.run("db", "merge", two.database, "--db", a, check=0).stdout
    check(": 0 attempts added; " in again, f"a second merge: {again}")
    # What was merged counts: nothing is left to run.
    shutil.copy(a, one.database)
    done = one.run("run", one.folder / "halves.toml", check=0).stderr
    check("4 were there already" in done, f"a run on the merged database: {done}")


def refused(one, two, check):
    wrong, into = copy(two, "wrong.db"), copy(one, "into.db")
    change(wrong, "UPDATE score SET value = value / 2 WHERE quantity = 'robust_accuracy'")
    one.run("db", "merge", two.database, "--db", into, check=0)
    before = board(one, into)
    done = one.run("db", "merge", wrong, "--db", into)
    check(done.returncode == 2 and "results disagree under the same identity (rule 7)" in done.stderr, f"a conflict: {done.returncode} {done.stderr}")
    check(f"score robust_accuracy @ eps=1/10: {into} has" in done.stderr and f", {wrong} has" in done.stderr, f"a conflict names both: {done.stderr}")
    check(board(one, into) == before, "a refused merge changes nothing")
    old = copy(two, "old.db")
    change(old, "PRAGMA user_version = 2")
    for words in ((old, "--db", into), (into, "--db", old), (into, "--db", old, "--dry-run")):
        done = one.run("db", "merge", *words)
        check(done.returncode == 2 and f"run 'assay db migrate --db {old}' first" in done.stderr, f"an older schema: {done.stderr}")
    check(one.run("db", "merge", "--db", into).returncode == 2, "a merge of nothing")


def as_a_folder(whole, check):
    """A suite's results as a folder, read back where nothing was ever run."""
    folder = whole.folder / "halves"
    whole.run("db", "share", "halves", folder, "--as", "reference", check=0)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    nets = [name for name in names if name.endswith("model.safetensors")]
    check(names[0] == "README.md" and "SHA256SUMS" in names and "results.db" in names and len(nets) == 2, f"the folder holds {names}")
    sums = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    check(sums.returncode == 0, f"sha256sum: {sums.stdout} {sums.stderr}")
    check("gradients-beat-noise" in (folder / "README.md").read_text(), "its README shows the claims")
    again = whole.run("db", "share", "halves", folder, "--as", "reference")
    check(again.returncode == 2 and "is there already and not empty" in again.stderr, f"a folder that is there: {again.stderr}")
    at = whole.run("db", "share", "halves", whole.folder / "at", "--as", "reference", "--condition", "eps=1/10")
    check(at.returncode == 2 and "--condition goes with --as robustbench" in at.stderr, f"a condition that would mean nothing: {at.stderr}")

    other = Home()
    other.fetch()
    suite = other.suite("halves", SUITE)
    dry = other.run("db", "merge", folder, "--dry-run", check=0).stdout
    check("would be added" in dry and not other.database.exists() and not (other.folder / "cache").exists(), f"a dry run: {dry}")
    said = other.run("db", "merge", folder, check=0).stdout
    check(f"{folder}: 2 trained nets added to the cache" in said, f"merge says: {said}")
    check(board(other, other.database) == board(whole, whole.database), "the board of the folder")
    check(other.run("claims", "halves", check=0).stdout == whole.run("claims", "halves", check=0).stdout, "the claims of the folder")
    done = other.run("run", suite, check=0).stderr
    check("4 were there already" in done, f"a run on what was read back: {done}")
    more = other.suite("more", SUITE.replace('name = "halves"', 'name = "more"').replace('fgsm', 'pgd'))
    plan = other.run("plan", more, check=0).stdout
    trained = [line for line in plan.splitlines() if " train " in f" {line} "]
    check(len(trained) == 2 and all(" cached " in line for line in trained), f"nets that were read back are found: {trained}")

    (folder / nets[0]).write_bytes(b"forged")
    forged = other.run("db", "merge", folder)
    check(forged.returncode == 2 and "has another digest than SHA256SUMS says" in forged.stderr, f"a forged net: {forged.stderr}")
    other.remove()


def main():
    check = Checks()
    one, two, whole = machine("--only", "seed=0"), machine("--only", "seed=1"), machine()
    refused(one, two, check)
    both_ways(one, two, whole, check)
    as_a_folder(whole, check)
    for home in (one, two, whole):
        home.remove()
    check.done()


main()
