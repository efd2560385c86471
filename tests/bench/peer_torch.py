"""A persistent child of run.py: PyTorch doing the same works. Same protocol as assay_bench.cpp.

usage: peer_torch.py '{"work": "train", "model": "resnet20", "input": [3, 32, 32], "batch": 128, "variant": "channels_last"}'
Variants of infer: jit (frozen, optimize_for_inference). Of pgd: frozen, naive. Channels-last memory wherever the model
has images. run.py sets the environment: one thread, and malloc that keeps its memory.
"""
import json
import sys
import time

import torch

import torch_models

CLASSES, STEPS, EPS = 10, 20, 8 / 255


def batch_of(request):
    torch.manual_seed(1)
    x = torch.rand(request["batch"], *request["input"])
    if x.dim() == 4 and torch_models.channels_last(request["model"]):
        x = x.contiguous(memory_format=torch.channels_last)
    return x, torch.arange(request["batch"]) % CLASSES


def model_of(request):
    net = torch_models.build(request["model"])
    if torch_models.channels_last(request["model"]):
        net = net.to(memory_format=torch.channels_last)
    return net


def training(request):
    net, (x, y) = model_of(request).train(), batch_of(request)
    decay = [p for p in net.parameters() if p.dim() > 1]
    rest = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": decay, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=1e-3, momentum=0.9, nesterov=True)

    def once():
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return once


def attack(request):
    net, (x0, y) = model_of(request).eval(), batch_of(request)
    frozen = request["variant"] == "frozen"
    if frozen:
        net.requires_grad_(False)
    low, high = (x0 - EPS).clamp(0, 1), (x0 + EPS).clamp(0, 1)

    def once():
        x = x0
        for _ in range(STEPS):
            x = x.detach().requires_grad_(True)
            loss = torch.nn.functional.cross_entropy(net(x), y, reduction="sum")
            if frozen:
                gradient = torch.autograd.grad(loss, x)[0]
            else:
                loss.backward()
                gradient = x.grad
            x = torch.minimum(torch.maximum(x.detach() + EPS / 8 * gradient.sign(), low), high)
    return once


def inference(request):
    net, (x, _) = model_of(request).eval(), batch_of(request)
    with torch.no_grad():
        net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))

        for _ in range(3):  # the profiling executor specialises on its second run
            net(x)

    def once():
        with torch.no_grad():
            net(x)
    return once


def main():
    request = json.loads(sys.argv[1])
    torch.set_num_threads(request.get("threads", 1))
    macs = torch_models.macs(torch_models.build(request["model"]), torch.rand(1, *request["input"]))
    once = {"train": training, "pgd": attack, "infer": inference}[request["work"]](request)
    once()
    print(json.dumps({"version": torch.__version__, "macs": macs}), flush=True)
    for line in sys.stdin:
        if not line.strip():
            break
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(int(line)):
            once()
        print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}), flush=True)


if __name__ == "__main__":
    main()
