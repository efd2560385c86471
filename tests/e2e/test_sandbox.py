#!/usr/bin/env python3
"""Plugins that attack the harness are contained, one row each, and other cells do not notice: with the sandbox, with
control groups alone, and with the watchdog alone. A run in the sandbox ends with the database of one without.

    test_sandbox.py BUILD SOURCE
"""
import json
import pathlib
import socket
import sys
import threading

from assay_e2e import BUILD, Checks, Home, snapshot

HEAD = """
[suite]
name = "sandbox"
task = "attack"
version = 1
seeds = [0]
[data]
train = { set = "mini-fashion", split = "train" }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "standard", epochs = 1, lr = 0.02, batch = 50 }
[threat]
norm = "linf"
eps = ["1/10"]
[limits]
seconds_per_cell = 20
memory_mb = 500
disk_mb = 128
processes = 40
"""
GOOD = ["noise", "fgsm"]
# plugin id -> (statuses, words of the reason); ok: what it tried was refused, and the cell is as good as any.
ANYWHERE = {
    "hostile-fork-bomb": (["failed"], "started more processes"),
    "hostile-fill-disk": (["failed"], "wrote more to disk than its limit of 128 MB"),
    "hostile-memory": (["oom"], "needed more memory than its limit of 500 MB"),
    "hostile-close-pipes": (["timeout"], "did not end within 20 s"),
    "hostile-double-fork": (["ok"], ""),
    "hostile-overwrite": (["crashed"], "killed by SIG"),
    "hostile-forge": (["ok"], ""),
}
SANDBOXED = {
    "hostile-database": (["ok"], ""),
    "hostile-network": (["ok"], ""),
    "hostile-home": (["ok"], ""),
    "hostile-ptrace": (["ok"], ""),
    "hostile-neighbour": (["ok"], ""),
    "hostile-kill-parent": (["ok"], ""),
    "hostile-labels": (["ok"], ""),
}


