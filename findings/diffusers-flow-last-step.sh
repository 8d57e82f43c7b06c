#!/bin/sh
# diffusers 0.42.1 (Python 3.11, torch 2.13.0 on the CPU; source: schedulers/scheduling_flow_match_euler_discrete.py)
#
# FlowMatchEulerDiscreteScheduler spaces its n noise levels evenly from 1 to sigma_min = 1/1000, and appends 0.
# So the last of n calls of the network moves the sample by a thousandth of the way: two steps are one step
# and a thousandth, three are two. Gaussian data of standard deviation 0.5, with their exact velocity, from x = 1
# (exactly 0.5): one step gives 0, two give 0.001. Levels spaced evenly from 1 to 0, handed over as sigmas, do not lose it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/env"
"$folder/env/bin/pip" install -q torch==2.13.0 numpy==2.4.6
"$folder/env/bin/pip" install -q diffusers==0.42.1
cd "$folder"
OMP_NUM_THREADS=1 env/bin/python -W ignore - <<'END' 2>/dev/null | tee said
import torch
from diffusers import FlowMatchEulerDiscreteScheduler


def sample(steps, **levels):
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(steps, **levels)
    x = torch.ones(1, dtype=torch.float64)
    for t in scheduler.timesteps:
        s = float(t) / 1000
        velocity = (s - 0.25 * (1 - s)) / (0.25 * (1 - s) ** 2 + s**2) * x
        x = scheduler.step(velocity, t, x).prev_sample
    return float(x), [round(float(s), 3) for s in scheduler.sigmas]


for steps in 1, 2, 3, 4:
    end, levels = sample(steps)
    even = sample(steps, sigmas=[1 - k / steps for k in range(steps)])[0]
    print(f"{steps} steps: {end:.3f} at levels {levels}; evenly spaced {even:.3f}")
END
cat >expected <<'END'
1 steps: 0.000 at levels [1.0, 0.0]; evenly spaced 0.000
2 steps: 0.001 at levels [1.0, 0.001, 0.0]; evenly spaced 0.200
3 steps: 0.201 at levels [1.0, 0.501, 0.001, 0.0]; evenly spaced 0.294
4 steps: 0.294 at levels [1.0, 0.667, 0.334, 0.001, 0.0]; evenly spaced 0.341
END
diff expected said
