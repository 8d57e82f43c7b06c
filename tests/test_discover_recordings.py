"""Recordings as they come: measurement noise, D that depends on the state, and honest errors."""

import warnings

import numpy as np
import pytest

from noetherlib.discover import symmetries_from_trajectories

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
CENTRE = np.array([2.0, 1.0])
UPPER = np.triu_indices(2)


def ring(x, centre=0.0):
    """``z (1 - |z|^2) + 2 (-z_2, z_1)``: rotation about the centre."""
    z = x - centre
    return z * (1 - (z**2).sum(axis=-1, keepdims=True)) + 2 * z @ TURN.T


def record(n_paths, time, seed, h=0.02, finer=2, strength=lambda x: 0.1, centre=0.0, drift=ring):
    """Settled recordings of ``dx = ring dt + sqrt(2 D) dW``, D a multiple of the identity.

    Euler-Maruyama, with ``finer`` steps to each that is recorded.
    """
    local, dt = np.random.default_rng(seed), h / finer
    x, out = centre + local.normal(size=(n_paths, 2)), []
    for k in range(round((time + 3) / dt) + 1):
        if k * dt > 3 - dt / 2 and (k - round(3 / dt)) % finer == 0:
            out.append(x)
        kick = np.sqrt(2 * dt * np.reshape(strength(x), (-1, 1)) * np.ones((n_paths, 1)))
        x = x + drift(x, centre) * dt + kick * local.normal(size=x.shape)
    return np.arange(len(out)) * h, np.stack(out, axis=1)


