#!/bin/sh
# stochastic 0.7.0 (Python 3.10, the newest that it takes; source: processes/continuous, variance_gamma.py,
# inverse_gaussian.py and gamma.py)
#
# Three of its Levy processes are others than their docstrings say. VarianceGammaProcess, "theta Gamma(t) + sigma
# W(Gamma(t))", multiplies the root of the subordinator by normals that already carry the root of the time step: its
# variance at time 1 should be sigma**2 and is sigma**2 over the number of steps, so that a finer mesh makes it vanish.
# InverseGaussianProcess, whose increments are positive, divides by y where the method that it cites divides by lambda:
# of one step over time 1 more than half come out negative, and the mean, 1, is below 0.3. GammaProcess calls scale "the
# size of the jumps", and takes it as its inverse: of rate 2 and scale 3 the mean at time 1 is 2/3, not 6.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.10 -m venv "$folder/env"
"$folder/env/bin/pip" install -q stochastic==0.7.0 numpy==1.26.4 scipy==1.15.3
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from stochastic.processes.continuous import GammaProcess, InverseGaussianProcess, VarianceGammaProcess

rng, n = np.random.default_rng(1), 4000
for steps in 1, 4, 16:
    process = VarianceGammaProcess(drift=0, variance=0.5, scale=1, rng=rng)
    ends = np.array([process.sample(steps)[-1] for _ in range(n)])
    error = np.std(ends**2) / np.sqrt(n)
    near = [name for name, value in (("1", 1), (f"1/{steps}", 1 / steps)) if abs(np.mean(ends**2) - value) < 4 * error]
    print(f"variance gamma, {steps} steps: the variance at time 1, exactly 1, is {near[-1]}")
process = InverseGaussianProcess(rng=rng)
ends = np.array([process.sample(1)[-1] for _ in range(n)])
print("inverse Gaussian: more than half are negative,", bool(np.mean(ends < 0) > 0.55), "and the mean below 0.3,", bool(ends.mean() < 0.3))
ends = np.array([GammaProcess(rate=2, scale=3, rng=rng).sample(4)[-1] for _ in range(n)])
print("gamma of rate 2 and jumps of size 3, mean 6: it is 2/3,", bool(abs(ends.mean() - 2 / 3) < 4 * ends.std() / n**0.5))
END
cat >expected <<'END'
variance gamma, 1 steps: the variance at time 1, exactly 1, is 1/1
variance gamma, 4 steps: the variance at time 1, exactly 1, is 1/4
variance gamma, 16 steps: the variance at time 1, exactly 1, is 1/16
inverse Gaussian: more than half are negative, True and the mean below 0.3, True
gamma of rate 2 and jumps of size 3, mean 6: it is 2/3, True
END
diff expected said
