#!/usr/bin/python3
"""Regions of the small perceptron of make_fixtures.py, decided by numpy: every point of the grid in float32 and double, which the
analyzers never see. Nothing here shares code with them.

    /usr/bin/python3 tests/methods/make_analyzer_fixtures.py      # writes fixtures/analyzers.json
"""
import itertools
import json
import os

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
KNOWN = json.load(open(os.path.join(HERE, "expected.json")))
EPS, STEP, ELEMENTS = 0.6, 0.15, 4


def net(x, which=0):
    w1, b1, w2, b2 = (np.array(part) for part in KNOWN["nets"][which])
    hidden = np.maximum(x @ w1.reshape(16, 12).T + b1, 0)
    return hidden @ w2.reshape(5, 16).T + b2


def region(x):
    """Steps below and above of each element, the box clipped to [0, 1] first; only the ELEMENTS farthest from the mean move."""
    order = sorted(range(len(x)), key=lambda i: (-abs(x[i] - x.mean()), i))[:ELEMENTS]
    below, above = [0] * len(x), [0] * len(x)
    for i in order:
        below[i] = int(np.floor((x[i] - max(x[i] - EPS, 0)) / STEP + 1e-6))
        above[i] = int(np.floor((min(x[i] + EPS, 1) - x[i]) / STEP + 1e-6))
    return below, above


def main():
    x = np.array(KNOWN["x"], dtype=np.float32).reshape(-1, 12).astype(np.float64)
    cases = []
    for row in x:
        below, above = region(row)
        moving = [i for i in range(len(row)) if below[i] + above[i]]
        points = []
        for steps in itertools.product(*[range(-below[i], above[i] + 1) for i in moving]):
            point = row.copy()
            for i, k in zip(moving, steps):
                point[i] = min(max(row[i] + k * STEP, 0), 1)
            points.append(point)
        logits = net(np.array(points))
        own = int(net(row[None])[0].argmax())
        ordered = np.sort(logits, axis=1)
        # A class that hangs on rounding would make a poor reference.
        assert (ordered[:, -1] - ordered[:, -2]).min() > 1e-6
        other = logits.argmax(axis=1) != own
        cases.append({"own": own, "below": below, "above": above, "points": len(points), "violations": int(other.sum())})
    json.dump({"eps": "3/5", "step": "3/20", "elements": ELEMENTS, "cases": cases}, open(os.path.join(HERE, "analyzers.json"), "w"), indent=1)
    print([(c["points"], c["violations"]) for c in cases])


main()
