#!/usr/bin/env python3
"""Pictures of a site, from a run to the page's data: what the judge of an attack kept and what the cache holds, against the
pixels of the data set's own files, read here; and what is said when the cache has lost or damaged them.

    test_site.py BUILD SOURCE
"""
import base64
import gzip
import json
import os
import re
import shutil
import struct
import zlib

from assay_e2e import CLASSES, SOURCE, Checks, Home

DATA = """
[data]
train = { set = "mini-fashion", split = "train", limit = 400 }
test  = { set = "mini-fashion", split = "test", limit = 100 }
"""
MODEL = """
[[model]]
id = "mlp"
build = "mlp"
train = { recipe = "quick", epochs = 2, batch = 50 }
"""
ATTACK = """
[suite]
name = "attacks"
task = "attack"
version = 1
seeds = [4, 1, 2]
""" + DATA + MODEL + """
[threat]
norm = "linf"
eps = ["0", "1/20", "1/10"]
rank_eps = "1/10"
[[method]]
use = "noise"
[[method]]
use = "pgd"
params = { steps = 3 }
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


def png(text):
    """The pixels of a grey PNG as rows, by the PNG specification."""
    data, at, packed = base64.b64decode(text), 8, b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0]
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", body)
            assert (depth, colour) == (8, 0), "a grey picture of 8 bits"
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, rows, before = zlib.decompress(packed), [], bytes(width)
    for y in range(height):
        line = raw[y * (width + 1):(y + 1) * (width + 1)]
        row = bytearray(width)
        for x in range(width):
            left, up = row[x - 1] if x else 0, before[x]
            corner = before[x - 1] if x else 0
            nearest = min((abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner))[2]
            row[x] = (line[x + 1] + (0, left, up, (left + up) // 2, nearest)[line[0]]) % 256
        rows.append(bytes(row))
        before = rows[-1]
    return b"".join(rows)


def images(stem):
    content = gzip.decompress((SOURCE / "tests" / "data" / f"{stem}-images.gz").read_bytes())
    return {content[16 + 784 * i:16 + 784 * (i + 1)] for i in range(struct.unpack(">I", content[4:8])[0])}


def chunk(folder, name):
    text = (folder / "data" / f"{name}.js").read_text()
    body = re.fullmatch(r"assay\.data\(\".*?\",JSON\.parse\('(.*)'\)\);\n", text, re.S).group(1)
    return json.loads(re.sub(r"\\(.)", r"\1", body, flags=re.S))


def write(home, check, name="site"):
    folder = home.folder / name
    home.run("site", folder, "--front-end", home.folder / "front", check=0)
    return folder, {board["suite"]: board["id"] for board in chunk(folder, "index")["boards"]}


def row_of(board, method):
    return next(i for i, row in enumerate(board["rows"]) if row["method"] == method)


def attack_pictures(home, check):
    folder, boards = write(home, check)
    board = chunk(folder, f"board/{boards['attacks']}")
    row = row_of(board, "pgd")
    check(dict(board["examples"]["rows"]) == {row: ""}, f"the ranked row has pictures, the baseline none: {board['examples']}")
    page = chunk(folder, f"examples/{boards['attacks']}-{row}")
    check(page["label"] == "pgd on mlp, seed 4" and page["says"].startswith("At eps=1/10."), f"the suite's first seed at its radius: {page['label']}")
    kept, test = [png(text) for text in page["images"]], images("fashion-test")
    seen = 0
    for group in page["groups"]:
        for item in group["items"]:
            facts, (clean, perturbed, (factor, difference)) = dict(item["facts"]), item["pictures"]
            before, after = kept[clean[1]], kept[perturbed[1]]
            check(before in test, "the clean picture is one of the test files")
            check(max(abs(a - b) for a, b in zip(before, after)) <= 26, "the perturbed one lies within the radius of a tenth of 255")
            scale = 127 / 255 / float(factor.removeprefix("difference × "))
            wrong = max(abs(d - (128 + 127 * (a - b) / 255 / scale)) for a, b, d in zip(after, before, kept[difference]))
            check(wrong < 127 / 255 / scale + 2, f"the difference is theirs, amplified as said: off by {wrong:.2f}")
            check((facts["true class"] == facts["classified as"]) == (group["title"] == "Withstood it best"), f"classes: {facts}")
            check(facts["true class"] in CLASSES and 0 < float(facts["linf distance"]) <= 0.100001, f"facts: {facts}")
            check((float(facts["margin"]) > 0) == (group["title"] == "Withstood it best"), f"margin: {facts}")
            seen += 1
    check(seen >= 3, f"{seen} pictures")
    return row, page["cell"]


def detector_pictures(home, check):
    folder, boards = write(home, check)
    board = chunk(folder, f"board/{boards['ood']}")
    page = chunk(folder, f"examples/{boards['ood']}-{row_of(board, 'msp')}")
    kept, lists = [png(text) for text in page["images"]], {"in": images("fashion-test"), "far": images("mnist-test")}
    check(len(page["groups"]) == 4, f"groups: {[group['title'] for group in page['groups']]}")
    for group in page["groups"]:
        scores = [float(dict(item["facts"])["score"]) for item in group["items"]]
        check(scores == sorted(scores, reverse="highest" in group["title"]), f"{group['title']}: {scores}")
        own = lists["in" if group["title"].startswith("in-distribution") else "far"]
        check(all(kept[item["pictures"][0][1]] in own for item in group["items"]), f"{group['title']}: from its own list")


def without(home, check, row, cell):
    def why():
        folder, boards = write(home, check)
        board = chunk(folder, f"board/{boards['attacks']}")
        check(not (folder / "data" / "examples" / f"{boards['attacks']}-{row}.js").exists(), "no picture is shown")
        return dict(board["examples"]["rows"])[row]

    file, = (home.folder / "cache" / "cell").glob(f"{cell}*/examples.safetensors")
    content = file.read_bytes()
    os.unlink(file)
    check(why() == "the file is no longer in the artifact cache", "gone")
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 255]))
    check("another digest" in why(), "damaged")
    file.write_bytes(content)
    shutil.rmtree(home.folder / "cache" / "prepare")
    folder, boards = write(home, check)
    page = chunk(folder, f"examples/{boards['attacks']}-{row}")
    check(dict(page["groups"][0]["items"][0]["facts"])["true class"].startswith("class "), "without the list classes are numbers")
    board = chunk(folder, f"board/{boards['ood']}")
    check("the list's records" in dict(board["examples"]["rows"])[row_of(board, "msp")], "a detector without its lists says so")


def main():
    check = Checks()
    home = Home()
    home.fetch()
    for name in ("index.html", "site.js", "site.css"):
        (home.folder / "front").mkdir(exist_ok=True)
        (home.folder / "front" / name).write_text("x")
    home.run("run", home.suite("attacks", ATTACK), check=0)
    home.run("run", home.suite("ood", DETECT), check=0)
    row, cell = attack_pictures(home, check)
    detector_pictures(home, check)
    without(home, check, row, cell)
    home.remove()
    check.done()


main()
