"""What the networks learn, and where they are measured."""

import numpy as np
from sklearn.datasets import load_digits

LEVELS = 0.1, 0.3, 1.0, 3.0, 10.0  # noise levels, in units of the data
FEW = 16  # what the memorising networks see


def digits():
    """The 1,797 images of 8 x 8 pixels as rows from -1 (white) to 1 (black): 1,497 to train, 300 to test."""
    images = load_digits().data / 8 - 1
    order = np.random.default_rng(0).permutation(len(images))
    return images[order[:1497]], images[order[1497:]]


MEANS, WIDTHS = np.array([[3, 1], [-2, 3], [-1, -3.0]]), np.array([0.4, 0.8, 0.6])
SHARES = np.array([0.5, 0.3, 0.2])


def plane(n, rng):
    """Points of the mixture of three Gaussians that the chapter on the hidden symmetry learns."""
    which = rng.choice(3, n, p=SHARES)
    return MEANS[which] + WIDTHS[which, None] * rng.standard_normal((n, 2))


def noise(shape):
    """The noise added to the test points at each level, (levels, *shape): the same for all networks."""
    return np.random.default_rng(1).standard_normal((len(LEVELS), *shape))


def exact_denoiser(train, x, t):
    """Average of the training points that x may have come from, (n, dim): the denoiser of least loss."""
    square = ((x**2).sum(1)[:, None] + (train**2).sum(1) - 2 * x @ train.T) / (2 * t**2)
    weight = np.exp(square.min(1, keepdims=True) - square)
    return weight @ train / weight.sum(1, keepdims=True)


def plane_denoiser(x, t):
    """The same for the mixture, of which there is no end of training points."""
    apart, v = x[:, None] - MEANS, WIDTHS**2 + t**2
    log = np.log(SHARES) - np.log(v) - (apart**2).sum(-1) / (2 * v)
    weight = np.exp(log - log.max(1, keepdims=True))
    weight /= weight.sum(1, keepdims=True)
    return x - t**2 * ((weight / v)[..., None] * apart).sum(1)
