"""Which scheme runs, stiff steps, paths that fail, and the senses of noise."""

import numpy as np
import pytest

from noetherlib import models
from noetherlib.simulation import simulate
from noetherlib.system import System


def turn(x, t):
    return np.stack([x[..., 1] - x[..., 0], -x[..., 0] - x[..., 1] + 1], axis=-1)


def bent(x, t):
    return np.where(x > -0.5, -x, -x - 5 * (x + 0.5))


def well(x, t):
    return x - x**3


def times_x(x, t):
    return 0.5 * x


def square(x, t):
    return 0.125 * x[..., 0] ** 2


# ---- which scheme ran ----------------------------------------------------------------------------


def test_a_numeric_drift_that_is_seen_to_be_linear_takes_exact_steps():
    numeric, known = System(turn, 0.3, 2), models.ornstein_uhlenbeck(2, [[1.0, -1.0], [1.0, 1.0]], 0.3)
    t = [0, 1.0, 1.7]
    ens = simulate(numeric, [0.0, 0.0], t, 5)
    shifted = simulate(known, [-0.5, -0.5], t, 5)  # the rest point is (0.5, 0.5)
    assert (ens.method, shifted.method) == ("exact", "exact")
    np.testing.assert_allclose(ens.x, shifted.x + 0.5, atol=1e-11)
    assert simulate(numeric, [0.0, 0.0], t, 5, method="euler-maruyama").method == "euler-maruyama"


@pytest.mark.parametrize("drift", [bent, well, lambda x, t: -x * (1 + t)], ids=["bent", "well", "time"])
def test_one_that_is_not_linear_takes_eulers(drift):
    """Wherever that is seen: the numbers are those of Euler's scheme from the first step on."""
    system, arguments = System(drift, 0.5, 1), dict(x0=0.5, t=np.linspace(0, 3, 31), n_paths=100, rng=3)
    ens = simulate(system, **arguments)
    assert ens.method == "euler-maruyama"
    np.testing.assert_array_equal(ens.x, simulate(system, method="euler-maruyama", **arguments).x)


def test_a_drift_that_turns_out_not_to_be_linear_is_an_error():
    with pytest.raises(ValueError, match=r"takes the drift for the linear one .*at t = \d.*x\[0\] = -0"):
        simulate(System(bent, 0.5, 1), 0.5, np.linspace(0, 3, 31), 100, method="exact")
    with pytest.raises(ValueError, match="takes the drift for the linear one .*at t = 0.1"):
        simulate(System(lambda x, t: -x * (1 + t), 0.5, 1), 0.5, [0, 0.1, 0.2], 100, method="exact")


def test_a_tangent_that_overflows_is_no_reason_to_refuse():
    """At the saddle the double well runs away exponentially; the drift itself does not."""
    ens = simulate(System(well, 0.01, 1), 0.0, [0.0, 1e-3, 800.0], 3, on_failure="nan")
    assert ens.method == "euler-maruyama"


# ---- paths that fail -----------------------------------------------------------------------------


def test_a_step_too_long_is_blamed_on_the_step_with_its_path():
    t = np.arange(0, 20, 0.5)
    with pytest.raises(
        ValueError, match=r"drives the state .*\(path \d+, step \d+ of length 0.5\).*too long"
    ):
        simulate(System(well, 1.0, 1), 0.0, t, 500)


@pytest.mark.parametrize("drift, bounds", [(well, None), (lambda x, t: -(x**2), (-np.inf, 1.5))])
def test_failed_paths_are_dropped_or_nan_and_counted(drift, bounds):
    system, t = System(drift, 1.0, 1), np.arange(0, 20, 0.5)

    def run(policy):
        return simulate(system, 0.0, t, 500, on_failure=policy, bounds=bounds, method="euler-maruyama")

    kept, dropped = run("nan"), run("drop")
    bad = np.isnan(kept.x).any(axis=(1, 2))
    assert 0 < kept.failed == bad.sum() == dropped.failed < 500
    assert f"{kept.failed} failed" in repr(kept)
    np.testing.assert_array_equal(dropped.x, kept.x[~bad])
    first = np.argmax(np.isnan(kept.x[bad, :, 0]), axis=1)
    assert all(np.isnan(path[k:]).all() for path, k in zip(kept.x[bad, :, 0], first))
    if bounds:
        assert len(dropped.exit_time) == 500 - dropped.failed and (kept.exit_side[bad] == 0).all()


