#!/usr/bin/env python3
"""Exit codes, messages and formats of the commands that need no results.

    test_cli.py BUILD SOURCE
"""
import json
import os
import pty
import re
import shutil
import subprocess

from assay_e2e import ASSAY, BUILD, SOURCE, Checks, Home

COMMANDS = ["run", "plan", "list", "info", "leaderboard", "compare", "claims", "rescore", "submit", "reproduce", "audit", "show", "log", "data", "new", "check", "db", "cache", "doctor", "completion"]

# words, exit code, what stderr says
BAD = [
    ([], 2, "subcommand is required"),
    (["rnu"], 2, "unknown command 'rnu'; did you mean 'run'?"),
    (["run"], 2, "suite is required"),
    (["run", "x", "--jbos", "3"], 2, "unknown option '--jbos'; did you mean '--jobs'?"),
    (["run", "x", "--jobs", "0"], 2, "--jobs"),
    (["run", "no-such-suite"], 2, "no suite 'no-such-suite'"),
    (["run", "quickstart/atacks"], 2, "did you mean 'quickstart/attacks'?"),
    (["run", "missing.toml"], 2, "no suite file 'missing.toml'"),
    (["leaderboard", "x", "--format", "jsno"], 2, "json"),
    (["leaderboard", "x"], 2, "no results database at"),
    (["claims"], 2, "no results database at"),
    (["claims", "--format", "csv"], 2, "unknown format 'csv'"),
    (["compare"], 2, "name a suite and at least two methods, or --table FILE.csv"),
    (["compare", "quickstart/attacks", "pgd", "fgsm"], 2, "no results database at"),
    (["compare", "quickstart/attacks", "pgd"], 2, "name a suite and at least two methods"),
    (["compare", "--table", "absent.csv"], 2, "absent.csv"),
    (["compare", "--table", "x.csv", "--over", "sead"], 2, "did you mean 'seeds'?"),
    (["show", "abc"], 2, "no results database at"),
    (["rescore", "x"], 2, "no results database at"),
    (["reproduce", "x"], 2, "no results database at"),
    (["db", "check"], 2, "no results database at"),
    (["db", "migrate"], 2, "no results database at"),
    (["db", "chekc"], 2, "did you mean 'check'?"),
    (["db", "export", "out", "--format", "jsonnl"], 2, "did you mean 'jsonl'?"),
    (["db", "retract", "abc"], 2, "--reason"),
    (["cache", "gc", "--older-than", "-1"], 2, "--older-than"),
    (["list", "metods"], 2, "did you mean 'methods'?"),
    (["list", "methods", "extra"], 2, "unexpected argument 'extra'"),
    (["list", "metrics", "--format", "csv"], 2, "--format: unknown format 'csv'"),
    (["info", "pdg"], 2, "did you mean 'pgd'?"),
    (["data"], 2, "subcommand is required"),
    (["data", "fecth"], 2, "unknown command 'fecth'; did you mean 'fetch'?"),
    (["data", "fetch"], 2, "name the sets to fetch"),
    (["data", "fetch", "mini-fashon"], 2, "did you mean 'mini-fashion'?"),
    (["data", "verify", "mini-fashion"], 2, ""),
    (["check", "nothing.so"], 2, "no plugin file 'nothing.so'"),
    (["check", str(SOURCE / "README.md")], 2, "README.md"),
    (["check", "pgd", "--only", "one-simbol"], 2, "did you mean 'one-symbol'?"),
    (["new", "atack", "x"], 2, "did you mean 'attack'?"),
    (["new", "attack", "Not_Kebab"], 2, "expected short kebab-case"),
    (["completion", "tcsh"], 2, "unknown shell 'tcsh'"),
]


def refusals(home, check):
    for words, code, says in BAD:
        done = home.run(*words)
        name = "assay " + " ".join(words)
        check(done.returncode == code, f"{name}: exit {done.returncode}, expected {code}\n{done.stderr}")
        check(says in done.stderr, f"{name}: stderr lacks \"{says}\":\n{done.stderr}")


def helps(home, check):
    for command in COMMANDS:
        done = home.run(command, "--help", check=0)
        check("Example:\n  " in done.stdout and "assay " + command in done.stdout, f"assay {command} --help has no example")
    check(all(command in home.run("--help", check=0).stdout for command in COMMANDS), "assay --help lists every command")
    check(re.fullmatch(r"assay \d+\.\d+\.\d+\n", home.run("--version", check=0).stdout), "--version")


