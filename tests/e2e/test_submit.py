#!/usr/bin/env python3
"""Outputs made with numpy alone, from the template to the board: an attack of random signs, scores, predictions; and what
each bad file is told.

    test_submit.py BUILD SOURCE
"""
import csv
import io
import json
import sys

from assay_e2e import Checks, Home

try:
    import numpy
except ImportError:
    print("numpy is not installed; nothing tested")
    sys.exit(77)

DATA = """
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
"""
MODEL = """
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
"""
ATTACK = """
[suite]
name = "attacks"
task = "attack"
version = 1
seeds = [0, 1, 2]
""" + DATA + MODEL + """
[threat]
norm = "linf"
eps = ["0", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
[[method]]
use = "fgsm"
"""
DETECT = """
[suite]
name = "ood"
task = "detect"
version = 1
seeds = [0, 1, 2]
""" + DATA + """
ood = [{ set = "mini-mnist", split = "test", limit = 80, group = "far" }]
""" + MODEL + """
[[method]]
use = "random-score"
[[method]]
use = "msp"
"""
PREDICT = """
[suite]
name = "nets"
task = "predict"
version = 1
seeds = [0, 1]
rank = "none"
""" + DATA + MODEL + """
members = 2
[[method]]
use = "deep-ensemble"
"""


def random_signs(home, suite, check):
    folder = home.folder / "attack-template"
    made = home.run("submit", suite, "--template", folder, check=0)
    check("inputs.npz" in made.stdout and (folder / "mlp.onnx").stat().st_size > 1000, f"template: {made.stdout}")
    page = (folder / "README.md").read_text()
    check("eps=1/10" in page and "--subject mlp --seed 0" in page, f"template page: {page}")
    given = numpy.load(folder / "inputs.npz")
    check(given["x"].shape == (100, 1, 28, 28) and given["x"].dtype == numpy.float32 and given["y"].shape == (100,), "inputs")
    check(not home.database.exists(), "a template records nothing")
    rng = numpy.random.default_rng(0)
    for seed in range(3):
        noise = numpy.sign(rng.normal(size=given["x"].shape)).astype(numpy.float32) * numpy.float32(0.1)
        order = rng.permutation(100)
        file = home.folder / f"signs{seed}.npz"
        save = numpy.savez_compressed if seed == 1 else numpy.savez
        save(file, id=given["id"][order], **{"eps=1/10": numpy.clip(given["x"] + noise, 0, 1)[order]})
        done = home.run("submit", suite, "--name", "signs", "--outputs", file, "--seed", seed, "--says", "random signs",
                        "--format", "json", check=0)
        scores = {(row["quantity"], row["condition"]): row["value"] for row in json.loads(done.stdout)}
        check(scores["robust_accuracy", "eps=0"] == scores["accuracy", "clean"], f"[rule 16] radius 0 is filled in: {scores}")
        check(0 <= scores["robust_accuracy", "eps=1/10"] <= scores["accuracy", "clean"], f"judged: {scores}")
    again = home.run("submit", suite, "--name", "signs", "--outputs", file, "--seed", 2, check=0)
    check("judged before" in again.stderr, f"the same file twice: {again.stderr}")
    return given


