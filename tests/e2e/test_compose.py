#!/usr/bin/env python3
"""Methods compose: an attack suite works on what a compressor, a trainer and an ensemble of other suites returned. The bytes of
these subjects are those of the other suites' cells, and the record says what they were made from, down to files.

    test_compose.py BUILD SOURCE
"""
import json

from assay_e2e import Checks, Home

DATA = """
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
"""
NET = """
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
"""
TUNE = """
[finetune]
recipe = "quick"
epochs = 1
batch = 50
"""


def head(name, task):
    return f'[suite]\nname = "{name}"\ntask = "{task}"\nversion = 1\nseeds = [1]\nrank = "none"\n' + DATA


ATTACK = head("composed", "attack") + NET + """
[[model]]
id = "pruned"
from = { method = "magnitude-global", model = "mlp", params = { ratio = 4 } }
[[model]]
id = "smoothed"
from = { method = "label-smoothing", model = "mlp" }
[[model]]
id = "pair"
from = { method = "deep-ensemble", model = "mlp", members = 2 }
[[model]]
id = "pruned-pair"
from = { method = "deep-ensemble", model = "pruned", members = 2 }
[[model]]
id = "mixed"
from = { method = "deep-ensemble", models = ["mlp", "smoothed"] }
[[model]]
id = "diverse"
from = { method = "dverge", model = "mlp", members = 2, params = { epochs = 1, batch = 50, steps = 2 } }
""" + TUNE + """
[threat]
norm = "linf"
eps = ["0", "1/10"]
rank_eps = "1/10"
[[method]]
use = "fgsm"
"""
COMPRESS = head("smaller", "compress") + NET + TUNE + '[target]\nkind = "ratio"\nvalues = [4]\n[[method]]\nuse = "magnitude-global"\n'
ENSEMBLE = head("together", "predict") + NET + 'members = 2\n[[method]]\nuse = "deep-ensemble"\n'
TRAINER = head("trained", "predict") + NET + '[[method]]\nuse = "label-smoothing"\n'


def model_of(home, where, *values):
    """Digest of the model that the one node left which `where` names."""
    rows = home.connect().execute("SELECT DISTINCT e.artifact FROM cell c JOIN attempt a ON a.cell = c.id JOIN edge e ON e.attempt = a.id "
                                  f"WHERE e.made = 1 AND e.name = 'model.safetensors' AND {where}", values).fetchall()
    if len(rows) != 1:
        raise SystemExit(f"{len(rows)} models where {where} {values}")
    return rows[0][0]


def shown(home, subject):
    key = home.connect().execute("SELECT generation FROM cell WHERE kind = 'cell' AND method = 'fgsm' AND subject = ?", (subject,)).fetchone()[0]
    return key, json.loads(home.run("show", key, "--format", "json", check=0).stdout)


def attacked(home, check):
    home.run("run", home.suite("composed", ATTACK), "--jobs", 2, check=0)
    rows = home.connect().execute("SELECT c.subject, a.status, a.model_hash FROM cell c JOIN attempt a ON a.cell = c.id "
                                  "WHERE c.kind = 'cell' AND c.method = 'fgsm'").fetchall()
    check(len(rows) == 7 and all(row[1] == "ok" for row in rows), f"every subject is attacked: {rows}")
    check(len({row[2] for row in rows}) == 7, f"seven different models: {rows}")


def same_bytes(home, check):
    """What the other suites' methods return is, byte for byte, what was attacked."""
    for name, text in (("smaller", COMPRESS), ("together", ENSEMBLE), ("trained", TRAINER)):
        home.run("run", home.suite(name, text), "--jobs", 2, check=0)
    for method, label in (("magnitude-global", "magnitude-global of mlp at ratio 4, seed 1"), ("deep-ensemble", "deep-ensemble of 2 nets for pair, seed 1"),
                          ("label-smoothing", "train smoothed seed 1")):
        cell = model_of(home, "c.kind = 'cell' AND c.method = ?", method)
        subject = model_of(home, "c.kind = 'train' AND c.label = ?", label)
        check(cell == subject, f"{method}: its suite returned {cell[:12]}, the attack worked on {subject[:12]}")


def provenance(home, check):
    key, record = shown(home, "pruned-pair")
    origins = {one["slot"]: one for one in record["made_from"]}
    check(set(origins) == {"data", "victim"}, f"the cell's own inputs: {set(origins)}")
    pair = origins["victim"]
    check(pair["plugin"]["id"] == "deep-ensemble" and len(pair["plugin"]["sha256"]) == 64, f"the ensemble: {pair}")
    check(pair["files"]["model.safetensors"] == [one for one in record["artifacts"] if one["name"] == "model:pruned-pair"][0]["sha256"],
          "the bytes that were attacked are those that it left")
    members = [one for one in pair["from"] if one["slot"] == "members"]
    check([one["plugin"]["id"] for one in members] == ["magnitude-global"] * 2, f"its members: {members}")
    nets = [one for member in members for one in member["from"] if one["slot"] == "model"]
    check([one["label"] for one in nets] == ["train mlp seed 1000", "train mlp seed 1001"], f"what they were pruned from: {nets}")
    prepare = [one for one in nets[0]["from"] if one["slot"] == "train"][0]
    raw = {name for name in prepare["files"] if name.startswith("raw:")}
    check(prepare["kind"] == "prepare" and raw == {"raw:train-images", "raw:train-labels"}, f"down to files: {prepare}")
    text = home.run("show", key, check=0).stdout
    lines = [line for line in text.splitlines() if "members: magnitude-global of mlp" in line]
    check(len(lines) == 2 and "made from" in text and "(as above)" in text, f"show: {text}")
    _, mixed = shown(home, "mixed")
    victim = [one for one in mixed["made_from"] if one["slot"] == "victim"][0]
    check([one["label"] for one in victim["from"] if one["slot"] == "members"] == ["train mlp seed 1", "train smoothed seed 1"], f"mixed: {victim}")
    _, diverse = shown(home, "diverse")
    victim = [one for one in diverse["made_from"] if one["slot"] == "victim"][0]
    check(sorted(one["slot"] for one in victim["from"]) == ["members", "members", "train"], f"what trained the members is named: {victim}")


def reproduced(home, check):
    key, _ = shown(home, "pruned-pair")
    again = json.loads(home.run("reproduce", key, "--fresh", "--format", "json", check=0).stdout)
    labels = [one["label"] for one in again["remade"]]
    check(again["verdict"] == "identical" and "deep-ensemble of 2 nets for pruned-pair, seed 1" in labels and
          all(one["bytes"] == "same bytes" for one in again["remade"]), f"all of it again: {again['remade']}")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    attacked(home, check)
    same_bytes(home, check)
    provenance(home, check)
    reproduced(home, check)
    home.remove()
    check.done()


main()
