#!/usr/bin/env python3
"""What the attacks must find on the small perceptron of make_fixtures.py: written from the papers' equations on PyTorch in
float64, one sample at a time. No code is shared with assay.

    /usr/bin/python3 tests/methods/make_attack_fixtures.py > tests/methods/fixtures/attacks.json
"""
import json
import os

import numpy as np
import torch
from scipy.optimize import brentq, linprog

torch.set_default_dtype(torch.float64)
HERE = os.path.dirname(os.path.abspath(__file__))
KNOWN = json.load(open(os.path.join(HERE, "fixtures", "expected.json")))
N, D, H, K = 24, 12, 16, 5
EPS = {"linf": 0.1, "l2": 0.3, "l1": 0.8, "l0": 3}
CW = (200, 9, 0.02, 0.999)  # steps, searches, rate and guard, as assay's defaults


def network(which):
    w1, b1, w2, b2 = (torch.tensor(a) for a in KNOWN["nets"][which])
    w1, w2 = w1.reshape(H, D), w2.reshape(K, H)
    return lambda x: torch.relu(x @ w1.T + b1) @ w2.T + b2


NETS = [network(i) for i in range(3)]
NET = NETS[0]


# ---- losses, to be raised

def cross_entropy(z, y):
    return torch.logsumexp(z, 0) - z[y]


def margin(z, y):
    return max(z[j] for j in range(K) if j != y) - z[y]


def dlr(z, y):
    s = torch.sort(z, descending=True).values
    return margin(z, y) / (s[0] - s[2] + 1e-12)


def dlr_targeted(z, y, t):
    s = torch.sort(z, descending=True).values
    return -(z[y] - z[t]) / (s[0] - (s[2] + s[3]) / 2 + 1e-12)


def slope(f, x):
    x = torch.tensor(x, requires_grad=True)
    value = f(x)
    return value.item(), torch.autograd.grad(value, x)[0].numpy()


def predicted(x):
    return int(torch.argmax(NET(torch.tensor(x))))


# ---- projections

def project(x, c, norm, eps=None):
    eps, d = EPS[norm] if eps is None else eps, x - c
    if norm == "linf":
        return np.clip(c + np.clip(d, -eps, eps), 0, 1)
    if norm == "l2":
        return np.clip(c + d * min(1, eps / max(np.linalg.norm(d), 1e-300)), 0, 1)
    cut = lambda t: np.clip(np.sign(d) * np.maximum(np.abs(d) - t, 0), -c, 1 - c)
    size = lambda t: np.abs(cut(t)).sum() - eps
    x = c + (cut(0) if size(0) <= 0 else cut(brentq(size, 0, np.abs(d).max(), xtol=1e-14)))
    return np.where(x > 1 - 1e-12, 1, np.where(x < 1e-12, 0, x))  # c + (1 - c) is not always 1


def onto_plane(x, w, f, norm):
    """argmin ||d||_p, f + <w, d> = 0, 0 <= x + d <= 1; the nearest corner of the box without a solution."""
    side = -np.sign(f) if f != 0 else 1.0
    room = np.where(side * w > 0, 1 - x, np.where(side * w < 0, x, 0.0))
    if np.abs(w) @ room <= abs(f):
        return x + side * np.sign(w) * room
    if norm == "l1":  # d = p - q
        bounds = [(0, 1 - v) for v in x] + [(0, v) for v in x]
        found = linprog(np.ones(2 * D), A_eq=np.concatenate([w, -w])[None], b_eq=[-f], bounds=bounds, method="highs")
        return x + found.x[:D] - found.x[D:]
    step = (lambda t: np.minimum(t, room)) if norm == "linf" else (lambda t: np.minimum(t * np.abs(w), room))
    top = 1.0 if norm == "linf" else 1 / np.abs(w[w != 0]).min()
    t = brentq(lambda t: np.abs(w) @ step(t) - abs(f), 0, top * 1.001, xtol=1e-15)
    return x + side * np.sign(w) * step(t)


# ---- attacks

def sign_steps(loss, c, y, steps, share):
    x = c.copy()
    for _ in range(steps):
        x = project(x + share * EPS["linf"] * np.sign(slope(lambda v: loss(NET(v), y), x)[1]), c, "linf")
    return x


