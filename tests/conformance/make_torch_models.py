#!/usr/bin/env python3
"""Writes torch_models/: twelve small nets exported by torch.onnx.export, with what torch computes for them.

For each net a model file and a safetensors file with x, y = net(x), a cotangent v and gx = d<y, v>/dx. Weights are
seeded; the batch of x is not the batch of the export. Needs Debian's python3-torch (1.13) and python3-onnx.

usage: /usr/bin/python3 tests/conformance/make_torch_models.py
"""
import json
import math
import os
import struct

import torch
import torch.nn.functional as F
from torch import nn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_models")
OPSET = 13


def gelu(x):
    """The exact form, written out: torch 1.13's own gradient is wrong for operands that are not contiguous."""
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


class Residual(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        self.short = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.short(x))


class ResNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.body = nn.Sequential(Residual(width, width, 1), Residual(width, 2 * width, 2), Residual(2 * width, 4 * width, 2))
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4 * width, 10)

    def forward(self, x):
        return self.fc(torch.flatten(self.pool(self.body(self.stem(x))), 1))


class Inverted(nn.Module):
    """MobileNetV2's block: expand, depthwise, project."""

    def __init__(self, cin, cout, stride, expand=4):
        super().__init__()
        mid = cin * expand
        self.same = stride == 1 and cin == cout
        self.net = nn.Sequential(nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid), nn.ReLU6(),
                                 nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid), nn.ReLU6(),
                                 nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        return x + self.net(x) if self.same else self.net(x)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), Inverted(8, 8, 1), Inverted(8, 16, 2), Inverted(16, 16, 1))
        self.drop, self.fc = nn.Dropout(0.2), nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(self.drop(self.net(x).mean([2, 3])))


