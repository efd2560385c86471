#!/usr/bin/env python3
"""[rule 7] Cells run again: `assay run --repeat-check` flags the method that differs, `assay reproduce` says identical,
equivalent or different, and neither changes what is recorded of the others.

    test_reproduce.py BUILD SOURCE
"""
import json
import shutil

from assay_e2e import BUILD, Checks, Home, snapshot

SUITE = """
[suite]
name = "again"
task = "attack"
version = 1
seeds = [0, 1, 2]
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
[[method]]
use = "odd-clock"
"""
COMPRESS = """
[suite]
name = "smaller"
task = "compress"
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
[target]
kind = "ratio"
values = ["4"]
[[method]]
use = "magnitude-global"
"""


def key_of(home, method, seed=0):
    return home.connect().execute("SELECT generation FROM cell WHERE kind = 'cell' AND method = ? AND seeds_json LIKE ?",
                                  (method, f'%"method":{seed},%')).fetchone()[0]


def state(home):
    """All that a comparison must leave alone, and the cache."""
    cache = sorted(str(path.relative_to(home.folder)) for path in (home.folder / "cache").rglob("*"))
    return snapshot(home), home.database.read_bytes(), cache, sorted(path.name for path in (home.folder / "work").iterdir())


def refused(home, suite, check):
    for share in ("5", "0%", "101%", "x%", "%"):
        done = home.run("run", suite, "--repeat-check", share)
        check(done.returncode == 2 and "expected a share of the cells such as 5%" in done.stderr, f"--repeat-check {share}: {done.stderr}")


def some_cells(home, suite, check):
    """A share chosen by the cells' identities: the same ones each time, and a larger share holds a smaller one."""
    dry = home.run("run", suite, "--repeat-check", "1%", "--dry-run", check=0).stdout
    check("1 cells run twice" in dry, f"at least one cell: {dry}")
    half = home.run("run", suite, "--repeat-check", "50%", "--dry-run", check=0).stdout
    check(half == home.run("run", suite, "--repeat-check", "50%", "--dry-run", check=0).stdout, "the same choice again")
    done = home.run("run", suite, "--repeat-check", "50%", "--only", "method=fgsm", "--jobs", 2, check=0)
    check("3 cells: 3 ok, 0 failed, 0 were there already" in done.stderr, f"second runs are no cells: {done.stderr}")
    first = {row[0] for row in home.connect().execute("SELECT generation FROM repeats")}
    check(1 <= len(first) <= 3, f"repeated: {first}")
    again = home.run("run", suite, "--repeat-check", "50%", "--only", "method=fgsm", check=0)
    check("ran twice" not in again.stderr and "3 were there already" in again.stderr, f"checked once is enough: {again.stderr}")
    home.run("run", suite, "--repeat-check", "100%", "--only", "method=fgsm", check=0)
    more = [row[0] for row in home.connect().execute("SELECT generation FROM repeats")]
    check(len(more) == 3 and first <= set(more), f"a larger share holds a smaller one, cells that are done are checked too: {more}")


def flagged(home, suite, check):
    done = home.run("run", suite, "--repeat-check", "100%", "--jobs", 2)
    check(done.returncode == 1, f"a cell that differs gives exit 1: {done.returncode}")
    check("6 cells ran twice: 3 gave the same bytes, 3 did not (rule 7)" in done.stderr, f"told: {done.stderr}")
    check("gave other outcomes when run again" in done.stderr and "odd-clock on mlp, seed 0: SUSPECT" in done.stderr, f"told: {done.stderr}")
    db = home.connect()
    levels = dict(db.execute("SELECT c.method, group_concat(DISTINCT a.level) FROM cell c JOIN attempt a ON a.cell = c.id "
                             "WHERE c.kind = 'cell' GROUP BY c.method").fetchall())
    check(levels == {"noise": "0", "fgsm": "0", "odd-clock": "1"}, f"[rule 7] levels: {levels}")
    rules = db.execute("SELECT DISTINCT v.rule FROM verdict v JOIN attempt a ON a.id = v.attempt JOIN cell c ON c.id = a.cell "
                       "WHERE c.method = 'odd-clock'").fetchall()
    check(rules == [(7,)], f"[rule 7] cited: {rules}")
    verdicts = dict(db.execute("SELECT method, group_concat(DISTINCT verdict) FROM repeats GROUP BY method").fetchall())
    check(verdicts == {"noise": "identical", "fgsm": "identical", "odd-clock": "different"}, f"recorded: {verdicts}")
    check(db.execute("SELECT count(*) FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.kind = 'cell'").fetchone()[0] == 9,
          "a second run is no attempt")
    shown = json.loads(home.run("show", key_of(home, "odd-clock"), "--format", "json", check=0).stdout)
    repeat, = shown["attempts"][0]["repeats"]
    check(repeat["verdict"] == "different" and repeat["deviations"], f"show has it: {repeat}")
    check("rule 7" in home.run("show", key_of(home, "odd-clock"), check=0).stdout, "show cites the rule")
    board = json.loads(home.run("leaderboard", "again", "--format", "json", check=0).stdout)
    row, = [row for row in board["rows"] if row["method"] == "odd-clock"]
    check(row["level"] == "SUSPECT", f"the board says so: {row}")
    known = {key for key, in home.connect().execute("SELECT generation FROM cell")}
    left = {path.parent.name for path in (home.folder / "cache" / "cell").glob("*/manifest.json")}
    check(left <= known, f"second runs leave nothing in the cache: {left - known}")


