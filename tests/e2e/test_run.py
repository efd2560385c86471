#!/usr/bin/env python3
"""A tiny attack suite on real images from plan to leaderboard: what runs, what is kept, what is shown.

    test_run.py BUILD SOURCE
"""
import csv
import io
import json
import shutil
import signal
import time
import xml.etree.ElementTree

from assay_e2e import BUILD, Checks, Home

SUITE = """
[suite]
name = "tiny"
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
[[claim]]
id = "gradients-beat-noise"
says = "FGSM leaves less robust accuracy than noise of the same size"
expect = "mean(robust_accuracy, method='fgsm') < mean(robust_accuracy, method='noise')"
test = "paired-bootstrap"
"""
# Long enough to be interrupted: hundreds of epochs.
LONG = SUITE.replace('name = "tiny"', 'name = "long"').replace("epochs = 1,", "epochs = 400,")
# One method cannot keep its limit.
FAILING = SUITE.replace('name = "tiny"', 'name = "failing"') + """
[[method]]
use = "pgd"
params = { steps = 10000 }
[limits]
seconds_per_cell = 1
"""


def first_run(home, suite, check):
    plan = json.loads(home.run("plan", suite, "--format", "json", check=0).stdout)
    cells = [row for row in plan if row["kind"] == "cell"]
    check(len(cells) == 6 and all(row["state"] == "to do" for row in cells), f"plan before: {plan}")
    dry = home.run("run", suite, "--dry-run", check=0)
    (home.folder / "empty.db").touch()
    empty = home.run("run", suite, "--dry-run", "--db", home.folder / "empty.db", check=0)
    check("6 to run" in empty.stdout, f"an empty file is a database without rows: {empty.stdout}")
    check("6 to run" in dry.stdout and not home.database.exists(), f"--dry-run says and does nothing: {dry.stdout}")
    part = home.run("run", suite, "--only", "method=fgsm", "--only", "seed=1", check=0)
    check("1 ok" in part.stderr, f"--only runs one cell: {part.stderr}")
    check(home.run("run", suite, "--only", "method=fgsn").returncode == 2, "--only with an unknown value")
    check(home.run("run", suite, "--only", "fgsm").returncode == 2, "--only without a value")
    report = home.folder / "report" / "junit.xml"
    done = home.run("run", suite, "--jobs", 2, "--junit", report, check=0)
    whole = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    check((whole.get("tests"), whole.get("failures"), whole.get("errors"), whole.get("skipped")) == ("7", "0", "0", "0"),
          f"JUnit: six cells and a claim: {report.read_text()}")
    check("5 ok, 0 failed, 1 were there already" in done.stderr, f"the rest runs: {done.stderr}")
    check("fgsm" in done.stdout and "robust_accuracy" in done.stdout, f"the leaderboard is shown: {done.stdout}")
    check("reproduced      gradients-beat-noise: effect -" in done.stdout, f"claims stand beneath the board: {done.stdout}")
    check("\r" not in done.stderr, "plain lines without a terminal")


def second_run(home, suite, check):
    before = home.database.read_bytes()
    again = home.run("run", suite, check=0)
    check("0 ok, 0 failed, 6 were there already" in again.stderr, f"a second run does nothing: {again.stderr}")
    plan = json.loads(home.run("plan", suite, "--format", "json", check=0).stdout)
    check({row["state"] for row in plan} == {"done"}, f"plan after: {plan}")
    count = home.connect().execute("SELECT count(*) FROM attempt").fetchone()[0]
    check(len(before) > 0 and count == home.connect().execute("SELECT count(DISTINCT cell) FROM attempt").fetchone()[0], "one attempt a cell")


