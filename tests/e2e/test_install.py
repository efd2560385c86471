#!/usr/bin/env python3
"""`cmake --install` gives a tree that still works after it was moved, and against which a plugin builds out of tree.

    test_install.py BUILD SOURCE
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from assay_e2e import BUILD, Checks


def run(*words, env=None, cwd=None, code=0):
    done = subprocess.run([str(word) for word in words], env=env, cwd=cwd, capture_output=True, text=True)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(map(str, words))}: exit {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main():
    check = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-install-"))
    run("cmake", "--install", BUILD, "--prefix", folder / "first")
    (folder / "first").rename(folder / "moved")
    tree = folder / "moved"
    for path in ("bin/assay", "bin/assay-worker", "include/assay/plugin.h", "include/assay/sdk.hpp", "lib/assay/plugins/pgd.so",
                 "share/assay/suites/quickstart/attacks.toml", "share/assay/catalog.toml", "lib/cmake/assay/assayConfig.cmake"):
        check((tree / path).is_file(), f"{path} is installed")
    check(not list(tree.rglob("bad_*")) and not list(tree.rglob("*.a")), "neither tests nor static libraries are installed")
    texts = [file for file in tree.rglob("*") if file.suffix in (".cmake", ".toml", ".hpp", ".h", ".map")]
    check(not [file for file in texts if str(folder / "first") in file.read_text() or str(BUILD) in file.read_text()],
          "no file names the folder of the build or the first place")

    assay = tree / "bin" / "assay"
    env = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
    env.update(ASSAY_HOME=str(folder / "home"), NO_COLOR="1")
    methods = json.loads(run(assay, "list", "methods", "--format", "json", env=env))
    check("pgd" in [row["id"] for row in methods], "the moved tree finds its plugins")
    paths = json.loads(run(assay, "info", "pgd", "--format", "json", env=env))["path"]
    check(paths.startswith(str(tree)), f"its own plugins, not the build's: {paths}")
    check(len(json.loads(run(assay, "list", "suites", "--format", "json", env=env))) >= 4, "the moved tree finds its suites")
    check(len(json.loads(run(assay, "list", "datasets", "--format", "json", env=env))) >= 3, "the moved tree finds its catalogue")

    plugin = folder / "my-attack"
    run(assay, "new", "attack", "my-attack", plugin, env=env)
    run("cmake", "-S", plugin, "-B", plugin / "build", f"-DCMAKE_PREFIX_PATH={tree}", "-DCMAKE_BUILD_TYPE=Release", env=env)
    run("cmake", "--build", plugin / "build", env=env)
    library = plugin / "build" / "plugins" / "my-attack.so"
    check(library.is_file(), "the plugin is built where its README says")
    checks = json.loads(run(assay, "check", library, "--format", "json", env=env))
    bad = [row for row in checks if row["status"] not in ("passed", "skipped")]
    check(len(checks) > 10 and not bad, f"the out-of-tree plugin passes the validator: {bad}")
    shutil.rmtree(folder, ignore_errors=True)
    check.done()


main()
