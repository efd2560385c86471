#!/usr/bin/env python3
"""What CUDA must make of a few images: written from the paper's equations on numpy. The kernels are drawn here too, by a Philox 4x32-10
of this file's own (Salmon et al., SC 2011) with the host's keys, so no number comes from assay.

    /usr/bin/python3 tests/methods/make_reducer_fixtures.py > tests/methods/fixtures/reducers.json
"""
import hashlib
import json

import numpy as np

SEED, CLASSES, SHAPE, COUNT = 5, 3, (2, 5, 4), 12
WORD = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & WORD, (a >> 32) ^ c[3] ^ k[1], a & WORD]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return c


def bits(purpose, stream, index):
    digest = hashlib.sha256(f"{SEED}/plugin:{purpose}".encode()).hexdigest()
    words = philox([index & WORD, index >> 32, stream & WORD, stream >> 32], [int(digest[:8], 16), int(digest[8:16], 16)])
    return words[1] << 32 | words[0]


def uniform(purpose, draw, stream, count, hi):
    u = [np.float32(bits(f"{purpose}#{draw}", stream, i) >> 40) * np.float32(2.0 ** -24) for i in range(count)]
    return np.array([v * np.float32(hi) for v in u], np.float64)


def kernel(c, blur, side, key):
    k = uniform("kernel", key, c, side * side, blur)
    k[bits("peak", c, key) % (side * side)] = 1
    return k.reshape(side, side)


def poisoned(image, k, border):
    r = len(k) // 2
    wide = np.pad(image, ((0, 0), (r, r), (r, r)), mode="constant" if border == "zero" else "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(wide, k.shape, axis=(1, 2))
    out = np.einsum("chwij,ij->chw", windows, k)
    return np.floor(out / out.max() * 255 + 0.5).astype(int) if out.max() > 0 else np.zeros(image.shape, int)


def run(images, labels, ids, blur=0.3, radius=1, key=0, same=False, border="zero", share=1.0):
    out = []
    for image, label, i in zip(images, labels, ids):
        hit = uniform("share", 0, i, 1, 1)[0] < share
        k = kernel(0 if same else label, blur, 2 * radius + 1, key)
        out.append(poisoned(image / 255, k, border) if hit else image.astype(int))
    return np.array(out).ravel().tolist()


def main():
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (COUNT,) + SHAPE)
    images[4] = 0  # nothing to divide by
    labels = [i % CLASSES for i in range(COUNT)]
    ids = [100 + 7 * i for i in range(COUNT)]
    cases = {"plain": {}, "strong": {"blur": 0.9, "key": 3}, "wide": {"radius": 2, "border": "reflect"}, "reflected": {"border": "reflect"},
             "same": {"same": True}, "half": {"share": 0.5}}
    print(json.dumps({"shape": list(SHAPE), "classes": CLASSES, "seed": SEED, "x": images.ravel().tolist(), "y": labels, "ids": ids,
                      "cases": {name: {"params": params, "x": run(images, labels, ids, **params)} for name, params in cases.items()}}))


main()