def claims(home, suite, check):
    verdict, = json.loads(home.run("claims", suite, "--format", "json", check=0).stdout)
    check(verdict["verdict"] == "reproduced" and verdict["effect"] < 0 and verdict["interval"]["hi"] < 0, f"verdict: {verdict}")
    check(verdict["seeds"] == 3 and verdict["samples"] == 100 and verdict["interval"]["over"] == "samples and seeds", f"n: {verdict}")
    check(json.loads(home.run("claims", "tiny", "--format", "json", check=0).stdout) == [verdict], "claims by name, from the database")
    check("| reproduced |" in home.run("claims", suite, "--format", "markdown", check=0).stdout, "claims as markdown")
    wrong = home.suite("wrong", SUITE.replace("'fgsm') < mean", "'fgsm') > mean"))  # a claim is no part of the protocol
    done = home.run("claims", wrong, check=1)
    check("not reproduced  gradients-beat-noise" in done.stdout, f"a gated claim that fails: {done.stdout}")
    home.run("claims", home.suite("reported", wrong.read_text() + "gate = false\n"), check=0)
    void = home.suite("void", SUITE.replace("method='noise')", "method='noise', condition='eps=1/5')"))
    check("was not measured at condition='eps=1/5'" in home.run("claims", void, check=0).stdout, "void says why")
    home.run("claims", void, "--strict", check=1)
    every = home.run("claims", check=0).stdout
    check("quickstart-attacks" in every and "was not run into this database" in every and "\ntiny\n" in every, f"claims of all suites: {every}")
    bad = home.suite("bad", SUITE.replace("'fgsm') <", "'fgsm' <"))
    for command in ("plan", "run", "claims"):
        refused = home.run(command, bad, check=2)
        check("bad.toml:25:10: claim 'gradients-beat-noise', expect, column 37: expected ',' or ')', found '<'" in refused.stderr,
              f"{command} refuses a malformed claim: {refused.stderr}")


def compared(home, check):
    text = home.run("compare", "tiny", "fgsm", "noise", check=0).stdout
    check("fgsm is better than noise" in text and "permutation" in text and "mean of 3 seeds on one sample" in text, f"compare: {text}")
    report = json.loads(home.run("compare", "tiny", "fgsm", "noise", "--over", "seeds", "--format", "json", check=0).stdout)
    check(report["unit"] == "seeds" and report["rows"] == 3, f"compare --over seeds: {report}")
    check("\\toprule" in home.run("compare", "tiny", "fgsm", "noise", "--format", "latex", check=0).stdout, "compare as LaTeX")
    check("did you mean 'fgsm'?" in home.run("compare", "tiny", "fgms", "noise", check=2).stderr, "compare with an unknown method")
    table = home.folder / "wide.csv"
    table.write_text("set,ours,theirs\n" + "".join(f"d{i},{0.8 + i / 100},{0.7 + i / 90}\n" for i in range(8)))
    wide = home.run("compare", "--table", table, "--quantity", "AUROC", check=0).stdout
    check("8 data sets" in wide and "Wilcoxon" in wide and "ours is better than theirs" in wide, f"compare --table: {wide}")
    check("found both" in home.run("compare", "tiny", "--table", table, check=2).stderr, "a suite and a table")


def leaderboards(home, check):
    board = json.loads(home.run("leaderboard", "tiny", "--format", "json", check=0).stdout)
    check([row["method"] for row in board["rows"]] == ["fgsm", "noise"], "attack first, baseline last")
    check("| fgsm" in home.run("leaderboard", "tiny", "--format", "markdown", check=0).stdout, "markdown")
    table = list(csv.DictReader(io.StringIO(home.run("leaderboard", "tiny", "--format", "csv", check=0).stdout)))
    view = {(method, quantity, condition): mean for method, quantity, condition, mean in
            home.connect().execute("SELECT method, quantity, condition, mean FROM leaderboard")}
    shown = 0
    for row in table:
        where = (row["method"], row.get("quantity"), row.get("condition"))
        if where in view and row.get("mean"):
            shown += 1
            check(abs(view[where] - float(row["mean"])) < 1e-12, f"csv and the SQL view differ at {where}")
    check(shown >= 8, f"numbers of the csv found in the view: {shown}")
    by = json.loads(home.run("leaderboard", "tiny", "--by", "attack_success_rate", "--format", "json", check=0).stdout)
    check(by["rows"][0]["method"] == "fgsm", "--by")
    check(home.run("leaderboard", "tiny", "--by", "robust_acuracy").returncode == 2, "--by with an unknown metric")
    check(home.run("leaderboard", "tinny").returncode == 2, "unknown suite")


