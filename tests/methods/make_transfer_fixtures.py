#!/usr/bin/env python3
"""What CWA, AdaEA, PMA and untargeted FAB must find on the small perceptrons of make_fixtures.py: written from the papers' equations on
PyTorch in float64, one sample at a time, inputs of three channels of two by two pixels. No code is shared with assay.

    /usr/bin/python3 tests/methods/make_transfer_fixtures.py > tests/methods/fixtures/transfer.json
"""
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from make_attack_fixtures import onto_plane

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
KNOWN = json.load(open(os.path.join(HERE, "fixtures", "expected.json")))
SET = json.load(open(os.path.join(HERE, "fixtures", "attacks.json")))
D, H, K, SHAPE, EPS, PMA_EPS = 12, 16, 5, (3, 2, 2), 0.1, 0.06
X = torch.tensor(SET["x"]).reshape(-1, D)
Y = SET["y"]


def network(which):
    w1, b1, w2, b2 = (torch.tensor(a) for a in KNOWN["nets"][which])
    return lambda x: F.linear(torch.relu(F.linear(x, w1.reshape(H, D), b1)), w2.reshape(K, H), b2)


NETS = [network(i) for i in range(3)]


def loss_of(logits, y):
    return F.cross_entropy(logits[None], torch.tensor([y]))


def ascent(f, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x), x)[0]


def inside(x, c, eps=EPS):
    return torch.clamp(torch.minimum(torch.maximum(x, c - eps), c + eps), 0, 1)


# ---- CWA: "Rethinking Model Ensemble in Transfer-based Adversarial Attacks", algorithm 1

def cwa(c, y, steps, beta, r=EPS / 15, alpha=EPS / 5, mu=1.0, inner_loop=True):
    together = lambda v: loss_of(sum(net(v) for net in NETS), y)
    x, m, big = c.clone(), torch.zeros(D), torch.zeros(D)
    for _ in range(steps):
        begun = x
        if r > 0:
            x = inside(x - r * torch.sign(ascent(together, x)), c)
        if inner_loop:
            for net in NETS:
                g = ascent(lambda v: loss_of(net(v), y), x)
                m = mu * m + g / g.norm(2)
                x = inside(x + beta * m, c)
            u = x - begun
        else:
            u = ascent(together, x)
        big = mu * big + u / u.abs().sum()
        x = inside(begun + alpha * torch.sign(big), c)
    return x


# ---- AdaEA: "An Adaptive Model Ensemble Adversarial Attack", equations 4 to 10, weights for each sample by itself

def disparity(grads, released):
    maps = [g.reshape(SHAPE) for g in grads]
    rows = []
    for i, a in enumerate(maps):
        rows.append(sum(F.cosine_similarity(a, b, dim=0, eps=1e-300) for j, b in enumerate(maps) if j != i) / (len(maps) - 1))
    if released:
        rows[-1] = torch.zeros(SHAPE[1:])
    return sum(rows) / len(rows)


def adaea(c, y, steps, mu=0.9, alpha=EPS / 4, beta=10, eta=-0.3, agm=True, drf=True, released=False):
    x, memory = c.clone(), torch.zeros(D)
    for _ in range(steps):
        grads = [ascent(lambda v, n=net: loss_of(n(v), y), x) for net in NETS]
        weights = torch.ones(len(NETS)) / len(NETS)
        if agm:
            raw = []
            for k, g in enumerate(grads):
                trial = inside(x + alpha * torch.sign(g), c)
                losses = [loss_of(net(trial), y).item() for net in NETS]
                raw.append(beta * sum(l for i, l in enumerate(losses) if i != k) / (losses[k] + 1e-12))
            weights = torch.softmax(torch.tensor(raw), 0)
        g = ascent(lambda v: loss_of(sum(w * net(v) for w, net in zip(weights, NETS)), y), x)
        if drf:
            g = (g.reshape(SHAPE) * (disparity(grads, released) >= eta)).reshape(-1)
        memory = g / max(g.abs().mean().item(), 1e-300) + mu * memory
        x = inside(x + alpha * torch.sign(memory), c)
    return x


# ---- PMA and MD: probabilities or logits, two halves, two runs, from the clean input

