"""Many variables: contracted second derivatives, wide blocks, derivatives by differences."""

import tracemalloc

import numpy as np
import pytest
from scipy.optimize import minimize

import noetherlib as nl
from noetherlib.lagrangian import Lagrangian, Mesh
from noetherlib.lagrangian.banded import (
    WIDE,
    damped,
    is_definite,
    log_determinant,
    pack,
    quadratic,
    solve,
    solve_indefinite,
    unpack,
    yardstick,
)

FW = "freidlin-wentzell"


class AllenCahn:
    """A field on a ring of d sites, and what is known of its drift."""

    def __init__(self, d):
        self.d, self.k = d, (d / 10) ** 2 / 2
        shift = np.roll(np.eye(d), 1, axis=0)
        self.laplacian = self.k * (shift + shift.T - 2 * np.eye(d))

    def drift(self, x, t):
        return x - x**3 + self.k * (np.roll(x, 1, -1) + np.roll(x, -1, -1) - 2 * x)

    def jacobian(self, x, t):
        return self.laplacian + (1 - 3 * x**2)[..., None] * np.eye(self.d)

    def hessian(self, x, t):
        i = np.arange(self.d)
        out = np.zeros(x.shape + (self.d, self.d))
        out[..., i, i, i] = -6 * x
        return out

    def hessian_along(self, x, t, p):
        return (-6 * x * p)[..., None] * np.eye(self.d)

    def problem(self, n=101):
        t = np.linspace(0, 20, n)
        bow = 0.3 * np.sin(np.pi * t / 20)[:, None] * np.sin(2 * np.pi * (np.arange(self.d) + 0.5) / self.d)
        return -np.ones(self.d), np.ones(self.d), t, np.linspace(-np.ones(self.d), np.ones(self.d), n) + bow


def systems(field):
    f, D, d = field.drift, 0.05, field.d
    return {
        "drift": nl.System(f, D, d),
        "jacobian": nl.System(f, D, d, field.jacobian),
        "hessian": nl.System(f, D, d, field.jacobian, field.hessian),
        "hessian_along": nl.System(f, D, d, field.jacobian, hessian_along=field.hessian_along),
    }


def test_all_forms_of_the_derivatives_lead_to_the_path_of_quasi_newton():
    field = AllenCahn(16)
    x0, x1, t, guess = field.problem(201)
    mesh = Mesh(Lagrangian(systems(field)["hessian_along"], FW), t)

    def value(inner):
        terms = mesh.terms(np.concatenate([[x0], inner.reshape(-1, 16), [x1]]), order=1)
        return terms.L @ mesh.h, mesh.gradient(terms).ravel()

    options = dict(maxcor=10, ftol=1e-15, gtol=1e-8, maxiter=10**6, maxfun=10**6)
    other = minimize(value, guess[1:-1].ravel(), jac=True, method="L-BFGS-B", options=options)
    for name, system in systems(field).items():
        path = nl.least_action_path(system, x0, x1, t, FW, guess=guess)
        assert path.converged and path.action == pytest.approx(other.fun, rel=1e-8), name


@pytest.mark.parametrize("functional", [FW, "onsager-machlup"])
def test_derivatives_of_the_action_with_wide_blocks(functional):
    d = WIDE + 2
    for name, system in systems(AllenCahn(d)).items():
        mesh = Mesh(Lagrangian(system, functional), np.array([0, 0.1, 0.25, 0.3, 0.5]))
        x = np.random.default_rng(0).normal(size=(5, d))
        terms = mesh.terms(x, order=1)
        diagonal, upper = mesh.blocks(terms, mesh.lagrangian.bend(terms))
        h = 1e-5
        for k, j in ((1, 0), (2, 3), (3, d - 1)):
            rise = [
                mesh.gradient(mesh.terms(x + s * h * (np.arange(5) == k)[:, None] * np.eye(d)[j], 1))
                for s in (1, -1)
            ]
            column = (rise[0] - rise[1]) / (2 * h)
            scale = np.abs(column).max()
            np.testing.assert_allclose(diagonal[k - 1][:, j], column[k - 1], atol=2e-5 * scale, err_msg=name)
            if k > 1:
                np.testing.assert_allclose(upper[k - 2][:, j], column[k - 2], atol=2e-5 * scale, err_msg=name)