def reproduced(home, check):
    before = state(home)
    key = key_of(home, "fgsm", 1)
    text = home.run("reproduce", key[:10], check=0).stdout
    check(text.startswith("identical: ") and "every byte" in text, f"reproduce: {text}")
    same = json.loads(home.run("reproduce", key, "--format", "json", check=0).stdout)
    check(same["verdict"] == "identical" and same["same_class"] and same["cell"] == same["key_now"] == key, f"json: {same}")
    check(same["columns"] >= 4 and same["units"] == 100 and same["scores"] >= 4 and not same["deviations"], f"json: {same}")
    check(same["remade"] == [], "artifacts come from the cache")
    other = home.run("reproduce", key_of(home, "odd-clock"), "--format", "json", check=1)
    report = json.loads(other.stdout)
    places = {(one["quantity"], one["condition"]) for one in report["deviations"]}
    check(report["verdict"] == "different" and ("distance", "eps=1/10") in places, f"different: {places}")
    check("different: " in home.run("reproduce", key_of(home, "odd-clock"), check=1).stdout, "and as text")
    check(state(home) == before, "reproduce changes nothing recorded")
    train = home.connect().execute("SELECT generation FROM cell WHERE kind = 'train'").fetchone()[0]
    check("is a train node; expected a cell" in home.run("reproduce", train, check=2).stderr, "only cells")
    check("has no attempt 9" in home.run("reproduce", key, "--attempt", 9, check=2).stderr, "an unknown attempt")
    check(home.run("reproduce", "ffffffffff").returncode == 2, "an unknown cell")


def made_again(home, check):
    key = key_of(home, "fgsm")
    fresh = json.loads(home.run("reproduce", key, "--fresh", "--format", "json", check=0).stdout)
    labels = {one["label"]: one["bytes"] for one in fresh["remade"]}
    check(fresh["verdict"] == "identical" and labels.get("train mlp seed 0") == "same bytes" and set(labels.values()) == {"same bytes"},
          f"--fresh makes everything again: {fresh['remade']}")
    home.run("cache", "gc", "--older-than", 0, check=0)
    gone = json.loads(home.run("reproduce", key, "--format", "json", check=0).stdout)
    check(gone["verdict"] == "identical" and len(gone["remade"]) >= 3, f"what the cache lost is made again: {gone['remade']}")
    check(not list((home.folder / "cache").glob("train/*/manifest.json")), "but not into the cache")


def another_class(home, check):
    """The same machine, held to older instructions: another numerics class, so other keys and other roundings."""
    key = key_of(home, "fgsm")
    native = home.connect().execute("SELECT numerics FROM cell WHERE generation = ?", (key,)).fetchone()[0]
    if "avx512" not in native:
        return print(f"no other class to try below {native}")
    home.env["DNNL_MAX_CPU_ISA"] = "AVX2"
    report = json.loads(home.run("reproduce", key, "--format", "json", check=0).stdout)
    del home.env["DNNL_MAX_CPU_ISA"]
    check(report["verdict"] == "equivalent" and not report["same_class"] and report["key_now"] != key, f"another class: {report['says']}")
    check("/avx2/" in report["numerics"]["now"] and report["numerics"]["before"] == native, f"classes: {report['numerics']}")
    check(all(one["p"] >= 0.01 and one["explained"] for one in report["deviations"] if "p" in one), f"flips are tested: {report['deviations']}")


def changed(home, suite, check):
    key = key_of(home, "fgsm")
    text = suite.read_text()
    suite.write_text(text.replace("limit = 100", "limit = 90"))
    told = home.run("reproduce", key, check=2).stderr
    check("its data changed; only what is the same can be reproduced" in told, f"another list: {told}")
    suite.write_text(text.replace('use = "fgsm"', 'use = "pgd"'))
    check("has no such cell any more" in home.run("reproduce", key, check=2).stderr, "another method")
    suite.unlink()
    check("--suite names one" in home.run("reproduce", key, check=2).stderr, "no suite file")
    elsewhere = home.suite("elsewhere", text)
    home.run("reproduce", key, "--suite", elsewhere, check=0)


def models(home, check):
    """A cell whose outcome is a model: its bytes are compared too, and a second run leaves none in the cache."""
    suite = home.suite("smaller", COMPRESS)
    home.run("run", suite, "--repeat-check", "100%", check=0)
    kept = list((home.folder / "cache" / "cell").glob("*/manifest.json"))
    check(len(kept) == 1, f"one model in the cache: {kept}")
    home.run("reproduce", key_of(home, "magnitude-global"), check=0)


def main():
    check = Checks()
    home = Home()
    folder = home.folder / "plugins"
    folder.mkdir()
    shutil.copy(BUILD / "tests" / "plugins" / "odd_clock.so", folder)
    home.env["ASSAY_PLUGINS"] = str(folder)
    home.fetch()
    suite = home.suite("again", SUITE)
    refused(home, suite, check)
    some_cells(home, suite, check)
    flagged(home, suite, check)
    reproduced(home, check)
    made_again(home, check)
    another_class(home, check)
    changed(home, suite, check)
    models(home, check)
    home.remove()
    check.done()


main()
