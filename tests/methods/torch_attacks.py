"""The attacks of AutoAttack on PyTorch, written from the papers for tests: Auto-PGD (Croce & Hein, ICML 2020, algorithm 1)
on the cross-entropy and on the targeted DLR loss, targeted FAB (Croce & Hein, ICML 2020, "Minimally distorted adversarial
examples", algorithm 1) and Square (Andriushchenko et al., ECCV 2020, algorithms 1 and 2), L-inf, inputs in [0, 1].

Each takes (net, x, y, eps, generator, ...) and returns a bool a sample: a misclassified point within eps was found. A
sample is dropped from the batch with its first one. No code is shared with assay.
"""
import math

import torch
import torch.nn.functional as F

CHUNK = 100


def logits_of(net, x):
    with torch.no_grad():
        return torch.cat([net(part) for part in x.split(CHUNK)])


def slopes(net, objective, x, *extra):
    """Objective [n], its gradient in x, logits; extra arguments are split with x."""
    values, grads, outputs = [], [], []
    for part, *more in zip(x.split(CHUNK), *(e.split(CHUNK) for e in extra)):
        part = part.clone().requires_grad_()
        z = net(part)
        value = objective(z, *more)
        grads.append(torch.autograd.grad(value.sum(), part)[0])
        net.backward += len(part)
        values.append(value.detach())
        outputs.append(z.detach())
    return torch.cat(values), torch.cat(grads), torch.cat(outputs)


def into_ball(x, clean, eps):
    return torch.max(torch.min(x, clean + eps), clean - eps).clamp(0, 1)


def random_start(clean, eps, generator):
    """Uniform direction of L-inf length eps."""
    t = 2 * torch.rand(clean.shape, generator=generator) - 1
    return (clean + eps * t / t.abs().amax((1, 2, 3), keepdim=True)).clamp(0, 1)


def cross_entropy(z, y):
    return F.cross_entropy(z, y, reduction="none")


def dlr_targeted(z, y, t):
    s = z.sort(dim=1).values
    own, aim = z.gather(1, y[:, None])[:, 0], z.gather(1, t[:, None])[:, 0]
    return -(own - aim) / (s[:, -1] - 0.5 * (s[:, -3] + s[:, -4]) + 1e-12)


def checkpoints(steps):
    p = [0.0, 0.22]
    while True:
        following = p[-1] + max(p[-1] - p[-2] - 0.03, 0.06)
        if following > 1:
            return {math.ceil(q * steps) for q in p[1:]}
        p.append(following)


def auto_pgd(net, objective, clean, y, extra, eps, steps, start, rho=0.75, drop=True):
    """Algorithm 1 with every decision a sample's own. Returns which samples were broken. `drop`: they take no more steps."""
    turns, wide = checkpoints(steps), (-1, 1, 1, 1)
    broken = torch.zeros(len(clean), dtype=torch.bool)
    x = start.clone()
    f, g, z = slopes(net, objective, x, y, *extra)
    broken |= z.argmax(1) != y
    previous, x_max, f_max, g_max = x.clone(), x.clone(), f.clone(), g.clone()
    eta = torch.full((len(x),), 2 * eps)
    eta_then, f_max_then, rises, last = eta.clone(), f_max.clone(), torch.zeros(len(x)), 0
    for k in range(1, steps + 1):
        live = (~broken).nonzero()[:, 0] if drop else torch.arange(len(x))
        if len(live) == 0:
            break
        here, c = x[live], clean[live]
        z1 = into_ball(here + eta[live].view(wide) * g[live].sign(), c, eps)
        a = 1.0 if k == 1 else 0.75
        new = into_ball(here + a * (z1 - here) + (1 - a) * (here - previous[live]), c, eps)
        previous[live], x[live] = here, new
        value, grad, z = slopes(net, objective, new, y[live], *(e[live] for e in extra))
        broken[live] = z.argmax(1) != y[live]
        rises[live] += (value > f[live]).float()
        f[live], g[live] = value, grad
        better = live[value > f_max[live]]
        f_max[better], x_max[better], g_max[better] = f[better], x[better], g[better]
        if k in turns:
            halve = (rises < rho * (k - last)) | ((eta == eta_then) & (f_max == f_max_then))
            eta_then, f_max_then, last = eta.clone(), f_max.clone(), k
            rises.zero_()
            eta[halve] /= 2
            x[halve], f[halve], g[halve] = x_max[halve], f_max[halve], g_max[halve]
    return broken


def apgd_ce(net, x, y, eps, generator, steps=100, drop=True):
    return auto_pgd(net, cross_entropy, x, y, (), eps, steps, random_start(x, eps, generator), drop=drop)


def ranked(net, x, y):
    """For every sample the other classes, likeliest first."""
    z = logits_of(net, x)
    z.scatter_(1, y[:, None], -math.inf)
    return z.argsort(dim=1, descending=True)


