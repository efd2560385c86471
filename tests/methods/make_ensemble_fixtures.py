#!/usr/bin/env python3
"""What DVERGE, ADP and GAL must make of three small convolutional nets: written from the papers' equations on PyTorch in
float64. The training set is one batch, so that no order of samples matters; DVERGE's pairing of sources with targets and its
layer do, and every combination is here. No code is shared with assay.

    /usr/bin/python3 tests/methods/make_ensemble_fixtures.py > tests/methods/fixtures/ensembles.json
"""
import copy
import itertools
import json
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
N, SIDE, K, MEMBERS = 3, 4, 5, 3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(3)
        self.conv2 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.classifier = nn.Linear(4, K)

    def before_relu(self, x, layer):
        h = self.bn1(self.conv1(x))
        return h if layer == 0 else self.bn2(self.conv2(F.relu(h)))

    def forward(self, x):
        return self.classifier(F.relu(self.before_relu(x, 1)).mean((2, 3)))


def rounded(values):
    """Numbers that float32 holds too, so that both programs start from the same ones."""
    return torch.tensor(values).to(torch.float32).to(torch.float64)


torch.manual_seed(11)
X = rounded(torch.rand(N, 1, SIDE, SIDE).tolist())
Y = torch.tensor([0, 1, 2])
START = []
for _ in range(MEMBERS):
    net = Net()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(rounded((p + 0.05 * torch.randn_like(p)).tolist()))
    START.append(net.train())


def result(nets):
    """Parameters and running statistics of every member, and the ensemble's log probabilities on the training set."""
    members = []
    for net in nets:
        net.eval()
        members.append({
            **{f"{layer}.{kind}": getattr(getattr(net, layer), kind).detach().flatten().tolist()
               for layer in ("bn1", "bn2") for kind in ("weight", "bias")},
            **{f"{layer}.mean": getattr(net, layer).running_mean.tolist() for layer in ("bn1", "bn2")},
            **{f"{layer}.var": getattr(net, layer).running_var.tolist() for layer in ("bn1", "bn2")},
            **{f"{layer}.weight": getattr(net, layer).weight.detach().flatten().tolist()
               for layer in ("conv1", "conv2", "classifier")},
            "classifier.bias": net.classifier.bias.tolist(),
        })
    with torch.no_grad():
        mean = sum(F.softmax(net(X), 1) for net in nets) / len(nets)
    return {"members": members, "logits": mean.log().flatten().tolist()}


# ---- DVERGE, equations 1 and 4

def distil(net, source, target, layer, eps, steps):
    goal = net.before_relu(target, layer).detach()
    z, g = source.clone(), torch.zeros_like(source)
    for _ in range(steps):
        z = z.detach().requires_grad_()
        gap = ((net.before_relu(z, layer) - goal) ** 2).mean()
        slope = torch.autograd.grad(gap, z)[0]
        g = g + slope / slope.abs().sum((1, 2, 3), keepdim=True)
        z = z.detach() - eps / steps * g.sign()
        z = torch.clamp(torch.minimum(torch.maximum(z, source - eps), source + eps), 0, 1)
    return z.detach()


def dverge(epochs, eps, pairings, layers, lr=0.1, steps=3):
    nets = copy.deepcopy(START)
    optimizers = [torch.optim.SGD(n.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4) for n in nets]
    for epoch in range(epochs):
        for o in optimizers:
            o.param_groups[0]["lr"] = lr * (1 if epoch < epochs / 2 else 0.1 if epoch < 0.75 * epochs else 0.01)
        made = [distil(n, X, X[list(pairings[epoch])], layers[epoch], eps, steps) for n in nets]
        for i, net in enumerate(nets):
            loss = sum(F.cross_entropy(net(z), Y) for j, z in enumerate(made) if j != i)
            optimizers[i].zero_grad()
            loss.backward()
            optimizers[i].step()
    return result(nets)


# ---- ADP, equations 5 to 8, and GAL, equations 4 to 7

def jointly(loss, epochs, lr, cosine):
    nets = copy.deepcopy(START)
    optimizer = torch.optim.Adam([p for n in nets for p in n.parameters()], lr=lr)
    for epoch in range(epochs):
        optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * epoch / epochs)) / 2 if cosine else lr
        optimizer.zero_grad()
        loss(nets).backward()
        optimizer.step()
    return result(nets)


def adp_loss(nets, alpha=2.0, beta=0.5):
    total = 0
    outputs = [net(X) for net in nets]
    for s in range(N):
        p = [F.softmax(z[s], 0) for z in outputs]
        mean = sum(p) / len(p)
        entropy = -(mean * mean.log()).sum()
        wrong = torch.stack([torch.cat([q[:Y[s]], q[Y[s] + 1:]]) for q in p])
        wrong = wrong / wrong.norm(dim=1, keepdim=True)
        volume = torch.logdet(wrong @ wrong.T + 1e-6 * torch.eye(len(p)))
        total = total + sum(F.cross_entropy(z[s:s + 1], Y[s:s + 1]) for z in outputs) - alpha * entropy - beta * volume
    return total / N


def gal_loss(nets, strength=0.5):
    x = X.clone().requires_grad_()
    losses = [F.cross_entropy(net(x), Y, reduction="none") for net in nets]
    slopes = [torch.autograd.grad(l.sum(), x, create_graph=True)[0].flatten(1) for l in losses]
    cosines = [F.cosine_similarity(a, b, 1) for a, b in itertools.combinations(slopes, 2)]
    coherence = torch.stack(cosines).exp().sum(0).log()
    return (sum(losses) / len(nets) + strength * coherence).mean()


def short(value):
    """Nine digits behind the point: more than float32 can tell."""
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    return [short(item) for item in value] if isinstance(value, list) else value


start = []
for net in START:
    start.append({name: p.detach().flatten().tolist() for name, p in net.named_parameters()})
print(json.dumps({"x": X.flatten().tolist(), "y": Y.tolist(), "start": start, **short({
    "dverge": [dverge(1, 0.1, [pairing], [layer])
               for layer in (0, 1) for pairing in itertools.permutations(range(N))],
    "dverge_at_0": dverge(4, 0.0, [(0, 1, 2)] * 4, [1, 0, 1, 0]),
    "adp": jointly(adp_loss, 4, 0.01, True),
    "gal": jointly(gal_loss, 4, 0.01, True),
})}))
