#!/bin/sh
# filterpy 2.0.0 (Python 3.11; source: filterpy/monte_carlo/resampling.py, residual_resample)
#
# "Performs the residual resampling algorithm used by particle filters": floor(N w) copies of each particle, the rest
# drawn by what is left of N w. It is left of w, not of N w: w - floor(N w), which is negative, and becomes weights when
# it is divided by its sum, also negative. So particles with a weight below 1/N are never kept, and the others have too
# many copies, without an error. The other three of its methods are unbiased. With weights 0.1, 0.2, 0.3, 0.4 the mean
# of the labels 1 to 4, which is 3, becomes 3.5.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q filterpy==2.0.0 numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from filterpy import monte_carlo

np.random.seed(1)
weights, n = np.array([0.1, 0.2, 0.3, 0.4]), 4000
for name in "multinomial", "stratified", "systematic", "residual":
    resample = getattr(monte_carlo, name + "_resample")
    drawn = np.array([resample(weights) for _ in range(n)])
    off = drawn.mean(axis=1) + 1 - 3
    kept = int(np.isin([0, 1], drawn).sum())
    unbiased = bool(abs(off.mean()) < 4 * off.std() / np.sqrt(n))
    print(f"{name}: mean label {off.mean() + 3:.1f}, exactly 3, unbiased {unbiased}; of the two light particles {kept} are ever kept")
END
cat >expected <<'END'
multinomial: mean label 3.0, exactly 3, unbiased True; of the two light particles 2 are ever kept
stratified: mean label 3.0, exactly 3, unbiased True; of the two light particles 2 are ever kept
systematic: mean label 3.0, exactly 3, unbiased True; of the two light particles 2 are ever kept
residual: mean label 3.5, exactly 3, unbiased False; of the two light particles 0 are ever kept
END
diff expected said