def search(t, x, **options):
    """The result, and the warnings in one text."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = symmetries_from_trajectories(t, x, **options)
    return found, " ".join(str(w.message) for w in said)


def test_the_simulated_recordings_are_what_they_say():
    t, x = record(5, 1.0, 0, h=0.1)
    np.testing.assert_allclose(t, np.arange(11) * 0.1)
    assert x.shape == (5, 11, 2)


# ---- error bars ----------------------------------------------------------------------------------


def pulls(n, blur, seed):
    """(estimate - truth) / error of n independent recordings: of generators, of D, of the noise."""
    t, every = record(8 * n, 20.0, seed, h=0.04, centre=CENTRE)
    every = every + blur * np.random.default_rng([seed, 1]).normal(size=every.shape)
    offset, noise = -TURN @ CENTRE, np.diag(np.square(blur) * np.ones(2))
    generator, D, R = [], [], []
    for k in range(n):
        found, said = search(t, every[8 * k : 8 * k + 8], max_degree=3, resolution=0.6)
        assert ("measurement noise" in said) == bool(np.any(blur))
        assert len(found) == 1 and found.undetermined == 0, k
        s = found[0]
        matrix = (s.matrix - TURN) / s.matrix_error
        shift = (s.offset - offset) / s.offset_error
        generator.append([*matrix[0], *shift, s.tau1 / s.tau1_error])
        D.append(((found.diffusion - 0.1 * np.eye(2)) / found.diffusion_error)[UPPER])
        R.append(((found.measurement_noise - noise) / found.measurement_noise_error)[UPPER])
    return np.array(generator), np.array(D), np.array(R)


@pytest.mark.parametrize("blur", [np.zeros(2), np.full(2, 0.05)], ids=["sharp", "blurred"])
def test_error_bars_hold_over_many_recordings(blur):
    """Standard deviation 1 within the error of 120 recordings, three times, for every error bar.

    Far from the origin, for what is uncertain in A is uncertain in the offset -A c as well.
    """
    n = 120
    within = 3 / np.sqrt(2 * n)
    generator, D, R = pulls(n, blur, 11)
    for each in (generator, D, R):
        np.testing.assert_allclose(each.std(axis=0), 1, atol=within)
    # and no bias beyond half an error bar
    for each in (generator, D, R):
        assert (np.abs(each.mean(axis=0)) < 0.5).all()


# ---- measurement noise ---------------------------------------------------------------------------


@pytest.mark.parametrize("blur", [(0.05, 0.05), (0.05, 0.0)], ids=["both", "one coordinate"])
def test_measurement_noise_is_found_and_taken_out(blur):
    """With h = 0.005 it makes D six times too large, on one coordinate it hides the rotation."""
    t, x = record(40, 25.0, 5, h=0.005, finer=1)
    y = x + blur * np.random.default_rng(6).normal(size=x.shape)
    increments = np.diff(y, axis=1)
    naive = np.einsum("kni,knj->ij", increments, increments) / increments[..., 0].size / (2 * 0.005)
    assert naive[0, 0] == pytest.approx(0.6, rel=0.05)
    found, said = search(t, y, max_degree=3, resolution=0.2)
    assert "measurement noise, of standard deviation 0.05" in said and found.undetermined == 0
    assert len(found) == 1
    s = found[0]
    assert (np.abs(s.matrix - TURN) < 4.5 * s.matrix_error).all()
    assert (np.abs(s.offset) < 4.5 * s.offset_error).all()
    assert (np.abs(found.diffusion - 0.1 * np.eye(2)) < 4.5 * found.diffusion_error).all()
    off = np.abs(found.measurement_noise - np.diag(np.square(blur)))
    assert (off < 4.5 * found.measurement_noise_error).all()
    assert found.diffusion_error.max() < 0.02 and found.measurement_noise_error.max() < 1e-4


def test_measurement_noise_does_not_bend_the_drift():
    """For -x the slope of plain regression is wrong by -R / (h Var x), here one half."""
    t, x = record(50, 20.0, 3, drift=lambda x, centre: -x)
    y = x + 0.1 * np.sqrt(0.2) * np.random.default_rng(4).normal(size=x.shape)
    left, velocity = y[:, :-1].reshape(-1, 2), np.diff(y, axis=1).reshape(-1, 2) / 0.02
    plain = np.linalg.lstsq(left, velocity, rcond=None)[0]
    assert plain[0, 0] < -1.7
    found, _ = search(t, y, max_degree=1)
    slope = found.system.jacobian(np.zeros(2), 0.0)
    np.testing.assert_allclose(slope, -np.eye(2), atol=4.5 * np.sqrt(2 / (50 * 20.0)))


def test_fewer_steps_than_parts_that_are_left_out():
    """Eight steps: the bias is estimated by leaving out each."""
    x = 0.1 * np.cumsum(np.random.default_rng(0).normal(size=(9, 1)), axis=0)
    found, said = search(np.arange(9) * 0.1, x, max_degree=1)
    assert found.undetermined > 0 and "open" in said


def test_few_times_cannot_tell_it():
    t, x = record(400, 0.08, 7)
    found, said = search(t[:3], x[:, :3], max_degree=1)
    assert "fewer than four times" in said and np.isnan(found.measurement_noise).all()
    found, said = search(t, x, max_degree=1)
    assert "fewer than four times" not in said and np.isfinite(found.measurement_noise_error).all()


def test_a_hidden_variable_is_told():
    """One coordinate of the ring alone is no Markov process: its increments stay correlated."""
    t, x = record(40, 20.0, 8)
    assert "neighbouring increments are correlated" in search(t, x[..., :1])[1]


# ---- D that depends on the state -----------------------------------------------------------------

STRENGTHS = {
    "one axis": lambda x: 0.1 * (1 + 2 * x[:, 0] ** 2),
    "weakly": lambda x: 0.1 * (1 + 0.2 * x[:, 0] ** 2),
    "three petals": lambda x: (
        0.1 * (1 + 0.5 * (x[:, 0] ** 3 - 3 * x[:, 0] * x[:, 1] ** 2) / (1 + (x**2).sum(axis=1)) ** 1.5)
    ),
}


@pytest.mark.parametrize("blur", [0.0, 0.05])
@pytest.mark.parametrize("name", STRENGTHS)
def test_noise_that_breaks_the_rotation(name, blur):
    t, x = record(100, 20.0, 1, strength=STRENGTHS[name])
    y = x + blur * np.random.default_rng(2).normal(size=x.shape)
    found, said = search(t, y)
    assert not found and found.undetermined == 0
    assert "D depends on the state" in said and found.p_constant < 1e-6


def test_noise_that_keeps_the_rotation():
    def strength(x):
        return 0.1 / (1 + (x**2).sum(axis=-1))

    t, x = record(150, 20.0, 3, strength=strength)
    found, said = search(t, x, resolution=0.15)
    assert len(found) == 1 and "D depends on the state" in said
    s = found[0]
    assert (np.abs(s.matrix - TURN) < 4.5 * s.matrix_error).all()
    states = x[::10, ::100].reshape(-1, 2)
    fitted = found.system.diffusion(states, 0.0)
    off = fitted - strength(states)[:, None, None] * np.eye(2)
    assert np.sqrt((off**2).mean()) < 0.005
    mean = strength(x[:, :-1]).mean()
    assert (np.abs(found.diffusion - mean * np.eye(2)) < 4.5 * found.diffusion_error + 0.001).all()


def test_the_test_of_a_constant_has_its_level():
    """Of 100 recordings with constant D, p < 0.1 in a tenth: 10 +- 3."""
    t, every = record(800, 5.0, 9, finer=1)
    blocks = [every[8 * k : 8 * k + 8] for k in range(100)]
    p = [search(t, x, max_degree=3, resolution=9.0)[0].p_constant for x in blocks]
    assert 1 <= np.sum(np.less(p, 0.1)) <= 20
    assert np.sum(np.less(p, 0.001)) <= 1 and np.mean(p) > 0.35
