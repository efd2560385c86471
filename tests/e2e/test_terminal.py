#!/usr/bin/env python3
"""A run on a terminal: a line for each node that runs, "q" once drains, and the same command goes on.

    test_terminal.py BUILD SOURCE
"""
import os
import pty
import select
import time

from assay_e2e import ASSAY, Checks, Home

SUITE = """
[suite]
name = "terminal"
task = "attack"
version = 1
seeds = [0, 1]
[data]
train = { set = "mini-fashion", split = "train" }
test  = { set = "mini-fashion", split = "test", limit = 100 }
[[model]]
id = "lenet"
build = "lenet"
train = { recipe = "standard", epochs = 6, lr = 0.02, batch = 50 }
[threat]
norm = "linf"
eps = ["1/10"]
[[method]]
use = "noise"
[[method]]
use = "fgsm"
[[method]]
use = "pgd"
params = { steps = 20 }
"""


def on_terminal(home, suite, press_at=None):
    """(what was written, exit code) of a run whose stdin, stdout and stderr are a terminal of its own."""
    pid, master = pty.fork()
    if pid == 0:
        os.execve(ASSAY, [str(ASSAY), "run", str(suite), "--jobs", "1"], {**home.env, "TERM": "xterm"})
    seen, pressed, until = b"", False, time.monotonic() + 120
    while time.monotonic() < until:
        if select.select([master], [], [], 0.2)[0]:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            seen += chunk
        if press_at and not pressed and press_at in seen:
            os.write(master, b"q")
            pressed = True
    status = os.waitpid(pid, 0)[1]
    os.close(master)
    return seen.decode(), os.waitstatus_to_exitcode(status)


def main():
    check = Checks()
    home = Home()
    home.fetch()
    suite = home.suite("terminal", SUITE)
    seen, code = on_terminal(home, suite, press_at=b"train ")
    check(code == 130, f"q ends the run as an interrupt does: exit {code}\n{seen}")
    check("stopping: waiting for what runs" in seen, "q drains and says so")
    check("killing" not in seen, "q once kills nothing")
    check("\x1b[1A" in seen and " train " in seen, "a line for what runs is drawn beneath the bar and over it again")
    done = home.connect().execute("SELECT count(*) FROM attempt a JOIN cell c ON c.id = a.cell WHERE c.kind = 'train' AND a.status = 'ok'").fetchone()[0]
    check(done == 1, f"what ran has ended and is recorded: {done} trainings")
    seen, code = on_terminal(home, suite)
    check(code == 0, f"the same command goes on: exit {code}\n{seen}")
    check("terminal: 6 cells: 6 ok" in seen, f"to the end: {seen[-2000:]}")
    home.remove()
    check.done()


main()
