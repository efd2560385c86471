#!/usr/bin/env python3
"""What a database of a million cells costs, beside the sqlite3 command line running the same SQL, in one run.

    scale.py BUILD FOLDER [--cells N] [--shown N] [--suites N] [--samples N] [--shards N] [--only PART]... [--front-end DIR]

FOLDER is made, and holds the database (5 GB for a million cells), the site and the shards afterwards; a database of the same
shape that is there is used again. PART is generate, board, site or import (default: all). CPU seconds are of the process
itself, so they hold on a machine that does other things too; wall seconds are told beside them. The statements of a
part are what SQLite was seen to run, values included; the command line reads them from a file, its output thrown away.

Exit code: 1 when a target is missed. The targets are those of a million cells; a smaller database has the same ones.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

BOARD_SECONDS, SITE_SECONDS, SITE_BYTES, RECORDS_PER_SECOND = 0.3, 60, 100e6, 20000
TOGETHER = 200        # imports a transaction
COMMAND_LINE_CELLS = 5000   # of the import, as SQL text: ten kilobytes a cell


class Failure(Exception):
    pass


def run(words, **options):
    """Its CPU and wall seconds and what it printed."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([str(w) for w in words], stdout=options.pop("stdout", subprocess.PIPE), text=True, **options)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
    if done.returncode != 0:
        raise Failure(f"{words[0]} {words[1]} ended with {done.returncode}")
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "wall": wall, "out": done.stdout}


class Table:
    def __init__(self):
        self.rows, self.missed = [], 0

    def add(self, what, cpu, wall, value="", target="", ok=None):
        self.missed += ok is False
        self.rows.append((what, f"{cpu:.3g}", f"{wall:.3g}", value, target, "" if ok is None else "holds" if ok else "MISSED"))
        print("  ".join(str(x) for x in self.rows[-1]), flush=True)

    def text(self):
        head = ("what", "CPU s", "wall s", "value", "target", "")
        return "\n".join("| " + " | ".join(row) + " |" for row in [head, ("---",) * len(head)] + self.rows)


