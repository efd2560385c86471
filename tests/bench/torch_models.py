"""The benchmark's subjects in PyTorch, as the zoo builds them (same multiply-adds: run.py checks), and their ONNX export.

usage: torch_models.py export SUBJECT BATCH FILE.onnx
"""
import sys

import torch
from torch import nn


def conv(inputs, outputs, kernel=3, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)


class Basic(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class PreActivation(nn.Module):
    """The wide residual net's block (Zagoruyko & Komodakis 2016)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs)
        self.shortcut = conv(inputs, outputs, 1, stride) if inputs != outputs else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(x))
        shortcut = self.shortcut(y) if self.shortcut is not None else x
        return self.conv2(self.relu(self.bn2(self.conv1(y)))) + shortcut


class InvertedResidual(nn.Module):
    """Expand, depthwise, project (Sandler et al. 2018)."""

    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        wide = inputs * expand
        layers = [conv(inputs, wide, 1), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True)] if expand != 1 else []
        layers += [conv(wide, wide, 3, stride, wide), nn.BatchNorm2d(wide), nn.ReLU6(inplace=True),
                   conv(wide, outputs, 1), nn.BatchNorm2d(outputs)]
        self.body, self.residual = nn.Sequential(*layers), stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def pooled(body, features):
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 10))


def stages(block, inputs, widths, depth):
    layers = []
    for i, width in enumerate(widths):
        for j in range(depth):
            layers.append(block(inputs, width, 2 if i and not j else 1))
            inputs = width
    return layers


def stem(width):
    return [conv(3, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]


def resnet20():
    return pooled(nn.Sequential(*stem(16), *stages(Basic, 16, [16, 32, 64], 3)), 64)


def resnet18():
    return pooled(nn.Sequential(*stem(64), *stages(Basic, 64, [64, 128, 256, 512], 2)), 512)


def wrn16_4():
    tail = [nn.BatchNorm2d(256), nn.ReLU(inplace=True)]
    return pooled(nn.Sequential(conv(3, 16), *stages(PreActivation, 16, [64, 128, 256], 2), *tail), 256)


def mobilenetv2():
    layers, inputs = [conv(3, 32), nn.BatchNorm2d(32), nn.ReLU6(inplace=True)], 32
    for expand, width, depth, stride in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                         (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(depth):
            layers.append(InvertedResidual(inputs, width, stride if i == 0 else 1, expand))
            inputs = width
    layers += [conv(320, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(inplace=True)]
    return pooled(nn.Sequential(*layers), 1280)


class Encoder(nn.Module):
    """A pre-norm transformer block (Dosovitskiy et al. 2021)."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2, self.heads = nn.LayerNorm(width), nn.LayerNorm(width), heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down, self.gelu = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.GELU()

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-1, -2) * (d // self.heads) ** -0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, d))
        return x + self.down(self.gelu(self.up(self.norm2(x)).contiguous()))


class ViT(nn.Module):
    def __init__(self, width=192, depth=6, heads=3, patch=4, size=32):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*[Encoder(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


MODELS = {"mlp": mlp, "resnet20": resnet20, "resnet18": resnet18, "wrn16_4": wrn16_4, "mobilenetv2": mobilenetv2,
          "vit": ViT}


def build(name):
    torch.manual_seed(0)
    return MODELS[name]()


def channels_last(name):
    return name not in ("mlp", "vit")  # a sequence model has one convolution, and it is not worth it


def macs(net, x):
    """Multiply-adds of convolutions and linear layers; attention's two products are added for a ViT."""
    total = [0]

    def count(module, inputs, output):
        if isinstance(module, nn.Conv2d):
            total[0] += output.numel() * module.weight[0].numel()
        elif isinstance(module, nn.Linear):
            total[0] += output.numel() * module.in_features
        elif isinstance(module, Encoder):
            n, t, d = inputs[0].shape
            total[0] += 2 * n * t * t * d
    handles = [m.register_forward_hook(count) for m in net.modules()]
    with torch.no_grad():
        net.eval()(x)
    for handle in handles:
        handle.remove()
    return total[0]


def main():
    _, _, name, batch, file = sys.argv
    shape = (1, 28, 28) if name == "mlp" else (3, 32, 32)
    torch.onnx.export(build(name).eval(), torch.rand(int(batch), *shape), file, opset_version=13)


if __name__ == "__main__":
    main()
