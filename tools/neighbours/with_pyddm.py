# /// script
# requires-python = ">=3.11"
# dependencies = ["pyddm==0.9.0"]
# ///
"""PyDDM's drift-diffusion model: its units, and what its default mixture does."""

import json

import pyddm


def moments(model):
    solution = model.solve()
    pdf = solution.pdf("correct") + solution.pdf("error")
    decided = pdf.sum() * model.dt
    return float((pdf * model.t_domain()).sum() * model.dt / decided), float(solution.prob("correct"))


theirs = {"drift": 1.2, "noise": 1.5, "bound": 0.9, "starting_position": 0.3, "nondecision": 0.2}
numeric = {"dx": 0.001, "dt": 0.001, "T_dur": 8}
model = pyddm.gddm(**theirs, **numeric, mixture_coef=0)
mean, upper = moments(model)
rows = [
    {"what": "mean response time", "model": theirs, "seen": mean, "error": None},
    {"what": "probability of the upper bound", "model": theirs, "seen": upper, "error": None},
]
plain = {"drift": 1.0, "noise": 1.0, "bound": 1.0}
for horizon in 2, 5, 10, 20:
    for mixture in {}, {"mixture_coef": 0}:
        model = pyddm.gddm(**plain, T_dur=horizon, **mixture)
        rows.append(
            {
                "what": f"mean response time, T_dur = {horizon}, "
                + ("without mixture" if mixture else "by default"),
                "model": plain | {"T_dur": horizon} | mixture,
                "seen": moments(model)[0],
                "error": None,
            }
        )
for kind, drift in ("a number", 1.0), ("a function", lambda x: 1.0):
    model = pyddm.gddm(drift=drift, noise=1.0, bound=1.0, T_dur=5, mixture_coef=0)
    rows.append(
        {
            "what": f"has an analytical solution, drift {kind}",
            "model": plain,
            "seen": int(model.has_analytical_solution()),
            "error": None,
        }
    )
print(json.dumps(rows))
