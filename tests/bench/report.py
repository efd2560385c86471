"""Prints and writes what run.py measured.

usage: report.py MERGED_DIR FILE.json...    joins runs of the same machine into one table (later files win)
"""
import json
import os
import sys


def cpu_name():
    for text in open("/proc/cpuinfo", encoding="utf-8"):
        if text.startswith("model name"):
            return text.split(":", 1)[1].strip()
    return "unknown"


def duration(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def of_peak(row, peak):
    """Of the peak in the row's precision: dot products of bf16 pairs and u8 quadruples do 2 and 4 times f32's work."""
    peak = row.get("peak", peak) * {"bf16": 2, "int8": 4}.get(row["work"].rsplit("-", 1)[1] if "-" in row["work"] else "", 1)
    return f"{100 * row['flops'] / row['assay'] / peak:.0f} %" if row.get("flops") else ""


def verdict(row):
    if not row.get("target"):
        return ""
    if row["ratio"] >= row["target"]:
        return "met"
    return "within noise" if row["high"] >= row["target"] else "missed"


def line(row, peak):
    text = f"{row['subject']:12} {row['work']:11} {duration(row['assay']):>9} {of_peak(row, peak):>5}"
    if row.get("peer"):
        text += f"  {row['peer']:12} {duration(row['peer_time']):>9}  x{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        text += f"  {'target ' + format(row['target'], '.2f') + ' ' + verdict(row) if row.get('target') else ''}"
    return text


def table(result):
    peak = result["machine"]["peak"]
    yield "| subject | work | batch | assay | of peak | peer | peer time | ratio [95 %] | target | |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in result["rows"]:
        cells = [row["subject"], row["work"], str(row["batch"]), duration(row["assay"]), of_peak(row, peak)]
        if row.get("peer"):
            target = f"{row['target']:.2f}" if row.get("target") else ""
            cells += [row["peer"], duration(row["peer_time"]), f"{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]", target, verdict(row)]
        else:
            cells += [""] * 5
        yield "| " + " | ".join(cells) + " |"


def markdown(result):
    machine = result["machine"]
    versions = sorted({f"{r['peer']} {r['peer_version']}" for r in result["rows"] if r.get("peer")})
    head = f"""# Speed on {machine['isa']}

Made by `tests/bench/run.py` on {result['made']}: {machine['cpu']}, Linux {machine['kernel']}, oneDNN {machine['onednn']},
{machine['threads']} thread. Times are process CPU time an iteration (a batch; PGD: 20 steps of a batch), medians of
{result['rounds']} rounds of about {result['seconds']} s in which assay and its peers alternate; a ratio is peer time / assay time,
median of the rounds with a 95 % bootstrap interval. `of peak`: the model's multiply-adds (2 flops each; training 3 passes,
PGD 2) against {machine['peak'] / 1e9:.0f} GFLOP/s of f32 multiply-adds measured in the same run (twice that for bf16, four times for int8). Load average at the start: {machine['load']:.1f}.
Peers: {', '.join(versions) or 'none'}; torch with malloc that keeps its memory, channels-last for image models.

"""
    return head + "\n".join(table(result)) + "\n"


def write(result, folder):
    os.makedirs(folder, exist_ok=True)
    name = os.path.join(folder, f"bench-{result['machine']['isa']}")
    with open(name + ".json", "w", encoding="utf-8") as out:
        json.dump(result, out, indent=1)
    with open(name + ".md", "w", encoding="utf-8") as out:
        out.write(markdown(result))
    print(f"wrote {name}.md")


def main():
    folder, files = sys.argv[1], sys.argv[2:]
    merged, rows = None, {}
    for file in files:
        result = json.load(open(file, encoding="utf-8"))
        for row in result["rows"]:
            # Each row keeps the peak and the rounds of its own run.
            rows[(row["subject"], row["work"], row.get("peer"))] = {"peak": result["machine"]["peak"], "of_rounds": result["rounds"], **row}
        merged = result
    merged["rows"] = list(rows.values())
    rounds = sorted({row["of_rounds"] for row in merged["rows"]})
    merged["rounds"] = f"{rounds[0]} to {rounds[-1]}" if len(rounds) > 1 else rounds[0]
    write(merged, folder)


if __name__ == "__main__":
    main()
