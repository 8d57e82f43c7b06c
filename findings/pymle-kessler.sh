#!/bin/sh
# pymle-diffusion 0.0.9 (Python 3.11; source: pymle/core/TransitionDensity.py, KesslerDensity)
#
# Kessler's density (1997) is normal with the mean and the variance to second order in the time step. Here the terms
# of second order hold sigma' and sigma'' where the generator has the drift's: 2 sigma' for 2 mu', sigma'' for mu'', and
# 2 sigma sigma' for sigma'**2. For an Ornstein-Uhlenbeck process, dx = -2 (x - 0.3) dt + 0.5 dW, the variance is
# sigma**2 h (1 - 2 h) to second order; the code has no such term, and is off by as much as Euler's, or more: the ratio
# to the exact variance at h = 0.05 is 1.107 where it should be 0.993 (Euler: 1.103).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q pymle-diffusion==0.0.9 numpy==2.4.6 scipy==1.17.1
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from pymle.core.TransitionDensity import EulerDensity, ExactDensity, KesslerDensity
from pymle.models import OrnsteinUhlenbeck

model, x = OrnsteinUhlenbeck(), np.linspace(-3, 4, 14_001)
model.params = np.array([2.0, 0.3, 0.5])


def variance(density, h):
    p = density(model)(0.5 + 0 * x, x, 0.0, h)
    p = p / p.sum()
    return p @ x**2 - (p @ x) ** 2


for h in 0.1, 0.05, 0.025:
    exact = 0.25 * (1 - np.exp(-4 * h)) / 4
    ratios = [variance(density, h) / exact for density in (ExactDensity, EulerDensity, KesslerDensity)]
    print(f"h = {h}: variance over the exact one: exact {ratios[0]:.4f}, Euler {ratios[1]:.4f}, Kessler {ratios[2]:.4f};",
          f"to second order {0.25 * h * (1 - 2 * h) / exact:.4f}")
END
cat >expected <<'END'
h = 0.1: variance over the exact one: exact 1.0000, Euler 1.2133, Kessler 1.2281; to second order 0.9706
h = 0.05: variance over the exact one: exact 1.0000, Euler 1.1033, Kessler 1.1068; to second order 0.9930
h = 0.025: variance over the exact one: exact 1.0000, Euler 1.0508, Kessler 1.0517; to second order 0.9983
END
diff expected said