def pgd_l1(c, y, steps, share, sparsity):
    x = c.copy()
    for _ in range(steps):
        g = slope(lambda v: cross_entropy(NET(v), y), x)[1]
        g = np.where(((g > 0) & (x >= 1)) | ((g < 0) & (x <= 0)), 0, g)
        k = min(max(int(np.ceil(sparsity * D)), 1), np.count_nonzero(g))
        e = np.zeros(D)
        if k:
            e[np.argsort(-np.abs(g), kind="stable")[:k]] = 1 / k
        x = project(x + share * EPS["l1"] * e * np.sign(g), c, "l1")
    return x


def apgd(objective, c, y, norm, steps):
    """Algorithm 1. The first misclassified point, else the best."""
    ps = [0, 0.22]
    while ps[-1] < 1:
        ps.append(ps[-1] + max(ps[-1] - ps[-2] - 0.03, 0.06))
    checkpoints = [int(np.ceil(p * steps)) for p in ps if p <= 1]
    eta, eps = 2 * EPS[norm], EPS[norm]
    ascent = lambda g: np.sign(g) if norm == "linf" else g / (np.linalg.norm(g) + 1e-12)
    xs, fs = [c.copy()], []
    f, g = slope(objective, xs[0])
    fs.append(f)
    f_max, x_max = f, xs[0]
    if predicted(c) != y:
        return c, True
    etas, maxima, values = [eta], [f_max], [f]
    previous, x = c.copy(), c.copy()
    for k in range(steps):
        g = slope(objective, x)[1]
        z = project(x + eta * ascent(g), c, norm)
        new = z if k == 0 else project(x + 0.75 * (z - x) + 0.25 * (x - previous), c, norm)
        previous, x = x, new
        if predicted(x) != y:
            return x, True
        f = slope(objective, x)[0]
        values.append(f)
        if f > f_max:
            f_max, x_max = f, x.copy()
        if k + 1 in checkpoints[1:]:
            before = checkpoints[checkpoints.index(k + 1) - 1]
            rises = sum(values[i + 1] > values[i] for i in range(before, k + 1))
            few = rises < 0.75 * (k + 1 - before)
            stuck = etas[-1] == eta and maxima[-1] == f_max
            etas.append(eta)
            maxima.append(f_max)
            if few or stuck:
                eta, x = eta / 2, x_max.copy()
                values[-1] = f_max
    return x_max, False


