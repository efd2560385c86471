#!/usr/bin/env python3
"""`assay audit`: a model from a file, its quality, its robustness by radius, AutoAttack, and what is said of bad input.

    test_audit.py BUILD SOURCE
"""
import json

from assay_e2e import Checks, Home

TRAINED = """
[suite]
name = "nets"
task = "predict"
version = 1
seeds = [0]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train" }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "standard", epochs = 4, lr = 0.02, batch = 50 }
[[method]]
use = "single"
"""


def own_model(home):
    home.run("run", home.suite("nets", TRAINED), check=0)
    weights = next((home.folder / "cache" / "train").glob("*/model.safetensors"))
    model = home.folder / "My Net.onnx"
    home.run("model", "export", weights, model, check=0)
    return model


def numbers(report, part):
    return {(one["by"] if part == "curve" else one["metric"], one["condition"]): one for one in report[part]}


def report(home, model, check):
    folder = home.folder / "audited"
    words = ["audit", model, "--data", "mini-fashion", "--eps", "1/20", "--samples", 60, "--out", folder]
    dry = home.run(*words, "--dry-run", check=0)
    check(dry.stdout.count("0 done") == 3 and (folder / "curve.toml").exists(), f"a dry run says what it costs: {dry.stdout}")
    done = home.run(*words, "--format", "json", "--jobs", 2, check=0)
    found = json.loads(done.stdout)
    check(found["model"] == "my-net" and found["missing"] == [], f"named after the file, nothing missing: {found}")
    quality = numbers(found, "quality")
    check(0.3 < quality["accuracy", "test"]["mean"] <= 1 and ("ece", "test") in quality, f"accuracy and calibration: {quality}")
    check(quality["accuracy", "test"]["interval"]["over"] == "samples", "with an interval that says over what")
    curve = numbers(found, "curve")
    radii = ["0", "1/160", "1/80", "1/40", "1/20", "1/10", "1/2"]
    falls = [curve["pgd", f"eps={radius}"]["mean"] for radius in radii]
    check(falls == sorted(falls, reverse=True) and falls[-1] == 0, f"PGD leaves less at each radius: {falls}")
    check(all(curve["noise", f"eps={radius}"]["mean"] >= left for radius, left in zip(radii, falls)), "noise leaves more")
    worst = numbers(found, "worst_case")["robust_accuracy", "eps=1/20"]["mean"]
    check(worst <= curve["pgd", "eps=1/20"]["mean"], f"AutoAttack leaves no more than PGD: {worst}")
    again = home.run(*words, check=0)
    check(again.stderr.count("0 to run") == 3, f"nothing runs twice: {again.stderr}")
    check("# my-net on mini-fashion" in again.stdout and (folder / "report.md").read_text() == again.stdout, f"the report: {again.stdout}")
    check("AutoAttack, linf 1/20" in again.stdout and "Robust accuracy by radius" in again.stdout, f"its parts: {again.stdout}")


def errors(home, model, check):
    for words, said in ((["audit", home.folder / "absent.onnx", "--data", "mini-fashion"], "expected an ONNX file"),
                        (["audit", model, "--data", "mini-fashoin"], "did you mean 'mini-fashion'"),
                        (["audit", model, "--data", "mini-fashion", "--eps", "big"], "--eps: expected a radius above 0"),
                        (["audit", model, "--data", "mini-fashion", "--stop-at", "0.7"], "--stop-at: expected a share above 0 and below 1/2"),
                        (["audit", model, "--data", "mini-fashion", "--norm", "l3"], "--norm")):
        done = home.run(*words, "--out", home.folder / "bad")
        check(done.returncode == 2 and said in done.stderr, f"{words}: exit {done.returncode}, {done.stderr}")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    model = own_model(home)
    report(home, model, check)
    errors(home, model, check)
    home.remove()
    check.done()


main()