def listings(home, check):
    for topic, member in [("methods", "pgd"), ("models", "lenet"), ("ops", "conv2d"), ("metrics", "auroc")]:
        rows = json.loads(home.run("list", topic, "--format", "json", check=0).stdout)
        check(any(row["id"] == member for row in rows), f"list {topic} lacks {member}")
        check(member in home.run("list", topic, check=0).stdout, f"list {topic} as a table lacks {member}")
        check(json.loads(home.run("info", member, "--format", "json", check=0).stdout)["id"] == member, f"info {member}")
    attacks = json.loads(home.run("list", "methods", "--role", "attack", "--format", "json", check=0).stdout)
    check({"pgd", "fgsm", "noise"} <= {row["id"] for row in attacks} and "msp" not in {row["id"] for row in attacks}, "list --role")
    suites = json.loads(home.run("list", "suites", "--format", "json", check=0).stdout)
    check({"quickstart/attacks", "quickstart/ood", "quickstart/ensembles", "quickstart/pruners"} <= {s["name"] for s in suites}, "suites")
    check(all(s["task"] for s in suites), "every installed suite parses")
    check("20" in home.run("info", "pgd", check=0).stdout, "info pgd shows the default of steps")


def moved_build(home, check):
    """A build tree outside of the source tree finds the suites by the file that cmake left in it."""
    tree = home.folder / "elsewhere"
    (tree / "bin").mkdir(parents=True)
    shutil.copy(ASSAY, tree / "bin" / "assay")
    (tree / "source-tree").write_text(f"{SOURCE}\n")
    done = subprocess.run([tree / "bin" / "assay", "list", "suites"], env=home.env, capture_output=True, text=True)
    check("quickstart/attacks" in done.stdout, f"suites of a build tree elsewhere: {done.stdout}{done.stderr}")


def data(home, check):
    state = {row["set"]: row["state"] for row in json.loads(home.run("data", "list", "--format", "json", check=0).stdout)}
    check(state["mini-fashion"] == "absent" and "cifar10" in state, f"data list before fetching: {state}")
    first = home.run("data", "fetch", "mini-fashion", check=0).stdout
    check("from path" in first and "verified" in first, f"first fetch: {first}")
    check("was there already" in home.run("data", "fetch", "mini-fashion", check=0).stdout, "second fetch does nothing")
    home.run("data", "verify", "mini-fashion", check=0)
    file = home.folder / "data" / "mini-fashion" / "train-labels"
    whole = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = home.run("data", "verify", "mini-fashion")
    check(done.returncode == 2 and "train-labels  damaged" in done.stdout, f"a flipped bit is found: {done.returncode}\n{done.stdout}")
    home.run("data", "fetch", "mini-fashion", check=0)
    check(file.read_bytes() == whole, "a damaged file is fetched again")


def doctor(home, check):
    rows = {row["what"]: row["state"] for row in json.loads(home.run("doctor", "--format", "json", check=0).stdout)}
    check({"worker", "engine", "precision", "plugins", "suites", "data", "home", "database", "isolation", "load"} == set(rows), f"doctor looks at {sorted(rows)}")
    home.env["ASSAY_PLUGINS"] = "/nowhere"
    check(home.run("doctor").returncode == 2, "doctor reports a missing plugin folder")
    del home.env["ASSAY_PLUGINS"]


def colours(home, check):
    check("\033[" not in home.run("list", "metrics", check=0).stdout, "no colour without a terminal")

    def on_terminal(**more):
        main, side = pty.openpty()
        env = {**home.env, "TERM": "xterm", **more}
        if "NO_COLOR" not in more:
            env.pop("NO_COLOR")
        process = subprocess.Popen([str(ASSAY), "list", "metrics"], env=env, stdout=side, stderr=side)
        os.close(side)
        text = b""
        while True:
            try:
                piece = os.read(main, 4096)
            except OSError:  # how Linux says that the other side is closed
                break
            if not piece:
                break
            text += piece
        process.wait()
        os.close(main)
        return text

    check(b"\033[" in on_terminal(), "colour on a terminal")
    check(b"\033[" not in on_terminal(NO_COLOR="1"), "NO_COLOR is honoured")


def validator(home, check):
    listed = json.loads(home.run("check", "noise", "--list", "--format", "json", check=0).stdout)
    check({"one-symbol", "handles-balance"} <= {row["check"] for row in listed}, f"check --list: {listed}")
    good = home.run("check", BUILD / "plugins" / "noise.so", "--only", "one-symbol", "--format", "json", check=0)
    check([row["status"] for row in json.loads(good.stdout)] == ["passed"], f"noise exports one symbol: {good.stdout}")
    bad = home.run("check", BUILD / "tests" / "plugins" / "bad_one_symbol.so", "--only", "one-symbol")
    check(bad.returncode == 1 and "failed" in bad.stdout, f"a bad plugin gives exit 1: {bad.returncode}\n{bad.stdout}")


def completion(home, check):
    for shell in ("bash", "zsh"):
        script = home.run("completion", shell, check=0).stdout
        check(subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0, f"completion {shell} is valid")
    probe = 'COMP_WORDS=(assay run --re); COMP_CWORD=2; _assay; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", home.run("completion", "bash").stdout + probe], capture_output=True, text=True)
    check("--retry-failed" in done.stdout, f"bash completes options: {done.stdout}")
    home.run("completion", "fish", check=0)


def main():
    check = Checks()
    home = Home()
    for part in (refusals, helps, listings, moved_build, data, doctor, colours, validator, completion):
        part(home, check)
    home.remove()
    check.done()


main()