def test_a_region_counts_failures_too():
    ens = simulate(
        System(well, 1.0, 1),
        0.0,
        np.arange(0, 20, 0.5),
        500,
        on_failure="nan",
        region=lambda x: x[..., 0] < 1e3,
    )
    assert ens.failed == np.isnan(ens.x[:, -1, 0]).sum()


# ---- stiff and superlinear drifts ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["tamed", "implicit"])
def test_the_double_well_at_a_step_that_explodes(method):
    ens = simulate(System(well, 1.0, 1), 0.0, np.arange(0, 50, 0.5), 2_000, method=method, on_failure="nan")
    assert ens.method == method and ens.failed == 0
    assert np.abs(ens.x).max() < 20


def test_implicit_steps_on_a_linear_drift_are_backward_euler():
    """Stationary variance of x' = (x + sqrt(2 D h) z) / (1 + k h): 2 D h / ((1 + k h)**2 - 1)."""
    k, D, h, n = 50.0, 1.0, 0.5, 20_000
    system = System(lambda x, t: -k * x, D, 1)
    x = simulate(system, 0.0, np.arange(0, 5, h), n, method="implicit", save="final").x[:, 0, 0]
    expected = 2 * D * h / ((1 + k * h) ** 2 - 1)
    assert abs(x.var() / expected - 1) < 4 * np.sqrt(2 / n)


def van_der_pol(x, t):
    """In Liénard's plane, where a long implicit step jumps along w = const, as it must."""
    u, w = x[..., 0], x[..., 1]
    return np.stack([100 * (w - u**3 / 3 + u), -u / 100], axis=-1)


def test_van_der_pols_relaxation_oscillation():
    """Period (3 - 2 log 2) mu + 7.014 mu**(-1/3) + ... (Dorodnitsyn 1947), here at mu = 100."""
    system, t = System(van_der_pol, [0.0, 1e-12], 2), np.arange(0, 200, 0.1)
    with pytest.raises(ValueError, match="drives the state"):
        simulate(system, [2.0, 2 / 3], t, 1)
    u = simulate(system, [2.0, 2 / 3], t, 1, method="implicit").x[0, :, 0]
    down, up = (t[1:][np.sign(u[1:]) * s > np.sign(u[:-1]) * s] for s in (-1, 1))
    assert abs(2 * (up[0] - down[0]) / 162.84 - 1) < 0.02
    assert 1.95 < np.abs(u).max() < 2.05


# ---- the sense of the noise ------------------------------------------------------------------------


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("sense, share", [("ito", 0), ("stratonovich", 0.5), ("hanggi-klimontovich", 1)])
def test_geometric_brownian_motion_in_three_senses(symbolic, sense, share):
    """dx = x/2 dt + x/2 dW: log x has the drift 1/2 + (share - 1/2) / 4."""
    if symbolic:
        sp = pytest.importorskip("sympy")
        x = sp.Symbol("x")
        system = System.from_sympy([x / 2], [x], x**2 / 8)
    else:
        system = System(times_x, square, 1)
    x = simulate(system, 1.0, np.linspace(0, 1, 41), 20_000, rng=2, save="final", interpretation=sense).x
    y = np.log(x[:, 0, 0])
    assert abs(y.mean() - 0.5 - (share - 0.5) / 4) < 0.003 + 4 * y.std() / np.sqrt(20_000)


def full(x, t):
    D = np.ones(x.shape[:-1] + (2, 2))
    D[..., 0, 0] = 2 + np.cos(x[..., 1])
    D[..., 1, 1] = 2 + x[..., 0] ** 2 / 9
    return D


def test_stratonovichs_sense_needs_a_diagonal_d():
    system = System(lambda x, t: 0 * x, full, 2)
    with pytest.raises(ValueError, match='interpretation "stratonovich" needs a diagonal D'):
        simulate(system, [0.0, 0.0], [0, 0.1], 10, interpretation="stratonovich")
    assert simulate(system, [0.0, 0.0], [0, 0.1], 10, interpretation="hanggi-klimontovich").failed == 0


def test_additive_noise_has_one_sense():
    t, system = [0, 0.5, 1.0], System(well, 0.3, 1)
    a, b = (simulate(system, 0.0, t, 10, interpretation=s).x for s in ("ito", "stratonovich"))
    np.testing.assert_array_equal(a, b)