def on_the_board(home, suite, check):
    board = json.loads(home.run("leaderboard", "attacks", "--format", "json", check=0).stdout)
    mine, = [row for row in board["rows"] if row["method"] == "signs"]
    check(mine["submitted"] and mine["cost"] is None and mine["rank"] is None and mine["coverage"] == {"done": 3, "planned": 3}, f"row: {mine}")
    home.run("run", suite, check=0)
    board = json.loads(home.run("leaderboard", "attacks", "--format", "json", check=0).stdout)
    rows = {row["method"]: row for row in board["rows"]}
    check(set(rows) == {"fgsm", "noise", "signs"}, f"a run of the suite leaves the submission: {set(rows)}")
    check(rows["fgsm"]["cost"]["forward"] > 0 and not rows["fgsm"]["submitted"], "methods keep their cost")
    interval = [value for value in rows["signs"]["values"] if value["ranked"]][0]["interval"]
    check(interval and interval["n"] == 100, f"an interval over samples: {interval}")
    text = home.run("leaderboard", "attacks", check=0).stdout
    check("sub." in text and "submitted: outputs made elsewhere" in text, f"board: {text}")
    table = list(csv.DictReader(io.StringIO(home.run("leaderboard", "attacks", "--format", "csv", check=0).stdout)))
    check(all((row["cpu_seconds"] == "") == (row["method"] == "signs") for row in table), "csv: cost unknown")
    compared = home.run("compare", "attacks", "signs", "fgsm", check=0).stdout
    check("signs (submitted)" in compared and "permutation" in compared, f"compare: {compared}")
    site = home.run("site", home.folder / "site")
    if "front end is not built" not in site.stderr:
        chunk = "".join(path.read_text() for path in (home.folder / "site" / "data" / "board").glob("*.js"))
        check(site.returncode == 0 and '"submitted":true' in chunk, "the site knows it")
    front = json.loads(home.run("leaderboard", "attacks", "--front", "forward", "--format", "json", check=0).stdout)
    check({row["method"]: row["probability"] for row in front} == {"fgsm": 1, "noise": 1}, f"a front of known costs: {front}")
    check("did you mean 'forward'?" in home.run("leaderboard", "attacks", "--front", "forwrd", check=2).stderr, "an unknown cost")
    cell = home.connect().execute("SELECT generation FROM cell WHERE method = 'signs' LIMIT 1").fetchone()[0]
    check("submitted" in home.run("show", cell[:10], check=0).stdout, "show")
    rescored = json.loads(home.run("rescore", "attacks", "--metric", "robust_accuracy", "--format", "json", check=0).stdout)
    check(sum(row["method"] == "signs" and row["gap"] == 0 for row in rescored) == 2, "rescore computes it again")


def refusals(home, suite, given, check):
    def told(expect, flags=(), **arrays):
        file = home.folder / "bad.npz"
        numpy.savez(file, **arrays)
        done = home.run("submit", suite, "--name", "bad", "--outputs", file, *flags, check=2)
        check(expect in done.stderr and done.stderr.count("error:") == 1, f"expected '{expect}': {done.stderr}")

    x, ids = given["x"], given["id"]
    far = x.copy()
    far[3, 0, 5, 5] = 0.5 if x[3, 0, 5, 5] > 0.8 or x[3, 0, 5, 5] < 0.2 else 1.0
    outside = x.copy()
    outside[0, 0, 0, 0] = -0.05
    nan = x.copy()
    nan[7] = numpy.nan
    told("leave the linf ball", x=far, id=ids)
    told("leave the input range", x=outside, id=ids)
    told("is not a finite number", x=nan, id=ids)
    told("5 of 100 samples have no adversarial input", x=x[5:], id=ids[5:])
    told("which no sample has", x=x, id=ids + 1)
    told("another shape", x=x[:, :, :27], id=ids)
    told("rows for", x=x[1:], id=ids)
    told("no list of 64-bit integers", x=x, id=ids.astype(numpy.float64))
    told("did you mean 'eps=1/10'?", id=ids, **{"eps=1/1": x})
    told("unknown model 'mlq'; did you mean 'mlp'?", flags=("--subject", "mlq"), x=x, id=ids)
    told("no seed 9", flags=("--seed", 9), x=x, id=ids)
    for words, expect in [(("--name", "x"), "--template DIR"), (("--outputs", "x.npz"), "needs --name"),
                          (("--name", "fgsm", "--outputs", home.folder / "signs0.npz"), "method of the suite itself"),
                          (("--name", "x", "--outputs", "none.npz"), "no file 'none.npz'"),
                          (("--name", "x", "--outputs", home.folder / "torn.npz"), "no end of a zip directory")]:
        (home.folder / "torn.npz").write_bytes((home.folder / "signs0.npz").read_bytes()[:5000])
        done = home.run("submit", suite, *words, check=2)
        check(expect in done.stderr, f"{words}: {done.stderr}")
    left = home.connect().execute("SELECT count(*) FROM cell WHERE method IN ('bad', 'x')").fetchone()[0]
    check(left == 0, "what is refused leaves no row")