class SqueezeExcite(nn.Module):
    """MobileNetV3's pieces: hard swish and a gate a channel."""

    def __init__(self):
        super().__init__()
        self.conv, self.down, self.up = nn.Conv2d(3, 12, 3, 2, 1), nn.Conv2d(12, 4, 1), nn.Conv2d(4, 12, 1)
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        x = F.hardswish(self.conv(x))
        gate = F.hardsigmoid(self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))
        return self.fc(F.adaptive_avg_pool2d(x * gate, 1).flatten(1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / math.sqrt(d // self.heads)).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, t, d))


class ViT(nn.Module):
    def __init__(self, width=24, depth=2, heads=3):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.cls, self.pos = nn.Parameter(torch.randn(1, 1, width)), nn.Parameter(torch.randn(1, 17, width))
        self.blocks = nn.ModuleList([nn.ModuleList([nn.LayerNorm(width), Attention(width, heads), nn.LayerNorm(width),
                                                    nn.Linear(width, 2 * width), nn.Linear(2 * width, width)]) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.pos
        for norm1, attention, norm2, up, down in self.blocks:
            x = x + attention(norm1(x))
            x = x + down(gelu(up(norm2(x))))
        return self.head(self.norm(x)[:, 0])


class Recurrent(nn.Module):
    def __init__(self, kind, both_ways):
        super().__init__()
        self.rnn = kind(5, 8, num_layers=2 if not both_ways else 1, batch_first=True, bidirectional=both_ways)
        self.fc = nn.Linear(16 if both_ways else 8, 4)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


class UNet(nn.Module):
    """Two levels, a skip, nearest upsampling on the way up and a transposed convolution."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(2, 6, 3, 1, 1), nn.Conv2d(6, 10, 3, 2, 1)
        self.mid = nn.Sequential(nn.Conv2d(10, 12, 3, 2, 1), nn.GroupNorm(3, 12), nn.SiLU())
        self.up1, self.up2, self.out = nn.ConvTranspose2d(12, 10, 2, 2), nn.Conv2d(20, 6, 3, 1, 1), nn.Conv2d(12, 1, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(a))
        c = self.up1(self.mid(b))
        d = F.interpolate(F.relu(self.up2(torch.cat([c, b], 1))), scale_factor=2, mode="nearest")
        return self.out(torch.cat([d, a], 1))


class OddPadding(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 6, (3, 5), (2, 3), (0, 2)), nn.Conv2d(6, 6, 3, 1, 2, dilation=2), nn.Conv2d(6, 8, 2, 1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x):
        x = F.relu(self.a(F.pad(x, (1, 2, 3, 0))))
        x = F.relu(self.b(F.pad(x, (1, 1, 0, 1), mode="reflect")))
        x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True)
        x = F.avg_pool2d(torch.tanh(self.c(x)), 3, 1, 1, count_include_pad=True)
        return self.fc(F.adaptive_max_pool2d(x, 1).flatten(1))


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(6 + 4 * i, 4, 3, 1, 1) for i in range(3)])
        self.bns = nn.ModuleList([nn.BatchNorm2d(6 + 4 * i) for i in range(3)])
        self.stem, self.fc = nn.Conv2d(1, 6, 3, 1, 1), nn.Linear(18 * 16, 10)

    def forward(self, x):
        x = self.stem(x)
        for conv, bn in zip(self.convs, self.bns):
            x = torch.cat([x, conv(F.leaky_relu(bn(x), 0.1))], 1)
        return F.log_softmax(self.fc(F.avg_pool2d(x, 2).view(x.shape[0], -1)), 1)


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(12, 16), nn.LayerNorm(16), nn.ELU(), nn.Dropout(0.5), nn.Linear(16, 16), nn.BatchNorm1d(16),
                                 nn.PReLU(16), nn.Linear(16, 4))

    def forward(self, x):
        return self.net(x.reshape(x.shape[0], -1)).softmax(-1)


MODELS = [
    dict(name="resnet_bn_folded", net=ResNet, shape=(3, 16, 16), dynamic=True, fold=True),
    dict(name="resnet_bn_kept", net=ResNet, shape=(3, 16, 16), dynamic=True, fold=False),
    dict(name="mobilenetv2", net=MobileNet, shape=(3, 12, 12), dynamic=True, fold=False),
    dict(name="squeeze_excite", net=SqueezeExcite, shape=(3, 11, 9), dynamic=True, fold=True),
    dict(name="vit", net=ViT, shape=(3, 16, 16), dynamic=True, fold=True),
    dict(name="vit_fixed_batch", net=ViT, shape=(3, 16, 16), dynamic=False, fold=True),
    dict(name="lstm", net=lambda: Recurrent(nn.LSTM, False), shape=(7, 5), dynamic=True, fold=True),
    dict(name="gru_both_ways", net=lambda: Recurrent(nn.GRU, True), shape=(6, 5), dynamic=True, fold=True),
    dict(name="unet", net=UNet, shape=(2, 8, 12), dynamic=True, fold=True),
    dict(name="odd_paddings", net=OddPadding, shape=(3, 13, 17), dynamic=True, fold=True),
    dict(name="densenet", net=Dense, shape=(1, 8, 8), dynamic=True, fold=True),
    dict(name="mlp_fixed_batch", net=Perceptron, shape=(3, 4), dynamic=False, fold=False),
]


def write_safetensors(path, arrays):
    header, blob = {}, b""
    for name, array in sorted(arrays.items()):
        data = array.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + blob)


def seeded(net):
    """Batch norm statistics and affine weights that are not 0 and 1."""
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return net.eval()


def main():
    os.makedirs(OUT, exist_ok=True)
    for number, spec in enumerate(MODELS):
        torch.manual_seed(number)
        net = seeded(spec["net"]())
        path = os.path.join(OUT, spec["name"] + ".onnx")
        example = torch.randn(2 if spec["dynamic"] else 1, *spec["shape"])
        mode = torch.onnx.TrainingMode.EVAL if spec["fold"] else torch.onnx.TrainingMode.PRESERVE
        torch.onnx.export(net, example, path, opset_version=OPSET, training=mode, do_constant_folding=spec["fold"],
                          input_names=["input"], output_names=["output"],
                          dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}} if spec["dynamic"] else None)
        x = torch.randn(3, *spec["shape"], requires_grad=True)
        y = net(x)
        v = torch.randn_like(y)
        (gx,) = torch.autograd.grad(y, x, v)
        write_safetensors(os.path.join(OUT, spec["name"] + ".safetensors"), {"x": x, "y": y, "v": v, "gx": gx})
        print(spec["name"], os.path.getsize(path))


main()
