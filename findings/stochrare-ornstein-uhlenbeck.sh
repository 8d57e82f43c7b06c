#!/bin/sh
# stochrare 0.0.1 (Python 3.11; source: stochrare/dynamics/diffusion1d.py, OrnsteinUhlenbeck1D.update)
#
# The docstring of OrnsteinUhlenbeck1D says dx = theta (mu - x) dt + sqrt(2 D) dW. Its exact step, the default and the
# only one that trajectory() can take, has no mu in it: whatever mu is, the state relaxes to 0. It also multiplies a
# standard normal number by the root of the exact variance, while trajectory() hands it the increments of a Brownian
# path, of variance dt: so the stationary variance is D dt / theta, proportional to the time step, where it should be
# D / theta. With mu = 3, theta = 1, D = 0.5: mean 0 for 3, and a variance of 0.05 and 0.005 for 0.5 at dt = 0.1 and
# 0.01. The same drift given as a function to ConstantDiffusionProcess1D has the right mean and variance.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q stochrare==0.0.1 numpy==1.26.4 scipy==1.13.1 matplotlib==3.9.4
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from stochrare.dynamics.diffusion1d import ConstantDiffusionProcess1D, OrnsteinUhlenbeck1D

np.random.seed(1)
mu, theta, D = 3.0, 1.0, 0.5
named = OrnsteinUhlenbeck1D(mu, theta, D)
plain = ConstantDiffusionProcess1D(lambda x, t: theta * (mu - x), D)


def seen(process, dt):
    "Mean and variance, and their errors from blocks of ten relaxation times."
    x = process.trajectory(mu, 0.0, T=2000.0, dt=dt)[1][round(20 / dt) :].astype(float)
    n = round(10 / dt)
    blocks = x[: len(x) // n * n].reshape(-1, n)
    means, squares = blocks.mean(axis=1), ((blocks - x.mean()) ** 2).mean(axis=1)
    error = lambda v: v.std() / len(v) ** 0.5
    return x.mean(), error(means), squares.mean(), error(squares)


def near(value, error, right):
    return f"{right:g}" if abs(value - right) < 4 * error + 0.06 * right else f"other: {value:.3g}"


for dt in 0.1, 0.01:
    for name, process, mean, variance in ("named", named, 0, D * dt / theta), ("as a function", plain, mu, D / theta):
        m, m_error, v, v_error = seen(process, dt)
        print(f"dt = {dt}, {name}: mean {near(m, m_error, mean)}, variance {near(v, v_error, variance)}")
END
cat >expected <<'END'
dt = 0.1, named: mean 0, variance 0.05
dt = 0.1, as a function: mean 3, variance 0.5
dt = 0.01, named: mean 0, variance 0.005
dt = 0.01, as a function: mean 3, variance 0.5
END
diff expected said