def scores(home, check):
    suite = home.suite("ood", DETECT)
    folder = home.folder / "ood-template"
    home.run("submit", suite, "--template", folder, check=0)
    stream, fit = numpy.load(folder / "inputs.npz"), numpy.load(folder / "fit.npz")
    check(sorted(stream.files) == ["id", "x"] and len(stream["id"]) == 180, f"the stream tells nothing but inputs: {stream.files}")
    check(sorted(fit.files) == ["id", "x", "y"], f"the fit list: {fit.files}")
    # Distance to the mean of the list: handwritten digits are darker than clothes.
    mean = fit["x"].mean(axis=0)
    distance = -stream["x"].reshape(180, -1).mean(axis=1)
    check(mean.shape == (1, 28, 28), "inputs of one shape")
    file = home.folder / "scores.csv"
    file.write_text("id,score\n" + "".join(f"{i},{float(s)!r}\n" for i, s in zip(stream["id"], distance)))
    done = home.run("submit", suite, "--name", "darkness", "--outputs", file, "--uses-outliers", "--format", "json", check=0)
    judged = {row["quantity"]: row["value"] for row in json.loads(done.stdout) if row["condition"] == "far:mini-mnist"}
    check(judged["auroc"] > 0.7, f"judged: {judged}")
    board = json.loads(home.run("leaderboard", "ood", "--format", "json", check=0).stdout)
    row, = [row for row in board["rows"] if row["method"] == "darkness"]
    check(row["uses_outliers"] and row["coverage"]["done"] == 1 and row["single_run"], f"row: {row}")
    lines = file.read_text().splitlines()
    for text, expect in [("\n".join(lines[:-3]), "3 of 180 inputs got no score"), ("\n".join(lines + ["17,0.5"]), "1 scores have an id that no input has"),
                         ("\n".join(lines[:1] + lines), "no id"), ("\n".join(lines[:-1] + [lines[-1].split(",")[0] + ",nan"]), "finite numbers")]:
        (home.folder / "bad.csv").write_text(text + "\n")
        refused = home.run("submit", suite, "--name", "bad", "--outputs", home.folder / "bad.csv", check=2)
        check(expect in refused.stderr, f"expected '{expect}': {refused.stderr}")


def predictions(home, check):
    suite = home.suite("nets", PREDICT)
    folder = home.folder / "nets-template"
    made = home.run("submit", suite, "--template", folder, check=0).stdout
    check(made.count(".onnx") == 2, f"both members: {made}")
    test = numpy.load(folder / "inputs.npz")
    check(sorted(test.files) == ["id", "x"], f"no labels to predict: {test.files}")
    rng = numpy.random.default_rng(1)
    logits = rng.normal(size=(100, 10))
    file = home.folder / "logits.npz"
    numpy.savez(file, id=test["id"], logits=logits)
    done = json.loads(home.run("submit", suite, "--name", "guess", "--outputs", file, "--format", "json", check=0).stdout)
    judged = {row["quantity"]: row["value"] for row in done}
    check(judged["accuracy"] < 0.4 and judged["nll"] > 2 and "aurc" in judged and "macro_f1" in judged, f"judged: {judged}")
    p = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
    numpy.savez(file, id=test["id"], probabilities=p)
    done = json.loads(home.run("submit", suite, "--name", "guess", "--outputs", file, "--format", "json", check=0).stdout)
    check(abs({row["quantity"]: row["value"] for row in done}["nll"] - judged["nll"]) < 1e-4, "probabilities say the same")
    numpy.savez(file, id=test["id"], prediction=logits.argmax(axis=1))
    done = json.loads(home.run("submit", suite, "--name", "guess", "--outputs", file, "--format", "json", check=0).stdout)
    plain = {row["quantity"]: row["value"] for row in done}
    check(plain["accuracy"] == judged["accuracy"] and plain["macro_f1"] == judged["macro_f1"] and "nll" not in plain, f"classes alone: {plain}")
    numpy.savez(file, id=test["id"], prediction=logits.argmax(axis=1) + 5)
    check("is no class; expected 0 to 9" in home.run("submit", suite, "--name", "guess", "--outputs", file, check=2).stderr, "a class that is none")
    numpy.savez(file, id=test["id"], logits=logits[:, :9])
    check("9 classes, expected 10" in home.run("submit", suite, "--name", "guess", "--outputs", file, check=2).stderr, "a class is missing")
    diverse = json.loads(home.run("run", suite, "--format", "json", check=0).stdout.split("\nclaims")[0])
    found = {value["quantity"] for row in diverse["rows"] for value in row["values"] if value["mean"] is not None}
    check({"disagreement", "double_fault", "q_statistic", "size_on_disk", "ece_equal_mass", "balanced_accuracy"} <= found, f"metrics: {found}")
    again = json.loads(home.run("rescore", suite, "--format", "json", check=0).stdout)
    names = {row["metric"] for row in again if row["method"] == "deep-ensemble"}
    check({"top3_accuracy", "ece_sweep", "eaurc", "coverage_at_risk_5", "error_correlation", "member_accuracy"} <= names, f"rescored: {names}")
    check(all(row["gap"] in (None, 0) or row["gap"] < 1e-9 for row in again), "recorded and computed again agree")


