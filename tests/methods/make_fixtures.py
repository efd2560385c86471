#!/usr/bin/env python3
"""What the methods must compute on a small perceptron, by plain numpy in float64: no code is shared with assay.

    /usr/bin/python3 tests/methods/make_fixtures.py > tests/methods/fixtures/expected.json

Net: 12 inputs in [0, 1], 16 hidden units with ReLU (their outputs are the features), 5 classes.
"""
import json

import numpy as np

rng = np.random.default_rng(20261122)
N, D, H, K = 6, 12, 16, 5
EPS = 0.1


def net(seed):
    r = np.random.default_rng(seed)
    return [r.normal(0, 0.6, (H, D)), r.normal(0, 0.2, H), r.normal(0, 0.6, (K, H)), r.normal(0, 0.2, K)]


def f32(a):
    return np.asarray(a, dtype=np.float32).astype(np.float64)  # the host holds weights and inputs in float32


def forward(w, x):
    a = x @ w[0].T + w[1]
    h = np.maximum(a, 0)
    return a, h, h @ w[2].T + w[3]


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def gradient(w, x, y):
    """d sum_i CE(f(x_i), y_i) / dx"""
    a, h, z = forward(w, x)
    d = softmax(z)
    d[np.arange(len(y)), y] -= 1
    return ((d @ w[2]) * (a > 0)) @ w[0]


def fgsm(w, x, y, norm):
    g = gradient(w, x, y)
    step = np.sign(g) if norm == "linf" else g / np.linalg.norm(g, axis=1, keepdims=True)
    return np.clip(x + EPS * step, 0, 1)


def pgd(w, x, y, steps, share):
    z = x.copy()
    for _ in range(steps):
        z = np.clip(z + share * EPS * np.sign(gradient(w, z, y)), x - EPS, x + EPS)
        z = np.clip(z, 0, 1)
    return z


def pgd_l2(w, x, y, steps, share):
    z = x.copy()
    for _ in range(steps):
        g = gradient(w, z, y)
        d = z + share * EPS * g / np.linalg.norm(g, axis=1, keepdims=True) - x
        n = np.linalg.norm(d, axis=1, keepdims=True)
        z = np.clip(x + d * np.minimum(1, EPS / n), 0, 1)
    return z


def mi_fgsm(w, x, y, steps, decay):
    z, m = x.copy(), 0
    for _ in range(steps):
        g = gradient(w, z, y)
        m = decay * m + g / np.abs(g).sum(1, keepdims=True)
        z = np.clip(np.clip(z + EPS / steps * np.sign(m), x - EPS, x + EPS), 0, 1)
    return z


def mahalanobis(h, y, q, ridge):
    means = np.stack([h[y == k].mean(0) for k in range(K)])
    c = h - means[y]
    sigma = c.T @ c / len(h)
    sigma += np.eye(H) * (ridge * np.trace(sigma) / H + 1e-12)
    inverse = np.linalg.inv(sigma)
    d = q[:, None, :] - means[None]
    return np.einsum("nki,ij,nkj->nk", d, inverse, d).min(1)


def knn(h, q, k):
    unit = lambda v: v / np.linalg.norm(v, axis=1, keepdims=True)
    distance = np.linalg.norm(unit(q)[:, None] - unit(h)[None], axis=2)
    return np.sort(distance, axis=1)[:, k - 1]


def masks(w, ratio, by_layer):
    """Kept weights (1) of both weight matrices; biases stay and count."""
    total = sum(a.size for a in w)
    flat = [np.abs(w[0]).ravel(), np.abs(w[2]).ravel()]
    kept = int(np.floor(total / ratio)) - (w[1].size + w[3].size)
    if not by_layer:
        order = np.argsort(-np.concatenate(flat), kind="stable")[:kept]
        mask = np.zeros(sum(a.size for a in flat))
        mask[order] = 1
        return [mask[:flat[0].size], mask[flat[0].size:]]
    share, result = kept / sum(a.size for a in flat), []
    for a in flat:
        mask = np.zeros(a.size)
        mask[np.argsort(-a, kind="stable")[:max(1, int(np.floor(share * a.size)))]] = 1
        result.append(mask)
    return result


def main():
    nets = [[f32(a) for a in net(seed)] for seed in (1, 2, 3)]
    w = nets[0]
    x, y = f32(rng.uniform(0.05, 0.95, (N, D))), rng.integers(0, K, N)
    fit_x, fit_y = f32(rng.uniform(0, 1, (60, D))), np.arange(60) % K
    h_fit, h, z = forward(w, fit_x)[1], forward(w, x)[1], forward(w, x)[2]
    smoothing = 0.1
    target = np.full((N, K), smoothing / K)
    target[np.arange(N), y] += 1 - smoothing
    lists = lambda a: np.asarray(a).ravel().tolist()
    print(json.dumps({
        "nets": [[lists(a) for a in n] for n in nets],
        "x": lists(x), "y": lists(y), "fit_x": lists(fit_x), "fit_y": lists(fit_y), "eps": EPS,
        "fgsm_linf": lists(fgsm(w, x, y, "linf")), "fgsm_l2": lists(fgsm(w, x, y, "l2")),
        "pgd": lists(pgd(w, x, y, 7, 0.25)), "pgd_l2": lists(pgd_l2(w, x, y, 7, 0.4)),
        "mi_fgsm": lists(mi_fgsm(w, x, y, 5, 0.9)),
        "msp": lists(1 - softmax(z).max(1)), "energy": lists(-2 * np.log(np.exp(z / 2).sum(1))),
        "mahalanobis": lists(mahalanobis(h_fit, fit_y, h, 0.01)), "knn": lists(knn(h_fit, h, 4)),
        "deep_ensemble": lists(np.log(np.mean([softmax(forward(n, x)[2]) for n in nets], axis=0))),
        "logits": lists(z), "label_smoothing": lists((softmax(z) - target) / N),
        "global_2": [lists(m) for m in masks(w, 2, False)], "global_4": [lists(m) for m in masks(w, 4, False)],
        "layer_2": [lists(m) for m in masks(w, 2, True)], "layer_4": [lists(m) for m in masks(w, 4, True)],
    }))


main()