def apgd_l1(objective, c, y, steps, wide):
    """"Mind the box", algorithm 1: steepest elements, exact projection, sparsity and step length from the best point."""
    third, eps = (3 * steps // 10 if wide else 0), EPS["l1"]
    phases = [(3 * eps, third), (2 * eps, third), (eps, steps - 2 * third)] if third else [(eps, steps)]
    changed, period, best = (lambda v: int((v != c).sum())), max(1, int(np.ceil(0.04 * steps))), c.copy()
    if predicted(c) != y:
        return c, True
    for radius, count in phases:
        x = project(best, c, "l1", radius)
        f, g = slope(objective, x)
        f_max, best, g_max, eta = f, x, g, radius
        if radius == eps and predicted(x) != y:
            return x, True
        moved, before = (changed(x) / 1.5, changed(x)) if changed(x) else (D / 5, D)
        for k in range(1, count + 1):
            n = max(1, int(np.ceil(moved)))
            steepest = np.argsort(-np.abs(g), kind="stable")[:n]
            u = np.zeros(D)
            u[steepest] = np.sign(g[steepest]) / n
            x = project(x + eta * u, c, "l1", radius)
            f, g = slope(objective, x)
            if f > f_max:
                f_max, best, g_max = f, x, g
            if radius == eps and predicted(x) != y:
                return x, True
            if k % period:
                continue
            now = changed(best)
            sparser = now < 0.95 * before
            moved, before = now / 1.5, now
            eta = radius if sparser else max(eta / 1.5, radius / 10)
            if sparser:
                x, g = best, g_max
    return best, False


def jsma(c, y, most):
    """Algorithms 2 and 3, each rival in turn, elements raised or lowered to the end of their range."""
    for t in rivals(c, y):
        x = c.copy()
        while True:
            if predicted(x) != y:
                return x, True
            target = slope(lambda v: NET(v)[t], x)[1]
            others = slope(lambda v: NET(v).sum() - NET(v)[t], x)[1]
            room, choice = most - int((x != c).sum()), (0, None)
            for way in (1, -1):
                open_ = [j for j in range(D) if (x[j] < 1 and x[j] >= c[j] if way > 0 else x[j] > 0 and x[j] <= c[j])
                         and (x[j] != c[j] or room > 0)]
                for p in open_:
                    for q in open_:
                        a, b = way * (target[p] + target[q]), way * (others[p] + others[q])
                        if p < q and a > 0 > b and -a * b > choice[0]:
                            choice = (-a * b, (p, q, way))
            if choice[1] is None:
                break
            p, q, way = choice[1]
            for j in (p, q):
                if x[j] == c[j]:
                    if room < 1:
                        continue
                    room -= 1
                x[j] = 1.0 if way > 0 else 0.0
    return x, False


def rivals(c, y):
    z = NET(torch.tensor(c)).numpy()
    return [k for k in np.argsort(-z, kind="stable") if k != y]


def apgd_t(c, y, norm, steps):
    for t in rivals(c, y):
        x, broken = apgd(lambda v: dlr_targeted(NET(v), y, t), c, y, norm, steps)
        if broken:
            return x, True
    return x, False


def fab_t(c, y, norm, steps):
    """The length of the smallest perturbation found."""
    order = {"linf": np.inf, "l2": 2, "l1": 1}[norm]
    best, best_x = np.inf, None
    for t in rivals(c, y):
        x = c.copy()
        for _ in range(steps):
            f, w = slope(lambda v: NET(v)[t] - NET(v)[y], x)
            p, q = onto_plane(x, w, f, norm), onto_plane(c, w, f + w @ (c - x), norm)
            a, b = np.linalg.norm(p - x, order), np.linalg.norm(q - c, order)
            alpha = min(a / (a + b), 0.1) if a + b > 0 else 0
            x = np.clip((1 - alpha) * (x + 1.05 * (p - x)) + alpha * (c + 1.05 * (q - c)), 0, 1)
            if predicted(x) != y:
                if np.linalg.norm(x - c, order) < best:
                    best, best_x = np.linalg.norm(x - c, order), x
                x = 0.1 * c + 0.9 * x
    low, high = 0.0, 1.0
    for _ in range(3 if best_x is not None else 0):
        middle = c + (low + high) / 2 * (best_x - c)
        if predicted(middle) != y:
            high, best = (low + high) / 2, min(best, np.linalg.norm(middle - c, order))
        else:
            low = (low + high) / 2
    return best


def deepfool(c, y, norm, steps):
    x, total = c.copy(), np.zeros(D)
    for _ in range(steps):
        if predicted(x) != y:
            break
        steps_to = []
        for k in rivals(c, y):
            f, w = slope(lambda v: NET(v)[k] - NET(v)[y], x)
            if norm == "l2":
                steps_to.append((abs(f) / np.linalg.norm(w), abs(f) / (w @ w) * w))
            else:
                steps_to.append((abs(f) / np.abs(w).sum(), abs(f) / np.abs(w).sum() * np.sign(w)))
        total = total + min(steps_to, key=lambda s: s[0])[1]
        x = np.clip(c + 1.02 * total, 0, 1)
    return np.linalg.norm(x - c, 2 if norm == "l2" else np.inf)


def carlini_wagner(c, y, steps, searches, rate=0.01, guard=0.999999):
    """The smallest length found, by torch's own Adam."""
    best, const, low, high = np.inf, 1e-3, 0.0, None
    origin = torch.tensor(c)
    for _ in range(searches):
        w = torch.atanh((2 * origin - 1) * guard).requires_grad_()
        adam = torch.optim.Adam([w], lr=rate)
        success, last = False, np.inf
        for step in range(1, steps + 1):
            x = (torch.tanh(w) + 1) / 2
            z = NET(x)
            size = ((x - origin) ** 2).sum()
            loss = size + const * torch.clamp(-margin(z, y), min=0)
            if int(torch.argmax(z)) != y:
                success, best = True, min(best, size.sqrt().item())
            adam.zero_grad()
            loss.backward()
            adam.step()
            if step % (steps // 10) == 0:
                if loss.item() > last * 0.9999:
                    break
                last = loss.item()
        if success:
            high = const if high is None else min(high, const)
        else:
            low = max(low, const)
        const = 10 * const if high is None else (low + high) / 2
    return best


def momentum(c, y, steps, gradient):
    """The common loop of the transfer attacks; gradient(x, g, alpha, t)."""
    x, g, alpha = c.copy(), np.zeros(D), EPS["linf"] / steps
    for t in range(steps):
        d = gradient(x, g, alpha, t)
        g = g + d / np.abs(d).sum()
        x = project(x + alpha * np.sign(g), c, "linf")
    return x


def main():
    rng = np.random.default_rng(7)
    x = np.asarray(rng.uniform(0.05, 0.95, (N, D)), dtype=np.float32).astype(np.float64)
    y = [predicted(c) for c in x]
    ce = lambda c, label: slope(lambda v: cross_entropy(NET(v), label), c)[1]

    def nesterov(c, label):
        return momentum(c, label, 5, lambda v, g, a, t: ce(v + a * g, label))

    def scaled(c, label):
        return momentum(c, label, 5, lambda v, g, a, t: np.mean(
            [slope(lambda u: cross_entropy(NET(u / 2 ** i), label), v + a * g)[1] for i in range(3)], axis=0))

    def translated(c, label):  # a sample of shape [12] is one row: only the kernel's middle row meets it
        k = 2
        kernel = lambda i: np.exp(-(i ** 2) / (2 * (k / np.sqrt(3)) ** 2))
        smooth = lambda g: np.array([sum(kernel(i) * g[p + i] for i in range(-k, k + 1) if 0 <= p + i < D) for p in range(D)])
        return momentum(c, label, 5, lambda v, g, a, t: smooth(ce(v, label)))

    def ensemble(c, label):
        mean = lambda v: sum(n(v) for n in NETS) / 3
        return momentum(c, label, 5, lambda v, g, a, t: slope(lambda u: cross_entropy(mean(u), label), v)[1])

    # Half of the elements at the ends of the range, as in images with a black background.
    ends = np.where(rng.uniform(size=(N, D)) < 0.5, (rng.uniform(size=(N, D)) < 0.2).astype(float), x)
    ends_y = [predicted(c) for c in ends]
    flat = lambda a: np.round(np.asarray(a).ravel(), 9).tolist()
    by_dlr = [sign_steps(dlr, c, l, 7, 0.25) for c, l in zip(x, y)]
    out = {"x": flat(x), "y": y, "eps": EPS,
           "bim": flat([sign_steps(cross_entropy, c, l, 7, 0.25) for c, l in zip(x, y)]),
           "pgd_dlr": flat(by_dlr), "pgd_dlr_fooled": [int(predicted(c) != l) for c, l in zip(by_dlr, y)],
           "pgd_l1": flat([pgd_l1(c, l, 9, 0.25, 0.2) for c, l in zip(x, y)]),
           "ni-fgsm": flat([nesterov(c, l) for c, l in zip(x, y)]),
           "si-fgsm": flat([scaled(c, l) for c, l in zip(x, y)]),
           "ti-fgsm": flat([translated(c, l) for c, l in zip(x, y)]),
           "logit-ensemble": flat([ensemble(c, l) for c, l in zip(x, y)]),
           "cw": [carlini_wagner(c, l, 100, 9) for c, l in zip(x, y)],
           "ends": {"x": flat(ends), "y": ends_y,
                    "deepfool_l2": [deepfool(c, l, "l2", 50) for c, l in zip(ends, ends_y)],
                    "cw": [carlini_wagner(c, l, *CW) for c, l in zip(ends, ends_y)]}}
    for name, loss in (("apgd-ce_l1", cross_entropy), ("apgd-dlr_l1", dlr)):
        for wide in (False, True):
            found = [apgd_l1(lambda v: loss(NET(v), l), c, l, 40, wide) for c, l in zip(x, y)]
            out[name + ("_wide" if wide else "")] = {"x": flat([v for v, _ in found]), "broken": [int(b) for _, b in found]}
    few = [jsma(c, l, EPS["l0"]) for c, l in zip(x, y)]
    out["jsma"] = {"x": flat([v for v, _ in few]), "broken": [int(b) for _, b in few]}
    for norm in ("linf", "l2"):
        runs = {"apgd-ce_" + norm: [apgd(lambda v: cross_entropy(NET(v), l), c, l, norm, 40) for c, l in zip(x, y)],
                "apgd-dlr_" + norm: [apgd(lambda v: dlr(NET(v), l), c, l, norm, 40) for c, l in zip(x, y)],
                "apgd-t_" + norm: [apgd_t(c, l, norm, 30) for c, l in zip(x, y)]}
        for name, found in runs.items():
            out[name] = {"x": flat([v for v, _ in found]), "broken": [int(b) for _, b in found]}
        out["deepfool_" + norm] = [deepfool(c, l, norm, 50) for c, l in zip(x, y)]
    for norm in ("linf", "l2", "l1"):
        out["fab-t_" + norm] = [fab_t(c, l, norm, 20) for c, l in zip(x, y)]
    print(json.dumps(out))


if __name__ == "__main__":
    main()
