#!/bin/sh
# dynamo-release 1.5.3 (Python 3.11; source: dynamo/vectorfield/utils.py, torsion_ and curvature_method1)
#
# The docstrings of compute_torsion and compute_curvature (formula 1) have cross products:
# (v x a).(J a) / |v x a|^2 and |v x a| / |v|^3. The code takes outer products.
# So the torsion of a helix of radius 2 and pitch 2 pi, which is 1/5, comes out as a 3 by 3 matrix of zeros;
# and a straight line, run through at a growing speed, has a curvature of 1/3. Formula 2, the default, says 0.
# (six and statsmodels are pinned because 1.5.3 imports what their newest releases no longer bring.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q dynamo-release==1.5.3 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 six==1.17.0 statsmodels==0.14.6
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' >seen 2>/dev/null
import numpy as np
from dynamo.vectorfield.utils import compute_curvature, compute_torsion

turn, rise = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]), np.array([0.0, 0, 1])
torsion = compute_torsion(lambda x: x @ turn.T + rise, lambda x: np.repeat(turn[:, :, None], len(x), 2),
                          np.array([[2.0, 0, 0]]))
straight = [compute_curvature(lambda x: x, lambda x: np.repeat(np.eye(3)[:, :, None], len(x), 2),
                              np.array([[1.0, 2, 2]]), formula=formula)[0][0] for formula in (1, 2)]
print("\ntorsion of a helix, exactly 0.2: shape", torsion.shape, "largest entry", abs(torsion).max())
print(f"curvature of a straight line: {straight[0]:.4f} by formula 1, {straight[1]:.4f} by formula 2")
END
grep -v progress seen | tail -2 | tee said
cat >expected <<'END'
torsion of a helix, exactly 0.2: shape (1, 3, 3) largest entry 0.0
curvature of a straight line: 0.3333 by formula 1, 0.0000 by formula 2
END
diff expected said
