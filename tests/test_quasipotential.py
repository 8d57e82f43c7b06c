"""The quasipotential on a grid, against closed forms and against geometric paths."""

import pickle
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import sympy as sp

import noetherlib as nl
from noetherlib.rates.taylor import curvature

FULL = np.array([[0.5, 0.2], [0.2, 0.3]])
x, y = sp.symbols("x y", real=True)
HILL = x**2 / 2 + y**2 + sp.Rational(3, 20) * x**4 + sp.Rational(3, 10) * x**2 * y


def turning(D, rate):
    """``f = (-D + rate J) grad V``, whose quasipotential is V, and V."""
    D = np.broadcast_to(D, (2, 2)) if np.ndim(D) else D * np.eye(2)
    slope = sp.Matrix([HILL.diff(x), HILL.diff(y)])
    drift = (sp.Matrix(2, 2, lambda i, j: -D[i, j]) + rate * sp.Matrix([[0, 1], [-1, 0]])) * slope
    return nl.System.from_sympy(list(drift), [x, y], D), sp.lambdify((x, y), HILL)


def nodes(q):
    return np.meshgrid(*q.axes, indexing="ij")


@pytest.fixture(scope="module")
def wells():
    return nl.quasipotential(nl.models.maier_stein(1.0), [-1, 0], [(-1.8, 1.8), (-0.9, 0.9)], (121, 61))


# ---- closed forms --------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("D", [1.0, FULL], ids=["isotropic", "full"])
def test_a_gradient_and_a_rotation_along_its_level_sets(D, rate):
    system, exact = turning(D, rate)
    size = []
    for n in (65, 97):
        q = nl.quasipotential(system, [0, 0], (-1.5, 1.5), n)
        known = np.isfinite(q.values)
        miss = np.abs(q.values - exact(*nodes(q)))[known]
        assert 0.2 < known.mean() < 1 and (q.values[known] <= q.level).all()
        assert (miss < q.error[known]).mean() > 0.85 and (miss < 3 * q.error[known] + 2e-2 * q.level).all()
        assert np.median(miss) < 2e-3 * q.level
        size.append(np.median(miss))
    assert size[1] < (65 / 97) ** 1.5 * size[0]  # measured orders: 1.7 to 4


def test_a_linear_system_is_exact():
    A = np.array([[-1.0, 3.0], [-0.5, -2.0]])
    q = nl.quasipotential(nl.System(lambda x, t: x @ A.T, FULL, 2), [0, 0], (-2, 2), 49)
    P = curvature(A, FULL, "attractor")
    X = np.stack(nodes(q), axis=-1)
    known = np.isfinite(q.values)
    miss = np.abs(q.values - np.einsum("...i,ij,...j", X, P, X) / 2)[known]
    assert (miss < q.error[known]).all() and np.median(miss) < 1e-2 * q.level
    bent = np.abs(q.gradient - X @ P)[known]
    assert np.median(bent) < 2e-2 * np.abs(X @ P)[known].max()