@pytest.mark.parametrize("d", [WIDE - 1, WIDE + 1])
def test_batches_of_wide_paths_with_noise_that_changes_in_time(d):
    """Free motion, in a metric of its own at every time: straight in the clock of the noise."""
    root = np.random.default_rng(0).normal(size=(d, d)) / 4 + np.eye(d)
    D = root @ root.T

    system = nl.System(lambda x, t: 0 * x, lambda x, t: np.asarray(1 + t)[..., None, None] * D, d)
    t = np.linspace(0, 1, 11)
    x1 = np.random.default_rng(1).normal(size=(3, d))
    path = nl.least_action_path(system, np.zeros(d), x1, t, FW)
    h, mid = np.diff(t), (t[1:] + t[:-1]) / 2
    clock = np.append(0, np.cumsum((1 + mid) * h))
    assert path.converged.all() and set(path.kind) == {"minimum"} and (path.n_iter <= 3).all()
    np.testing.assert_allclose(path.x, clock[:, None] / clock[-1] * x1[:, None], atol=1e-12)
    exact = np.einsum("bi,ij,bj->b", x1, np.linalg.inv(D), x1) / (4 * clock[-1])
    np.testing.assert_allclose(path.action, exact, rtol=1e-12)


@pytest.mark.parametrize("d", [3, WIDE + 1])
def test_matrices_narrow_and_wide(d):
    rng, m = np.random.default_rng(d), 5
    diagonal = rng.normal(size=(m, d, d))
    diagonal, upper = diagonal + np.swapaxes(diagonal, -1, -2), rng.normal(size=(m - 1, d, d))
    dense = np.zeros((m, d, m, d))
    dense[np.arange(m), :, np.arange(m)] = diagonal
    dense[np.arange(m - 1), :, np.arange(1, m)] = upper
    dense[np.arange(1, m), :, np.arange(m - 1)] = np.swapaxes(upper, -1, -2)
    dense, right = dense.reshape(m * d, m * d), rng.normal(size=(m, d))
    packed = pack(diagonal, upper)
    for a, b in zip(unpack(packed), (diagonal, upper)):
        np.testing.assert_array_equal(a, b)
    assert solve(packed, right) is None and not is_definite(packed) and np.isnan(log_determinant(packed))
    np.testing.assert_allclose(solve_indefinite(packed, right).ravel(), np.linalg.solve(dense, right.ravel()))
    shift = 1 - np.linalg.eigvalsh(dense).min()
    assert quadratic(packed, right) == pytest.approx(right.ravel() @ dense @ right.ravel(), rel=1e-12)
    one = yardstick(np.ones((m, d)), np.full((m - 1, d), 0.5))
    full = yardstick(np.broadcast_to(np.eye(d), (m, d, d)), np.broadcast_to(0.5 * np.eye(d), (m - 1, d, d)))
    np.testing.assert_array_equal(damped(packed, 2.0, one), damped(packed, 2.0, full))
    assert quadratic(one, right) == pytest.approx(quadratic(full, right), rel=1e-13)
    better = damped(packed, shift, yardstick(np.ones((m, d)), np.zeros((m - 1, d))))
    dense = dense + shift * np.eye(m * d)
    np.testing.assert_allclose(solve(better, right).ravel(), np.linalg.solve(dense, right.ravel()), rtol=1e-9)
    assert is_definite(better)
    assert log_determinant(better) == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-12)


@pytest.mark.parametrize("form", ["hessian", "hessian_along"])
def test_memory_stays_near_that_of_the_matrix(form):
    """64 variables: the whole tensor of second derivatives at 100 times would be 210 MB."""
    field = AllenCahn(64)
    x0, x1, t, guess = field.problem()
    system = systems(field)[form]
    tracemalloc.start()
    with pytest.warns(nl.NotConverged):
        path = nl.least_action_path(system, x0, x1, t, FW, guess=guess, max_iter=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 75e6 and path.n_iter == 3


def test_a_derivative_of_the_wrong_shape_or_without_a_number_is_named():
    field = AllenCahn(4)
    x0, x1, t, guess = field.problem(21)
    bad = {
        "jacobian": dict(jacobian=lambda x, t: np.zeros(x.shape)),
        "hessian": dict(jacobian=field.jacobian, hessian=lambda x, t: np.zeros((2, 2))),
        "hessian_along": dict(jacobian=field.jacobian, hessian_along=lambda x, t, p: np.zeros((2, 2))),
    }
    for name, known in bad.items():
        with pytest.raises(ValueError, match=rf"{name}\(x, t\) must return shape"):
            nl.least_action_path(nl.System(field.drift, 0.05, 4, **known), x0, x1, t, FW, guess=guess)
    nan = {
        "jacobian": dict(jacobian=lambda x, t: np.full(x.shape + (4,), np.nan)),
        "hessian": dict(
            jacobian=field.jacobian, hessian_along=lambda x, t, p: np.full(x.shape + (4,), np.nan)
        ),
    }
    for name, known in nan.items():
        with pytest.raises(ValueError, match=f"{name} must be finite"):
            nl.least_action_path(nl.System(field.drift, 0.05, 4, **known), x0, x1, t, FW, guess=guess)
