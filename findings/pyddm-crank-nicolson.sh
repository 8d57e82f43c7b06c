#!/bin/sh
# pyddm 0.9.0 (Python 3.11; source: pyddm/model.py, Model.solve_numerical_cn)
#
# The docstring calls solve_numerical_cn "the core DDM solver of this library". For bounds that stand still it is as
# good as the implicit method. For a bound that collapses, which it accepts, it makes probability: the densities of
# both responses together hold 1.0064 at dx = dt = 0.005, and still 1.0024 at 0.001. P(upper) is wrong by 0.0045 and
# 0.0017 where the implicit method, of lower order, errs by 0.0001; the "undecided" probability, which comes out
# negative, is set to 0. Model.solve() itself takes another method there. Exact values: solve_analytical.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q numpy==2.4.6 scipy==1.17.1 pyddm==0.9.0
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' 2>/dev/null | grep -v Warning | tee said
from pyddm import BoundCollapsingLinear, BoundConstant, DriftConstant, ICPoint, Model, NoiseConstant, OverlayNone

METHODS = ["analytical", "numerical_implicit", "numerical_cn"]


def both_sides(bound, step, method):
    model = Model(
        drift=DriftConstant(drift=0.5), noise=NoiseConstant(noise=1.0), bound=bound, IC=ICPoint(x0=0.0),
        overlay=OverlayNone(), dx=step, dt=step, T_dur=8,
    )
    solution = getattr(model, "solve_" + method)()
    return [solution.pdf(side).sum() * step for side in ("upper", "lower")]


for name, bound in ("constant", BoundConstant(B=1.0)), ("collapsing", BoundCollapsingLinear(B=1.0, t=0.3)):
    for step in 0.005, 0.001:
        for method in METHODS:
            upper, lower = both_sides(bound, step, method)
            print(f"{name}, {step}, {method}: P(upper) {upper:.4f}, both {upper + lower:.4f}")
END
cat >expected <<'END'
constant, 0.005, analytical: P(upper) 0.7310, both 1.0000
constant, 0.005, numerical_implicit: P(upper) 0.7310, both 0.9999
constant, 0.005, numerical_cn: P(upper) 0.7310, both 0.9999
constant, 0.001, analytical: P(upper) 0.7310, both 1.0000
constant, 0.001, numerical_implicit: P(upper) 0.7310, both 0.9999
constant, 0.001, numerical_cn: P(upper) 0.7310, both 0.9999
collapsing, 0.005, analytical: P(upper) 0.6917, both 1.0000
collapsing, 0.005, numerical_implicit: P(upper) 0.6916, both 0.9999
collapsing, 0.005, numerical_cn: P(upper) 0.6962, both 1.0064
collapsing, 0.001, analytical: P(upper) 0.6917, both 1.0000
collapsing, 0.001, numerical_implicit: P(upper) 0.6916, both 0.9999
collapsing, 0.001, numerical_cn: P(upper) 0.6934, both 1.0024
END
diff expected said
