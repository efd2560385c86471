#!/usr/bin/env python3
"""Model files from the command line, and a suite that attacks a net from an ONNX file.

    test_model.py BUILD SOURCE
"""
import json
import xml.etree.ElementTree

from assay_e2e import SOURCE, Checks, Home, snapshot

SUITE = """
[suite]
name = "imported"
task = "attack"
version = 1
seeds = [0, 1, 2]
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "as-it-is"
onnx = "nets/mine.onnx"
[[model]]
id = "trained"
onnx = "nets/mine.onnx"
train = { recipe = "quick", epochs = 2, batch = 50 }
[threat]
norm = "linf"
eps = ["0", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
[[method]]
use = "fgsm"
"""


def files(home, check):
    nets = home.folder / "nets"
    nets.mkdir()
    home.run("model", "export", "all-conv", nets / "mine.onnx", "--input", "1,28,28", check=0)
    shown = home.run("model", "show", nets / "mine.onnx", "--svg", home.folder / "mine.svg", check=0)
    check("conv2d" in shown.stdout and "logits" in shown.stdout, f"show names the layers: {shown.stdout}")
    svg = xml.etree.ElementTree.parse(home.folder / "mine.svg").getroot()
    check(svg.tag.endswith("svg") and len(list(svg.iter("{http://www.w3.org/2000/svg}rect"))) > 10, "the drawing has boxes")
    one = json.loads(home.run("model", "show", nets / "mine.onnx", "--format", "json", check=0).stdout)
    zoo = json.loads(home.run("model", "show", "all-conv", "--input", "1,28,28", "--format", "json", check=0).stdout)
    check(one["parameter_count"] == zoo["parameter_count"] and one["macs"] == zoo["macs"], "the same net from both sides")
    home.run("model", "import", nets / "mine.onnx", home.folder / "mine.safetensors", check=0)
    home.run("model", "export", home.folder / "mine.safetensors", home.folder / "weights.safetensors", check=0)
    filled = home.run("model", "import", home.folder / "weights.safetensors", home.folder / "again.safetensors", "--arch", "all-conv",
                      "--input", "1,28,28", "--by-order", "--format", "json", check=0)
    check(json.loads(filled.stdout)["parameter_count"] == zoo["parameter_count"], "weights fill the architecture")
    refused = home.run("model", "import", home.folder / "weights.safetensors", home.folder / "x.safetensors", "--arch", "mlp", "--input", "1,28,28")
    check(refused.returncode == 2 and "does not fill the model" in refused.stderr, f"weights of another net: {refused.stderr}")
    torch = SOURCE / "tests" / "conformance" / "torch_models" / "resnet_bn_kept.onnx"
    check("batch_norm" in home.run("model", "show", torch, check=0).stdout, "torch's export keeps its batch norms")
    check(json.loads(home.run("model", "list", "--format", "json", check=0).stdout), "the zoo is listed")


def errors(home, check):
    broken = home.folder / "broken.onnx"
    broken.write_bytes(b"\x08\x07\x12 not a model")
    done = home.run("model", "show", broken)
    check(done.returncode == 2 and "broken.onnx" in done.stderr, f"a broken file is named: {done.stderr}")
    done = home.run("model", "show", "all-comv")
    check(done.returncode == 2 and "all-conv" in done.stderr, f"the nearest architecture: {done.stderr}")
    done = home.run("model", "exprot")
    check(done.returncode == 2 and "export" in done.stderr, f"the nearest command: {done.stderr}")


def suites(home, check):
    suite = home.suite("imported", SUITE)
    done = home.run("run", suite, "--jobs", 2, check=0)
    check("0 failed" in done.stderr, f"the suite runs: {done.stderr}")
    cells = [(label, status) for _, kind, label, status, *_ in snapshot(home)["cells"] if kind == "cell"]
    for model in ("as-it-is", "trained"):
        good = [label for label, status in cells if f"on {model}" in label and status == "ok"]
        check(len(good) == 6, f"three seeds of {model}, two methods: {cells}")
    again = home.run("run", suite, check=0)
    check("0 failed" in again.stderr and "were there already" in again.stderr, f"nothing runs twice: {again.stderr}")
    missing = home.suite("missing", SUITE.replace("nets/mine.onnx", "nets/absent.onnx"))
    done = home.run("plan", missing)
    check(done.returncode == 2 and "absent.onnx" in done.stderr and "missing.toml:" in done.stderr, f"a missing file, with its place: {done.stderr}")
    home.run("model", "export", "mlp", home.folder / "nets" / "small.onnx", "--input", "1,8,8", check=0)
    other = home.suite("shape", SUITE.replace("nets/mine.onnx", "nets/small.onnx").replace('name = "imported"', 'name = "shape"'))
    done = home.run("run", other, "--only", "subject=as-it-is")
    check(done.returncode == 1, f"a net for other data fails its cells: {done.stderr}")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    files(home, check)
    errors(home, check)
    suites(home, check)
    home.remove()
    check.done()


main()
