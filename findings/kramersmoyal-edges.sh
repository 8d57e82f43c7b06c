#!/bin/sh
# kramersmoyal 0.4.1 (Python 3.11; source: kramersmoyal/kmc.py, km and _km)
#
# The docstring of km lets bins be "monotonically increasing bin edges". It takes the width of the first bin for all:
# the centres that it returns are every left edge plus half of the first width, and the kernel's width in bins is
# counted in that width too. With fine bins in the middle and coarse ones outside, most centres lie outside their own
# bin, so that drift and diffusion are read at the wrong place: no error, no warning.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q kramersmoyal==0.4.1 numpy==2.4.6 scipy==1.17.1
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from kramersmoyal import km

x = np.cumsum(np.random.default_rng(1).standard_normal(10_000)) / 100
for name, edges in ("even", np.linspace(-4, 4, 41)), ("uneven", 4 * np.linspace(-1, 1, 41) ** 3):
    _, (centres,) = km(x, bins=(edges,), bw=0.3, powers=[1, 2])
    outside = (centres < edges[:-1]) | (centres > edges[1:])
    print(f"{name}: {outside.sum()} of {len(centres)} centres lie outside their own bin")
END
cat >expected <<'END'
even: 0 of 40 centres lie outside their own bin
uneven: 28 of 40 centres lie outside their own bin
END
diff expected said