def rescored(home, check):
    done = home.run("rescore", "tiny", "--format", "json", check=0)
    rows = {(row["method"], row["metric"], row["condition"]): row for row in json.loads(done.stdout)}
    check(rows["fgsm", "robust_accuracy", "eps=1/10"]["gap"] == 0 and rows["fgsm", "robust_accuracy", "eps=1/10"]["cells"] == 3, f"rescore: {rows}")
    check(rows["fgsm", "mean_distance", "eps=1/10"]["now"] > 0, "a metric of columns that are there")
    check(" 0 different" in done.stderr, f"rescore: {done.stderr}")
    check("cannot be computed from per-sample outcomes" in home.run("rescore", "tiny", "--metric", "latency", check=2).stderr, "no such columns")
    check("did you mean 'auroc'?" in home.run("rescore", "tiny", "--metric", "aurok", check=2).stderr, "an unknown metric")
    check("that give 'auroc'" in home.run("rescore", "tiny", "--metric", "auroc", check=2).stderr, "a metric of another task")


def records(home, check):
    key = home.connect().execute("SELECT generation FROM cell WHERE method = 'fgsm' AND kind = 'cell'").fetchone()[0]
    shown = json.loads(home.run("show", key[:10], "--format", "json", check=0).stdout)
    check(shown["key"] == key and shown["attempts"][0]["status"] == "ok", "show as json")
    for name in ("protocol", "judgement", "numerics", "data_hash", "model_hash", "machine", "build"):
        check(shown["attempts"][0][name], f"[rule 1] the record names its {name}")
    text = home.run("show", key[:10], check=0).stdout
    check("robust_accuracy" in text and "VALID" in text, f"show: {text}")
    log = home.run("log", key[:10], check=0).stdout
    check("--- run: ok" in log and "--- judge: ok" in log, f"log: {log}")
    check(home.run("show", "ffffffffff").returncode == 2, "show of an unknown cell")