def pma(c, y, steps, logits=False, staged=True, up=False):
    """The first misclassified point, else the one with the largest margin of logits."""
    net, eps = NETS[0], PMA_EPS
    scores = net if logits else (lambda v: torch.softmax(net(v), 0))
    margin = lambda z: (torch.cat([z[:y], z[y + 1:]]).max() - z[y]).item()
    best, best_x = margin(net(c)), c
    for run in range(2 if staged else 1):
        x, half = c.clone(), steps // 2 if staged else steps
        for i in range(steps):
            def objective(v):
                p = scores(v)
                other = torch.cat([p[:y], p[y + 1:]]).max()
                if i == 0 and up:
                    return p[y]
                if not staged or i >= half:
                    return other - p[y]
                return -p[y] if run == 0 else other
            a = eps * (1 + math.cos(math.pi * ((i if i < half else i - half) - 1) / half))
            x = inside(x + a * torch.sign(ascent(objective, x)), c, eps)
            now = margin(net(x))
            if now > 0:
                return x
            if now > best:
                best, best_x = now, x
    return best_x


# ---- FAB: "Minimally distorted adversarial examples with a fast adaptive boundary attack", algorithm 1, from clean

def fab(c, y, norm, steps):
    """The length of the smallest perturbation found."""
    order, dual = {"linf": (np.inf, 1), "l2": (2, 2), "l1": (1, np.inf)}[norm]
    size = lambda d: np.linalg.norm(d, order)
    wrong = lambda v: int(torch.argmax(NETS[0](torch.tensor(v)))) != y
    c = c.numpy()
    x, best, best_x = c.copy(), np.inf, None
    for _ in range(steps):
        sides = []
        for k in (k for k in range(K) if k != y):
            difference = lambda v: NETS[0](v)[k] - NETS[0](v)[y]
            sides.append((difference(torch.tensor(x)).item(), ascent(difference, torch.tensor(x)).numpy()))
        f, w = min(sides, key=lambda s: abs(s[0]) / np.linalg.norm(s[1], dual))
        p, q = onto_plane(x, w, f, norm), onto_plane(c, w, f + w @ (c - x), norm)
        a, b = size(p - x), size(q - c)
        alpha = min(a / (a + b), 0.1) if a + b > 0 else 0
        x = np.clip((1 - alpha) * (x + 1.05 * (p - x)) + alpha * (c + 1.05 * (q - c)), 0, 1)
        if wrong(x):
            if size(x - c) < best:
                best, best_x = size(x - c), x
            x = 0.1 * c + 0.9 * x
    low, high = 0.0, 1.0
    for _ in range(3 if best_x is not None else 0):
        middle = c + (low + high) / 2 * (best_x - c)
        if wrong(middle):
            high, best = (low + high) / 2, min(best, size(middle - c))
        else:
            low = (low + high) / 2
    return round(float(min(best, 99)), 7)


def main():
    flat = lambda points: np.round(torch.stack(points).numpy().ravel(), 7).tolist()
    each = lambda f, **options: flat([f(c, y, **options) for c, y in zip(X, Y)])
    saturated, small = 0.644 * math.sqrt(D), EPS * math.sqrt(D) / 4
    out = {
        "cwa": each(cwa, steps=5, beta=saturated),
        "cwa_small": each(cwa, steps=5, beta=small),
        "cwa_encourage_only": each(cwa, steps=5, beta=small, r=0.0),
        "cwa_flat_only": each(cwa, steps=5, beta=small, r=EPS / 10, inner_loop=False),
        "adaea": each(adaea, steps=5),
        "adaea_plain": each(adaea, steps=5, mu=0.0, agm=False, drf=False),
        "adaea_modulate": each(adaea, steps=5, mu=0.0, drf=False),
        "adaea_filter": each(adaea, steps=5, mu=0.0, agm=False, eta=0.1),
        "adaea_filter_released": each(adaea, steps=5, mu=0.0, agm=False, eta=0.1, released=True),
        "pma_eps": PMA_EPS,
        "pma": each(pma, steps=6),
        "pma_first_up": each(pma, steps=6, up=True),
        "pma_unstaged": each(pma, steps=6, staged=False),
        "md": each(pma, steps=6, logits=True),
    }
    for norm in ("linf", "l2", "l1"):
        out["fab_" + norm] = [fab(c, y, norm, 20) for c, y in zip(X, Y)]
    print(json.dumps(out))


main()
