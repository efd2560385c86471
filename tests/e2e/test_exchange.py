#!/usr/bin/env python3
"""`assay db share`: every stored column of compress and detect cells as npz, and OpenOOD's score files and table, read here with a
zip reader alone and held against the database and against AUROC counted over all pairs.

    test_exchange.py BUILD SOURCE
"""
import ast
import csv
import json
import struct
import zipfile

from assay_e2e import Checks, Home

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal"]
MODEL = """
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 1, batch = 50 }
"""
COMPRESS = """
[suite]
name = "pruners"
task = "compress"
version = 1
seeds = [0, 1]
rank = "none"
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
fit   = { set = "mini-fashion", split = "train", limit = 200 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
""" + MODEL + """
[target]
kind = "ratio"
values = [2, 8]
rank_at = 8
[[method]]
use = "random-pruning"
[[method]]
use = "magnitude-global"
"""
KNOWN = f"classes = {json.dumps(CLASSES)}"
DETECT = f"""
[suite]
name = "near"
task = "detect"
version = 1
seeds = [0, 1, 2]
[data]
train = {{ set = "mini-fashion", split = "train", {KNOWN} }}
fit   = {{ set = "mini-fashion", split = "train", limit = 200, {KNOWN} }}
test  = {{ set = "mini-fashion", split = "test", {KNOWN} }}
ood = [
  {{ set = "mini-fashion", split = "test", classes = ["shirt", "sneaker", "bag", "boot"], label = "others", group = "near" }},
  {{ set = "mini-mnist", split = "test", limit = 80, group = "far" }},
]
""" + MODEL + """
[[method]]
use = "random-score"
[[method]]
use = "msp"
"""


def arrays(file):
    """name -> list, by the formats' specifications."""
    found = {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert content[:6] == b"\x93NUMPY"
            size, = struct.unpack("<H", content[8:10])
            head = ast.literal_eval(content[10:10 + size].decode())
            count = 1
            for extent in head["shape"]:
                count *= extent
            found[name.removesuffix(".npy")] = list(struct.unpack(f"<{count}{ {'<f8': 'd', '<i8': 'q'}[head['descr']] }", content[10 + size:]))
    return found


def stored(home, suite):
    """cell's method, axes and seed -> {column: (mean, n)} of what stands."""
    rows = home.connect().execute(
        "SELECT c.method, c.axes_json, sd.value, o.quantity, o.condition, o.configuration, o.mean, o.n FROM cell c "
        "JOIN cell_seed sd ON sd.cell = c.id AND sd.name = 'method' JOIN attempt a ON a.cell = c.id AND a.status = 'ok' "
        "JOIN outcome o ON o.attempt = a.id JOIN plan_cell pc ON pc.cell = c.id JOIN plan p ON p.id = pc.plan "
        "JOIN suite u ON u.id = p.suite WHERE u.name = ? AND c.kind = 'cell'", (suite,)).fetchall()
    found = {}
    for method, axes, seed, quantity, condition, configuration, mean, n in rows:
        ratio = json.loads(axes).get("ratio")
        key = (method, ratio, seed)
        found.setdefault(key, {})[f"{quantity}@{condition}" + (f"[{configuration}]" if configuration else "")] = (mean, n)
    return found


def as_npz(home, suite, check):
    folder = home.folder / f"{suite}-npz"
    done = home.run("db", "share", suite, folder, "--as", "npz", check=0)
    files = sorted(folder.rglob("*.npz"))
    cells = stored(home, suite)
    check(len(files) == len(cells) == len(done.stdout.split()), f"{suite}: a file a cell: {len(files)} files, {len(cells)} cells: {files}")
    for (method, ratio, seed), columns in cells.items():
        file = folder / (method + (f"_ratio_{ratio}" if ratio else "")) / f"s{seed}.npz"
        if not file.exists():
            check(False, f"no {file}; there are {files}")
            continue
        found = arrays(file)
        check({name for name in found if not name.endswith(".id")} == set(columns), f"{file}: {sorted(found)} against {sorted(columns)}")
        for name, (mean, n) in columns.items():
            values, ids = found[name], found[name + ".id"]
            check(len(values) == len(set(ids)) == n, f"{file} {name}: {len(values)} values, {len(set(ids))} ids, {n} stored")
            check(mean is None or abs(sum(values) / n - mean) < 1e-12, f"{file} {name}: mean {sum(values) / n}, stored {mean}")
    return cells, folder


def compress(home, check):
    suite = home.suite("pruners", COMPRESS)
    home.run("run", suite, check=0)
    cells, folder = as_npz(home, "pruners", check)
    check(len(cells) == 8 and all("correct@test" in columns for columns in cells.values()), f"8 cells with their samples: {cells}")
    told = home.run("db", "share", "pruners", folder, "--as", "openood", check=2).stderr
    check("suites of task 'detect'; 'pruners' is one of 'compress'" in told, f"OpenOOD has no form for pruners: {told}")


def auroc(inside, outside):
    wins = sum((i > o) + 0.5 * (i == o) for i in inside for o in outside)
    return wins / (len(inside) * len(outside))


def detect(home, check):
    home.run("run", home.suite("near", DETECT), check=0)
    as_npz(home, "near", check)
    folder = home.folder / "near-openood"
    home.run("db", "share", "near", folder, "--as", "openood", check=0)
    for seed in range(3):
        run = folder / "msp" / f"s{seed}"
        table = {row[0]: row[1:] for row in csv.reader((run / "ood.csv").read_text().splitlines())}
        check(list(table) == ["", "others", "nearood", "mnist", "farood"] or list(table) == ["", "others", "nearood", "mini-mnist", "farood"],
              f"near and far apart: {list(table)}")
        scores = {file.stem: arrays(file) for file in (run / "scores").glob("*.npz")}
        inside = scores["mini-fashion"]
        check(len(inside["conf"]) == 180 and set(inside["label"]) == set(range(6)), "the known classes are numbered from 0")
        check(set(inside["pred"]) <= set(range(6)), f"the net knows six classes: {set(inside['pred'])}")
        for name, outside in scores.items():
            if name == "mini-fashion":
                continue
            check(set(outside["label"]) == {-1} and len(outside["conf"]) == {"others": 120, "mini-mnist": 80}[name], f"{name}: all unknown")
            check(abs(100 * auroc(inside["conf"], outside["conf"]) - float(table[name][1])) <= 0.005 + 1e-9, f"AUROC of {name}: {table[name]}")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    compress(home, check)
    detect(home, check)
    home.remove()
    check.done()


main()
