#!/usr/bin/env python3
"""Makes the small IDX files of this folder from the full sets (MIT-licensed Fashion-MNIST; MNIST).

    make.py FASHION_FOLDER MNIST_FOLDER     folders with the plain or gzipped IDX files

Takes the first images of each class in file order: 100 a class of fashion train, 30 of fashion test, 20 of MNIST test.
"""
import gzip
import pathlib
import struct
import sys


def read(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def find(folder, stem):
    return next(p for p in pathlib.Path(folder).iterdir() if p.name in (stem, stem + ".gz"))


def cut(folder, stem, per_class, out):
    images, labels = read(find(folder, stem + "-images-idx3-ubyte")), read(find(folder, stem + "-labels-idx1-ubyte"))
    kept, count = [], [0] * 10
    for i, label in enumerate(labels[8:]):
        if count[label] < per_class:
            count[label] += 1
            kept.append(i)
    pixels = b"".join(images[16 + 784 * i:16 + 784 * (i + 1)] for i in kept)
    write(out + "-images.gz", struct.pack(">IIII", 0x803, len(kept), 28, 28) + pixels)
    write(out + "-labels.gz", struct.pack(">II", 0x801, len(kept)) + bytes(labels[8 + i] for i in kept))


def write(name, content):
    (pathlib.Path(__file__).parent / name).write_bytes(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    cut(sys.argv[1], "train", 100, "fashion-train")
    cut(sys.argv[1], "t10k", 30, "fashion-test")
    cut(sys.argv[2], "t10k", 20, "mnist-test")