def apgd_t(net, x, y, eps, generator, steps=100, targets=9, drop=True):
    broken = logits_of(net, x).argmax(1) != y
    order = ranked(net, x, y)
    for rank in range(targets):
        rows = (~broken).nonzero()[:, 0]
        if len(rows) == 0:
            break
        start = random_start(x[rows], eps, generator)
        broken[rows] = auto_pgd(net, dlr_targeted, x[rows], y[rows], (order[rows, rank],), eps, steps, start, drop=drop)
    return broken


def onto_plane(x, w, f):
    """The L-inf nearest points of the box on {f + <w, d> = 0}; where the box does not reach it, the corner nearest to it.
    What a step of length t along the signs gains is piecewise linear in t, with a kink where an element has no more room."""
    shape, x, w, amount = x.shape, x.flatten(1), w.flatten(1), f.double().abs()[:, None]
    way = -f.sign()[:, None] * w.sign()
    room = torch.where(way > 0, 1 - x, torch.where(way < 0, x, torch.zeros_like(x)))
    top, order = room.sort(dim=1)
    slope = w.abs().gather(1, order).double()
    full = slope * top
    filled = full.cumsum(1) - full
    rest = slope.flip(1).cumsum(1).flip(1)
    at = (filled + rest * top < amount).sum(1, keepdim=True)
    beyond, at = at == slope.shape[1], at.clamp_max(slope.shape[1] - 1)
    t = ((amount - filled.gather(1, at)) / rest.gather(1, at).clamp_min(1e-300)).masked_fill(beyond, math.inf)
    return (x + way * torch.minimum(room.double(), t).float()).reshape(shape)


def fab_t(net, x, y, eps, steps=100, targets=9, alpha_max=0.1, eta=1.05, beta=0.9):
    def size(d):
        return d.flatten(1).abs().amax(1)

    def difference(z, own, aim):
        return (z.gather(1, aim[:, None]) - z.gather(1, own[:, None]))[:, 0]

    best = torch.full((len(x),), math.inf)
    nearest = x.clone()
    best[logits_of(net, x).argmax(1) != y] = 0
    order, wide = ranked(net, x, y), (-1, 1, 1, 1)
    for rank in range(targets):
        now = x.clone()
        for _ in range(steps):
            rows = (best > eps).nonzero()[:, 0]
            if len(rows) == 0:
                break
            here, clean = now[rows], x[rows]
            f, w, _ = slopes(net, difference, here, y[rows], order[rows, rank])
            at_clean = f + (w * (clean - here)).flatten(1).sum(1)
            d1, d2 = onto_plane(here, w, f) - here, onto_plane(clean, w, at_clean) - clean
            a = (size(d1) / (size(d1) + size(d2)).clamp_min(1e-30)).clamp_max(alpha_max).view(wide)
            new = ((1 - a) * (here + eta * d1) + a * (clean + eta * d2)).clamp(0, 1)
            hit = logits_of(net, new).argmax(1) != y[rows]
            closer = hit & (size(new - clean) < best[rows])
            best[rows[closer]] = size(new - clean)[closer]
            nearest[rows[closer]] = new[closer]
            new[hit] = ((1 - beta) * clean + beta * new)[hit]
            now[rows] = new
    low, high = torch.zeros(len(x)), torch.ones(len(x))
    rows = ((best > eps) & best.isfinite()).nonzero()[:, 0]
    for _ in range(3 if len(rows) else 0):
        share = (low[rows] + high[rows]) / 2
        point = x[rows] + share.view(wide) * (nearest[rows] - x[rows])
        hit = logits_of(net, point).argmax(1) != y[rows]
        best[rows[hit]] = torch.minimum(best[rows[hit]], size(point - x[rows])[hit])
        high[rows[hit]], low[rows[~hit]] = share[hit], share[~hit]
    return best <= eps


def square(net, x, y, eps, generator, queries=5000, p=0.8):
    def lead(z, own):
        others = z.clone().scatter_(1, own[:, None], -math.inf)
        return z.gather(1, own[:, None])[:, 0] - others.amax(1)

    def signs(*shape):
        return torch.randint(0, 2, shape, generator=generator).float() * 2 - 1

    n, channels, height, width = x.shape
    best_x = (x + eps * signs(n, channels, 1, width)).clamp(0, 1)
    best = lead(logits_of(net, best_x), y)
    for query in range(1, queries):
        rows = (best > 0).nonzero()[:, 0]
        if len(rows) == 0:
            break
        share = p / 2 ** sum(query > q * queries for q in (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8))
        side = min(max(round(math.sqrt(share * height * width)), 1), min(height, width))
        count = len(rows)
        top, left = (torch.randint(0, end - side + 1, (count, 1), generator=generator) for end in (height, width))
        down, across = torch.arange(height) - top, torch.arange(width) - left
        inside = ((down >= 0) & (down < side))[:, None, :, None] & ((across >= 0) & (across < side))[:, None, None, :]
        new = torch.where(inside, (x[rows] + eps * signs(count, channels, 1, 1)).clamp(0, 1), best_x[rows])
        value = lead(logits_of(net, new), y[rows])
        better = value < best[rows]
        best[rows[better]], best_x[rows[better]] = value[better], new[better]
    return best <= 0
