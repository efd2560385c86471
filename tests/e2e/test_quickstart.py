#!/usr/bin/env python3
"""The four quickstart suites on the full Fashion-MNIST and MNIST, and what they are expected to show. Skipped (77) where
the sets are not fetched; ASSAY_DATA names another data folder.

    test_quickstart.py BUILD SOURCE
"""
import json
import os
import sys
import time

from assay_e2e import SOURCE, Checks, Home

SUITES = ["attacks", "ood", "ensembles", "pruners"]


def data_folder():
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.environ.get("HOME", "/"), ".local", "share")
    home = os.environ.get("ASSAY_HOME") or os.path.join(base, "assay")
    return os.environ.get("ASSAY_DATA") or os.path.join(home, "data")


def scores(home, suite):
    """(method, seed, axes, condition, quantity) -> value of ok attempts."""
    rows = home.connect().execute(
        "SELECT c.method, sd.value, c.axes_json, s.condition, s.quantity, s.value FROM cell c "
        "JOIN cell_seed sd ON sd.cell = c.id AND sd.name = 'method' JOIN attempt a ON a.cell = c.id AND a.status = 'ok' "
        "JOIN score s ON s.attempt = a.id JOIN plan_cell pc ON pc.cell = c.id JOIN plan p ON p.id = pc.plan "
        "JOIN suite u ON u.id = p.suite WHERE u.name = ? AND c.kind = 'cell'", (f"quickstart-{suite}",)).fetchall()
    return {(m, seed, axes, condition, quantity): value for m, seed, axes, condition, quantity, value in rows}


def pick(found, method, quantity, condition=None, seed=None):
    return [value for (m, s, _, c, q), value in sorted(found.items())
            if m == method and q == quantity and (condition is None or c == condition) and (seed is None or s == seed)]


def attacks(home, check):
    found = scores(home, "attacks")
    for seed in (0, 1, 2):
        clean = pick(found, "pgd", "accuracy", "clean", seed)[0]
        pgd = pick(found, "pgd", "robust_accuracy", "eps=1/10", seed)[0]
        fgsm = pick(found, "fgsm", "robust_accuracy", "eps=1/10", seed)[0]
        check(clean >= 0.90, f"seed {seed}: clean accuracy {clean}, expected at least 0.90")
        check(pgd <= 0.05, f"seed {seed}: PGD leaves {pgd}, expected at most 0.05")
        check(pgd <= fgsm, f"seed {seed}: PGD leaves {pgd}, FGSM {fgsm}")
        for method in ("noise", "fgsm", "pgd", "mi-fgsm"):
            zero = pick(found, method, "robust_accuracy", "eps=0", seed)[0]
            check(zero == clean, f"[rule 16] {method}, seed {seed}: eps = 0 gives {zero}, clean {clean}")
    seconds = [cpu for (cpu,) in home.connect().execute(
        "SELECT g.cpu_seconds FROM cell c JOIN attempt a ON a.cell = c.id JOIN stage g ON g.attempt = a.id "
        "WHERE c.kind = 'train' AND g.name = 'train' AND c.label LIKE '%all-conv%'")]
    check(len(seconds) == 3 and max(seconds) < 60, f"training takes {seconds} CPU-seconds, expected under 60")


def ood(home, check):
    found = scores(home, "ood")
    mean = {method: sum(pick(found, method, "auroc")) / 3 for method in ("msp", "knn", "mahalanobis", "random-score")}
    check(max(mean["knn"], mean["mahalanobis"]) > mean["msp"], f"no feature-based detector beats MSP: {mean}")
    check(abs(mean["random-score"] - 0.5) < 0.05, f"a random score has AUROC {mean['random-score']}")


def ensembles(home, check):
    found = scores(home, "ensembles")
    for seed in (0, 1, 2):
        one = {q: pick(found, "deep-ensemble", q, None, seed)[0] for q in ("accuracy", "member_accuracy", "nll", "member_nll")}
        check(one["accuracy"] > one["member_accuracy"], f"seed {seed}: accuracy {one}")
        check(one["nll"] < one["member_nll"], f"seed {seed}: nll {one}")


def pruners(home, check):
    found = scores(home, "pruners")
    for axes in sorted({axes for (method, _, axes, _, _) in found if method == "random-pruning"}):
        def mean(method):
            values = [v for (m, _, a, _, q), v in found.items() if m == method and a == axes and q == "accuracy"]
            return sum(values) / len(values)
        # Not at 32: there global magnitude leaves a layer with a handful of weights (suites/quickstart/pruners.toml).
        if json.loads(axes).get("ratio") == "32":
            check(abs(mean("magnitude-global") - mean("random-pruning")) < 0.2, f"{axes}: neither pruner leaves a usable net")
            continue
        check(mean("magnitude-global") > mean("random-pruning"), f"{axes}: magnitude {mean('magnitude-global')}, random {mean('random-pruning')}")


def main():
    folder = data_folder()
    if not all(os.path.isdir(os.path.join(folder, name)) for name in ("fashion-mnist", "mnist")):
        print(f"skipped: fashion-mnist and mnist are not in {folder}; 'assay data fetch fashion-mnist mnist'")
        sys.exit(77)
    check = Checks()
    home = Home()
    home.env["ASSAY_DATA"] = folder
    for name, look in zip(SUITES, (attacks, ood, ensembles, pruners)):
        started = time.monotonic()
        done = home.run("run", SOURCE / "suites" / "quickstart" / f"{name}.toml", timeout=2400)
        print(f"{name}: {time.monotonic() - started:.0f} s\n{done.stdout}", flush=True)
        check(done.returncode == 0, f"{name}: exit {done.returncode}\n{done.stderr[-3000:]}")
        look(home, check)
    again = home.run("run", SOURCE / "suites" / "quickstart")
    check(again.returncode == 0 and again.stderr.count(" 0 ok, 0 failed,") == 4, f"a second run does nothing: {again.stderr}")
    home.remove()
    check.done()


main()
