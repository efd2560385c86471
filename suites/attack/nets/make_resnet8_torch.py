"""Trains the net of the CIFAR-10 boards that does not come from assay, and writes it as ONNX.

usage: make_resnet8_torch.py FOLDER OUT.onnx     FOLDER: CIFAR-10's binary files, `assay data fetch cifar10` puts them there

ResNet-8 (one basic block a stage, He et al. 2016) in PyTorch, trained against one random-start FGSM step (Wong et al. 2020)
on all 50,000 images; pixels are standardised inside the net, so the file takes inputs in [0, 1]. About 8 minutes on a core.
Made with PyTorch 1.13; another version or machine gives other weights. The digest of the file in use stands in README.md.
"""
import sys
import time

import numpy as np
import torch
from torch import nn

EPOCHS, BATCH, PEAK, EPS, STEP = 6, 128, 0.1, 8 / 255, 10 / 255
MEAN, DEVIATION = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]


def conv(inputs, outputs, kernel=3, stride=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(),
                                  conv(outputs, outputs), nn.BatchNorm2d(outputs))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class Standardised(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1))

    def forward(self, x):
        return self.net((x - self.mean) / self.deviation)


def resnet8():
    return Standardised(nn.Sequential(conv(3, 16), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2),
                                      Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)))


def read(folder, names):
    """Images as bytes [n, 3, 32, 32] and labels [n]: a record is a label and three planes."""
    records = np.concatenate([np.fromfile(f"{folder}/{name}", np.uint8).reshape(-1, 3073) for name in names])
    return torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32)), torch.from_numpy(records[:, 0].astype(np.int64))


def prepare(images):
    return (images.float() / 255).contiguous(memory_format=torch.channels_last)


def flipped(x):
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)


def step(net, x, y, optimizer):
    start = (x + (torch.rand_like(x) * 2 - 1) * EPS).clamp(0, 1).requires_grad_(True)
    gradient, = torch.autograd.grad(nn.functional.cross_entropy(net(start), y), start)
    moved = start.detach() + STEP * gradient.sign()
    moved = torch.minimum(torch.maximum(moved, x - EPS), x + EPS).clamp(0, 1)
    optimizer.zero_grad(set_to_none=True)
    loss = nn.functional.cross_entropy(net(moved), y)
    loss.backward()
    optimizer.step()
    return float(loss)


def attacked(net, x, y, steps=20):
    z = x.clone()
    for _ in range(steps):
        z.requires_grad_(True)
        gradient, = torch.autograd.grad(nn.functional.cross_entropy(net(z), y), z)
        z = z.detach() + EPS / 8 * gradient.sign()
        z = torch.minimum(torch.maximum(z, x - EPS), x + EPS).clamp(0, 1)
    return z


def report(net, folder):
    images, labels = read(folder, ["test_batch.bin"])
    x, y = prepare(images[:1000]), labels[:1000]
    net.eval()
    clean = (net(x).argmax(1) == y).float().mean()
    robust = (net(attacked(net, x, y)).argmax(1) == y).float().mean()
    print(f"first 1,000 test images: clean {clean:.3f}, after 20 steps of PGD {robust:.3f}", flush=True)


def main():
    folder, out = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    images, labels = read(folder, [f"data_batch_{i}.bin" for i in range(1, 6)])
    net = resnet8().to(memory_format=torch.channels_last)
    decay = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": decay, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=PEAK, momentum=0.9, nesterov=True)
    steps = EPOCHS * (len(images) // BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, total_steps=steps)
    for epoch in range(EPOCHS):
        net.train()
        began, losses, order = time.time(), [], torch.randperm(len(images))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[at:at + BATCH]
            losses.append(step(net, flipped(prepare(images[rows])), labels[rows], optimizer))
            rates.step()
        print(f"epoch {epoch}: loss {np.mean(losses):.3f}, {time.time() - began:.0f} s", flush=True)
    report(net, folder)
    torch.onnx.export(net.eval(), torch.rand(1, 3, 32, 32), out, opset_version=13, input_names=["image"],
                      output_names=["logits"], dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}})


if __name__ == "__main__":
    main()
