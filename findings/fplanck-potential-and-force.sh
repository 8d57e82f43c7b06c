#!/bin/sh
# fplanck 0.2.2 (Python 3.11, numpy 1.26.4, the newest that it runs with; source: fplanck/solver.py, fokker_planck.__init__)
#
# "Can specify an external potential (conservative) and force field (non-conservative)". Each of the two adds its own
# hopping rates, and each of these brings the whole diffusion. So with both, the particle diffuses twice as fast as at its
# temperature, while its drift is right: in a trap of stiffness 1 at kT = 1 the variance is 1, and 2 once a force of zero
# is given besides; a constant force moves the mean as it should, and doubles the variance too. Split into two halves,
# a trap is not what it is as a whole. Nothing is said, and the density stays normalised.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q fplanck==0.2.2 numpy==1.26.4 scipy==1.17.1
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from fplanck import delta_function, fokker_planck
from scipy import constants


def steady(name, **given):
    solver = fokker_planck(temperature=1 / constants.k, drag=1.0, extent=16.0, resolution=0.1, **given)
    p, x = solver.propagate(delta_function(0.0), 15.0), solver.axes[0]  # 15 times the time of the trap
    mean = p @ x
    print(f"{name}: mean {abs(mean):.2f}, variance {p @ (x - mean) ** 2:.2f}, in all {p.sum():.4f}")


steady("trap as a potential", potential=lambda x: x**2 / 2)
steady("trap as a force", force=lambda x: -x)
steady("trap as a potential, and no force", potential=lambda x: x**2 / 2, force=lambda x: 0 * x)
steady("half as a potential, half as a force", potential=lambda x: x**2 / 4, force=lambda x: -x / 2)
steady("trap as a potential, and a force of 1", potential=lambda x: x**2 / 2, force=lambda x: 1 + 0 * x)
steady("both in one potential", potential=lambda x: x**2 / 2 - x)
steady("both in one force", force=lambda x: 1 - x)
END
cat >expected <<'END'
trap as a potential: mean 0.00, variance 1.00, in all 1.0000
trap as a force: mean 0.00, variance 1.00, in all 1.0000
trap as a potential, and no force: mean 0.00, variance 2.00, in all 1.0000
half as a potential, half as a force: mean 0.00, variance 2.00, in all 1.0000
trap as a potential, and a force of 1: mean 1.00, variance 2.00, in all 1.0000
both in one potential: mean 1.00, variance 1.00, in all 1.0000
both in one force: mean 1.00, variance 1.00, in all 1.0000
END
diff expected said