def test_weaker_noise_makes_it_higher(wells):
    weak = nl.quasipotential(nl.models.maier_stein(0.05), [-1, 0], [(-1.8, 1.8), (-0.9, 0.9)], (121, 61))
    np.testing.assert_allclose(weak.values, 20 * wells.values, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(weak.level, 20 * wells.level, rtol=1e-5)


# ---- the equation --------------------------------------------------------------------------------


def test_the_energy_is_zero(wells):
    X = np.stack(nodes(wells), axis=-1)
    f, p = wells.system.drift(X, 0.0), wells.gradient
    energy = (f * p).sum(axis=-1) + (p**2).sum(axis=-1)
    arcs = np.isfinite(wells.values) & (np.linalg.norm(X - [-1, 0], axis=-1) > 0.25)
    assert np.abs(energy[arcs]).max() < 1e-12  # beyond the series
    slope = np.gradient(wells.values, *wells.axes)
    smooth = (X[..., 0] < -0.6) & (np.abs(X[..., 1]) < 0.3) & np.isfinite(slope[0] + slope[1])
    apart = np.linalg.norm(np.stack(slope, axis=-1) - p, axis=-1) / np.abs(p[arcs]).max()
    assert np.quantile(apart[smooth], 0.9) < 0.01


def test_a_reflection_of_the_system_is_one_of_the_values(wells):
    apart = np.abs(wells.values - wells.values[:, ::-1])
    both = np.isfinite(apart)
    assert both.mean() > 0.4 and (apart < wells.error)[both].all()


# ---- against paths -------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [3.0, 10.0])  # before and after the path to the saddle splits
def test_maier_stein_against_geometric_paths(beta):
    system = nl.models.maier_stein(1.0, beta=beta)
    q = nl.quasipotential(system, [-1, 0], [(-1.8, 1.8), (-0.9, 0.9)], (121, 61))
    for end in [(0, 0), (-0.4, 0.2), (-0.3, -0.3), (0.2, 0.2), (-1.2, 0.2)]:
        geo = nl.geometric_path(system, [-1, 0], end)
        assert geo.converged
        assert abs(q.at(end) - geo.action) < q.error_at(end) + 3 * geo.error
        assert q.error_at(end) < 0.05 * geo.action


def test_downhill_costs_nothing(wells):
    barrier = wells.at([0.0, 0.0])
    assert abs(wells.at([1.0, 0.0]) - barrier) < wells.error_at([1.0, 0.0])
    beyond = wells.axes[0] > 0.2
    assert (wells.values[beyond] > barrier - wells.error_at([0.0, 0.0]))[
        np.isfinite(wells.values[beyond])
    ].all()


def test_another_attractor_may_be_a_node():
    """Around it nodes feed each other for free."""
    for beta in (3.0, 10.0):
        system = nl.models.maier_stein(1.0, beta=beta)
        q = nl.quasipotential(system, [-1, 0], [(-1.8, 1.8), (-0.9, 0.9)], (109, 57))
        assert np.abs(q.axes[0] - 1).min() < 1e-12 and np.abs(q.axes[1]).min() < 1e-12
        np.testing.assert_allclose(q.at([1.0, 0.0]), q.at([0.0, 0.0]), atol=2e-3)


def test_a_larger_box_changes_nothing_below_the_level():
    system, _ = turning(1.0, 1.0)
    small, large = (nl.quasipotential(system, [0, 0], (-a, a), n) for a, n in [(1.0, 41), (1.5, 61)])
    assert large.level > 1.5 * small.level
    inner = large.values[10:51, 10:51]
    known = np.isfinite(small.values)
    assert np.isfinite(inner[known]).all()
    apart = np.abs(inner - small.values)[known]
    assert (apart < 3 * (small.error + large.error[10:51, 10:51])[known]).all()


# ---- the object ----------------------------------------------------------------------------------


def test_the_object(wells):
    assert "\n" not in repr(wells) and "121 x 61 nodes" in repr(wells)
    with pytest.raises(FrozenInstanceError):
        wells.level = 1.0
    X = np.stack(nodes(wells), axis=-1)
    np.testing.assert_allclose(wells.at(X), wells.values, rtol=1e-12)
    np.testing.assert_array_equal(np.isnan(wells.error), np.isnan(wells.values))
    assert np.isnan(wells.at(X[0, 0])) and wells.at(X[:3, :4]).shape == (3, 4)
    assert np.asarray(wells).shape == (121, 61)
    with pytest.raises(ValueError, match="lie in the box"):
        wells.at([5.0, 0.0])
    again = pickle.loads(pickle.dumps(wells.system))
    np.testing.assert_array_equal(again.drift(X, 0.0), wells.system.drift(X, 0.0))


def test_a_rough_grid_says_so():
    with pytest.warns(nl.Coarse, match="more nodes"):
        nl.quasipotential(turning(1.0, 30.0)[0], [0, 0], (-1.5, 1.5), 41)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nl.quasipotential(turning(1.0, 1.0)[0], [0, 0], (-1.5, 1.5), 41)


@pytest.mark.filterwarnings("ignore::noetherlib.Coarse")
def test_values_that_never_settle_say_so(wells):
    """Where the drift turns a hundred times faster than it falls, feet are chosen back and forth."""
    with pytest.warns(nl.NotConverged, match="40 passes"):
        q = nl.quasipotential(turning(1.0, 100.0)[0], [0, 0], (-1.5, 1.5), 41)
    assert q.converged is False and "not converged" in repr(q)
    assert wells.converged is True and "not converged" not in repr(wells)


@pytest.mark.filterwarnings("ignore::noetherlib.Coarse")
@pytest.mark.parametrize("passes", [1, 3])
def test_where_passes_run_out_the_error_knows(monkeypatch, passes):
    system, exact = turning(1.0, 1.0)
    monkeypatch.setattr("noetherlib.rates.sweep.PASSES", passes)
    with pytest.warns(nl.NotConverged):
        q = nl.quasipotential(system, [0, 0], (-1.5, 1.5), 49)
    known = np.isfinite(q.values)
    miss = np.abs(q.values - exact(*nodes(q)))[known]
    assert not q.converged and (miss < q.error[known]).mean() > 0.95


SADDLE = nl.models.maier_stein(1.0)


@pytest.mark.parametrize(
    ("system", "attractor", "box", "shape", "message"),
    [
        (nl.models.double_well(1.0), [-1.0], (-2, 2), 41, "two variables, got 1"),
        (nl.models.ornstein_uhlenbeck(3, 1.0, 1.0), [0, 0, 0], (-2, 2), 41, "two variables, got 3"),
        (SADDLE, [-1, 0], (2, -2), 41, "box must be"),
        (SADDLE, [-1, 0], (-2, 2), 20, "shape must be an integer of at least 41"),
        (SADDLE, [-1, 0], (-2, 2), (41, 41, 41), "a number of nodes or two"),
        (SADDLE, [0, 0], (-2, 2), 41, "attractor must be stable"),
        (SADDLE, [-0.9, 0], (-2, 2), 41, "attractor must be a fixed point"),
        (SADDLE, [-1, 0], (0, 2), 41, "attractor must lie inside the box"),
        (SADDLE, [-1, 0], (-1.1, 2), 41, "attractor must lie inside the box"),
        (nl.System(lambda x, t: -x, [1.0, 0.0], 2), [0, 0], (-2, 2), 41, "noise on both variables"),
        (nl.System(lambda x, t: -x, lambda x, t: 1 + x**2, 2), [0, 0], (-2, 2), 41, "noise that is constant"),
        (nl.System(lambda x, t: -x * (1 + t), 1.0, 2), [0, 0], (-2, 2), 41, "must not depend on time"),
        ("none", [0, 0], (-2, 2), 41, "system must be a System"),
    ],
)
def test_what_is_refused(system, attractor, box, shape, message):
    with pytest.raises(ValueError, match=message):
        nl.quasipotential(system, attractor, box, shape)


@pytest.mark.filterwarnings("ignore::noetherlib.Coarse")
@pytest.mark.parametrize("beta, cost", [(6.0, 0.2262), (10.0, 0.17)])
def test_feet_that_lead_to_one_another_are_no_end(beta, cost):
    """On this mesh some rings of feet close upon themselves; the costs are those of geometric paths."""
    system = nl.models.maier_stein(1.0, beta)
    found = nl.quasipotential(system, [-1, 0], [(-1.8, 1.8), (-0.9, 0.9)], (81, 41))
    assert found.error_at([0.0, 0.0]).shape == ()
    assert abs(found.at([0.0, 0.0]) - cost) < found.error_at([0.0, 0.0]) < 0.1 * cost
