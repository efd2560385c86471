"""Shared by the end-to-end tests: a private home with the small real data sets of tests/data, and the program.

Every test is a script `test_*.py BUILD_DIR SOURCE_DIR` that exits 0 when all its checks hold.
"""
import gzip
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

BUILD, SOURCE = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
ASSAY = BUILD / "bin" / "assay"
CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]

SETS = {
    "mini-fashion": {"train": ("fashion-train", 1000), "test": ("fashion-test", 300)},
    "mini-mnist": {"test": ("mnist-test", 200)},
}


def catalog(folder):
    """A catalogue of the small sets; their files are unpacked from tests/data by `assay data fetch`."""
    lines = []
    for name, splits in SETS.items():
        lines += ["[[set]]", f'name = "{name}"', f'title = "sample of {name}"', 'task = "classification"', 'format = "idx"',
                  'licence = "MIT"', 'citation = "arXiv:1708.07747"', "shape = [1, 28, 28]", f"classes = {json.dumps(CLASSES)}"]
        members = {}
        for split, (stem, count) in splits.items():
            for part in ("images", "labels"):
                source = SOURCE / "tests" / "data" / f"{stem}-{part}.gz"
                content = gzip.decompress(source.read_bytes())
                lines += ["[[set.file]]", f'name = "{split}-{part}"', f'file = "{split}-{part}"', f"bytes = {len(content)}",
                          f'sha256 = "{hashlib.sha256(content).hexdigest()}"']
                members[f"{split}-{part}"] = source.name
            lines += ["[[set.split]]", f'name = "{split}"', f"count = {count}", f'files = ["{split}-images", "{split}-labels"]']
        table = ", ".join(f'{key} = "{value}"' for key, value in members.items())
        lines += ["[[set.source]]", 'kind = "path"', f'locator = "{SOURCE}/tests/data"', f"members = {{ {table} }}"]
    (folder / "catalog.toml").write_text("\n".join(lines) + "\n")
    return folder / "catalog.toml"


class Home:
    """A home folder of its own; `run` starts assay in it."""

    def __init__(self, plugins=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-e2e-"))
        self.env = dict(os.environ, ASSAY_HOME=str(self.folder), ASSAY_DB=str(self.folder / "assay.db"),
                        ASSAY_CATALOG=str(catalog(self.folder)), NO_COLOR="1")
        self.env.pop("ASSAY_DATA", None)
        if plugins:
            self.env["ASSAY_PLUGINS"] = ":".join(str(p) for p in plugins)
        self.database = self.folder / "assay.db"

    def run(self, *words, check=None, timeout=600):
        done = subprocess.run([str(ASSAY), *map(str, words)], env=self.env, capture_output=True, text=True, timeout=timeout)
        if check is not None and done.returncode != check:
            raise SystemExit(f"assay {' '.join(map(str, words))}: exit {done.returncode}, expected {check}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words):
        return subprocess.Popen([str(ASSAY), *map(str, words)], env=self.env, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)

    def fetch(self):
        for name in SETS:
            self.run("data", "fetch", name, check=0)

    def suite(self, name, text):
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        return path

    def connect(self):
        return sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def all_rejected(home, head, sins, check):
    """Methods that do what they must not (`sins`: method -> words of the reason), under a suite that begins with `head`."""
    home.run("run", home.suite("rejected", head + "".join(f'[[method]]\nuse = "{sin}"\n' for sin in sins)))
    for sin, reason in sins.items():
        rows = home.connect().execute("SELECT a.status, a.reason FROM cell c JOIN attempt a ON a.cell = c.id WHERE c.kind = 'cell' AND "
                                      "c.method = ?", (sin,)).fetchall()
        check(len(rows) == 1 and rows[0][0] == "rejected" and reason in rows[0][1], f"{sin}: {rows}")


# Left out of bit-for-bit comparisons: when and where something ran, and what was timed. Nothing else.
TIMED_QUANTITIES = ("latency", "measured_speedup")


def snapshot(home):
    """Everything that must not depend on interruptions: cells, statuses, verdicts, scores, per-sample columns, artifacts."""
    db = home.connect()
    marks = ", ".join("?" * len(TIMED_QUANTITIES))
    # Of several attempts the last stands; how many there were is no result.
    last = "JOIN attempt a ON a.cell = c.id AND a.n = (SELECT max(n) FROM attempt WHERE cell = c.id)"
    picture = {
        "cells": db.execute(f"SELECT c.generation, c.kind, c.label, a.status, a.reason, a.level, a.forward, a.backward, a.macs "
                            f"FROM cell c {last} ORDER BY 1").fetchall(),
        "verdicts": db.execute(f"SELECT c.generation, v.place, v.level, v.rule, v.reason FROM cell c {last} "
                               "JOIN verdict v ON v.attempt = a.id ORDER BY 1, 2").fetchall(),
        "outcomes": db.execute(f"SELECT c.generation, o.condition, o.configuration, o.unit, o.quantity, o.n, o.sha256 FROM cell c {last} "
                               "JOIN outcome o ON o.attempt = a.id ORDER BY 1, 2, 3, 4, 5").fetchall(),
        "scores": db.execute(f"SELECT c.generation, s.condition, s.configuration, s.quantity, s.value, s.n FROM cell c {last} "
                             f"JOIN score s ON s.attempt = a.id WHERE s.quantity NOT IN ({marks}) ORDER BY 1, 2, 3, 4",
                             TIMED_QUANTITIES).fetchall(),
    }
    cache = home.folder / "cache"
    digests = {}
    for manifest in cache.glob("*/*/manifest.json"):
        content = json.loads(manifest.read_text())
        for file in content["files"]:
            if not file["name"].startswith("journal/"):
                digests[f"{content['key']}/{file['name']}"] = file["sha256"]
    picture["artifacts"] = sorted(digests.items())
    return picture


class Checks:
    """Counts checks, prints each failure, and ends with the line that test runners read."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}", flush=True)

    def done(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)
