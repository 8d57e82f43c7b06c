"""What a newcomer writes from the README and the docstrings alone, for two models, runs first time."""

import numpy as np

import noetherlib as nl


def test_a_wilson_cowan_pair():
    def drift(x, t):
        E, I = x[..., 0], x[..., 1]
        dE = -E + 1 / (1 + np.exp(-(12 * E - 4 * I - 4.5)))
        dI = -I + 1 / (1 + np.exp(-(6 * E - 4)))
        return np.stack([dE, dI], axis=-1)

    system = nl.System(drift, 0.02, dim=2)
    points = nl.fixed_points(system, box=(-0.5, 1.5))
    silent, active = (p.x for p in points if p.stable)
    assert [p.kind for p in points] == ["stable", "stable", "saddle"]

    path = nl.least_action_path(system, silent, active, t=np.linspace(0, 3, 81))
    assert path.converged and path.kind == "minimum"
    assert nl.charge_balance(path, nl.time_translation()).verdict == "symmetry"
    assert nl.charge_balance(path, nl.rotation(0, 1)).verdict == "broken"

    density = nl.transition_density(path)
    ensemble = nl.simulate(system, silent, np.linspace(0, 3, 151), 50_000, rng=4, save="final")
    near = np.abs(ensemble.x[:, -1] - active).max(axis=-1) < 0.05
    counted, error = near.mean(), near.std() / np.sqrt(near.size)
    assert abs(counted - density * 0.01) < 3 * np.hypot(error, density.error * 0.01)
    assert 0 < density.error < density / 4 and counted > 4 * error

    typed = nl.read_system(
        """
        dE/dt = -E + sigmoid(12E - 4I - 4.5)   # excitation
        dI/dt = -I + sigmoid(6E - 4)           # inhibition
        """,
        0.02,
    )
    again = nl.least_action_path(typed, silent, active, t=np.linspace(0, 3, 81))
    assert abs(again.action - path.action) < 1e-6


def test_a_ring_network_of_twelve_units():
    n = 12
    angles = 2 * np.pi * np.arange(n) / n
    weights = 2.8 / n * np.cos(angles[:, None] - angles)

    def drift(x, t):
        return -x + np.tanh(x) @ weights.T

    def jacobian(x, t):
        return weights * (1 - np.tanh(x) ** 2)[..., None, :] - np.eye(n)

    def bump(angle):
        x = 2 * np.cos(angles - angle)
        for _ in range(400):  # along the flow, to the bump at rest
            x = x + 0.1 * drift(x, 0)
        return x

    system = nl.System(drift, 0.05, dim=n, jacobian=jacobian)
    assert "jacobian=" not in repr(system) and "jacobian=" in repr(nl.System(drift, 0.05, dim=n))
    start, end = bump(0.0), bump(2 * np.pi / 3)
    path = nl.least_action_path(system, start, end, np.linspace(0, 6, 41), "freidlin-wentzell")
    assert path.converged

    momentum = nl.charge(path, nl.ring_shift(n))
    assert np.ptp(momentum) < 1e-3 * np.abs(momentum).max()  # constant up to the aliasing of twelve units
    first = (np.outer(np.sin(angles), np.cos(angles)) - np.outer(np.cos(angles), np.sin(angles))) * 2 / n
    wrong = nl.charge(path, nl.affine(first))
    assert np.ptp(wrong) > 20 * np.ptp(momentum)
    right, other = (nl.charge_balance(path, s) for s in (nl.ring_shift(n), nl.affine(first)))
    assert (right.verdict, other.verdict) == ("nearly", "broken")
    assert "not a symmetry of this system" in str(other)

    ensemble = nl.simulate(system, start, np.linspace(0, 1, 21), 10, rng=0)
    assert ensemble.x.shape == (10, 21, n)