class Measurement:
    def __init__(self, options):
        self.o = options
        self.folder = options.folder
        self.tool = options.build / "bin" / "assay-scale"
        self.assay = options.build / "bin" / "assay"
        self.table = Table()
        self.database = self.folder / f"{options.cells}-{options.shown}-{options.suites}-{options.samples}.db"

    def told(self, *words):
        got = run([self.tool, *words])
        return json.loads(got["out"]) | {"of_all": got}

    def command_line(self, database, sql):
        with open(sql) as statements:
            return run(["sqlite3", "-bail", database], stdin=statements, stdout=subprocess.DEVNULL)

    def generate(self):
        if self.database.exists():
            return
        made = self.told("generate", self.database, self.o.cells, self.o.shown, self.o.suites, self.o.samples)
        self.table.add(f"generate {made['cells']} cells, {made['shown']} shown", made["of_all"]["cpu"], made["seconds"],
                       f"{self.database.stat().st_size / 1e9:.2f} GB")

    def board(self):
        got = run([self.tool, "boards", self.database, 5, self.folder / "board"])
        for one in json.loads(got["out"]):
            what = f"{one['board']} board ({one['cells']} cells)"
            by_hand = self.command_line(self.database, one["sql"])
            self.table.add(f"{what}: view leaderboard", one["query"]["cpu"], one["query"]["wall"], f"{one['rows']} rows",
                           f"{BOARD_SECONDS} s", one["query"]["cpu"] < BOARD_SECONDS)
            self.table.add("the same, sqlite3 command line", by_hand["cpu"], by_hand["wall"])
            self.table.add(f"{what}: cells with scores", one["read"]["cpu"], one["read"]["wall"], "", f"{BOARD_SECONDS} s",
                           one["read"]["cpu"] < BOARD_SECONDS)
            whole = one["board_with_statistics"]
            self.table.add(f"{what}: with intervals and rank ranges", whole["cpu"], whole["wall"])
            asked = run([self.assay, "leaderboard", one["suite"], "--db", self.database, "--format", "csv"], stderr=subprocess.DEVNULL)
            self.table.add(f"assay leaderboard {one['suite']}", asked["cpu"], asked["wall"])

    def site(self):
        front_end = self.o.front_end or self.o.build / "share" / "assay" / "site"
        if not (front_end / "index.html").exists():  # the data are what is measured
            front_end = self.folder / "front"
            front_end.mkdir(exist_ok=True)
            for name in ("index.html", "site.js", "site.css"):
                (front_end / name).write_text("x")
        target = self.folder / "site"
        shutil.rmtree(target, ignore_errors=True)
        made = run([self.assay, "site", target, "--front-end", front_end, "--db", self.database])
        files = [f for f in target.rglob("*") if f.is_file()]
        size = sum(f.stat().st_size for f in files)
        self.table.add("assay site", made["cpu"], made["wall"], made["out"].splitlines()[0], f"{SITE_SECONDS} s", made["cpu"] < SITE_SECONDS)
        self.table.add("its size", 0, 0, f"{size / 1e6:.1f} MB in {len(files)} files", f"{SITE_BYTES / 1e6:.0f} MB", size < SITE_BYTES)
        shutil.rmtree(target)
        sql = self.folder / "site.sql"
        self.told("site", self.database, front_end, target, sql)
        by_hand = self.command_line(self.database, sql)
        self.table.add("its SQL, sqlite3 command line", by_hand["cpu"], by_hand["wall"], f"{sum(1 for _ in open(sql))} lines")
        sql.unlink()

    def import_(self):
        cells = self.o.shards // 2
        shards = self.folder / f"shards-{cells}"
        if not shards.exists():
            self.told("shards", shards, cells)
        fresh = self.folder / "import.db"

        def imported(count, together, *more, into=None):
            for old in self.folder.glob("import.db*"):
                old.unlink()
            if into:  # a copy: the suite of the import would be on the site of the next measurement
                shutil.copyfile(into, fresh)
            return self.told("import", fresh, shards, count, together, *more)

        for into, where in ((None, "a new database"), (self.database, f"one of {self.o.cells} cells")):
            got = imported(cells, TOGETHER, into=into)
            rate = got["records"] / got["cpu"]
            self.table.add(f"import of {got['shards']} shards into {where}", got["cpu"], got["wall"],
                           f"{got['records']} records: {rate:.0f} a CPU second, {got['records'] / got['wall']:.0f} a second; "
                           f"{got['shards'] / got['cpu']:.0f} shards a CPU second; {got['bytes'] / 1e6:.0f} MB",
                           f"{RECORDS_PER_SECOND} records a second", rate >= RECORDS_PER_SECOND)
        part = min(cells, COMMAND_LINE_CELLS)
        one_by_one = imported(min(part, 500), 1)
        self.table.add("one import a transaction", one_by_one["cpu"], one_by_one["wall"], f"{one_by_one['records'] / one_by_one['wall']:.0f} records a second")
        sql = self.folder / "import.sql"
        got = imported(part, TOGETHER, sql)
        for old in self.folder.glob("import.db*"):
            old.unlink()
        by_hand = self.command_line(fresh, sql)
        rows = got["records"]
        self.table.add(f"SQL of {2 * part} of the shards, sqlite3 command line", by_hand["cpu"], by_hand["wall"],
                       f"{rows / by_hand['cpu']:.0f} records a CPU second; the plan's cells included")
        sql.unlink()
        for old in self.folder.glob("import.db*"):
            old.unlink()


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("build", type=pathlib.Path)
    parse.add_argument("folder", type=pathlib.Path)
    parse.add_argument("--cells", type=int, default=1_000_000)
    parse.add_argument("--shown", type=int, default=20_000)
    parse.add_argument("--suites", type=int, default=100)
    parse.add_argument("--samples", type=int, default=256)
    parse.add_argument("--shards", type=int, default=100_000)
    parse.add_argument("--only", action="append", choices=["generate", "board", "site", "import"])
    parse.add_argument("--front-end", type=pathlib.Path)
    options = parse.parse_args()
    if not shutil.which("sqlite3"):
        print("needs the sqlite3 command line (Debian package sqlite3)", file=sys.stderr)
        return 77
    options.build, options.folder = options.build.resolve(), options.folder.resolve()
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("ASSAY_HOME", str(options.folder / "home"))
    measurement = Measurement(options)
    parts = {"generate": measurement.generate, "board": measurement.board, "site": measurement.site, "import": measurement.import_}
    try:
        for part in parts:
            if part == "generate" or not options.only or part in options.only:
                parts[part]()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    print(measurement.table.text())
    return 1 if measurement.table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
