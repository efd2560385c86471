#!/usr/bin/env python3
"""Whatever a plugin does becomes one row with its status and reason, and the others' results are untouched.

    test_hostile.py BUILD SOURCE
"""
from assay_e2e import BUILD, Checks, Home

HEAD = """
[suite]
name = "hostile"
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
seconds_per_cell = 10
memory_mb = 400
"""
GOOD = ["noise", "fgsm"]
# plugin id -> (status, words of the reason)
BAD = {
    "hostile-segfault": ("crashed", "SIGSEGV"),
    "hostile-loop": ("timeout", ""),
    "hostile-memory": ("oom", "more memory than its limit of 400 MB"),
    "hostile-exit": ("crashed", "exited with code 0"),
    "hostile-throw": ("failed", "exception cross the C boundary"),
    "hostile-nan": ("rejected", "NaN"),
    "hostile-leave-ball": ("rejected", "leave the linf ball"),
}


def suite(methods):
    return HEAD + "".join(f'[[method]]\nuse = "{name}"\n' for name in methods)


def rows(home):
    db = home.connect()
    return {method: (status, reason, cell) for method, status, reason, cell in db.execute(
        "SELECT c.method, a.status, a.reason, c.id FROM cell c JOIN attempt a ON a.cell = c.id WHERE c.kind = 'cell'")}


def outcomes(home, cell):
    return home.connect().execute("SELECT o.quantity, o.condition, o.sha256 FROM outcome o JOIN attempt a ON a.id = o.attempt "
                                  "WHERE a.cell = ? ORDER BY 1, 2", (cell,)).fetchall()


def main():
    check = Checks()
    alone, together = Home(), Home(plugins=[BUILD / "tests" / "plugins"])
    for home in (alone, together):
        home.fetch()
    alone.run("run", alone.suite("hostile", suite(GOOD)), check=0)
    done = together.run("run", together.suite("hostile", suite(GOOD + list(BAD))), "--jobs", 2)
    check(done.returncode == 1, f"exit code {done.returncode}, expected 1 (some cells failed)\n{done.stdout}\n{done.stderr}")
    clean, mixed = rows(alone), rows(together)
    check(set(mixed) == set(GOOD) | set(BAD), f"a row for every method, found {sorted(mixed)}")
    for name, (status, words) in BAD.items():
        found = mixed.get(name, ("absent", "", 0))
        check(found[0] == status, f"{name}: status {found[0]}, expected {status} ({found[1]})")
        check(words in found[1] and found[1], f"{name}: reason '{found[1]}' lacks '{words}'")
        check(name in done.stdout + done.stderr or name in together.run("leaderboard", "hostile").stdout, f"{name} is not shown")
    log = together.run("log", together.connect().execute("SELECT c.generation FROM cell c WHERE c.method = 'hostile-segfault'").fetchone()[0]).stdout
    # A sanitizer writes its own report.
    check("crashed by signal SEGV; backtrace:" in log and "assay::tasks::run_attack" in log and "Hostile" in log or "Sanitizer" in log, f"no backtrace: {log[-2000:]}")
    # What a killed namespace takes with it is known from the watch, on a machine that may be busy.
    spent = together.connect().execute("SELECT a.cpu_seconds FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.method = 'hostile-loop'").fetchone()[0]
    check(spent > 0.2, f"hostile-loop was killed after ten seconds of work, and {spent} s of CPU time are recorded")
    for name in GOOD:
        check(mixed[name][0] == "ok", f"{name}: {mixed[name][:2]}")
        check(outcomes(together, mixed[name][2]) == outcomes(alone, clean[name][2]) != [], f"{name}: results differ beside hostile plugins")
    for home in (alone, together):
        home.remove()
    check.done()


main()