class Listener:
    """Counts who connects to a port of this machine."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.count = self.socket.getsockname()[1], 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            self.socket.accept()[0].close()
            self.count += 1


def suite(home, methods, port):
    text = HEAD
    for name in methods:
        text += f'[[method]]\nuse = "{name}"\n' + (f"params = {{ port = {port} }}\n" if name == "hostile-network" else "")
    return home.suite("sandbox", text)


def rows(home):
    return {method: row for method, *row in home.connect().execute(
        "SELECT c.method, a.status, a.reason, a.level, a.host_json, c.id FROM cell c JOIN attempt a ON a.cell = c.id WHERE c.kind = 'cell'")}


def results_of(home, method):
    return home.connect().execute("SELECT o.quantity, o.condition, o.sha256 FROM cell c JOIN attempt a ON a.cell = c.id "
                                  "JOIN outcome o ON a.id = o.attempt WHERE c.method = ? ORDER BY 1, 2", (method,)).fetchall()


def strays():
    names = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            names.append(comm.read_text().strip())
        except OSError:
            pass
    return names.count("assay-stray")


def trial(name, bad, limits_by, clean, check, *words, **env):
    """Runs good and bad methods together; `clean` is a home where the good ones ran alone."""
    listener = Listener()
    home = Home(plugins=[BUILD / "tests" / "plugins"])
    home.env.update(env)
    (home.folder / "secret.txt").write_text("secret")
    home.fetch()
    done = home.run("run", suite(home, GOOD + list(bad), listener.port), "--jobs", 2, *words)
    found = rows(home)
    check(done.returncode == 1 and set(found) == set(GOOD) | set(bad), f"{name}: exit {done.returncode}, rows {sorted(found)}\n{done.stderr}")
    for method, (statuses, words_of_reason) in bad.items():
        status, reason, level, host, _ = found.get(method, ("absent", "", 0, "{}", 0))
        check(status in statuses and words_of_reason in reason, f"{name}: {method}: {status} ({reason}), expected {statuses} ({words_of_reason})")
        check((level == 2) == (method == "hostile-forge"), f"{name}: {method}: level {level}")
    for method in GOOD:
        check(results_of(home, method) == results_of(clean, method) != [], f"{name}: {method}: results differ beside hostile plugins")
        by = json.loads(found[method][3]).get("limits_by", {}) if method in found else {}
        check(all(by.get(key) == value for key, value in limits_by.items()), f"{name}: limits_by {by}, expected {limits_by}")
    score = home.connect().execute("SELECT count(*) FROM score s JOIN attempt a ON a.id = s.attempt JOIN cell c ON c.id = a.cell "
                                   "WHERE c.method = 'hostile-forge' AND s.quantity = 'robust_accuracy' AND s.value = 0").fetchone()[0]
    check(score == 0, f"{name}: a forged outcome is in the database")
    check(strays() == 0, f"{name}: {strays()} processes outlived their cell")
    check(listener.count == 0 or "hostile-network" not in bad, f"{name}: {listener.count} connections came through")
    check(not any((home.folder / "work").iterdir()), f"{name}: scratch folders stay")
    home.remove()


def doctor(home):
    listing = json.loads(home.run("doctor", "--format", "json").stdout)
    found = [row for row in listing if row["what"] == "isolation"]
    return found[0] if found else {"state": "absent", "detail": ""}


def questions(check):
    """A library is opened to ask what it holds, and to check it: in the sandbox too."""
    home = Home(plugins=[BUILD / "tests" / "plugins"])
    home.fetch()
    listed = home.run("list", "methods", check=0)
    check("hostile-load" in listed.stdout, f"the plugin is described: {listed.stdout[-500:]} {listed.stderr}")
    home.run("plan", suite(home, ["noise"], 0), check=0)
    home.run("check", BUILD / "tests" / "plugins" / "hostile_load.so")
    check(not (home.folder / "was-here").exists(), "a library that was opened for a question wrote into assay's home")
    home.remove()


def same_database(clean, check):
    boxed = Home()
    boxed.fetch()
    boxed.run("run", suite(boxed, GOOD, 0), "--sandbox", "require", check=0)
    a, b = snapshot(clean), snapshot(boxed)
    for part in a:
        check(a[part] == b[part], f"{part} differ between sandboxed and not:\n  {sorted(set(map(str, a[part])) ^ set(map(str, b[part])))[:6]}")
    boxed.remove()


def refusals(home, check):
    """Without bubblewrap `require` runs nothing, and `auto` warns once and records it."""
    bare = home.folder / "bin"
    bare.mkdir()
    home.env["PATH"] = str(bare)
    refused = home.run("run", suite(home, GOOD, 0), "--sandbox", "require")
    check(refused.returncode == 2 and "--sandbox=require, but no sandbox" in refused.stderr, f"require: {refused.returncode} {refused.stderr}")
    check(home.run("run", suite(home, GOOD, 0), "--sandbox", "sometimes").returncode == 2, "an unknown mode is refused")
    warned = home.run("run", suite(home, GOOD, 0), check=0)
    check(warned.stderr.count("without a sandbox") == 1 and "bubblewrap is not installed" in warned.stderr, f"auto: {warned.stderr}")
    by = json.loads(rows(home)["noise"][3])["limits_by"]
    check(by["sandbox"] == "off", f"auto without bubblewrap: {by}")


def main():
    check = Checks()
    clean, bare = Home(), Home()
    for home in (clean, bare):
        home.fetch()
    clean.run("run", suite(clean, GOOD, 0), "--sandbox", "off", check=0)
    state = doctor(clean)
    refusals(bare, check)
    trial("watchdog", ANYWHERE, {"memory": "watchdog", "processes": "watchdog", "disk": "watchdog", "sandbox": "off"}, clean, check,
          "--sandbox", "off", ASSAY_CGROUPS="off")
    if "memory by cgroup" in state["detail"]:
        trial("control groups", ANYWHERE, {"sandbox": "off"}, clean, check, "--sandbox", "off")
    else:
        print(f"not tried: limits by control groups ({state['detail']})")
    if state["state"] == "ok":
        trial("sandbox", {**ANYWHERE, **SANDBOXED}, {"sandbox": "bubblewrap"}, clean, check, "--sandbox", "require")
        trial("sandbox and watchdog", {**ANYWHERE, **SANDBOXED}, {"sandbox": "bubblewrap", "memory": "watchdog"}, clean, check,
              "--sandbox", "require", ASSAY_CGROUPS="off")
        same_database(clean, check)
        questions(check)
    for home in (clean, bare):
        home.remove()
    if state["state"] != "ok" and check.failed == 0:
        print(f"skipped: {', '.join(SANDBOXED)} need a sandbox ({state['detail']}); {check.passed} other checks passed")
        sys.exit(77)
    check.done()


main()