def exchanged(home, suite, check):
    """assay db share and claim: OpenOOD's and RobustBench's forms, read with numpy, and back as claims."""
    home.run("run", home.folder / "ood.toml", check=0)
    there = home.folder / "openood"
    home.run("db", "share", "ood", there, "--as", "openood", check=0)
    table = list(csv.reader((there / "msp" / "s1" / "ood.csv").open()))
    check(table[0] == ["", "FPR@95", "AUROC", "AUPR_IN", "AUPR_OUT", "ACC"] and [row[0] for row in table[1:]] == ["mini-mnist", "farood"], f"ood.csv: {table}")
    inside, outside = (numpy.load(there / "msp" / "s1" / "scores" / f"{name}.npz") for name in ("mini-fashion", "mini-mnist"))
    check(sorted(inside.files) == ["conf", "label", "pred"] and (outside["label"] == -1).all() and len(outside["conf"]) == 80, "score files")
    check(abs((inside["pred"] == inside["label"]).mean() * 100 - float(table[1][5])) < 0.006, "accuracy from the score file")
    wins = (inside["conf"][:, None] > outside["conf"]).mean() + (inside["conf"][:, None] == outside["conf"]).mean() / 2
    check(abs(wins * 100 - float(table[1][2])) < 0.006, f"AUROC from the score files: {wins} {table[1]}")
    home.run("db", "claim", "ood", there / "msp" / "s1" / "ood.csv", "--method", "msp", "--source", "by us", check=0)
    board = json.loads(home.run("leaderboard", "ood", "--format", "json", check=0).stdout)
    row, = [row for row in board["rows"] if row["method"] == "msp"]
    check([round(one["value"], 4) for one in row["claimed"]] == [round(float(table[1][2]) / 100, 4)] and "by us" in row["claimed"][0]["source"], f"claimed: {row['claimed']}")
    check("claimed" in home.run("leaderboard", "ood", check=0).stdout, "a column of claims")
    home.run("db", "share", "ood", home.folder / "columns", "--as", "npz", check=0)
    stored = numpy.load(home.folder / "columns" / "msp" / "s0.npz")
    check(stored["score@id"].shape == stored["score@id.id"].shape == (100,), f"columns: {stored.files}")

    home.run("db", "share", suite, home.folder / "rb", "--as", "robustbench", check=0)
    info = json.loads((home.folder / "rb" / "mlp.json").read_text())
    check(info["eps"] == "1/10" and info["dataset"] == "mini-fashion" and info["autoattack_acc"] is None and 0 <= float(info["external"]) <= 100, f"model_info: {info}")
    home.run("db", "claim", suite, home.folder / "rb" / "mlp.json", check=0)
    info["dataset"] = "cifar10"
    (home.folder / "rb" / "other.json").write_text(json.dumps(info))
    check("the suite tests on 'mini-fashion'" in home.run("db", "claim", suite, home.folder / "rb" / "other.json", check=2).stderr, "claims of another data set")
    check("task 'detect'" in home.run("db", "share", suite, home.folder / "x", "--as", "openood", check=2).stderr, "a form of another task")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    suite = home.suite("attacks", ATTACK)
    given = random_signs(home, suite, check)
    on_the_board(home, suite, check)
    refusals(home, suite, given, check)
    scores(home, check)
    exchanged(home, suite, check)
    predictions(home, check)
    home.remove()
    check.done()


main()