def whole_files(home, suite, check):
    """assay db and assay cache; last, as it takes results away."""
    check("whole (schema" in home.run("db", "check", check=0).stdout, "a database that is whole")
    out = home.folder / "dumped"
    home.run("db", "export", out, "--format", "jsonl", "--samples", check=0)
    mean = {}
    for line in (out / "samples.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["quantity"] == "robust" and row["condition"] == "eps=1/10":
            mean.setdefault(row["generation"], []).append(row["value"])
    scores = {row["generation"]: row["value"] for row in map(json.loads, (out / "scores.jsonl").read_text().splitlines())
              if row["quantity"] == "robust_accuracy" and row["condition"] == "eps=1/10"}
    check(len(scores) >= 6 and all(abs(sum(mean[key]) / len(mean[key]) - value) < 1e-12 for key, value in scores.items()),
          "scores are the means of the exported samples")
    home.run("db", "export", out, check=0)
    rows = list(csv.DictReader(io.StringIO((out / "attempts.csv").read_text())))
    check(len(rows) == home.connect().execute("SELECT count(*) FROM attempt").fetchone()[0], "one row an attempt")

    cached = json.loads(home.run("cache", "list", "--format", "json", check=0).stdout)
    check({"train", "prepare"} <= {one["kind"] for one in cached}, f"cache list: {cached}")
    home.run("cache", "verify", check=0)
    model, = list((home.folder / "cache" / "train").glob("*/model.safetensors"))[:1]
    model.chmod(0o644)
    whole = model.read_bytes()
    model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    damaged = home.run("cache", "verify", check=2)
    check("another digest" in damaged.stdout and "1 damaged" in damaged.stderr, f"cache verify: {damaged.stdout}{damaged.stderr}")
    model.write_bytes(whole)
    (home.folder / "cache" / "train" / ".tmp-x").mkdir()
    check("removed" in home.run("cache", "gc", check=0).stdout, "cache gc takes what a killed run left")
    dry = home.run("cache", "gc", "--older-than", 0, "--dry-run", check=0)
    check(f"of {len(cached)}" in dry.stderr and model.exists(), f"cache gc --dry-run: {dry.stderr}")
    home.run("cache", "gc", "--older-than", 0, check=0)
    check(json.loads(home.run("cache", "list", "--format", "json", check=0).stdout) == [], "an empty cache")
    check("6 were there already" in home.run("run", suite, check=0).stderr, "results outlive the cache")

    key = home.connect().execute("SELECT generation FROM cell WHERE method = 'fgsm' AND kind = 'cell'").fetchone()[0]
    home.run("db", "retract", key[:10], "--reason", "wrong list", check=0)
    board = json.loads(home.run("leaderboard", "tiny", "--format", "json", check=0).stdout)
    fgsm, = [row for row in board["rows"] if row["method"] == "fgsm"]
    check(fgsm["coverage"]["done"] == 2, f"a retracted result is on no board: {fgsm}")
    check("wrong list" in home.run("show", key[:10], check=0).stdout, "show says why")
    check("no attempt 9" in home.run("db", "retract", key[:10], "--reason", "x", "--attempt", 9, check=2).stderr, "an unknown attempt")


def columns(home, where):
    """(seed's cell, quantity, condition) -> digest of the per-sample column, for ok attempts of the suite."""
    rows = home.connect().execute("SELECT c.id, o.quantity, o.condition, o.sha256 FROM cell c JOIN attempt a ON a.cell = c.id "
                                  f"JOIN outcome o ON o.attempt = a.id WHERE c.kind = 'cell' AND {where}").fetchall()
    return {(cell, quantity, condition): digest for cell, quantity, condition, digest in rows}


def rule_16(home, check):
    """[rule 16] Sample by sample eps = 0 is the clean outcome; an iterative attack that weakens with eps is suspect."""
    found = columns(home, "c.method IN ('fgsm', 'noise')")
    cells = {cell for cell, _, _ in found}
    check(len(cells) == 6, f"cells with outcomes: {len(cells)}")
    for cell in cells:
        check(found[cell, "robust", "eps=0"] == found[cell, "correct", "clean"], "[rule 16] eps = 0 is exactly clean")
    folder = home.folder / "plugins"
    folder.mkdir()
    shutil.copy(BUILD / "tests" / "plugins" / "odd_weaker_when_larger.so", folder)
    home.env["ASSAY_PLUGINS"] = str(folder)
    text = SUITE[:SUITE.index("[[claim]]")].replace('name = "tiny"', 'name = "weaker"').replace('["0", "1/10"]', '["1/10", "1/5"]').replace('"fgsm"', '"odd-weaker-when-larger"')
    home.run("run", home.suite("weaker", text), check=0)
    verdicts = home.connect().execute("SELECT a.level, v.rule, v.reason FROM cell c JOIN attempt a ON a.cell = c.id JOIN verdict v "
                                      "ON v.attempt = a.id WHERE c.method = 'odd-weaker-when-larger'").fetchall()
    check(len(verdicts) == 3 and all(level == 1 and rule == 16 for level, rule, _ in verdicts), f"[rule 16] {verdicts}")
    del home.env["ASSAY_PLUGINS"]


def failures(home, check):
    suite = home.suite("failing", FAILING)
    report = home.folder / "failing.xml"
    done = home.run("run", suite, "--junit", report)
    whole = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    errors = [case.find("error").get("message") for case in whole.iter("testcase") if case.find("error") is not None]
    check(int(whole.get("errors")) == len(errors) >= 1 and "timeout: " in errors[0], f"JUnit: {report.read_text()}")
    check(done.returncode == 1 and "timeout" in done.stderr, f"a cell over its limit gives exit 1: {done.returncode}\n{done.stderr}")
    check("assay log " in done.stderr, "the command that shows the log is told")
    again = home.run("run", suite)
    check(again.returncode == 1 and "6 were there already" not in again.stderr, f"failures are told again: {again.stderr}")
    check("0 ok, 0 failed, 9 were there already" in again.stderr, f"and not run again: {again.stderr}")
    retried = home.run("run", suite, "--retry-failed", "--only", "method=pgd", "--only", "seed=0")
    check("1 failed" in retried.stderr, f"--retry-failed runs them again: {retried.stderr}")
    attempts = home.connect().execute("SELECT max(n) FROM attempt JOIN cell ON cell.id = attempt.cell WHERE method = 'pgd'").fetchone()[0]
    check(attempts == 2, f"attempts are counted: {attempts}")


def interrupt(home, check):
    suite = home.suite("long", LONG)
    process = home.start("run", suite)
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=30)
    check(code == 130, f"two interrupts: exit {code}, expected 130")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    suite = home.suite("tiny", SUITE)
    first_run(home, suite, check)
    second_run(home, suite, check)
    leaderboards(home, check)
    claims(home, suite, check)
    compared(home, check)
    rescored(home, check)
    records(home, check)
    rule_16(home, check)
    failures(home, check)
    interrupt(home, check)
    whole_files(home, suite, check)
    home.remove()
    check.done()


main()
