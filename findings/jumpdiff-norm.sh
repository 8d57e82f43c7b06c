#!/bin/sh
# jumpdiff 0.4.2 (Python 3.11; source: jumpdiff/moments.py, moments)
#
# With norm=True it "returns the Kramers-Moyal coefficients", that is row n over n!. It divides every row, the density
# in row 0 too, by 0! 1! ... (power - 1)!: by 1 for power=2, by 2 for power=3, by 12 for power=4. So for dx = -x dt + dW,
# D2 = 1/2, the answer depends on how many moments one asks for besides: 1, 1/2 and 1/12; and the drift comes out as 1,
# 1/2 and 1/12 of itself. kramersmoyal, which shares its code, has 1/2 for all three.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q jumpdiff==0.4.2 kramersmoyal==0.4.1 numpy==2.4.6 scipy==1.17.1 sympy==1.14.0
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' | tee said
import numpy as np
from jumpdiff import moments
from kramersmoyal import km

h, noise = 0.01, np.random.default_rng(1).standard_normal(200_000) * 0.1
x = np.zeros(len(noise))
for k in range(1, len(x)):
    x[k] = x[k - 1] * (1 - h) + noise[k]
for power in 2, 3, 4:
    options = {"bins": np.array([100]), "bw": 0.2}
    _, rows = moments(x, power=power, norm=True, **options)
    _, bare = moments(x, power=power, **options)
    theirs, _ = km(x, powers=power, **options)
    at = 50
    print(f"power={power}: D2 {rows[2, at, 0] / h:.1f}, by kramersmoyal {theirs[2, at] / h:.1f};",
          "rows 0 to 2 over those without norm:", " ".join(f"{rows[n, at, 0] / bare[n, at, 0]:.3f}" for n in range(3)))
END
cat >expected <<'END'
power=2: D2 1.0, by kramersmoyal 0.5; rows 0 to 2 over those without norm: 1.000 1.000 1.000
power=3: D2 0.5, by kramersmoyal 0.5; rows 0 to 2 over those without norm: 0.500 0.500 0.500
power=4: D2 0.1, by kramersmoyal 0.5; rows 0 to 2 over those without norm: 0.083 0.083 0.083
END
diff expected said
