#!/usr/bin/env python3
"""ResNet-20 on CIFAR-10 in PyTorch, with the net, recipe and schedule of suites/predict/resnet20-precision.toml.

usage: peer_resnet20.py CIFAR10_FOLDER --seed 0 [--epochs 10] [--threads 1] [--state FILE]
Prints one JSON line an epoch and one with the test accuracy. Debian's python3-torch; random numbers are torch's own, so
that single runs differ from assay's by seed noise and only their distribution can be compared.
With --state a killed run goes on from its last whole epoch.
"""
import argparse
import json
import math
import os
import sys
import time

import numpy
import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import torch_models  # noqa: E402

BATCH, RATE, MOMENTUM, DECAY, CROP = 128, 0.1, 0.9, 5e-4, 4


def records(folder, names):
    rows = numpy.concatenate([numpy.fromfile(os.path.join(folder, n), numpy.uint8).reshape(-1, 3073) for n in names])
    return torch.from_numpy(rows[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(rows[:, 0].astype(numpy.int64))


def initialise(net):
    """He et al. 2015 by fan-in for every weight, biases zero: what the suite's net starts from."""
    for layer in net.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
            if layer.bias is not None:
                torch.nn.init.zeros_(layer.bias)


def augmented(images, generator):
    """Random horizontal flip and random crop after zero padding, one draw an image."""
    padded = torch.nn.functional.pad(images, (CROP,) * 4)
    n, _, height, width = images.shape
    flip = torch.rand(n, generator=generator) < 0.5
    dy, dx = (torch.randint(0, 2 * CROP + 1, (n,), generator=generator) for _ in range(2))
    rows = dy[:, None] + torch.arange(height)
    columns = torch.arange(width).expand(n, width)
    columns = dx[:, None] + torch.where(flip[:, None], width - 1 - columns, columns)
    index = torch.arange(n)[:, None, None]
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def rate(step, per_epoch, epochs):
    """One epoch of linear warm-up from 0, then half a cosine to 0 (Loshchilov & Hutter 2017)."""
    at = step / per_epoch
    if at < 1:
        return RATE * at
    return RATE * 0.5 * (1 + math.cos(math.pi * (at - 1) / (epochs - 1)))


def accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        hits = sum((net(x.float() / 255).argmax(1) == y).sum().item() for x, y in zip(images.split(500), labels.split(500)))
    return hits / len(labels)


def keep(file, net, optimizer, generator, epochs):
    if file:
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "generator": generator.get_state(),
                    "epochs": epochs}, file + ".new")
        os.replace(file + ".new", file)


def restore(file, net, optimizer, generator):
    """The number of epochs that the file has done."""
    if not file or not os.path.exists(file):
        return 0
    state = torch.load(file)
    net.load_state_dict(state["net"])
    optimizer.load_state_dict(state["optimizer"])
    generator.set_state(state["generator"])
    return state["epochs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--state", help="file that keeps the run's state after every epoch")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed + 1000)
    images, labels = records(args.folder, [f"data_batch_{i}.bin" for i in range(1, 6)])
    net = torch_models.build("resnet20")
    initialise(net)
    net = net.to(memory_format=torch.channels_last)
    weights = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD([{"params": weights, "weight_decay": DECAY}, {"params": rest, "weight_decay": 0.0}],
                                lr=RATE, momentum=MOMENTUM, nesterov=True)
    per_epoch = len(labels) // BATCH
    first = restore(args.state, net, optimizer, generator)
    for epoch in range(first, args.epochs):
        net.train()
        order, total, cpu = torch.randperm(len(labels), generator=generator), 0.0, time.process_time()
        for step, rows in enumerate(order[:per_epoch * BATCH].split(BATCH)):
            for group in optimizer.param_groups:
                group["lr"] = rate(epoch * per_epoch + step, per_epoch, args.epochs)
            x = (augmented(images[rows], generator).float() / 255).contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(net(x), labels[rows])
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(json.dumps({"epoch": epoch, "loss": total / per_epoch, "cpu_s": time.process_time() - cpu}), flush=True)
        keep(args.state, net, optimizer, generator, epoch + 1)
    print(json.dumps({"seed": args.seed, "accuracy": accuracy(net, *records(args.folder, ["test_batch.bin"])),
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
