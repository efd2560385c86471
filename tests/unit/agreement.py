#!/usr/bin/env python3
"""The table of results/stats/AGREEMENT.md: every statistic and metric, its reference implementation, the largest difference.

    agreement.py BUILD SOURCE            compares what the unit tests find with the table (ctest: agreement)
    agreement.py BUILD SOURCE --write    writes it

The tests themselves fail when a difference is beyond its bound; this fails when the table misses a row, has one too many, has
a smaller difference than is found (by more than a factor of ten, and 1e-12), or when a metric of the registry that is
computed from outcomes has no reference.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HEAD = """# Against other implementations

Made by `tests/unit/agreement.py BUILD SOURCE --write` from what `test_stats` and `test_metrics` find; `ctest -R agreement` keeps
it in step. Differences are absolute, the largest over all cases. The references' values are stored in
`tests/unit/stats/fixtures` and `tests/unit/metrics/fixtures` with the scripts that made them. What has no reference is checked by
simulation: [README.md](README.md).
"""
SECTIONS = {"test_stats": "Statistics", "test_metrics": "Metrics"}
GROWTH, FLOOR = 10, 1e-12


def found(build, program):
    """{(function, reference): (largest, bound, cases)} and the metrics that need a row."""
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "lines"
        done = subprocess.run([build / "tests" / program], env=os.environ | {"ASSAY_AGREEMENT": str(lines)}, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout[-4000:] + f"\n{program} failed")
        rows, wanted = {}, []
        for line in lines.read_text().splitlines():
            if line.startswith("metric\t"):
                wanted.append(line.split("\t")[1])
                continue
            function, reference, largest, bound, cases = line.split("\t")
            before = rows.get((function, reference), (0.0, 0.0, 0))
            rows[function, reference] = (max(before[0], float(largest)), max(before[1], float(bound)), before[2] + int(cases))
    return rows, wanted


def shown(value):
    return "0" if value == 0 else f"{value:.0e}".replace("e-0", "e-")


def table(rows):
    lines = ["| function | reference | values | largest difference | bound |", "|---|---|---|---|---|"]
    for (function, reference), (largest, bound, cases) in sorted(rows.items()):
        lines.append(f"| `{function}` | {reference} | {cases} | {shown(largest)} | {shown(bound)} |")
    return "\n".join(lines) + "\n"


def written(path):
    rows = {}
    for line in path.read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if line.startswith("| `"):
            rows[cells[0].strip("`"), cells[1]] = float(cells[3])
    return rows


def main():
    build, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    path = source / "results" / "stats" / "AGREEMENT.md"
    text, problems, all_rows = HEAD, [], {}
    for program, title in SECTIONS.items():
        rows, wanted = found(build, program)
        names = [part.strip() for function, _ in rows for part in function.replace("(", ",").replace(")", ",").split(",")]
        problems += [f"metric '{metric}' is compared with no other implementation" for metric in wanted if metric not in names]
        problems += [f"'{key[0]}' against {key[1]} compares nothing" for key, row in rows.items() if row[2] == 0]
        text += f"\n## {title}\n\n" + table(rows)
        all_rows |= rows
    if "--write" in sys.argv:
        path.write_text(text)
    known = written(path) if path.exists() else {}
    problems += [f"the table has no row '{key[0]}' against {key[1]}" for key in all_rows if key not in known]
    problems += [f"the table has a row '{key[0]}' against {key[1]}, which no test makes" for key in known if key not in all_rows]
    for key, (largest, _, _) in all_rows.items():
        if key in known and largest > max(GROWTH * known[key], FLOOR):
            problems.append(f"'{key[0]}' against {key[1]}: {largest:.1e}, the table says {known[key]:.0e}")
    for problem in problems:
        print(problem)
    print(f"{len(all_rows)} rows" + (f"; run {sys.argv[0]} {sys.argv[1]} {sys.argv[2]} --write" if problems else ""))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
