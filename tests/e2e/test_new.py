#!/usr/bin/env python3
"""`assay new ROLE NAME`: every scaffold builds (outside and inside a source tree), validates and runs its suite.

    test_new.py BUILD SOURCE
"""
import json
import pathlib
import shutil
import subprocess
import tempfile

from assay_e2e import ASSAY, BUILD, SOURCE, Checks, Home

ROLES = ["attack", "detector", "ensemble", "compressor", "trainer", "architecture", "reducer", "analyzer"]


def call(*words, cwd=None, env=None):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=cwd, env=env)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def installed(folder):
    call("cmake", "--install", BUILD, "--prefix", folder)
    return folder


def small(suite):
    """The scaffold's suite on the small sets, so that the test needs no download."""
    text = suite.read_text()
    for old, new in [('"fashion-mnist"', '"mini-fashion"'), ('"mnist"', '"mini-mnist"'), ("limit = 2000", "limit = 600")]:
        text = text.replace(old, new)
    path = suite.with_name("small_" + suite.name)
    path.write_text(text)
    return path


def one_role(role, folder, prefix, home, check):
    name = f"my-{role}"
    place = folder / name
    home.run("new", role, name, place, check=0)
    again = home.run("new", role, name, place)
    check(again.returncode == 2 and "not empty" in again.stderr, f"{role}: nothing is overwritten")
    call("cmake", "-S", place, "-B", place / "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release",
         "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Wshadow -Werror")
    call("cmake", "--build", place / "build")
    library = place / "build" / "plugins" / f"{name}.so"
    done = home.run("check", library, "--format", "json")
    bad = [(row["check"], row["status"], row["detail"]) for row in json.loads(done.stdout) if row["status"] not in ("passed", "skipped")]
    check(done.returncode == 0 and not bad, f"{role}: {bad}")
    home.env["ASSAY_PLUGINS"] = str(library.parent)
    run = home.run("run", small(place / f"my_{role}.toml"))
    check(run.returncode == 0, f"{role}: its suite ends with exit {run.returncode}\n{run.stderr[-2000:]}")
    check("0 failed" in run.stderr, f"{role}: {run.stderr[-600:]}")
    del home.env["ASSAY_PLUGINS"]


def inside(folder, home, check):
    """In a source tree the folder goes below plugins/ and is built with the others."""
    tree = folder / "tree"
    tree.mkdir()
    shutil.copy(SOURCE / "CMakeLists.txt", tree)
    for part in ("harness", "results", "plugins", "suites", "tools"):
        shutil.copytree(SOURCE / part, tree / part)
    call(ASSAY, "new", "attack", "inner-attack", cwd=tree, env=home.env)
    check((tree / "plugins" / "attacks" / "inner-attack" / "inner_attack.cpp").is_file(), "a new plugin goes below plugins/")
    call("cmake", "-S", tree, "-B", tree / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DASSAY_TESTS=OFF")
    call("cmake", "--build", tree / "build", "--target", "inner-attack")
    check((tree / "build" / "plugins" / "inner-attack.so").is_file(), "and is built like the others")


def main():
    check = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-new-"))
    home = Home()
    home.fetch()
    prefix = installed(folder / "prefix")
    for role in ROLES:
        one_role(role, folder, prefix, home, check)
    inside(folder, home, check)
    home.remove()
    shutil.rmtree(folder, ignore_errors=True)
    check.done()


main()
